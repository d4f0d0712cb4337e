"""Managed PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.access import instant_of
from aias_services.linode_simulator.addresses import check_list
from aias_services.linode_simulator.catalog import databases
from aias_services.linode_simulator.engine import catalogue
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    boolean,
    fixed,
    integer,
    later,
    many,
    mapping,
    shape,
    text,
)
from aias_services.linode_simulator.ledger import Price
from aias_services.linode_simulator.refusals import Fault, refuse
from aias_services.linode_simulator.resource import Draft, Resource
from aias_services.linode_simulator.resources.database_config import CONFIG
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record, World

PATH = "/databases/postgresql/instances/{database}"
ENGINES = tuple(row["id"] for row in databases.ENGINES if row["engine"] == "postgresql")
FILTERABLE = ("label", "type", "engine", "region", "version", "status", "platform")
ACTIVE = (("provisioning", 900.0), ("active", 0.0))
UPDATES = shape(
    {
        "day_of_week": integer(low=1, high=7, default=7),
        "duration": integer(low=1, high=4, default=4),
        "frequency": text(choices=("weekly",), default="weekly"),
        "hour_of_day": integer(low=0, high=23, default=3),
        "pending": answer(many(mapping())),
    }
)
NETWORK = shape(
    {
        "vpc_id": integer(required=True),
        "subnet_id": integer(required=True),
        "public_access": boolean(default=False),
    },
    nullable=True,
)


def _check(draft: Draft) -> Iterator[Fault]:
    values, world = draft.values, draft.world
    plan, nodes = values["type"], values["cluster_size"]
    if plan not in databases.TYPES:
        yield Fault("type is not valid", "type")
    elif nodes not in {one["quantity"] for one in databases.TYPES[plan]["engines"]["postgresql"]}:
        yield Fault(f"cluster_size {nodes} is not available for {plan}", "cluster_size")
    yield from check_list(values["allow_list"], "allow_list")
    if draft.is_new and values["fork"]:
        yield from _check_fork(world, values["fork"])
    network = values["private_network"]
    subnet = world.find_lasting("vpc_subnet", network["subnet_id"]) if network else None
    if network and (subnet is None or subnet.parent != network["vpc_id"]):
        yield Fault("subnet_id is not valid", "private_network.subnet_id")


def _check_fork(world: World, fork: Values) -> Iterator[Fault]:
    source, at = world.find_lasting("database", fork["source"]), fork.get("restore_time")
    if source is None or world.status(source) == "provisioning":
        yield Fault("source is not valid", "fork.source")
        return
    try:
        is_kept = at is None or source.made_at <= instant_of(at) <= world.now()
    except ValueError:
        is_kept = False
    if not is_kept:
        yield Fault("restore_time is not valid", "fork.restore_time")


def _make(_: Draft, database: Record) -> None:
    engine_name, _, version = database.values["engine"].partition("/")
    database.values |= {"engine": engine_name, "version": version}


def _show(world: World, database: Record) -> Values:
    host = f"a{database.id}-akamai-prod-{world.token('host', database.id, length=7)}.g2a.akamaidb.net"
    is_up = world.status(database) != "provisioning"
    plan, nodes = databases.TYPES[database.values["type"]], database.values["cluster_size"]
    endpoint = {"address": host, "port": 26_544, "role": "primary", "public_access": True}
    standby = f"replica-{host}" if nodes > 1 else None
    members = {f"198.18.200.{at + 1}": "failover" if at else "primary" for at in range(nodes)}
    return {
        "hosts": {"primary": host, "standby": standby, "endpoints": [endpoint]} if is_up else None,
        "members": members if is_up else {},
        "total_disk_size_gb": plan["disk"] // 1024,
        "used_disk_size_gb": 1,
    }


def _price(database: Record) -> Price:
    return databases.price_of(database.values["type"], database.values["cluster_size"])


def _ready(call: Call) -> Record:
    database = call.record("database")
    if call.world.status(database) == "provisioning":
        raise refuse("Database is not available while it is provisioning")
    return database


def _view_credentials(call: Call) -> Values:
    database = _ready(call)
    password = call.world.token("password", database.id, database.values.get("_resets", 0))
    return {"username": "akmadmin", "password": password}


def _reset_credentials(call: Call) -> Values:
    database = _ready(call)
    database.values["_resets"] = database.values.get("_resets", 0) + 1
    return {}


def _view_ssl(call: Call) -> Values:
    import base64

    _ready(call)
    text = "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n"
    return {"ca_certificate": base64.b64encode(text.encode()).decode()}


def _suspend(call: Call) -> Values:
    database = _ready(call)
    call.world.begin(database, (("suspending", 60.0), ("suspended", 0.0)))
    return {}


def _resume(call: Call) -> Values:
    database = _ready(call)
    call.world.begin(database, (("resuming", 60.0), ("active", 0.0)))
    return {}


def _patch(call: Call) -> Values:
    _ready(call)
    return {}


def _changed(draft: Draft, database: Record) -> None:
    if any(draft.values[name] != database.values[name] for name in ("type", "cluster_size")):
        draft.world.begin(database, (("resizing", 600.0), ("active", 0.0)))


def _list_all(call: Call) -> list[Values]:
    kind = call.world.registry["database"]
    rows = [engine.show(call.world, kind, one) for one in call.world.iter("database")]
    return [
        {name: value for name, value in row.items() if name != "connection_pool_port"}
        | {"available_restore_times": [], "instance_uri": f"/v4/databases/postgresql/instances/{row['id']}"}
        for row in rows
    ]


DATABASE: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(required=True, low=3, high=32, pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*", reason="Invalid label"),
    "type": text(required=True),
    "engine": fixed(text(required=True)),
    "region": fixed(text(required=True)),
    "cluster_size": integer(choices=(1, 2, 3), default=1),
    "allow_list": many(text()),
    "engine_config": CONFIG,
    "private_network": NETWORK,
    "ssl_connection": fixed(boolean(default=True)),
    "fork": fixed(shape({"source": integer(required=True), "restore_time": text(nullable=True)}, nullable=True)),
    "updates": later(UPDATES),
    "version": later(text()),
    "status": answer(text()),
    "encrypted": answer(boolean(default=True)),
    "hosts": answer(
        shape(
            {
                "primary": text(),
                "standby": text(nullable=True),
                "endpoints": many(
                    shape({"address": text(), "port": integer(), "role": text(), "public_access": boolean()})
                ),
            },
            nullable=True,
        )
    ),
    "members": answer(mapping(text(), default={})),
    "platform": answer(text(default="rdbms-default")),
    "port": answer(integer(default=26_544)),
    "connection_pool_port": answer(integer(nullable=True)),
    "oldest_restore_time": answer(text(nullable=True)),
    "total_disk_size_gb": answer(integer()),
    "used_disk_size_gb": answer(integer()),
    "created": answer(text()),
    "updated": answer(text()),
}


def _check_engine(draft: Draft) -> Iterator[Fault]:
    if draft.is_new and draft.values["engine"] not in ENGINES:
        yield Fault("engine is not valid", "engine")


RESOURCES = (
    Resource(
        kind="database",
        path="/databases/postgresql/instances",
        scope="databases",
        filterable=FILTERABLE,
        first_id=200_001,
        entity="database",
        action="database",
        quota="database",
        unique="Label must be unique among your databases",
        capability="Managed Databases",
        phases=ACTIVE,
        fields=DATABASE,
        checks=(_check, _check_engine),
        made=_make,
        changed=_changed,
        shown=_show,
        price=_price,
    ),
)
OPERATIONS = (
    *actions(
        "databases",
        {
            f"GET {PATH}/credentials": _view_credentials,
            f"POST {PATH}/credentials/reset": _reset_credentials,
            f"GET {PATH}/ssl": _view_ssl,
            f"POST {PATH}/suspend": _suspend,
            f"POST {PATH}/resume": _resume,
            f"POST {PATH}/patch": _patch,
        },
        {"GET /databases/instances": _list_all},
        {"GET /databases/instances": FILTERABLE},
    ),
    *catalogue("/databases/types", databases.TYPES),
    *catalogue("/databases/engines", {row["id"]: row for row in databases.ENGINES}, filterable=("engine", "version")),
)
