"""Versions of Terraform's state: encrypted, immutable, read back before they count, the newest thirty of a kind kept.

`<environment>/states/` holds what Terraform wrote, `<environment>/backups/` what was set aside on purpose. A name is
`<serial>-<UTC time>-<fence>`: the version of the highest fence is the newest, so nothing that a run writes after it
lost its lease ever counts. An object is a line `aias.state/1 <SHA-256 of the rest>` and the encrypted state.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aias_core import clock
from aias_core.backup import cipher
from aias_core.environments.linode.comparison import compare_states
from aias_core.environments.linode.lease import Lease
from aias_core.environments.linode.store import StateStore
from aias_core.errors import AiasError, Conflict, DifferenceFound, NotFound, Refused

Kind = Literal["state", "backup"]

KEPT = 30
FORMAT = 1
TERRAFORM_FORMAT = 4
_FOLDERS: dict[Kind, str] = {"state": "states", "backup": "backups"}
_NAME = re.compile(r"(?P<serial>\d{8})-(?P<at>\d{8}T\d{6}Z)-(?P<fence>\d{6})\.tfstate\.enc")
_INSTANT = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(rb"aias\.state/(?P<format>\d+) (?P<sha256>[0-9a-f]{64})")


class StateUnreadable(AiasError):
    """A version of the state cannot be read"""

    code = "state_unreadable"


class StateNotStored(AiasError):
    """The state could not be stored"""

    code = "state_not_stored"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """One stored state. They sort by what counts: the fence of the lease it was written under, then its serial."""

    fence: int
    serial: int
    at: datetime
    kind: Kind

    @property
    def name(self) -> str:
        """As people and commands call it."""
        return f"{self.serial:08}-{self.at.strftime(_INSTANT)}-{self.fence:06}"

    def as_record(self) -> dict[str, Any]:
        at = clock.format_second(self.at)
        return {"version": self.name, "kind": self.kind, "serial": self.serial, "at": at, "fence": self.fence}


@dataclass(frozen=True, slots=True)
class Restored:
    """Which version was made the state, as which one, what was set aside before, and what differs from that."""

    chosen: Version
    stored: Version
    set_aside: Version | None
    changes: list[dict[str, Any]]

    def as_record(self) -> dict[str, Any]:
        set_aside = self.set_aside and self.set_aside.name
        return {
            "restored": self.chosen.name,
            "version": self.stored.name,
            "set_aside": set_aside,
            "changes": self.changes,
        }


class StateVersions:
    """The versions of one environment's state in a store. `read_key` gives their key of 32 bytes when it is needed."""

    def __init__(self, store: StateStore, environment: str, read_key: Callable[[], bytes]) -> None:
        self._store, self._environment, self._read_key = store, environment, read_key

    def list_versions(self, kind: Kind | None = None) -> list[Version]:
        """The versions of one kind, or of both, oldest first."""
        kinds = [kind] if kind else list(_FOLDERS)
        return sorted(version for one in kinds for version in self._list(one))

    def find_newest(self) -> Version | None:
        """The version that is the state now, or None when there is none."""
        return max(self._list("state"), default=None)

    def get(self, name: str) -> Version:
        """The version of a name; of a state and a backup with the same name, the state. Raises NotFound."""
        for version in reversed(self.list_versions()):
            if version.name == name:
                return version
        raise NotFound(
            f"There is no version '{name}' of the state of '{self._environment}'",
            hint=f"see which there are: aias env state list {self._environment}",
        )

    def read_newest(self) -> bytes | None:
        """The state now, or None when there is none. Raises StateUnreadable, Refused."""
        newest = self.find_newest()
        return None if newest is None else self.read(newest)

    def read(self, version: Version) -> bytes:
        """A version's content. Raises StateUnreadable when it is cut, altered or of another key, Refused when newer."""
        key = self._object(version)
        return self._unseal(key, self._store.get(key) or b"")

    def write(self, content: bytes, lease: Lease, kind: Kind = "state") -> Version:
        """Stores a state as a new version, when the lease is held, and reads it back; then removes the oldest.

        Raises LeaseLost before anything is written, StateNotStored naming the cause.
        """
        serial = read_state(content)["serial"]
        lease.check()
        version = Version(lease.fence, serial, clock.now().replace(microsecond=0), kind)
        try:
            self._store_proven(version, content)
        except AiasError as exc:
            raise StateNotStored(
                f"The state could not be stored in '{self._store.url}': {exc.message}",
                hint="see that the store can be reached and written, then run the same command again",
            ) from exc
        with suppress(AiasError):  # it is stored, whatever becomes of the old ones
            self._remove_oldest(kind)
        return version

    def back_up(self, lease: Lease) -> Version:
        """Sets the state aside. Raises NotFound when there is none."""
        content = self.read_newest()
        if content is None:
            raise NotFound(
                f"'{self._environment}' has no state", hint=f"bring it up with: aias env up {self._environment}"
            )
        return self.write(content, lease, "backup")

    def restore(self, name: str, lease: Lease, merge: Callable[[bytes, bytes], bytes] | None = None) -> Restored:
        """Makes a version the state again, with a serial above the present one; the present is set aside before.

        `merge` makes what is written of the version and the present, in one go: a run may end anywhere.

        Raises NotFound, Conflict when it is of another lineage, StateUnreadable. A present that cannot be read is no
        obstacle: it stays among the versions.
        """
        chosen = self.get(name)
        restored = read_state(self.read(chosen))
        if restored["serial"] != chosen.serial:
            raise StateUnreadable(
                f"The version '{name}' holds the serial {restored['serial']}, not that of its name",
                hint=f"choose another: aias env state list {self._environment}",
            )
        present = self._read_present()
        if present is not None and present["lineage"] != restored["lineage"]:
            raise Conflict(
                f"The version '{name}' is of another lineage than the state now: it describes other resources",
                hint=f"compare them: aias env state diff {self._environment} --from {name}",
            )
        set_aside = None if present is None else self.write(_to_bytes(present), lease, "backup")
        newest = self.find_newest()
        serial = max(restored["serial"], newest.serial if newest else 0) + 1
        content = _to_bytes({**restored, "serial": serial})
        if merge is not None and present is not None:
            content = merge(content, _to_bytes(present))
        stored = self.write(content, lease)
        return Restored(chosen, stored, set_aside, compare_states(present or {}, restored))

    def _read_present(self) -> dict[str, Any] | None:
        try:
            content = self.read_newest()
        except StateUnreadable:
            return None
        return None if content is None else read_state(content)

    def _store_proven(self, version: Version, content: bytes) -> None:
        key = self._object(version)
        if not self._store.put_new(key, self._seal(key, content)) and self.read(version) != content:
            raise Conflict(f"Another state has the name '{version.name}'")
        if self.read(version) != content:
            raise DifferenceFound("what was read back is not what was written")

    def _seal(self, key: str, content: bytes) -> bytes:
        sealed = b"".join(cipher.encrypt([content], self._read_key(), key))
        return f"aias.state/{FORMAT} {hashlib.sha256(sealed).hexdigest()}\n".encode() + sealed

    def _unseal(self, key: str, stored: bytes) -> bytes:
        header, _, sealed = stored.partition(b"\n")
        match = _HEADER.fullmatch(header)
        if match is None:
            raise _unreadable(
                key, "is not there" if not stored else "does not begin as a version does", self._environment
            )
        if int(match["format"]) > FORMAT:
            raise Refused(f"'{key}' was written by a newer aias, in format {int(match['format'])}", hint="update aias")
        if hashlib.sha256(sealed).hexdigest() != match["sha256"].decode():
            raise _unreadable(key, "is cut or altered: its checksum is another", self._environment)
        try:
            return b"".join(cipher.decrypt([sealed], self._read_key(), key))
        except DifferenceFound as exc:
            raise _unreadable(key, "was encrypted with another key", self._environment) from exc

    def _list(self, kind: Kind) -> list[Version]:
        folder = f"{self._environment}/{_FOLDERS[kind]}/"
        matches = (_NAME.fullmatch(key.removeprefix(folder)) for key in self._store.list(folder))
        return sorted(_read_version(match, kind) for match in matches if match)

    def _remove_oldest(self, kind: Kind) -> None:
        for version in self._list(kind)[:-KEPT]:
            for key in self._store.list(self._object(version)):
                self._store.delete(key)

    def _object(self, version: Version) -> str:
        return f"{self._environment}/{_FOLDERS[version.kind]}/{version.name}.tfstate.enc"


