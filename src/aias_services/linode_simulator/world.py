"""Everything that exists on the fake account, in simulated time, kept in one file that is always whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.files import whole_file
from aias_services.linode_simulator import lifecycle
from aias_services.linode_simulator.faults import FaultRule
from aias_services.linode_simulator.fields import Values
from aias_services.linode_simulator.lifecycle import Timeline

if TYPE_CHECKING:
    from aias_services.linode_simulator.resource import Registry

Identifier = int | str


class Record(msgspec.Struct, kw_only=True):
    """One resource: what was asked for, its states by time, and until when a deletion lingers.

    `purpose` is what it serves; a second one of the same purpose is one too many. `owner` is the resource that was
    asked for: of a node, its pool.
    """

    kind: str
    id: Identifier
    values: Values
    parent: Identifier | None = None
    made_at: float
    changed_at: float
    timeline: Timeline = []
    gone_at: float | None = None
    purpose: str = ""
    owner: str = ""


class Charge(msgspec.Struct, kw_only=True):
    """A span of billing at one price, in US dollars, and for whom; open while it has no end."""

    kind: str
    id: Identifier
    label: str
    purpose: str
    owner: str
    region: str | None
    plan: str
    hourly: str
    monthly: str
    began_at: float
    ended_at: float | None = None


class Settings(msgspec.Struct, kw_only=True):
    """How the fake behaves. `pace` multiplies every duration: 1 as in life, 0 at once."""

    pace: float = 1.0
    linger_seconds: float = 0.0
    enforce_rates: bool = True
    client_address: str = "198.51.100.7"
    limits: dict[str, int] = {}
    out_of_stock: list[tuple[str, str]] = []
    s3_endpoint: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: str | None = None


class State(msgspec.Struct, kw_only=True):
    """What the file holds."""

    records: dict[str, dict[str, Record]] = {}
    counters: dict[str, int] = {}
    charges: list[Charge] = []
    faults: list[FaultRule] = []
    objects: dict[str, dict[str, Values]] = {}
    settings: Settings = msgspec.field(default_factory=Settings)
    clock_offset: float = 0.0
    seed: str = "aias"


class World:
    """The account, and the registry of what may exist on it. Without a file it lives as long as the process."""

    def __init__(self, registry: Registry, file: Path | None = None, state: State | None = None) -> None:
        self.registry, self._file = registry, file
        self.state = state or State()

    @classmethod
    def open(cls, registry: Registry, file: Path | None) -> World:
        """The world of a file, or a new one. Raises InvalidInput for a file that is not one of ours."""
        if file is None or not file.exists():
            return cls(registry, file)
        try:
            return cls(registry, file, msgspec.json.decode(file.read_bytes(), type=State))
        except msgspec.MsgspecError as exc:
            raise InvalidInput(
                f"'{file}' is no state of the simulator: {exc}", hint="name another file with --state"
            ) from exc

    def snapshot(self) -> bytes:
        """Everything as it is now, for `restore`."""
        return msgspec.json.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Makes everything as it was; records held from before are no part of the world any more."""
        self.state = msgspec.json.decode(snapshot, type=State)

    def save(self) -> None:
        """Writes the file, whole, before a call is answered."""
        if self._file is not None:
            with whole_file(self._file) as file:
                file.write(self.snapshot())

    def now(self) -> float:
        """Seconds since 1970 in simulated time."""
        return clock.now().timestamp() + self.state.clock_offset

    def token(self, *parts: object, length: int = 24) -> str:
        """A hexadecimal text that is the same for the same seed and parts."""
        text = ":".join(map(str, (self.state.seed, *parts)))
        return hashlib.sha512(text.encode()).hexdigest()[:length]

    def next_id(self, kind: str, first: int) -> int:
        """An id that no resource of this kind had before."""
        self.state.counters[kind] = self.state.counters.get(kind, first - 1) + 1
        return self.state.counters[kind]

    def add(self, record: Record) -> Record:
        self.state.records.setdefault(record.kind, {})[str(record.id)] = record
        return record

    def remove(self, record: Record) -> None:
        self.state.records[record.kind].pop(str(record.id), None)

    def find(self, kind: str, identifier: Any) -> Record | None:
        """The record of this id, unless it is gone."""
        record = self.state.records.get(kind, {}).get(str(identifier))
        return record if record and self.exists(record) else None

    def find_lasting(self, kind: str, identifier: Any) -> Record | None:
        """The record of this id, unless it is gone or being deleted: what something new may refer to."""
        record = self.find(kind, identifier)
        return record if record and record.gone_at is None else None

    def exists(self, record: Record) -> bool:
        return record.gone_at is None or record.gone_at > self.now()

    def iter(self, kind: str, matches: Callable[[Record], bool] = lambda _: True) -> Iterator[Record]:
        """The records of a kind that exist and match, oldest first."""
        for record in list(self.state.records.get(kind, {}).values()):
            if self.exists(record) and matches(record):
                yield record

    def children(self, kind: str, parent: Record) -> Iterator[Record]:
        return self.iter(kind, lambda record: record.parent == parent.id)

    def status(self, record: Record) -> str:
        """The state of a record now."""
        return "deleting" if record.gone_at else lifecycle.status_at(record.timeline, self.now())

    def is_settled(self, record: Record) -> bool:
        """Whether the record has reached its last state."""
        return not self.is_held(record) and lifecycle.settled_at(record.timeline) <= self.now()

    def is_held(self, record: Record) -> bool:
        """Whether the record waits for its release."""
        return bool(record.values.get("_held"))

    def hold(self, record: Record, seconds: float | None) -> None:
        """Keeps a record in its first state for so much longer, or until it is released."""
        record.timeline = lifecycle.delay(record.timeline, seconds)
        if seconds is None:
            record.values["_held"] = True

    def begin(self, record: Record, phases: lifecycle.Phases) -> None:
        """Sets a record on its way through these states from now on."""
        record.timeline = lifecycle.build_timeline(phases, self.now(), self.state.settings.pace)
