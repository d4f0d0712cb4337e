"""A durable journal of requests: what was admitted, how it ended, and what of it has been published.

A directory of segment files belongs to one process (file lock). A record is its length, its CRC-32 (zlib, IEEE 802.3)
and one kind byte with JSON. Each record reaches the operating system before the step it guards, so a killed process
loses nothing; it reaches the disk in groups, some milliseconds later. After a restart the torn tail is cut and every
request that was admitted but not settled becomes an event of its own. Control totals are counted with the records.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from aias_core.contracts import usage
from aias_core.contracts.transport import MESSAGE_BYTES_LIMIT, MESSAGE_EVENTS_LIMIT
from aias_core.contracts.usage import UsageEvent
from aias_core.errors import AiasError, LockHeld, PrerequisiteMissing
from aias_core.routing.backlog import Backlog, end_of
from aias_core.routing.totals import Totals

SEGMENT_BYTES = 16 * 1024**2
ROOM_BYTES = 4 * 1024**3
FULL_SHARE = 0.9
_CHUNK_BYTES = 4 * 1024**2
_HEAD, _PLACE, _CHECK = struct.Struct("<II"), struct.Struct("<QQ"), struct.Struct("<I")
_HEADER, _ADMITTED, _SETTLED = b"H", b"A", b"S"


class SpoolUnavailable(AiasError):
    """The usage spool cannot take another record"""

    code = "usage_spool_full"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the spool: a segment's number and an offset in it."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Settled events in order, as JSON lines, with where they begin and end."""

    start: Position
    end: Position
    lines: list[bytes]


