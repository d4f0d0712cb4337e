"""Turns lines into a batch: events that keep the contract as rows for PostgreSQL, the others as dead letters.

A row is a line of `COPY … (FORMAT csv, QUOTE '"', ESCAPE '\\', NULL 'null')`: the members of a JSON array are just
that, so the encoder that writes JSON writes the row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from aias_core.analytics import sketch
from aias_core.contracts import cloudevents, usage
from aias_core.contracts.usage import Adjustment, Event, EventRejected, RejectReason, UsageEvent

SERIES_COLUMNS = (
    "org_id",
    "project_id",
    "api_key_id",
    "model_id",
    "operation",
    "region",
    "currency",
    "price_id",
)
_FIRST = ("event_id", *SERIES_COLUMNS)
_APART = {"schema", "labels", *_FIRST}
_REST = tuple(name for name in UsageEvent.__struct_fields__ if name not in _APART)
EVENT_COLUMNS = (*_FIRST, *_REST)
_KEY_BYTES = len('"00000000-0000-0000-0000-000000000000",') * 2
_SERIES_START = len('["00000000-0000-0000-0000-000000000000",')
_ADJUSTMENT_VALUES: dict[str, Any] = {
    **dict.fromkeys(("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"), 0),
    **{"billable": False, "streamed": False, "attempts": 1, "route": "primary"},
}

_first_of, _rest_of = attrgetter(*_FIRST), attrgetter(*_REST)
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_ESCAPED = re.compile(rb"\\(u[0-9a-f]{4}|.)")


@dataclass(frozen=True, slots=True)
class Letter:
    """A line that is not stored as a fact, and why."""

    payload: bytes
    rejection: EventRejected

    def as_record(self) -> dict[str, Any]:
        reason = self.rejection
        return {"payload": self.payload, "reason": reason.reason, "field": reason.field, "detail": reason.detail}


@dataclass(slots=True)
class Batch:
    """Rows sorted by event, each with the line it came from and its series; and the letters."""

    received_at: datetime
    rows: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    series: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def render(self) -> bytes:
        """The rows as one text, each followed by its place in the batch and the number of its series."""
        places = range(len(self.rows))
        return b"".join([b"%b,%d,%d\n" % row for row in zip(self.rows, places, self.numbers, strict=True)])

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches of half the rows each; the letters go with the first."""
        middle = len(self.rows) // 2
        first, second = (
            Batch(self.received_at, self.rows[part], self.lines[part], self.series[part], self.numbers[part])
            for part in (slice(middle), slice(middle, None))
        )
        first.letters = self.letters
        return first, second


def prepare(
    lines: Iterable[bytes], received_at: datetime, oldest: timedelta = usage.AGE_LIMIT, *, adjustments: bool = False
) -> Batch:
    """The batch of some lines, one JSON object each, bare or as CloudEvents; empty lines are passed over.

    Adjustments are let in from the command that makes them only: they are money without usage. Rows are sorted by
    event, so that two workers with the same events wait for one another and never both.
    """
    batch, staged = Batch(received_at), []
    for line in filter(None, map(bytes.strip, lines)):
        try:
            event = usage.decode(cloudevents.unwrap(line), received_at, oldest)
            if isinstance(event, Adjustment) and not adjustments:
                raise EventRejected(RejectReason.BAD_VALUE, "is made by: aias analytics adjust", "kind")
            staged.append((*_render(event), line))
        except EventRejected as rejection:
            batch.letters.append(Letter(line, rejection))
    staged.sort(key=lambda row: row[0][:_KEY_BYTES])
    for row, series, line in staged:
        batch.rows.append(row)
        batch.series.append(series)
        batch.lines.append(line)
    return batch


def _render(event: Event) -> tuple[bytes, bytes]:
    if isinstance(event, UsageEvent):
        first, rest = _encode(_first_of(event)), _encode(_rest_of(event))
        latency = sketch.bucket_of(event.duration_ms)
        apart = b"null,null,%d,%b" % (latency, _optional_bucket(event.ttft_ms))
    else:
        first, rest = (_encode([_adjusted(event, name) for name in names]) for names in (_FIRST, _REST))
        apart = _encode([event.ref_event_id, event.reason])[1:-1] + b",null,null"
    labels = _encode_sorted(event.labels) if event.labels else b"{}"
    series = first[_SERIES_START:-1]
    row = b"%b,%b,%b,%b" % (first[1:-1], rest[1:-1], _encode(labels.decode()), apart)
    if b"\\" in row:
        row = _ESCAPED.sub(_unescape, row)
    if b"\\" in series:
        raise EventRejected(RejectReason.BAD_VALUE, "a quote, a backslash or a control character", "region")
    digest = int.from_bytes(hashlib.sha256(row).digest()[:8], signed=True)
    return b"%b,%d" % (row, digest), series


def _adjusted(event: Adjustment, name: str) -> Any:
    return getattr(event, name, _ADJUSTMENT_VALUES.get(name))


def _optional_bucket(milliseconds: int | None) -> bytes:
    return b"null" if milliseconds is None else b"%d" % sketch.bucket_of(milliseconds)


def _unescape(match: re.Match[bytes]) -> bytes:
    """JSON and CSV escape a quote and a backslash alike; a control character stands as itself in CSV."""
    if match[1] in (b'"', b"\\"):
        return match[0]
    text: str = msgspec.json.decode(b'"%b"' % match[0])
    return text.encode()
