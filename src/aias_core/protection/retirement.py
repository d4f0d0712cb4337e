"""Retirement of a hashing key: nothing is found by it alone any more, and what was hashed under it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aias_core.errors import NotFound, Refused
from aias_core.protection.data_keys import ACTIVE, DataKeys, queries, register_writer

if TYPE_CHECKING:
    from psycopg import Connection

Progress = Callable[[str], None]
DEFAULT_BATCH = 1000


class KeyInUse(Refused):
    """A key is still needed"""

    code = "key_in_use"


@dataclass(slots=True)
class Retirement:
    """The key that is retired, what it served, and how many digests of addresses this run removed."""

    kid: str
    purpose: str = ""
    removed: int = 0

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def retire_key(
    connection: Connection, keys: DataKeys, kid: str, progress: Progress, batch: int = DEFAULT_BATCH
) -> Retirement:
    """Marks a hashing key as retired, then removes the digests of addresses under it. Run again, it goes on.

    The connection is in autocommit. Raises NotFound for an unknown key, KeyInUse for the one that writes and for one
    that something is found by alone, WrongKey where the one that is to write instead is retired.
    """
    done = Retirement(kid)
    with connection.transaction():
        connection.execute(queries["stop_writers"])  # they fill every key that is live
        _retire(connection, keys, done)
    while count := connection.execute(queries["delete_digests"], {"kid": kid, "batch": batch}).rowcount:
        done.removed += count
        progress(f"Removed {done.removed} digests")
    return done


def _retire(connection: Connection, keys: DataKeys, done: Retirement) -> None:
    row = connection.execute(queries["find_key"], [done.kid]).fetchone()
    if row is None:
        raise NotFound(f"There is no key '{done.kid}'", hint="see the keys: aias db hash check-keys")
    done.purpose, status = row[0], row[1]
    if done.purpose == "encryption":
        raise KeyInUse(
            f"'{done.kid}' encrypts; what it sealed could not be read without it",
            hint=f"keep it, and name another one for what is sealed from now on: {ACTIVE}=encryption:KID",
        )
    if status == "active":
        _hand_over(connection, keys, done)
    uses = connection.execute(queries["list_uses"], {"kid": done.kid}).fetchall()
    if found := ", ".join(f"{count} {what}" for what, count in uses if count):
        raise KeyInUse(f"'{done.kid}' is still needed: {found} are found by it alone", hint=_describe_way(done))
    if status != "retired":
        connection.execute(queries["retire_key"], [done.kid])


def _describe_way(done: Retirement) -> str:
    if done.purpose == "email":
        return (
            f"hash people under another one: aias db hash rotate --from {done.kid} --to KID; "
            "an invite goes 30 days after it has expired: aias db retention run"
        )
    return "revoke them, or wait until they have expired; see the keys: aias key list --org ORG"


def _hand_over(connection: Connection, keys: DataKeys, done: Retirement) -> None:
    """Makes the key that writes by now the active one; that of addresses becomes it by a rotation.

    Raises WrongKey for one that is retired.
    """
    successor = keys.active.get(done.purpose, done.kid)
    if done.purpose == "email" or successor == done.kid:
        way = f"aias db hash rotate --from {done.kid} --to KID" if done.purpose == "email" else f"{ACTIVE}=…"
        raise KeyInUse(f"'{done.kid}' is the active key of '{done.purpose}'", hint=f"name another one first: {way}")
    register_writer(connection, keys, done.purpose, successor)
    connection.execute(queries["demote_key"], [done.kid])
    connection.execute(queries["promote_key"], [successor])
