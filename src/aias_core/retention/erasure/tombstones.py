"""Erasing again what an older copy of the databases brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg.types.json import Jsonb

from aias_core.errors import Conflict
from aias_core.retention.erasure.requests import Order, bury
from aias_core.retention.erasure.rules import DATABASES, queries
from aias_core.retention.erasure.run import prepare
from aias_core.retention.records import record
from aias_core.retention.stores import Databases, Stores, opened

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.backup.tombstones import Tombstone
    from aias_core.retention.erasure.certificate import Signer
    from aias_core.secret import Secret


def apply_tombstones(
    environment: str, databases: Mapping[str, Secret], tombstones: Sequence[Tombstone], signer: Signer
) -> None:
    """Erases every subject of the tombstones from restored databases, whose requests and tombstones then stand there.

    Repeatable. Databases without our schema have nothing to erase and no tombstones. An organization whose only owner
    at that time was erased is suspended until it gets another one; the audit chain of the copy says so.
    Raises Conflict when a copy knows another erasure by the same ticket.
    """
    if not tombstones:
        return
    stores = Stores(environment, databases["operational"], databases["analytics"])
    with opened(stores, alone=True) as found:
        for tombstone in tombstones:
            _apply(stores, found, tombstone, signer)


def _apply(stores: Stores, databases: Databases, tombstone: Tombstone, signer: Signer) -> None:
    kind, subject, ticket = tombstone["subject_kind"], UUID(tombstone["subject_id"]), tombstone["ticket"]
    order = Order(kind, subject, ticket, tombstone["legal_basis"])
    with databases.operational.transaction():
        _restore_request(databases.operational, tombstone)
        keys = {"kind": kind, "id": subject, "request_id": tombstone["request_id"]}
        databases.operational.execute(queries["insert_tombstone"], keys)
        databases.operational.execute(queries[f"close_{kind}"], keys)
        if kind == "user":
            _suspend_orphaned(databases.operational, order)
    work = prepare(stores, databases, order, signer)  # the request knows keys that the copy does not
    bury(databases.analytics, work.subject)
    for database in DATABASES:
        work.apply(database)


def _restore_request(operational: Connection, tombstone: Tombstone) -> None:
    """Brings the request to where it stands elsewhere. Raises Conflict when the copy knows another one instead."""
    keys = {**tombstone, "certificate": Jsonb(tombstone["certificate"]) if tombstone["certificate"] else None}
    if operational.execute(queries["find_different_request"], keys).fetchone():
        raise Conflict(
            f"The copy knows another erasure by the ticket '{tombstone['ticket']}'",
            hint="see which environment the backup is of: aias db backup list",
        )
    operational.execute(queries["restore_request"], {"record": Jsonb(dict(tombstone))})


def _suspend_orphaned(operational: Connection, order: Order) -> None:
    rows = operational.execute(queries["suspend_orphaned_organizations"], {"id": order.subject_id}).fetchall()
    if rows:
        details = {"ticket": order.ticket, "suspended": [str(org_id) for (org_id,) in rows]}
        record(operational, "erasure.replay", "succeeded", details)
