"""aias analytics dead-letters drop"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics.dead_letters.options import (
    LetterArguments,
    ReasonCodeOption,
    SinceOption,
    choose_filter,
    find_ids,
)
from aias_cli.context import current


def drop(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they are given up.")],
    letters: LetterArguments = None,
    since: SinceOption = None,
    reason_code: ReasonCodeOption = None,
) -> None:
    """Give refused events up for good, saying why. They are never counted or billed.

    Example: aias analytics dead-letters drop --reason-code malformed --reason "a probe of the load test"
    """
    from aias_core.accounts import own_name
    from aias_core.analytics.ingest.letters import drop_letters

    context, which = current(ctx), choose_filter(since, reason_code)
    with context.environment().endpoints().analytics_connection() as connection:
        found = find_ids(connection, letters, which)
        if found:
            context.confirm(f"Drop {len(found)} dead letters? Their events are never counted.")
        dropped = drop_letters(connection, found, own_name(), reason)
    context.printer.result("aias.analytics.dead-letters.drop/1", {"dropped": dropped, "reason": reason})
