"""The events of the account: what was done to what, by whom, and how far it is."""

from __future__ import annotations

from typing import Any

from aias_services.linode_simulator.lifecycle import settled_at, status_at
from aias_services.linode_simulator.world import Record, World

KIND = "event"
FIRST_ID = 900_000_001
MOST = 20_000
FINISHED = (("finished", 0.0),)
USERNAME = "aias-operator"
URLS = {
    "linode": "/v4/linode/instances/{id}",
    "lkecluster": "/v4/lke/clusters/{id}",
    "nodebalancer": "/v4/nodebalancers/{id}",
    "domain": "/v4/domains/{id}",
    "volume": "/v4/volumes/{id}",
    "firewall": "/v4/networking/firewalls/{id}",
    "vpc": "/v4/vpcs/{id}",
    "database": "/v4/databases/postgresql/instances/{id}",
    "stackscript": "/v4/linode/stackscripts/{id}",
}


def entity(kind: str, record: Record) -> dict[str, Any]:
    """How an event, a firewall device or a lock names a resource."""
    label = record.values.get("label") or record.values.get("domain") or str(record.id)
    url = URLS.get(kind, "").format(id=record.id) or None
    return {"id": record.id, "label": label, "type": kind, "url": url}


def emit(world: World, action: str, subject: dict[str, Any] | None, *, lasting: Record | None = None) -> None:
    """Records an event, finished at once or when the lasting record has reached its last state."""
    now, done = world.now(), settled_at(lasting.timeline) if lasting else world.now()
    timeline = [("started", now), ("finished", done)] if lasting else [("notification", now)]
    values: dict[str, Any] = {"action": action, "entity": subject, "username": USERNAME}
    if lasting and world.is_held(lasting):
        timeline, values["_held"] = timeline[:1], True
    record = Record(
        kind=KIND,
        id=world.next_id(KIND, FIRST_ID),
        values=values,
        made_at=now,
        changed_at=now,
        timeline=timeline,
    )
    world.add(record)
    kept = world.state.records[KIND]
    while len(kept) > MOST:
        kept.pop(next(iter(kept)))


def shown(world: World, record: Record) -> dict[str, Any]:
    """How far an event is now."""
    now, status = world.now(), status_at(record.timeline, world.now())
    length = max(0.0, settled_at(record.timeline) - record.made_at)
    share = min(1.0, (now - record.made_at) / length) if length > 0 else 1.0
    done = 100 if status in ("finished", "notification") else min(99, int(share * 100))
    return {"status": status, "percent_complete": done, "duration": round(length, 1)}
