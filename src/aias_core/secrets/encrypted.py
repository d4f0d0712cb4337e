"""A file of secrets encrypted with age (https://age-encryption.org/v1), safe to keep in git.

Inside it is a map of names to values, or to `{value, changed_at}`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aias_core import clock
from aias_core.errors import DependencyUnreachable, InvalidInput, NotFound, PrerequisiteMissing, Refused
from aias_core.files import whole_file, write_first
from aias_core.secret import Secret
from aias_core.secrets.private import ensure_private
from aias_core.settings import find_variable

IDENTITY_VARIABLE = "AIAS_AGE_IDENTITY"
_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_IDENTITY_HINT = f"name the file of your age identity in {IDENTITY_VARIABLE}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A secret as its source keeps it; `changed_at` only where the source knows."""

    value: Secret
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """Secrets of one file. `identity` is the file of the age identity, where AIAS_AGE_IDENTITY names no other."""

    path: Path
    identity: Path | None = None

    def get(self, name: str) -> Entry:
        """One secret. Raises NotFound for the file or the name, PrerequisiteMissing without the right identity."""
        if not self.path.exists():
            raise NotFound(f"There is no file of secrets '{self.path}'", hint="make it: aias secrets bootstrap ENV")
        entry = self.find(name)
        if entry is None:
            raise NotFound(f"'{self.path}' has no secret '{name}'", hint="see what is declared: aias secrets list ENV")
        return entry

    def find(self, name: str) -> Entry | None:
        return self.list_entries().get(name)

    def list_entries(self) -> dict[str, Entry]:
        """Every secret by name, none where there is no file. Raises PrerequisiteMissing, InvalidInput."""
        if not self.path.exists():
            return {}
        import yaml

        try:
            content = yaml.safe_load(self._decrypt())
        except (yaml.YAMLError, UnicodeDecodeError):
            content = None
        if not isinstance(content, dict):
            raise InvalidInput(f"'{self.path}' holds no map of secrets", hint='write it as lines of NAME: "VALUE"')
        return {str(name): self._to_entry(str(name), stored) for name, stored in content.items()}

    def _to_entry(self, name: str, stored: object) -> Entry:
        value, changed_at = (
            (stored.get("value"), stored.get("changed_at")) if isinstance(stored, dict) else (stored, None)
        )
        if not isinstance(value, str):
            raise InvalidInput(f"'{self.path}': the value of '{name}' is not a text", hint="write it in quotes")
        try:
            return Entry(Secret(value), None if changed_at is None else clock.parse_instant(str(changed_at)))
        except ValueError as exc:
            raise InvalidInput(
                f"'{self.path}': 'changed_at' of '{name}' is no instant with a zone",
                hint="write it as 2026-11-01T00:00:00Z",
            ) from exc

    def put(self, name: str, value: Secret) -> Entry:
        """Writes one secret, the others as they are, encrypted for the identity.

        Raises Refused where others can open the file too: their public keys are not known here.
        """
        self._refuse_shared()
        entry = Entry(value, clock.now())
        self._write({**self.list_entries(), name: entry})
        return entry

    def ensure_identity(self) -> None:
        """Makes the identity beside the file when there is none and none is named."""
        if find_variable(IDENTITY_VARIABLE) is None and self.identity is not None and not self.identity.exists():
            from pyrage import x25519

            ensure_private(self.identity.parent)
            write_first(self.identity, f"{x25519.Identity.generate()}\n".encode("ascii"))

    def _decrypt(self) -> str:
        import pyrage

        try:
            content: bytes = pyrage.decrypt(self.path.read_bytes(), self._identities())
        except OSError as exc:
            raise DependencyUnreachable(f"'{self.path}' cannot be read: {exc.strerror}") from exc
        except pyrage.DecryptError as exc:
            raise PrerequisiteMissing(
                f"'{self.path}' does not open with this identity, or was altered", hint=_IDENTITY_HINT
            ) from exc
        return content.decode()

    def _refuse_shared(self) -> None:
        if self.path.exists() and _count_recipients(self.path.read_bytes()) > len(self._identities()):
            raise Refused(
                f"'{self.path}' is encrypted for others too, and a new version would lock them out",
                hint="write the new value into it with age, for each of you: age -r RECIPIENT -r RECIPIENT",
            )

    def _write(self, entries: dict[str, Entry]) -> None:
        import json

        import pyrage

        content = {name: _to_record(entry) for name, entry in sorted(entries.items())}
        recipients = [identity.to_public() for identity in self._identities()]
        with whole_file(self.path) as file:
            file.write(pyrage.encrypt(json.dumps(content, indent=1, ensure_ascii=False).encode(), recipients))

    def _identities(self) -> list[Any]:
        from pyrage import IdentityError, x25519

        from aias_core.secrets.sources import read_private_file

        named = find_variable(IDENTITY_VARIABLE)
        path = Path(named).expanduser() if named else self.identity
        if path is None or not path.exists():
            raise PrerequisiteMissing(f"'{self.path}' needs an age identity", hint=_IDENTITY_HINT)
        lines = read_private_file(path, path).decode("ascii", errors="replace").splitlines()
        try:
            found = [x25519.Identity.from_str(line.strip()) for line in lines if line.startswith("AGE-SECRET-KEY-")]
        except IdentityError:
            found = []
        if not found:
            raise PrerequisiteMissing(f"'{path}' holds no age identity", hint=_IDENTITY_HINT)
        return found


def _count_recipients(content: bytes) -> int:
    """How many can open an age file; stanzas of grease, which some programs add, stand for nobody."""
    if content.startswith(_ARMOR):
        content = base64.b64decode(b"".join(content.splitlines()[1:]).partition(b"-----END")[0])
    header = content.partition(b"\n--- ")[0].split(b"\n")
    return sum(line.startswith(b"-> ") and not line.split()[1].endswith(b"-grease") for line in header)


def _to_record(entry: Entry) -> dict[str, str]:
    changed = {} if entry.changed_at is None else {"changed_at": clock.format_instant(entry.changed_at)}
    return {"value": entry.value.reveal(), **changed}
