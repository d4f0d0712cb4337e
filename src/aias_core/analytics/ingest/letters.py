"""Dead letters: events that were refused, kept until somebody replays or drops them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.analytics.ingest.batch import prepare
from aias_core.analytics.ingest.store import Origin, ensure_partitions, store_batch
from aias_core.contracts import usage
from aias_core.database.queries import load_queries
from aias_core.errors import NotFound

if TYPE_CHECKING:
    from psycopg import Connection

LISTED = 10_000
SOURCE = "replay"
OLDEST = usage.AGE_LIMIT
ERASED = "its organization or person was erased"

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters: by state, by the time they came since, by the code of the reason."""

    state: str = "open"
    since: datetime | None = None
    reason: str | None = None


def list_letters(connection: Connection, which: LetterFilter, limit: int = LISTED) -> list[dict[str, Any]]:
    """The letters, oldest first, without their payloads."""
    return list(_rows(connection, "list_letters", {**asdict(which), "limit": limit}))


def count_letters(connection: Connection, which: LetterFilter) -> int:
    """How many letters there are."""
    [count] = connection.execute(_queries["count_letters"], asdict(which)).fetchone() or (0,)
    return int(count)


def show_letter(connection: Connection, letter_id: UUID) -> dict[str, Any]:
    """A letter with its payload as text. Raises NotFound."""
    for letter in _rows(connection, "show_letter", [letter_id]):
        return {**letter, "payload": bytes(letter["payload"]).decode(errors="backslashreplace")}
    raise NotFound(f"There is no dead letter {letter_id}", hint="list them with: aias analytics dead-letters list")


def replay_letters(connection: Connection, letter_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Sends open letters through ingest again, each in one transaction with the change of its state.

    One that is still refused stays open; one that is not open, or that another replay holds, is passed over.
    """
    ensure_partitions(connection, clock.now())
    return [{"letter_id": letter_id, **_replay(connection, letter_id)} for letter_id in letter_ids]


def drop_letters(connection: Connection, letter_ids: Sequence[UUID], who: str, reason: str) -> int:
    """Gives letters up for good, saying who and why; returns how many were open."""
    dropped = {"state": "dropped", "dropped_by": who, "drop_reason": reason}
    return sum(_close(connection, letter_id, dropped) for letter_id in letter_ids)


def _replay(connection: Connection, letter_id: UUID) -> dict[str, Any]:
    from psycopg import Rollback

    verdict: dict[str, str | None] = {"verdict": "not open", "reason": None}
    with connection.transaction() as outer:
        row = connection.execute(_queries["lock_letter"], [letter_id]).fetchone()
        if row is None:
            return verdict
        verdict = _ingest_again(connection, *row)
        if verdict["verdict"] == "refused":
            raise Rollback(outer)
        _close(connection, letter_id, _closing(verdict["verdict"]))
    return verdict


def _ingest_again(connection: Connection, payload: bytes, came_at: datetime) -> dict[str, str | None]:
    """What ingest says now. The time that an event has waited as a letter makes it no older."""
    now = clock.now()
    batch = prepare([payload], now, OLDEST + (now - came_at))
    if batch.letters or not batch.rows:
        return {"verdict": "refused", "reason": batch.letters[0].rejection.reason if batch.letters else "malformed"}
    result = store_batch(connection, batch, Origin(SOURCE))
    if result.rejected:
        [(_, reason, _, _)] = connection.execute(_queries["list_refused"], [SOURCE, now]).fetchall()
        return {"verdict": "refused", "reason": reason}
    verdict = "accepted" if result.accepted else "erased" if result.erased else "duplicate"
    return {"verdict": verdict, "reason": None}


def _closing(verdict: str | None) -> dict[str, Any]:
    if verdict == "erased":
        return {"state": "dropped", "dropped_by": SOURCE, "drop_reason": ERASED}
    return {"state": "replayed", "dropped_by": None, "drop_reason": None}


def _close(connection: Connection, letter_id: UUID, closing: dict[str, Any]) -> int:
    return connection.execute(_queries["close_letter"], {"letter_id": letter_id, **closing}).rowcount


def _rows(connection: Connection, query: str, values: Any) -> Iterator[dict[str, Any]]:
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        yield from cursor.execute(_queries[query], values)
