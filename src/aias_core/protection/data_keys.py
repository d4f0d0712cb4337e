"""The keys of personal data and their entries in `hash_keys`: which key serves what, and that it is the right one.

A key serves one purpose. `AIAS_DATA_ACTIVE_KIDS` names the one that writes for each: `email:e1,encryption:c1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core.database.queries import load_queries
from aias_core.errors import InvalidSettings, PrerequisiteMissing
from aias_core.identity.emails import normalise_email
from aias_core.keyring import Keyring
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

HASHING, ENCRYPTION = "AIAS_DATA_HASH_KEYS", "AIAS_DATA_ENCRYPTION_KEYS"
ACTIVE = "AIAS_DATA_ACTIVE_KIDS"
PURPOSES = ("api_key", "email", "encryption")

queries = load_queries(__file__)


class WrongKey(PrerequisiteMissing):
    """A key is not the one that the database knows by this name"""

    code = "wrong_key"


@dataclass(frozen=True, slots=True)
class DataKeys:
    """Hashing keys, encryption keys, and which of them writes for each purpose."""

    hashing: Keyring
    encryption: Keyring
    active: Mapping[str, str]

    @classmethod
    def parse(cls, hashing: Secret, encryption: Secret, active: str) -> DataKeys:
        """The keys of three settings. Raises InvalidSettings, WeakKey, UnknownKey for an active one that is missing."""
        kids: dict[str, str] = {}
        for entry in filter(None, map(str.strip, active.split(","))):
            purpose, _, kid = entry.partition(":")
            if purpose not in PURPOSES or not kid or kid in kids.values():
                raise InvalidSettings(
                    f"{ACTIVE}: '{entry}' is not PURPOSE:KID with a key of its own",
                    hint=f"purposes: {', '.join(PURPOSES)}",
                )
            kids[purpose] = kid
        keys = cls(Keyring.parse(hashing, HASHING), Keyring.parse(encryption, ENCRYPTION), kids)
        for purpose, kid in kids.items():
            keys.ring_of(purpose).get(kid)
        return keys

    def ring_of(self, purpose: str) -> Keyring:
        return self.encryption if purpose == "encryption" else self.hashing

    def active_kid(self, purpose: str) -> str:
        """The key that writes for a purpose. Raises PrerequisiteMissing when none is named."""
        if purpose not in self.active:
            raise PrerequisiteMissing(f"No key is named for '{purpose}'", hint=f"name it: {ACTIVE}={purpose}:KID")
        return self.active[purpose]

    def hash_email(self, email: str, kid: str | None = None) -> tuple[str, bytes]:
        """The key's id and the digest of an address that look-ups use. Raises InvalidEmail."""
        kid = kid or self.active_kid("email")
        return kid, self.hashing.digest(normalise_email(email), kid)

    def seal_email(self, email: str, row_id: UUID) -> tuple[str, bytes]:
        """The key's id and the recoverable form of an address, bound to the row it stands in."""
        kid = self.active_kid("encryption")
        return kid, self.encryption.seal(email.strip(), kid, row_id.bytes)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """One key: what it serves, where it stands, and whether it is the one the database knows."""

    kid: str
    purpose: str | None
    status: str
    verdict: str

    def as_record(self) -> dict[str, str | None]:
        return asdict(self)


def check_keys(connection: Connection, keys: DataKeys) -> list[KeyCheck]:
    """Every key that is given or known, by id: right, wrong, missing (still needed, not given) or unregistered."""
    checks = []
    known = {kid: entry for kid, *entry in connection.execute(queries["list_keys"])}
    for kid in sorted({*known, *keys.hashing.by_id, *keys.encryption.by_id}):
        purpose, status, fingerprint = known.get(kid, (None, "unregistered", b""))
        ring = _ring_with(keys, kid, purpose)
        if ring is None:
            verdict = "not needed" if status == "retired" else "missing"
        elif purpose is None:
            verdict = "unregistered"
        else:
            verdict = "right" if ring.fingerprint(kid) == bytes(fingerprint) else "wrong"
        checks.append(KeyCheck(kid, purpose, status, verdict))
    return checks


def _ring_with(keys: DataKeys, kid: str, purpose: str | None) -> Keyring | None:
    rings = [keys.ring_of(purpose)] if purpose else [keys.hashing, keys.encryption]
    return next((ring for ring in rings if kid in ring.by_id), None)


def register_key(connection: Connection, keys: DataKeys, purpose: str, kid: str) -> str:
    """Enters a key where it is new, the first of its purpose as the active one, and returns where it stands.

    Raises WrongKey when the name stands for another key or serves something else; nothing was written with it then.
    """
    fingerprint = keys.ring_of(purpose).fingerprint(kid)
    connection.execute(queries["insert_key"], {"kid": kid, "purpose": purpose, "fingerprint": fingerprint})
    row = connection.execute(queries["find_key"], [kid]).fetchone()
    known_purpose, status, known_fingerprint = row or ("", "", b"")
    if known_purpose != purpose:
        raise WrongKey(f"The key '{kid}' serves '{known_purpose}', not '{purpose}'", hint="use another name for it")
    if bytes(known_fingerprint) != fingerprint:
        raise WrongKey(
            f"The key '{kid}' is not the one that the database knows by this name",
            hint="compare them: aias db hash check-keys",
        )
    return str(status)


def register_writer(connection: Connection, keys: DataKeys, purpose: str, kid: str) -> None:
    """Enters a key that is to write, before it does. Raises WrongKey; a retired one is wrong as well."""
    if register_key(connection, keys, purpose, kid) == "retired":
        raise WrongKey(f"The key '{kid}' is retired", hint=f"name another one in {ACTIVE}")


def register_active_keys(connection: Connection, keys: DataKeys) -> None:
    """Enters the keys that write. Raises WrongKey."""
    for purpose, kid in keys.active.items():
        register_writer(connection, keys, purpose, kid)


def hash_for_all_keys(connection: Connection, keys: DataKeys, email: str) -> dict[str, bytes]:
    """The digests to store with a person: one for each live key, which stay the live ones until the transaction ends.

    Raises WrongKey when a live key is not given: without it the same person could be entered a second time.
    """
    connection.execute(queries["hold_live_keys"])
    kids = [kid for (kid,) in connection.execute(queries["list_live_email_keys"])]
    if missing := [kid for kid in kids if kid not in keys.hashing.by_id]:
        raise WrongKey(f"The key '{missing[0]}' is in use and not given", hint=f"add it to {HASHING}")
    return dict(keys.hash_email(email, kid) for kid in kids)


def list_email_digests(keys: DataKeys, email: str) -> list[dict[str, Any]]:
    """The digest of an address under each key that may hash addresses, in hex, the active one marked."""
    others = {kid for purpose, kid in keys.active.items() if purpose != "email"}
    active, kids = keys.active.get("email"), [kid for kid in keys.hashing.by_id if kid not in others]
    return [{"kid": kid, "active": kid == active, "hex": keys.hash_email(email, kid)[1].hex()} for kid in kids]


def refuse_wrong(checks: Sequence[KeyCheck]) -> None:
    """Raises WrongKey naming the keys that are wrong or missing."""
    if faults := [f"'{check.kid}' is {check.verdict}" for check in checks if check.verdict in ("wrong", "missing")]:
        raise WrongKey(f"The keys are not those of the database: {', '.join(faults)}", hint=f"see {HASHING}")
