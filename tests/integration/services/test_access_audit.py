"""Records of access reach the audit chain of identity, in order and once, whatever is away meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.analytics.access.records import AccessRecord, list_undelivered, record_access
from aias_core.audit.chain import verify_chain
from aias_core.database.connection import Pool
from aias_core.errors import DependencyUnreachable
from aias_core.management import ManagementClient
from aias_core.secret import Secret
from aias_services.analytics.delivery import deliver_once
from support import servers
from support.access import OPERATOR_TOKEN, SERVICE_KEY, TOKEN_SIGNING_KEY
from support.events import ORG

if TYPE_CHECKING:
    from support.servers import PostgresServer


def test_records_are_delivered_once_and_in_order(
    postgres_server: PostgresServer, operational: str, store: psycopg.Connection, tmp_path: Path
) -> None:
    pool = Pool(postgres_server.dsn(store.info.dbname, "aias_analytics"), "database 'analytics'", "test")
    records = [
        AccessRecord(
            "user", f"ana-{n}", "auditor", "usage.read", "allowed", org_id=ORG, target_id="acme", request_id="r"
        )
        for n in range(3)
    ]
    for record in records:
        record_access(store, record)
    with pytest.raises(DependencyUnreachable):
        deliver_once(pool, ManagementClient("identity", "http://127.0.0.1:9", Secret(SERVICE_KEY)))
    assert len(list_undelivered(store)) == 3
    variables = {
        "AIAS_OPERATIONAL_DSN": postgres_server.dsn(operational, "aias_identity").reveal(),
        "AIAS_SERVICE_KEY": SERVICE_KEY,
        "AIAS_OPERATOR_TOKEN": OPERATOR_TOKEN,
        "AIAS_DATA_HASH_KEYS": "k1:" + TOKEN_SIGNING_KEY,
        "AIAS_TOKEN_SIGNING_KEY": TOKEN_SIGNING_KEY,
    }
    with servers.service("identity", tmp_path, variables) as running:
        identity = ManagementClient("identity", running.url, Secret(SERVICE_KEY))
        identity.post("/internal/v1/audit-records", {"records": list_undelivered(store)[:1]})
        assert deliver_once(pool, identity) == 3
        assert deliver_once(pool, identity) == 0
    pool.close()
    with psycopg.connect(postgres_server.superuser(operational).reveal()) as connection:
        listed = connection.execute(
            "SELECT audit_id, actor_id, org_id, action FROM aias.audit_log ORDER BY seq"
        ).fetchall()
        assert listed == [(r.audit_id, r.actor_id, ORG, "usage.read") for r in records]
        assert verify_chain(connection) == (3, [])


def test_a_record_cannot_be_changed_or_removed(store: psycopg.Connection) -> None:
    record_access(store, AccessRecord("user", "ana", "auditor", "usage.read", "allowed"))
    for statement in ("UPDATE aias.access_records SET actor_id = 'bo'", "DELETE FROM aias.access_records"):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation)):
            store.execute(statement.encode())
