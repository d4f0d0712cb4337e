"""aias analytics dead-letters list"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.commands.analytics.dead_letters.options import ReasonCodeOption, SinceOption, choose_filter
from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("letter_id", "received_at", "reason", "field", "detail", "source")


class State(StrEnum):
    """What became of a letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"


def list_dead_letters(
    ctx: typer.Context,
    state: Annotated[State, typer.Option("--state", help="What became of them.")] = State.OPEN,
    since: SinceOption = None,
    reason_code: ReasonCodeOption = None,
    check: Annotated[bool, typer.Option("--check", help="End with 10 if any is open.")] = False,
) -> None:
    """List refused events, oldest first, with what is wrong with each; payloads are shown one at a time.

    Example: aias analytics dead-letters list --since 7d --check
    """
    from aias_core.analytics.ingest.letters import LetterFilter, count_letters, list_letters

    context, which = current(ctx), choose_filter(since, reason_code, state.value)
    with context.environment().endpoints().analytics_connection() as connection:
        letters, count = list_letters(connection, which), count_letters(connection, which)
        still_open = count_letters(connection, LetterFilter())
    data = {"count": count, "open": still_open, "letters": letters}
    context.printer.result("aias.analytics.dead-letters.list/1", data, "letters", COLUMNS)
    if check and still_open:
        raise DifferenceFound(
            f"{still_open} dead letters are open", hint="look at one with: aias analytics dead-letters show LETTER"
        )
