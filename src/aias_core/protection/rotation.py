"""Rotation of the key that e-mail addresses are hashed under, beside the services that go on writing.

From its first transaction on, writers fill both keys (`hash_for_all_keys`); the rotation adds what is older, in batches
that each commit with their checkpoint. It ends when nobody is left, and only then makes the new key the active one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import ids
from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.protection.data_keys import DataKeys, WrongKey, queries, register_key

if TYPE_CHECKING:
    from psycopg import Connection

Progress = Callable[[str], None]
DEFAULT_BATCH = 1000


@dataclass(slots=True)
class Rotation:
    """How far it has come; `added` counts the digests of this run, `rows_done` those of all runs."""

    from_kid: str
    to_kid: str
    rotation_id: UUID | None = None
    last_user_id: UUID | None = None
    rows_done: int = 0
    added: int = 0
    missing: int = 0

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def rotate_email_key(
    connection: Connection, keys: DataKeys, rotation: Rotation, progress: Progress, batch: int = DEFAULT_BATCH
) -> Rotation:
    """Gives every person a digest under the new key and makes it the active one. Run again, it goes on.

    The connection is in autocommit. Raises NotFound, UnknownKey, WrongKey, Undecipherable, Conflict when two people
    have the same address.
    """
    if rotation.from_kid == rotation.to_kid:
        raise InvalidInput("A rotation leads from one key to another")
    _begin(connection, keys, rotation)
    while rotation.missing:
        is_whole_pass, before, total = rotation.last_user_id is None, rotation.added, rotation.added + rotation.missing
        for _ in iter(lambda: _fill(connection, keys, rotation, batch), 0):
            progress(f"Hashed {rotation.added} of {total} addresses")
        rotation.last_user_id = None
        _count_missing(connection, rotation)
        if is_whole_pass and rotation.missing and rotation.added == before:
            raise Conflict(f"{rotation.missing} people have an address that somebody else has as well")
    _finish(connection, rotation)
    return rotation


def _begin(connection: Connection, keys: DataKeys, rotation: Rotation) -> None:
    """Makes the new key live once no writer is at work that does not know it, and finds the checkpoint."""
    with connection.transaction():
        connection.execute(queries["stop_writers"])
        known = connection.execute(queries["find_key"], [rotation.from_kid]).fetchone()
        if known is None or known[0] != "email":
            raise NotFound(
                f"No addresses are hashed under '{rotation.from_kid}'", hint="see the keys: aias db hash check-keys"
            )
        register_key(connection, keys, "email", rotation.from_kid)
        if register_key(connection, keys, "email", rotation.to_kid) == "retired":
            raise WrongKey(f"The key '{rotation.to_kid}' is retired", hint="rotate to a new one")
        _count_missing(connection, rotation)
        kids = {"from_kid": rotation.from_kid, "to_kid": rotation.to_kid}
        if rotation.missing:
            connection.execute(queries["open_rotation"], {"rotation_id": ids.new_id(), **kids})
        row = connection.execute(queries["find_rotation"], kids).fetchone()
        rotation.rotation_id, rotation.last_user_id, rotation.rows_done = row or (None, None, 0)


def _fill(connection: Connection, keys: DataKeys, rotation: Rotation, batch: int) -> int:
    """Does one batch with its checkpoint and returns how many people it held; 0 at the end of the table."""
    with connection.transaction(), connection.cursor() as cursor:
        bounds = {"to_kid": rotation.to_kid, "after": rotation.last_user_id, "batch": batch}
        people = cursor.execute(queries["list_batch"], bounds).fetchall()
        if people:
            rotation.last_user_id = people[-1][0]
            cursor.executemany(queries["insert_email_hash"], [_hash(keys, rotation.to_kid, *row) for row in people])
            rotation.added, rotation.rows_done = rotation.added + cursor.rowcount, rotation.rows_done + cursor.rowcount
            cursor.execute(queries["advance_rotation"], asdict(rotation))
    return len(people)


def _hash(keys: DataKeys, kid: str, user_id: UUID, sealed: bytes, enc_kid: str) -> tuple[str, bytes, UUID]:
    email = keys.encryption.unseal(bytes(sealed), enc_kid, user_id.bytes)
    return (*keys.hash_email(email, kid), user_id)


def _count_missing(connection: Connection, rotation: Rotation) -> None:
    row = connection.execute(queries["count_missing"], {"to_kid": rotation.to_kid}).fetchone()
    rotation.missing = int(row[0]) if row else 0


def _finish(connection: Connection, rotation: Rotation) -> None:
    with connection.transaction():
        if rotation.rotation_id is not None:
            connection.execute(queries["finish_rotation"], [rotation.rotation_id])
        connection.execute(queries["demote_other_keys"], [rotation.to_kid])
        connection.execute(queries["promote_key"], [rotation.to_kid])
