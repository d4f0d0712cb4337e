"""aias analytics validate"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("line", "verdict", "reason", "field", "detail")


def validate(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Events, one JSON object a line; gzip and zstd too.")],
) -> None:
    """Check a file of usage events line by line, as ingest would. Stores nothing. Ends with 10 if one is not valid.

    Example: aias analytics validate events.ndjson.gz
    """
    from aias_core import clock
    from aias_core.analytics.ingest.files import open_events
    from aias_core.analytics.ingest.load import validate_events

    printer = current(ctx).printer
    with open_events(file, sys.stdin.buffer) as events:
        validation = validate_events(events, clock.now())
    printer.result("aias.analytics.validate/1", asdict(validation), "verdicts", COLUMNS)
    printer.note(f"{validation.valid} valid, {validation.invalid} not.")
    if validation.invalid:
        raise DifferenceFound(f"{validation.invalid} lines are not valid events")
