"""aias analytics dead-letters replay"""

from __future__ import annotations

from collections import Counter

import typer

from aias_cli.commands.analytics.dead_letters.options import (
    LetterArguments,
    ReasonCodeOption,
    SinceOption,
    choose_filter,
    find_ids,
)
from aias_cli.context import current
from aias_core.errors import Partial

COLUMNS = ("letter_id", "verdict", "reason")


def replay(
    ctx: typer.Context, letters: LetterArguments = None, since: SinceOption = None, reason_code: ReasonCodeOption = None
) -> None:
    """Send refused events through ingest again. One still refused stays open; a stored one is a duplicate.

    Example: aias analytics dead-letters replay --reason-code future
    """
    from aias_core.analytics.ingest.letters import replay_letters

    context, which = current(ctx), choose_filter(since, reason_code)
    with context.environment().endpoints().analytics_connection() as connection:
        results = replay_letters(connection, find_ids(connection, letters, which))
    counts = Counter(result["verdict"] for result in results)
    data = {"replayed": len(results), "verdicts": dict(counts), "letters": results}
    context.printer.result("aias.analytics.dead-letters.replay/1", data, "letters", COLUMNS)
    if counts["refused"]:
        raise Partial(
            f"{counts['refused']} of {len(results)} are still refused",
            hint="give up what can not be stored with: aias analytics dead-letters drop --reason TEXT",
        )
