"""What an environment on Linode keeps away from this machine: its state, leases and journals, and how to open them.

In a simulation all of it is in `.aias/<environment>/store`, under a key of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from aias_core.backup import cipher
from aias_core.environments.linode.comparison import compare_states
from aias_core.environments.linode.holder import describe_self, own_command
from aias_core.environments.linode.journal import JournalShelf
from aias_core.environments.linode.lease import Lease, LeaseShelf, LeaseState, build_held, hold_lease
from aias_core.environments.linode.simulation import is_simulated
from aias_core.environments.linode.states import Restored, StateVersions, Version, read_state
from aias_core.environments.linode.store import DirectoryStore, S3Store, StateStore
from aias_core.environments.local.credentials import Credentials
from aias_core.environments.profiles import load_profile
from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from aias_core.secrets.declared import FILE, IDENTITY

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile
    from aias_core.secrets.declared import Secrets

KEY_SECRET, STORAGE_SECRET = "state-backup", "state-storage"
KEY_VARIABLE = "AIAS_STATE_BACKUP_KEY"
SOURCES = {KEY_SECRET: f"secret://env/{KEY_VARIABLE}", STORAGE_SECRET: "secret://env/AIAS_STATE_STORAGE"}
_BUCKET = "state"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RemoteState:
    """The store of one environment, with its directory on this machine."""

    environment: str
    directory: Path
    store: StateStore
    read_key: Callable[[], bytes]
    ensure_key: Callable[[Progress], None] = lambda _: None

    @property
    def versions(self) -> StateVersions:
        return StateVersions(self.store, self.environment, self.read_key)

    @property
    def leases(self) -> LeaseShelf:
        return LeaseShelf(self.store, self.environment)

    @property
    def journals(self) -> JournalShelf:
        return JournalShelf(self.directory, self.store, self.environment)

    @contextmanager
    def held(self, wait_seconds: float, progress: Progress, actor: str | None = None) -> Iterator[Lease]:
        """The lease for the length of the block, held by this command, with the key. Raises LockHeld, NotFound."""
        holder = describe_self(own_command(), actor=actor)
        with hold_lease(self.store, self.environment, holder, wait_seconds=wait_seconds, progress=progress) as lease:
            self.ensure_key(progress)
            yield lease

    def describe(self) -> dict[str, Any]:
        """Where the state is, who holds the lease, and the versions, newest first."""
        lease = self.leases.find_current()
        versions = [version.as_record() for version in reversed(self.versions.list_versions())]
        held = None if lease is None else lease.as_record()
        return {"environment": self.environment, "store": self.store.url, "lease": held, "versions": versions}

    def back_up(self, wait_seconds: float, progress: Progress) -> Version:
        """Sets the state aside under the lease. Raises LockHeld, NotFound where there is none."""
        with self.held(wait_seconds, progress) as lease:
            return self.versions.back_up(lease)

    def restore(self, name: str, wait_seconds: float, progress: Progress) -> Restored:
        """Makes a version the state again, under the lease; see `StateVersions.restore`."""
        with self.held(wait_seconds, progress) as lease:
            return self.versions.restore(name, lease)

    def compare(self, older: str | None, newer: str | None) -> dict[str, Any]:
        """What differs between two versions; of the newest and the one before it where none is named."""
        states = self.versions.list_versions("state")
        after = self._choose(newer, states)
        earlier = [version for version in states if version < after]
        before = self._choose(older, earlier)
        changes = compare_states(*(read_state(self.versions.read(version)) for version in (before, after)))
        return {"environment": self.environment, "from": before.name, "to": after.name, "changes": changes}

    def lock(self, reason: str) -> Lease:
        """Takes a lease that lasts until it is ended by its id: nobody changes the environment meanwhile."""
        while (current := self.leases.find_current()) is None:
            lease = self.leases.take_next(describe_self(f"state lock: {reason}", is_process=False))
            if lease is not None:
                return lease
        raise build_held(self.environment, current)

    def unlock(self, lease_id: str, reason: str) -> LeaseState:
        """Ends the lease of that id against its holder's will, after a record of it is written.

        Raises NotFound when nobody holds it, Conflict when it is another one, Refused without a record.
        """
        who = describe_self(own_command())
        current = self.leases.get_current(lease_id)
        details = {"lease": current.as_record(), "reason": reason, "by": who.actor, "on": who.host}
        self.journals.record_unlock(who.run_id, current.number, **details)
        self.leases.end(current.number, {"reason": reason, "by": who.actor, "on": who.host})
        return current

    def _choose(self, name: str | None, states: list[Version]) -> Version:
        if name is not None:
            return self.versions.get(name)
        if not states:
            raise NotFound(
                f"'{self.environment}' has no version to compare with",
                hint=f"see which there are: aias env state list {self.environment}",
            )
        return states[-1]


def open_state(name: str, state_root: Path, own_profiles: Path | None = None) -> RemoteState:
    """The remote state of an environment; nothing is asked yet.

    Raises NotFound for an unknown environment, Refused for one that is not on Linode.
    """
    from aias_core.environments.schema import LinodeProfile

    profile = load_profile(name, own_profiles)
    if not isinstance(profile, LinodeProfile):
        raise Refused(f"The environment '{name}' is not on Linode: it has no state of Terraform")
    return open_state_of(profile, Path(state_root).absolute() / name)


def open_state_of(profile: LinodeProfile, directory: Path) -> RemoteState:
    """The remote state of the environment with that profile and directory."""
    store = open_store(directory, profile)
    if is_simulated(directory):
        own = Credentials(directory / "secrets")
        key = partial(own.ensure_one, KEY_SECRET, lambda: secrets.token_hex(32))
        return RemoteState(profile.name, directory, store, lambda: read_key(key()))
    kept = StateKey(profile, directory, store)
    return RemoteState(profile.name, directory, store, kept.read, kept.ensure)


def open_store(environment_directory: Path, profile: LinodeProfile) -> StateStore:
    """The bucket of an environment's state, or its directory in a simulation."""
    if is_simulated(environment_directory):
        return DirectoryStore(environment_directory / "store")
    objects = read_storage(_resolve(profile, STORAGE_SECRET), profile.region)
    return S3Store(objects, f"{profile.bucket_prefix}-{profile.name}-{_BUCKET}")


