"""aias analytics dead-letters show"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from aias_cli.context import current


def show(
    ctx: typer.Context, letter: Annotated[UUID, typer.Argument(metavar="LETTER", help="Id of the letter.")]
) -> None:
    """Show one refused event as it came, and what became of it.

    Example: aias analytics dead-letters show 019ab1c2-0000-7000-8000-000000000000
    """
    from aias_core.analytics.ingest.letters import show_letter

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        record = show_letter(connection, letter)
    context.printer.result("aias.analytics.dead-letters.show/1", record)
