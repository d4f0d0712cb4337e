"""aias analytics rollup rebuild"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.commands.analytics.options import AlignOption
from aias_cli.context import current


class Engine(StrEnum):
    """By what facts are grouped."""

    ROWS = "rows"
    COLUMNS = "columns"


def rebuild(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="First day.")],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="First day after the last.")],
    align: AlignOption = False,
    max_rows_per_sec: Annotated[
        int | None, typer.Option("--max-rows-per-sec", metavar="N", min=1, help="Facts read a second [no limit].")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="Connections at work.")] = 2,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Group in PostgreSQL by rows, or in this process by columns (chDB).")
    ] = Engine.ROWS,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last whole day of a killed rebuild.")
    ] = False,
) -> None:
    """Recompute all rollups of a range from its facts, day by day; new facts are rolled up first. May be killed.

    Example: aias analytics rollup rebuild --from 2026-10-01 --to 2026-11-01 --max-rows-per-sec 100000 --resume
    """
    from aias_core.accounts import own_name
    from aias_core.analytics.rollup.rebuild import RebuildOptions, run_rebuild
    from aias_core.analytics.rollup.run import align_window
    from aias_core.windows import parse_window

    context, window = current(ctx), align_window(parse_window(start, end), ("day",), widen=align)
    endpoints = context.environment().endpoints()
    options = RebuildOptions(own_name(), max_rows_per_sec, workers, resume, engine.value, context.printer.note)
    record = run_rebuild(endpoints.analytics_connection, window, options).as_record()
    context.printer.result("aias.analytics.rollup.rebuild/1", record)
