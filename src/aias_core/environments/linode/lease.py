"""The lease of an environment: one holder at a time, known to all, fenced by a number that only grows.

Lease N is an object that is made once. Its heartbeats and its end are objects beside it, so nobody overwrites what
another wrote. The lease with the highest number is in force until it has ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from aias_core import clock
from aias_core.environments.linode.holder import Holder
from aias_core.environments.linode.store import StateStore
from aias_core.errors import AiasError, Conflict, LockHeld, NotFound

_NAME = re.compile(r"(?P<number>\d{8})/(?P<part>lease|ended|beat-\d{8})")
_KEPT = 10


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between heartbeats, without one until a lease counts as stale, and between looks while waiting."""

    beat: float = 15.0
    stale: float = 60.0
    look: float = 1.0


class LeaseLost(Conflict):
    """The lease was ended by somebody else; nothing more was written"""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A lease as the store shows it. `newest_beat` is the key of its last sign of life."""

    number: int
    holder: Holder
    newest_beat: str | None

    @property
    def lease_id(self) -> str:
        return self.holder.run_id

    def age_seconds(self) -> float:
        return (clock.now() - clock.parse_instant(self.holder.acquired_at)).total_seconds()

    def as_record(self) -> dict[str, Any]:
        holder = self.holder.as_record()
        del holder["place"], holder["started_at"], holder["run_id"]
        return {"id": self.lease_id, "fence": self.number, **holder}


class Lease:
    """A lease that this process holds. `fence` is its number."""

    def __init__(self, shelf: LeaseShelf, number: int, holder: Holder) -> None:
        self._shelf, self.fence, self.holder = shelf, number, holder

    def as_record(self) -> dict[str, Any]:
        return LeaseState(self.fence, self.holder, None).as_record()

    def check(self) -> None:
        """Raises LeaseLost when it has ended or another is in force; called before each write."""
        self._shelf.check(self.fence)

    def release(self) -> None:
        self._shelf.end(self.fence, {"reason": "released", "by": self.holder.actor})


class LeaseShelf:
    """The leases of one environment in a store."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store, self._environment = store, environment
        self._prefix = f"{environment}/leases/"

    def find_current(self) -> LeaseState | None:
        """The lease in force, or None when the environment is free."""
        found = self._list()
        number = max(found, default=0)
        if number == 0 or "ended" in found[number]:
            return None
        content = self._store.get(self._key(number, "lease"))
        beats = sorted(part for part in found[number] if part.startswith("beat-"))
        return LeaseState(number, _read_holder(content, number), beats[-1] if beats else None)

    def take_next(self, holder: Holder) -> Lease | None:
        """The next lease when the environment is free and nobody was quicker."""
        found = self._list()
        last = max(found, default=0)
        if last and "ended" not in found[last]:
            return None
        number = last + 1
        if not self._store.put_new(self._key(number, "lease"), json.dumps(holder.as_record()).encode()):
            return None
        # Old leases are removed: who slept since the list above may have made one that was there before.
        if max(self._list()) != number:
            self.end(number, {"reason": "came too late", "by": holder.actor})
            return None
        self._remove(number for number in found if number <= last - _KEPT)
        return Lease(self, number, holder)

    def check(self, number: int) -> None:
        """Raises LeaseLost unless that lease is in force."""
        found = self._list()
        if max(found, default=0) != number or "ended" in found[number]:
            raise LeaseLost(
                f"The lease {number} of '{self._environment}' was ended by somebody else; nothing more was written",
                hint=f"see who is at work with: aias env state list {self._environment}",
            )

    def end(self, number: int, why: dict[str, Any]) -> None:
        """Ends a lease for good, saying why; one that has ended stays as it is."""
        mark = {**why, "at": clock.format_instant(clock.now())}
        self._store.put_new(self._key(number, "ended"), json.dumps(mark).encode())
        for part in self._list().get(number, ()):
            if part.startswith("beat-"):
                self._store.delete(self._key(number, part))

    def beat(self, number: int, count: int) -> None:
        """Leaves a sign of life, and takes the one before it away."""
        self._store.put(self._key(number, f"beat-{count:08}"), b"")
        if count > 1:
            self._store.delete(self._key(number, f"beat-{count - 1:08}"))

    def get_current(self, lease_id: str) -> LeaseState:
        """The lease in force. Raises NotFound when there is none, Conflict when it is not the one of that id."""
        current = self.find_current()
        if current is None:
            raise NotFound(f"Nobody holds the lease of '{self._environment}'")
        if current.lease_id != lease_id:
            raise Conflict(
                f"The lease of '{self._environment}' is '{current.lease_id}', not '{lease_id}'",
                hint=f"look again with: aias env state list {self._environment}",
            )
        return current

    def _list(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for key in self._store.list(self._prefix):
            if match := _NAME.fullmatch(key.removeprefix(self._prefix)):
                found.setdefault(int(match["number"]), set()).add(match["part"])
        return {number: parts for number, parts in found.items() if "lease" in parts}

    def _remove(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            for key in self._store.list(f"{self._prefix}{number:08}/"):
                self._store.delete(key)

    def _key(self, number: int, part: str) -> str:
        return f"{self._prefix}{number:08}/{part}"


@contextmanager
def hold_lease(
    store: StateStore,
    environment: str,
    holder: Holder,
    *,
    wait_seconds: float = 0,
    rhythm: Rhythm | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Lease]:
    """The lease of the environment for the length of the block, with a heartbeat in a thread of its own.

    Raises LockHeld, naming the holder and the command that ends its lease, when it does not become free in time.
    """
    rhythm = rhythm or Rhythm()
    shelf = LeaseShelf(store, environment)
    lease = _acquire(shelf, environment, holder, wait_seconds, rhythm, progress)
    stop = Event()
    beating = Thread(target=_beat, args=(shelf, lease.fence, stop, rhythm.beat), daemon=True)
    beating.start()
    try:
        yield lease
    finally:
        stop.set()
        beating.join()
        with suppress(AiasError):  # a store that is away keeps a lease that the next run from here reclaims
            lease.release()


def _beat(shelf: LeaseShelf, number: int, stop: Event, seconds: float) -> None:
    count = 0
    while not stop.wait(seconds if count else 0):
        with suppress(AiasError):
            shelf.beat(number, count := count + 1)


def _acquire(
    shelf: LeaseShelf,
    environment: str,
    holder: Holder,
    wait_seconds: float,
    rhythm: Rhythm,
    progress: Callable[[str], None],
) -> Lease:
    watch = _Watch(rhythm.stale)
    deadline = clock.monotonic() + wait_seconds
    said = False
    while True:
        current = shelf.find_current()
        if current is not None and current.holder.is_gone_from_here(holder):
            shelf.end(current.number, {"reason": "its process is gone", "by": holder.actor})
            current = None
        if current is None:
            lease = shelf.take_next(holder)
            if lease is not None:
                return lease
            continue
        watch.look(current)
        if clock.monotonic() >= deadline:
            raise build_held(environment, current, is_stale=watch.is_stale())
        if not said:
            progress(f"Waiting for '{current.holder.command}' of '{current.holder.actor}' to end…")
            said = True
        Event().wait(min(rhythm.look, max(0.0, deadline - clock.monotonic())))


class _Watch:
    """Tells a stale lease by the observer's own clock: how long its newest heartbeat has stayed the same."""

    def __init__(self, stale_seconds: float) -> None:
        self._stale_seconds = stale_seconds
        self._seen: tuple[int, str | None] | None = None
        self._since = 0.0

    def look(self, current: LeaseState) -> None:
        seen = (current.number, current.newest_beat)
        if seen != self._seen:
            self._seen, self._since = seen, clock.monotonic()

    def is_stale(self) -> bool:
        return clock.monotonic() - self._since >= self._stale_seconds


def build_held(environment: str, current: LeaseState, *, is_stale: bool = False) -> LockHeld:
    """The error that names the holder, its age, and the command that ends its lease."""
    holder = current.holder
    process = "" if holder.pid is None else f", pid {holder.pid}"
    silence = "; it gave no sign of life while this run waited" if is_stale else ""
    return LockHeld(
        f"'{holder.command}' of '{holder.actor}' on '{holder.host}'{process} holds the lease of '{environment}' "
        f"for {current.age_seconds():.0f} s{silence}",
        hint="wait for it with: --lock-wait SECONDS; when it is dead: "
        f"aias env state unlock {environment} --id {current.lease_id} --reason TEXT",
    )


def format_lease(lease: Mapping[str, Any] | None) -> str:
    """One sentence about the record of a lease, or about there being none."""
    if lease is None:
        return "Nobody holds the lease."
    return (
        f"The lease {lease['fence']} is held by '{lease['command']}' of '{lease['actor']}' on '{lease['host']}' "
        f"since {lease['acquired_at']}; its id is {lease['id']}."
    )


def _read_holder(content: bytes | None, number: int) -> Holder:
    try:
        return Holder(**json.loads(content or b""))
    except (ValueError, TypeError) as exc:
        raise AiasError(
            f"The object of the lease {number} is not whole", hint="see what the store holds under 'leases/'"
        ) from exc
