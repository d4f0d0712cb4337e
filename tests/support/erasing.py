"""Subjects of erasure with rows everywhere, in databases that a test may change."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import ids
from aias_core.database.connection import connect
from aias_core.migrate.consent import Consent
from aias_core.retention.erasure.certificate import Signer
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import run_erasure
from aias_core.retention.stores import Stores
from aias_core.secret import Secret
from support.subjects import count_rows, fill

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer

SIGNER = Signer(Secret(base64.b64encode(b"k" * 32).decode()))
BUCKET = "exports"
KINDS = ["organization", "user"]
IGNORED = {"request_id", "requested_at", "completed_at", "signature"}


@dataclass(frozen=True)
class World:
    """Two subjects of one kind with rows everywhere, and how many rows of the first one are to go."""

    kind: Any
    subject: uuid.UUID
    other: uuid.UUID
    rows: dict[str, int]
    operational: str
    analytics: str

    @property
    def order(self) -> Order:
        return Order(self.kind, self.subject, "T-1", "GDPR Art. 17")


def build_world(server: PostgresServer, kind: str) -> World:
    subject, other = ids.new_id(), ids.new_id()
    names = {database: server.clone(database) for database in ("operational", "analytics")}
    rows: dict[str, int] = {}
    for database, name in names.items():
        with connect(server.superuser(name), autocommit=True) as connection:
            if database == "analytics":
                connection.execute("SELECT aias.ensure_month_partitions(now(), 1)")
            rows |= fill(connection, database, kind, subject)
            fill(connection, database, kind, other)
    return World(kind, subject, other, rows, names["operational"], names["analytics"])


@dataclass(frozen=True)
class Place:
    """A copy of a world that a test may change."""

    world: World
    stores: Stores
    server: PostgresServer
    names: dict[str, str]

    def raw(self, database: str) -> Any:
        return connect(self.server.superuser(self.names[database]), autocommit=True)

    def erase(self, consent: Consent | None = None) -> dict[str, Any]:
        return run_erasure(self.stores, self.world.order, consent or Consent(), SIGNER)


def copy_world(server: PostgresServer, world: World, objects: ObjectStore) -> Place:
    names = {"operational": server.clone(world.operational), "analytics": server.clone(world.analytics)}
    dsns = [server.dsn(name, "aias_migrator") for name in names.values()]
    return Place(world, Stores("test", *dsns, objects, (BUCKET,)), server, names)


def dump(place: Place, database: str) -> dict[str, set[str]]:
    """Every row of every table as text."""
    with place.raw(database) as connection:
        return {
            name: {row[0] for row in connection.execute(f"SELECT t::text FROM aias.{name} t".encode())}
            for name in count_rows(connection)
        }


def stable(certificate: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in certificate.items() if key not in IGNORED}
