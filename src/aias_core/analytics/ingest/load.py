"""Loads files of events through the checks and transactions of ingest; a killed load goes on where it stopped.

The checkpoint is the batch row itself: it commits with the events and names the bytes of the file they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.analytics.ingest.batch import Batch, prepare
from aias_core.analytics.ingest.files import STDIN, EventFile, Piece
from aias_core.analytics.ingest.store import IngestResult, Origin, ensure_partitions, store_batch
from aias_core.contracts import usage
from aias_core.database.queries import load_queries
from aias_core.errors import InvalidInput, NothingRan, Partial

if TYPE_CHECKING:
    from psycopg import Connection

OLD_LIMIT = timedelta(days=400)
BATCH_EVENTS = 5_000
LISTED = 1_000
TELL_SECONDS = 2.0

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a file is loaded: events a transaction, the age that is let in, and whether to go on after a killed load."""

    batch: int = BATCH_EVENTS
    oldest: timedelta = usage.AGE_LIMIT
    resume: bool = False
    tell: Callable[[str], None] | None = None


@dataclass(slots=True)
class LoadReport:
    """What became of the lines of a file; of the refused ones the first thousand are listed."""

    source: str
    resumed_at: int = 0
    lines: int = 0
    result: IngestResult = field(default_factory=IngestResult)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        counts = {"source": self.source, "resumed_at": self.resumed_at, "lines": self.lines}
        return {**counts, **asdict(self.result), "rejects": self.rejects}


def load_events(connection: Connection, file: EventFile, options: LoadOptions) -> LoadReport:
    """Stores the events of a file, each exactly once. The connection commits each statement.

    Raises NothingRan for an empty file, InvalidInput for a damaged one, Partial when interrupted.
    """
    ensure_partitions(connection, clock.now(), clock.now() - options.oldest)
    report = LoadReport(file.source)
    if options.resume:
        report.resumed_at = _resume(connection, file)
    try:
        _load(connection, file, options, report)
    except KeyboardInterrupt as exc:
        raise Partial(f"Interrupted: {_count(report)}", hint="go on with: aias analytics ingest load --resume") from exc
    if not report.lines and not report.resumed_at:
        raise NothingRan(f"'{file.name}' holds no events", hint="an event is one JSON object a line")
    return report


def _resume(connection: Connection, file: EventFile) -> int:
    if file.name == STDIN:
        raise InvalidInput("What comes on stdin can not be resumed", hint="name the file, or leave out --resume")
    [checkpoint] = connection.execute(_queries["find_checkpoint"], [file.source]).fetchone() or (0,)
    file.skip_to(checkpoint)
    return file.offset


def _load(connection: Connection, file: EventFile, options: LoadOptions, report: LoadReport) -> None:
    told = clock.monotonic()
    for piece, batch in _iter_prepared(file, options):
        origin = Origin(file.source, piece.start, piece.end)
        result = store_batch(connection, batch, origin)
        if result.rejected and len(report.rejects) < LISTED:
            refused = list_refused(connection, origin, batch, piece.lines, piece.first_line)
            report.rejects += refused[: LISTED - len(report.rejects)]
        report.lines += sum(map(bool, map(bytes.strip, piece.lines)))
        report.result += result
        if options.tell and clock.monotonic() - told > TELL_SECONDS:
            told = clock.monotonic()
            options.tell(_count(report))


def _iter_prepared(file: EventFile, options: LoadOptions) -> Iterator[tuple[Piece, Batch]]:
    """The pieces of a file, each checked in a thread while PostgreSQL stores the one before."""

    def take() -> tuple[Piece, Batch] | None:
        for piece in pieces:
            return piece, prepare(piece.lines, clock.now(), options.oldest)
        return None

    pieces = file.iter_pieces(options.batch)
    with ThreadPoolExecutor(1, "prepare") as ahead:
        following = ahead.submit(take)
        while prepared := following.result():
            following = ahead.submit(take)
            yield prepared


def list_refused(
    connection: Connection, origin: Origin, batch: Batch, lines: Sequence[bytes], first_line: int = 1
) -> list[dict[str, Any]]:
    """The refused events of a stored batch by line. Equal lines are refused alike, so any of them may come first."""
    places: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines, first_line):
        places.setdefault(line.strip(), []).append(number)
    refused = connection.execute(_queries["list_refused"], [origin.source, batch.received_at]).fetchall()
    found = [
        {"line": places[payload].pop(), "reason": reason, "field": name, "detail": detail}
        for payload, reason, name, detail in refused
    ]
    return sorted(found, key=lambda row: row["line"])


def _count(report: LoadReport) -> str:
    result = report.result
    return f"{report.lines} lines: {result.accepted} stored, {result.duplicate} duplicate, {result.rejected} refused"


@dataclass(frozen=True, slots=True)
class Validation:
    """The verdicts on the lines of a file: the first thousand, and how many there are of each."""

    valid: int
    invalid: int
    verdicts: list[dict[str, Any]]


def validate_events(file: EventFile, now: datetime, oldest: timedelta = usage.AGE_LIMIT) -> Validation:
    """What ingest would say of each line, duplicates and conflicts apart. Raises NothingRan for an empty file."""
    valid, invalid, verdicts = 0, 0, list[dict[str, Any]]()
    for piece in file.iter_pieces(BATCH_EVENTS):
        for number, line in enumerate(piece.lines, piece.first_line):
            if not line.strip():
                continue
            letters = prepare([line], now, oldest).letters
            valid, invalid = valid + (not letters), invalid + len(letters)
            if len(verdicts) < LISTED:
                fault = letters[0].rejection if letters else None
                verdicts.append(_describe(number, fault))
    if not valid + invalid:
        raise NothingRan(f"'{file.name}' holds no events", hint="an event is one JSON object a line")
    return Validation(valid, invalid, verdicts)


def _describe(number: int, fault: usage.EventRejected | None) -> dict[str, Any]:
    if fault is None:
        return {"line": number, "verdict": "valid", "reason": None, "field": None, "detail": None}
    return {"line": number, "verdict": "invalid", "reason": fault.reason, "field": fault.field, "detail": fault.detail}
