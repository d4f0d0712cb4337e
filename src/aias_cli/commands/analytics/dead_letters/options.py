"""The options that say which letters are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.analytics.ingest.letters import LetterFilter

LetterArguments = Annotated[
    list[UUID] | None, typer.Argument(metavar="[LETTER]...", help="Ids of letters [all open ones that match].")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Those that came since an instant, a date, or 24h, 7d.")
]
ReasonCodeOption = Annotated[
    str | None, typer.Option("--reason-code", metavar="CODE", help="Those refused for this reason, such as future.")
]


def choose_filter(since: str | None, reason_code: str | None, state: str = "open") -> LetterFilter:
    """The letters that the options mean. Raises InvalidInput for a reason there is not."""
    from aias_core import clock
    from aias_core.analytics.ingest.letters import LetterFilter
    from aias_core.contracts.usage import RejectReason
    from aias_core.windows import parse_edge, parse_span

    if reason_code is not None and reason_code not in list(RejectReason):
        raise InvalidInput(f"'{reason_code}' is not a reason", hint=f"one of: {', '.join(RejectReason)}")
    is_span = since is not None and since[-1:] in "smhd"
    at = since and (clock.now() - parse_span(since) if is_span else parse_edge(since))
    return LetterFilter(state, at or None, reason_code)


def find_ids(connection: Connection, letters: list[UUID] | None, which: LetterFilter) -> list[UUID]:
    """The letters that were named, or else those that match."""
    from aias_core.analytics.ingest.letters import list_letters

    return letters or [letter["letter_id"] for letter in list_letters(connection, which)]
