"""aias analytics ingest load"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aias_cli.context import current

COLUMNS = ("line", "reason", "field", "detail")


def load(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Events, one JSON object a line; gzip and zstd too.")],
    batch: Annotated[int, typer.Option("--batch", min=1, max=50_000, help="Events a transaction.")] = 5_000,
    allow_old: Annotated[bool, typer.Option("--allow-old", help="Let in events of up to 400 days.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a killed load of this file stopped.")] = False,
) -> None:
    """Store the usage events of a file, each exactly once; what the contract refuses becomes a dead letter.

    Example: aias analytics ingest load events.ndjson.zst --allow-old --resume
    """
    from aias_core.analytics.ingest.files import open_events
    from aias_core.analytics.ingest.load import OLD_LIMIT, LoadOptions, load_events
    from aias_core.contracts.usage import AGE_LIMIT

    context = current(ctx)
    options = LoadOptions(batch, OLD_LIMIT if allow_old else AGE_LIMIT, resume, context.printer.note)
    with (
        context.environment().endpoints().analytics_connection() as connection,
        open_events(file, sys.stdin.buffer) as events,
    ):
        record = load_events(connection, events, options).as_record()
    if record["rejects"]:
        context.printer.note_table("Refused, and kept as dead letters", record["rejects"], COLUMNS)
    context.printer.result("aias.analytics.ingest.load/1", record)