def read_state(content: bytes) -> dict[str, Any]:
    """Terraform's state as a mapping with `serial`, `lineage` and `resources`. Raises StateUnreadable, Refused."""
    try:
        state = json.loads(content)
        form, serial, lineage = state["version"], state["serial"], state["lineage"]
    except (ValueError, TypeError, KeyError) as exc:
        raise StateUnreadable("This is not a state of Terraform") from exc
    if form != TERRAFORM_FORMAT:
        raise Refused(f"The state has format {form}; this aias knows {TERRAFORM_FORMAT}", hint="update aias")
    return {"resources": [], "outputs": {}, **state, "serial": int(serial), "lineage": str(lineage)}


def build_empty(content: bytes) -> bytes:
    """The state after a deletion of it: of the same lineage, with the next serial and nothing in it."""
    state = read_state(content)
    return _to_bytes({**state, "serial": state["serial"] + 1, "resources": [], "outputs": {}, "check_results": None})


def _to_bytes(state: dict[str, Any]) -> bytes:
    return json.dumps(state, indent=2, ensure_ascii=False).encode()


def _read_version(match: re.Match[str], kind: Kind) -> Version:
    at = datetime.strptime(match["at"], _INSTANT).replace(tzinfo=UTC)
    return Version(int(match["fence"]), int(match["serial"]), at, kind)


def _unreadable(key: str, what: str, environment: str) -> StateUnreadable:
    return StateUnreadable(f"'{key}' {what}", hint=f"see the other versions: aias env state list {environment}")
