"""NodeBalancers, their configs and nodes."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.catalog import prices
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    boolean,
    fixed,
    integer,
    many,
    mapping,
    number,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.refusals import Fault
from aias_services.linode_simulator.resource import Draft, Resource
from aias_services.linode_simulator.resources.firewalls import attach, detach_all, firewalls_of
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record, World

CONFIG: dict[str, Field] = {
    "id": answer(integer()),
    "nodebalancer_id": answer(integer()),
    "port": integer(low=1, high=65_535, default=80),
    "protocol": text(choices=("http", "https", "tcp", "udp"), default="http"),
    "proxy_protocol": text(choices=("none", "v1", "v2"), default="none"),
    "algorithm": text(choices=("roundrobin", "leastconn", "source", "ring_hash"), default="roundrobin"),
    "stickiness": text(choices=("none", "table", "http_cookie", "session", "source_ip"), default="none"),
    "check": text(choices=("none", "connection", "http", "http_body"), default="none"),
    "check_interval": integer(low=2, high=3_600, default=5),
    "check_timeout": integer(low=1, high=30, default=3),
    "check_attempts": integer(low=1, high=30, default=2),
    "check_path": text(default=""),
    "check_body": text(default=""),
    "check_passive": boolean(default=True),
    "cipher_suite": text(choices=("recommended", "legacy", "none"), default="recommended"),
    "ssl_cert": text(nullable=True),
    "ssl_key": text(nullable=True),
    "ssl_commonname": answer(text(default="")),
    "ssl_fingerprint": answer(text(default="")),
    "nodes_status": answer(shape({"up": integer(default=0), "down": integer(default=0)})),
}
NODE: dict[str, Field] = {
    "id": answer(integer()),
    "nodebalancer_id": answer(integer()),
    "config_id": answer(integer()),
    "label": text(required=True, low=3, high=32),
    "address": text(required=True, pattern=r"\d+(\.\d+){3}:\d+", reason="Must be an IPv4 address and a port"),
    "weight": integer(low=1, high=255, default=100),
    "mode": text(choices=("accept", "reject", "drain", "backup"), default="accept"),
    "subnet_id": integer(nullable=True),
    "status": answer(text(default="UP")),
}
NEW_CONFIG = {**CONFIG, "nodes": many(shape(NODE)), "udp_check_port": integer(low=1, high=65_535, default=80)}


def _check(draft: Draft) -> Iterator[Fault]:
    firewall = draft.values.get("firewall_id")
    if firewall and draft.world.find_lasting("firewall", firewall) is None:
        yield Fault("firewall_id is not valid", "firewall_id")


def _make(draft: Draft, balancer: Record) -> None:
    world, values = draft.world, balancer.values
    number = int(balancer.id)
    values["label"] = values["label"] or f"balancer{balancer.id}"
    values["ipv4"] = f"198.19.{number // 250 % 250}.{number % 250 + 1}"
    for body in values.pop("configs"):
        config = engine.create(
            world,
            "nodebalancer_config",
            {name: value for name, value in body.items() if name in CONFIG},
            parent=balancer,
        )
        for node in body.get("nodes", ()):
            engine.create(world, "nodebalancer_node", node, parent=config)
    if firewall := world.find("firewall", values.pop("firewall_id")):
        attach(world, firewall, "nodebalancer", balancer.id)


def _show(_: World, balancer: Record) -> Values:
    return {"hostname": f"{balancer.values['ipv4'].replace('.', '-')}.ip.linodeusercontent.com"}


def _check_config(draft: Draft) -> Iterator[Fault]:
    is_taken = draft.parent is not None and any(
        other.values["port"] == draft.values["port"] and other is not draft.record
        for other in draft.world.children("nodebalancer_config", draft.parent)
    )
    if is_taken:
        yield Fault("Port must be unique among the configs of the NodeBalancer", "port")


def _show_config(world: World, config: Record) -> Values:
    nodes = sum(1 for _ in world.children("nodebalancer_node", config))
    return {"nodebalancer_id": config.parent, "nodes_status": {"up": nodes, "down": 0}}


def _show_node(world: World, node: Record) -> Values:
    config = world.find("nodebalancer_config", node.parent)
    return {"config_id": node.parent, "nodebalancer_id": config.parent if config else None}


def _list_firewalls(call: Call) -> list[Values]:
    return firewalls_of(call.world, "nodebalancer", call.record("nodebalancer").id)


RESOURCES = (
    Resource(
        kind="nodebalancer",
        path="/nodebalancers",
        scope="nodebalancers",
        filterable=("label", "region", "tags", "ipv4", "locks"),
        first_id=300_001,
        entity="nodebalancer",
        action="nodebalancer",
        quota="nodebalancer",
        unique="Label must be unique among your NodeBalancers",
        capability="NodeBalancers",
        fields={
            "id": answer(integer()),
            "label": text(low=3, high=32, pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*", reason="Invalid label"),
            "region": fixed(text(required=True)),
            "client_conn_throttle": integer(low=0, high=20, default=0),
            "client_udp_sess_throttle": integer(low=0, high=20, default=0),
            "tags": many(text(low=3, high=50)),
            "ipv4": fixed(text()),
            "configs": secret(many(shape(NEW_CONFIG))),
            "firewall_id": secret(integer(nullable=True)),
            "vpcs": secret(many(mapping())),
            "hostname": answer(text()),
            "ipv6": answer(text(nullable=True)),
            "type": answer(text(default="common")),
            "lke_cluster": answer(
                shape({"id": integer(), "label": text(), "type": text(), "url": text()}, nullable=True)
            ),
            "transfer": answer(
                shape({"in": number(default=0.0), "out": number(default=0.0), "total": number(default=0.0)})
            ),
            "locks": answer(many(text())),
            "created": answer(text()),
            "updated": answer(text()),
        },
        checks=(_check,),
        made=_make,
        holds=("nodebalancer_config",),
        gone=lambda world, balancer: detach_all(world, "nodebalancer", balancer.id),
        shown=_show,
        price=lambda balancer: prices.price_of("nodebalancers", "nodebalancer", balancer.values["region"]),
    ),
    Resource(
        kind="nodebalancer_config",
        path="/nodebalancers/{nodebalancer}/configs",
        scope="nodebalancers",
        parent="nodebalancer",
        fields=CONFIG,
        checks=(_check_config,),
        holds=("nodebalancer_node",),
        shown=_show_config,
    ),
    Resource(
        kind="nodebalancer_node",
        path="/nodebalancers/{nodebalancer}/configs/{nodebalancer_config}/nodes",
        scope="nodebalancers",
        parent="nodebalancer_config",
        fields=NODE,
        shown=_show_node,
    ),
)
OPERATIONS = (
    *actions("nodebalancers", {}, {"GET /nodebalancers/{nodebalancer}/firewalls": _list_firewalls}),
    *actions(
        "",
        {},
        {"GET /nodebalancers/types": lambda _: prices.list_types("nodebalancers")},
        {"GET /nodebalancers/types": prices.FILTERABLE},
    ),
)
