"""What a run meant to do and what came of it: written before and after each outside call, here and in the store.

A journal is lines of JSON. A line counts once it is on this disk and in the store, so a run that was killed anywhere
can be resumed from any machine. The last line may be torn by a crash; it then never happened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from aias_core import clock
from aias_core.environments.linode.store import StateStore
from aias_core.errors import AiasError, PrerequisiteMissing, Refused
from aias_core.files import whole_file
from aias_core.secret import to_json

Event = Literal["begin", "intent", "result", "end", "unlock"]
SUFFIX = ".jsonl"
_KEPT = 50


class Fence(Protocol):
    """What a journal needs of a lease."""

    @property
    def fence(self) -> int: ...

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `seq` counts from 1; a result bears the `seq` of its intent in `of`."""

    seq: int
    at: str
    event: Event
    step: str
    fence: int
    of: int | None = None
    outcome: Literal["succeeded", "failed"] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> bytes:
        return to_json(asdict(self), (",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Unfenced:
    fence: int

    def check(self) -> None:
        """Holds no lease and needs none."""


class JournalShelf:
    """The journals of one environment: in its directory, and in the store for every other machine."""

    def __init__(self, directory: Path, store: StateStore, environment: str) -> None:
        self._directory, self._store = directory / "journal", store
        self._prefix = f"{environment}/journal/"

    def begin(self, run_id: str, command: str, lease: Fence, **details: Any) -> Journal:
        """A journal for a new run. Raises PrerequisiteMissing where it cannot be written, LeaseLost."""
        journal = Journal(self, run_id, lease, [])
        journal.append("begin", command, details=details)
        with suppress(AiasError):  # what stays does no harm, and the run has begun
            self._remove_oldest()
        return journal

    def find_unfinished(self, lease: Fence) -> Journal | None:
        """The newest run when it has no end, to be gone on with under this lease."""
        newest = next((one for one in self.iter_begun(lease) if not one.is_unlock), None)
        return None if newest is None or newest.is_ended else newest

    def iter_begun(self, lease: Fence) -> Iterator[Journal]:
        """The runs and records of unlocking, the newest first; one whose first line was torn did not begin."""
        for run_id in reversed(self.list_runs()):
            if entries := self._read_entries(run_id):
                yield Journal(self, run_id, lease, entries)

    def is_begun(self, run_id: str, plan_id: str) -> bool:
        """Whether a run was begun by a saved plan, or gone on with by it; one that is too old to be kept was."""
        runs = self.list_runs()
        if len(runs) >= _KEPT and run_id < runs[0]:
            return True
        return any(entry.details.get("plan") == plan_id for entry in self._read_entries(run_id))

    def record_unlock(self, run_id: str, fence: int, **details: Any) -> None:
        """A journal of one line: somebody is about to end another's lease. Raises Refused when it cannot be written."""
        try:
            Journal(self, run_id, _Unfenced(fence), []).append("unlock", "unlock", details=details)
        except AiasError as exc:
            raise Refused(f"Nothing was unlocked, as no record of it could be written: {exc.message}") from exc

    def list_runs(self) -> list[str]:
        """The runs that are known here or in the store, oldest first: their ids rise with time."""
        stored = {key.removeprefix(self._prefix) for key in self._store.list(self._prefix)}
        local = {path.name for path in self._directory.glob(f"*{SUFFIX}")}
        return sorted(name.removesuffix(SUFFIX) for name in stored | local if name.endswith(SUFFIX))

    def save(self, run_id: str, before: bytes, line: bytes) -> None:
        """Brings a line on the disk behind those before it, and then all of them into the store."""
        self._save_here(self._directory / (run_id + SUFFIX), before, line)
        self._store.put(self._prefix + run_id + SUFFIX, before + line)

    def _save_here(self, path: Path, before: bytes, line: bytes) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _read_file(path) != before:
                with whole_file(path) as file:
                    file.write(before)
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise PrerequisiteMissing(
                f"The journal '{path}' cannot be written: {exc.strerror}", hint="free some space, then run it again"
            ) from exc

    def _read_entries(self, run_id: str) -> list[Entry]:
        return list(_parse(self._read(run_id), run_id))

    def _read(self, run_id: str) -> bytes:
        """What is in the store, and the lines that only this disk has where it has all of those as well."""
        here = _whole_lines(_read_file(self._directory / (run_id + SUFFIX)))
        stored = _whole_lines(self._store.get(self._prefix + run_id + SUFFIX) or b"")
        return here if here.startswith(stored) else stored

    def _remove_oldest(self) -> None:
        for run_id in self.list_runs()[:-_KEPT]:
            (self._directory / (run_id + SUFFIX)).unlink(missing_ok=True)
            self._store.delete(self._prefix + run_id + SUFFIX)


class Journal:
    """One run's journal. Every line is written under the lease, so a run that lost it stops before its next call."""

    def __init__(self, shelf: JournalShelf, run_id: str, lease: Fence, entries: list[Entry]) -> None:
        self.run_id = run_id
        self._shelf, self._lease, self._entries = shelf, lease, entries
        self._written: bytes | None = None

    @property
    def entries(self) -> list[Entry]:
        return list(self._entries)

    @property
    def command(self) -> str:
        return self._entries[0].step

    @property
    def details(self) -> dict[str, Any]:
        """What the run was begun with."""
        return self._entries[0].details

    @property
    def is_ended(self) -> bool:
        return bool(self._entries) and self._entries[-1].event == "end"

    @property
    def has_succeeded(self) -> bool:
        return self.is_ended and self._entries[-1].outcome == "succeeded"

    @property
    def is_unlock(self) -> bool:
        return bool(self._entries) and self._entries[0].event == "unlock"

    def intend(self, step: str, **details: Any) -> int:
        """Says what is about to be called; the number to conclude it with. Raises LeaseLost before the call."""
        return self.append("intent", step, details=details)

    def conclude(self, seq: int, outcome: Literal["succeeded", "failed"], **details: Any) -> None:
        """Says what came of an intent."""
        step = next(entry.step for entry in self._entries if entry.seq == seq)
        self.append("result", step, of=seq, outcome=outcome, details=details)

    @contextmanager
    def step(self, step: str, **details: Any) -> Iterator[dict[str, Any]]:
        """An intent around a block and its result after it; what the block puts in the mapping goes with the result.

        A block that fails with an AiasError is concluded as failed; one that is interrupted stays unproven.
        """
        seq = self.intend(step, **details)
        found: dict[str, Any] = {}
        try:
            yield found
        except AiasError as exc:
            self.conclude(seq, "failed", cause=exc.message, code=exc.code, **found)
            raise
        self.conclude(seq, "succeeded", **found)

    def end(self, outcome: Literal["succeeded", "failed"], **details: Any) -> None:
        """Ends the run: there is nothing to resume."""
        self.append("end", self.command, outcome=outcome, details=details)

    def unproven(self) -> list[Entry]:
        """The intents whose success is not known, in their order; of a step that was tried again, the last one."""
        proven = {entry.of for entry in self._entries if entry.outcome == "succeeded"}
        last = {entry.step: entry for entry in self._entries if entry.event == "intent"}
        return [entry for entry in last.values() if entry.seq not in proven]

    def proven(self) -> dict[str, dict[str, Any]]:
        """The steps that succeeded, with the details of their results."""
        return {e.step: e.details for e in self._entries if e.event == "result" and e.outcome == "succeeded"}

    def append(self, event: Event, step: str, **rest: Any) -> int:
        """Writes a line, here and in the store, under the lease."""
        self._lease.check()
        seq = len(self._entries) + 1
        entry = Entry(seq, clock.format_instant(clock.now()), event, step, self._lease.fence, **rest)
        before, line = self._encode_written(), entry.as_line()
        self._shelf.save(self.run_id, before, line)
        self._entries.append(entry)
        self._written = before + line
        return seq

    def _encode_written(self) -> bytes:
        return b"".join(one.as_line() for one in self._entries) if self._written is None else self._written


def _parse(content: bytes, run_id: str) -> Iterator[Entry]:
    for line in content.splitlines():
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError) as exc:
            raise AiasError(
                f"The journal of the run '{run_id}' holds a line that is not one: {line[:60]!r}",
                hint=f"see what it did, then move '{run_id}{SUFFIX}' away, here and in the store",
            ) from exc


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