def read_storage(secret: Secret, region: str) -> ObjectStore:
    """An endpoint with its key, `https://ACCESS:SECRET@HOST`. Raises InvalidInput, which shows nothing of it."""
    parts = urlsplit(secret.reveal())
    if parts.scheme not in ("http", "https") or not (parts.hostname and parts.username and parts.password):
        raise InvalidInput(
            f"The secret '{STORAGE_SECRET}' is not an endpoint with a key",
            hint="write it as https://ACCESS:SECRET@HOST",
        )
    endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return ObjectStore(endpoint, unquote(parts.username), Secret(unquote(parts.password)), region)


def read_key(secret: Secret) -> bytes:
    """The 32 bytes of a key, written in hexadecimal or base64. Raises InvalidInput."""
    text = secret.reveal().strip()
    if len(text) == 64:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    return cipher.read_key(secret)


@dataclass(frozen=True, slots=True)
class StateKey:
    """The key of an environment's state: of the source that the profile names, of the variable, else of its own file.

    In its own file it is made once, before there is any state: a new one would open nothing that there is.
    """

    profile: LinodeProfile
    directory: Path
    store: StateStore

    def read(self) -> bytes:
        """The 32 bytes. Raises NotFound where the key is not on this machine, and as `resolve_secret`, `read_key`."""
        own = self._find_own()
        if own is None:
            return read_key(_resolve(self.profile, KEY_SECRET))
        try:
            return read_key(own.get_value(KEY_SECRET))
        except NotFound as exc:
            raise NotFound(
                f"The key of the state of '{self.profile.name}' is not on this machine",
                hint=f"copy '{FILE}' and '{IDENTITY}' from where it was brought up into '{self.directory}', "
                f"or set {KEY_VARIABLE}",
            ) from exc

    def ensure(self, progress: Progress) -> None:
        """As `read`; makes the key where there is no state yet, and says where it is kept."""
        from aias_core.secrets.private import exclusive

        own = self._find_own()
        if own is not None and not self._has_states():
            with exclusive(self.directory):
                own.ensure_value(KEY_SECRET)
            progress(f"The key of the state is in '{self.directory / FILE}': keep a copy, and of its age identity.")
        self.read()

    def _find_own(self) -> Secrets | None:
        from aias_core.environments.linode.secrets import declare_secrets
        from aias_core.settings import find_variable

        declared = self.profile.secrets.get(KEY_SECRET)
        if declared is None or declared.source is not None or find_variable(KEY_VARIABLE):
            return None
        return declare_secrets(self.profile, self.directory)

    def _has_states(self) -> bool:
        return bool(StateVersions(self.store, self.profile.name, self.read).list_versions())


def _resolve(profile: LinodeProfile, name: str) -> Secret:
    from aias_core.secrets.sources import resolve_secret

    declared = profile.secrets.get(name)
    return resolve_secret((declared.source if declared else None) or SOURCES[name])
