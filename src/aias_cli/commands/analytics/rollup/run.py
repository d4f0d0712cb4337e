"""aias analytics rollup run"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.commands.analytics.options import AlignOption
from aias_cli.context import current
from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from aias_core.analytics.stores.protocol import Grain
    from aias_core.windows import Window

COLUMNS = ("grain", "bucket_start", "org_id", "entries", "since")


class Granularity(StrEnum):
    """Which buckets are recomputed."""

    HOUR = "hour"
    DAY = "day"
    ALL = "all"


def run(
    ctx: typer.Context,
    granularity: Annotated[Granularity, typer.Option("--granularity", help="Which buckets.")] = Granularity.ALL,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First bucket, with --to.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="First bucket after the last.")] = None,
    align: AlignOption = False,
    org: Annotated[str | None, typer.Option("--org", help="Only this organization; with a window.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the buckets, recompute none.")] = False,
) -> None:
    """Recompute every hour and day that new facts have touched, and every bucket of a window if one is given.

    Example: aias analytics rollup run --from 2026-11-01T10:00Z --to 2026-11-01T12:00Z
    """
    from aias_core.analytics.dimensions import get_organization
    from aias_core.analytics.rollup import run as rollup

    context, grains = current(ctx), _grains(granularity)
    window = _window(start, end, org, grains, align)
    with context.environment().endpoints().analytics_connection() as connection:
        org_id = get_organization(connection, org)[0] if org else None
        if dry_run:
            waiting = [row for row in rollup.list_dirty_buckets(connection) if row["grain"] in grains]
            found = rollup.list_window_buckets(connection, window, org_id, grains) if window else waiting
            data = {"buckets": found, "dirty": len(waiting)}
            context.printer.result("aias.analytics.rollup.run/1", data, "buckets", COLUMNS)
            return
        if window:
            rollup.enqueue_window(connection, window, org_id, grains)
        record = rollup.run_rollup(connection, grains=grains).as_record()
    context.printer.result("aias.analytics.rollup.run/1", record)


def _grains(granularity: Granularity) -> tuple[Grain, ...]:
    grains: dict[Granularity, tuple[Grain, ...]] = {Granularity.HOUR: ("hour",), Granularity.DAY: ("day",)}
    return grains.get(granularity, ("hour", "day"))


def _window(
    start: str | None, end: str | None, org: str | None, grains: tuple[Grain, ...], align: bool
) -> Window | None:
    from aias_core.analytics.rollup.run import align_window
    from aias_core.windows import parse_window

    if (start is None) != (end is None) or (org and start is None):
        raise InvalidInput("A window has both --from and --to", hint="see: aias analytics rollup run --help")
    return align_window(parse_window(start, end), grains, widen=align) if start and end else None