class Spool:
    """The journal of one process. `source` names it in every event; its sequence numbers have no gap."""

    def __init__(self, directory: Path, source: str, *, room_bytes: int = ROOM_BYTES) -> None:
        self.source = source
        self._directory = directory
        self._room = room_bytes
        self._open: dict[UUID, int] = {}
        self._waiting: deque[UsageEvent] = deque()
        self._next_seq = 1
        self._file = -1
        self.is_dirty = False
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._take_lock()
        self._marks = os.open(directory / "published", os.O_RDWR | os.O_CREAT, 0o600)
        self._numbers = sorted(int(path.stem) for path in directory.glob("*.segment"))
        self._published = self._read_published()
        self.totals, self._backlog = Totals(directory / "totals"), Backlog()
        lost = self._recover()
        for _, kind, payload in self._iter_records(self._published):
            if kind == _SETTLED:
                self._backlog.add(msgspec.json.decode(payload, type=UsageEvent))
        for event in lost:
            self.settle(event)

    @property
    def published(self) -> Position:
        return self._published

    @property
    def pending(self) -> int:
        """How many settled events are not published."""
        return self._backlog.count

    @property
    def highest_seq(self) -> int:
        """The number of the last settled event; 0 before the first."""
        return self._next_seq - 1

    @property
    def oldest_ended_at(self) -> datetime | None:
        """When the first of the requests that are not published ended; None when all are."""
        return _earliest(self._backlog.oldest_ended_at, *map(end_of, self._waiting))

    @property
    def oldest_admitted_at(self) -> datetime | None:
        """When the first of the requests that are not published was admitted; None when all are."""
        return _earliest(self._backlog.oldest_admitted_at, *(event.occurred_at for event in self._waiting))

    @property
    def open_requests(self) -> int:
        return len(self._open)

    @property
    def is_full(self) -> bool:
        return bool(self._waiting) or self._used > self._room * FULL_SHARE

    def admit(self, event: UsageEvent) -> None:
        """Notes a request before a backend is called: `event` is what it becomes if nothing more is ever heard.

        Raises SpoolUnavailable when the disk does not take it or the room is used up.
        """
        if self.is_full:
            raise SpoolUnavailable
        self._append(_ADMITTED, usage.encode(event))
        self._open[event.event_id] = self._segment

    def settle(self, event: UsageEvent) -> None:
        """Notes how a request ended, with the next sequence number.

        What the disk does not take is kept in memory and tried again; until then nothing new is admitted.
        """
        self._waiting.append(event)
        self.settle_waiting()

    def settle_waiting(self) -> None:
        """Writes what an earlier `settle` could not."""
        with suppress(SpoolUnavailable):
            while self._waiting:
                self._settle(self._waiting[0])
                self._waiting.popleft()

    def _settle(self, event: UsageEvent) -> None:
        numbered = msgspec.structs.replace(event, source=self.source, source_seq=self._next_seq)
        self._append(_SETTLED, usage.encode(numbered))
        self._next_seq += 1
        self._backlog.add(numbered)
        self.totals.count(numbered)
        self._open.pop(event.event_id, None)
        if self._size > SEGMENT_BYTES:
            self._start_segment(self._segment + 1)

    def sync(self) -> None:
        """Brings what was written to the disk; may be called from another thread."""
        self.is_dirty = False
        os.fdatasync(self._file)

    def read_batch(self) -> Batch | None:
        """The oldest settled events that are not published, at most one message of them; None when there are none."""
        lines: list[bytes] = []
        start = end = self._published
        size = 0
        for position, kind, payload in self._iter_records(start):
            if kind == _SETTLED:
                if len(lines) == MESSAGE_EVENTS_LIMIT or size + len(payload) > MESSAGE_BYTES_LIMIT:
                    break
                lines.append(payload)
                size += len(payload) + 1
            end = position
        return Batch(start, end, lines) if lines else None

    def acknowledge(self, batch: Batch) -> None:
        """Notes that a batch is published, and deletes the segments that nothing needs any more."""
        end = self._published = batch.end
        self._backlog.remove(len(batch.lines))
        place = _PLACE.pack(end.segment, end.offset)
        os.pwrite(self._marks, place + _CHECK.pack(zlib.crc32(place)), 0)
        needed = min([end.segment, self._segment, *self._open.values()])
        if self._numbers[0] < needed:
            self._delete_segments(needed)

    def close(self) -> None:
        """Syncs and gives the directory free."""
        self.sync()
        for descriptor in (self._file, self._marks, self._lock):
            os.close(descriptor)

    def _delete_segments(self, needed: int) -> None:
        """Totals are saved first; a full disk that does not take them gets its room back and is asked again."""
        with suppress(PrerequisiteMissing):
            self.totals.save(self._segment, self._size)
        while self._numbers[0] < needed:
            path = self._path(self._numbers.pop(0))
            self._used -= path.stat().st_size
            path.unlink()
        if self.totals.through != (self._segment, self._size):
            with suppress(PrerequisiteMissing):
                self.totals.save(self._segment, self._size)

    def _take_lock(self) -> int:
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            raise LockHeld(f"The spool '{self._directory}' belongs to another process") from exc
        return descriptor

    def _recover(self) -> list[UsageEvent]:
        admitted: dict[UUID, UsageEvent] = {}
        for number in self._numbers:
            for end, kind, payload in self._check_segment(number):
                if kind == _HEADER:
                    self._next_seq = msgspec.json.decode(payload)["next_seq"]
                elif kind == _ADMITTED:
                    event = msgspec.json.decode(payload, type=UsageEvent)
                    admitted[event.event_id] = event
                else:
                    event = msgspec.json.decode(payload, type=UsageEvent)
                    admitted.pop(event.event_id, None)
                    self._next_seq = event.source_seq + 1
                    if (number, end) > self.totals.through:
                        self.totals.count(event)
        self._used = sum(self._path(number).stat().st_size for number in self._numbers)
        self._start_segment(self._numbers[-1] + 1 if self._numbers else 1)
        return list(admitted.values())

    def _check_segment(self, number: int) -> Iterator[tuple[int, bytes, bytes]]:
        path, good = self._path(number), 0
        for good, kind, payload in _iter_file(path.read_bytes(), 0):
            yield good, kind, payload
        if good < path.stat().st_size:
            os.truncate(path, good)

    def _start_segment(self, number: int) -> None:
        if self._file >= 0:
            self.sync()
            os.close(self._file)
        self._segment, self._size = number, 0
        self._numbers.append(number)
        self._file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._append(_HEADER, msgspec.json.encode({"next_seq": self._next_seq}))
        self._published = max(self._published, Position(self._numbers[0], 0))

    def _append(self, kind: bytes, payload: bytes) -> None:
        body = kind + payload
        record = _HEAD.pack(len(body), zlib.crc32(body)) + body
        try:
            if os.write(self._file, record) != len(record):
                raise OSError(0, "short write")
        except OSError as exc:
            os.truncate(self._file, self._size)
            raise SpoolUnavailable from exc
        self.is_dirty = True
        self._size += len(record)
        self._used += len(record)

    def _iter_records(self, start: Position) -> Iterator[tuple[Position, bytes, bytes]]:
        for number in [number for number in self._numbers if number >= start.segment]:
            offset = start.offset if number == start.segment else 0
            with self._path(number).open("rb") as file:
                file.seek(offset)
                while content := file.read(_CHUNK_BYTES):
                    base = offset
                    for offset, kind, payload in _iter_file(content, base):
                        yield Position(number, offset), kind, payload
                    if offset == base:
                        break
                    file.seek(offset)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}.segment"

    def _read_published(self) -> Position:
        """The mark is overwritten in place; one that is torn counts as none, and events are published once more."""
        content = os.pread(self._marks, _PLACE.size + _CHECK.size, 0)
        place, check = content[: _PLACE.size], content[_PLACE.size :]
        if len(check) < _CHECK.size or zlib.crc32(place) != _CHECK.unpack(check)[0]:
            return Position(0, 0)
        return Position(*_PLACE.unpack(place))


def _iter_file(content: bytes, base: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Whole records with the offset after each; ends at the first that is torn or damaged."""
    at = 0
    while at + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, at)
        body: Any = content[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < length or length == 0 or zlib.crc32(body) != checksum:
            return
        at += _HEAD.size + length
        yield base + at, body[:1], body[1:]


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)
