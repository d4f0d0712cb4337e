"""DNS: domains and their records."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator.fields import Field, answer, fixed, integer, many, text
from aias_services.linode_simulator.refusals import Fault
from aias_services.linode_simulator.resource import Draft, Resource
from aias_services.linode_simulator.routing import Call, actions

NAME = r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
RECORDS = ("A", "AAAA", "NS", "MX", "CNAME", "TXT", "SRV", "PTR", "CAA")
SECONDS = integer(low=0, high=2_419_200, default=0)


def _check(draft: Draft) -> Iterator[Fault]:
    values = draft.values
    if values["type"] == "master" and not values["soa_email"]:
        yield Fault("soa_email required when type=master", "soa_email")
    if values["type"] == "slave" and not values["master_ips"]:
        yield Fault("master_ips required when type=slave", "master_ips")


def _check_record(draft: Draft) -> Iterator[Fault]:
    values = draft.values
    if values["type"] != "SRV" and not values["target"]:
        yield Fault("target is required", "target")
    if values["type"] == "SRV" and not (values["service"] and values["protocol"]):
        yield Fault("service and protocol are required for SRV records", "service")
    if values["type"] == "CAA" and values["tag"] not in ("issue", "issuewild", "iodef"):
        yield Fault("tag is required for CAA records", "tag")
    if values["type"] != "CNAME" or draft.parent is None:
        return
    same = draft.world.children("domain_record", draft.parent)
    if any(one.values["name"] == values["name"] and one is not draft.record for one in same):
        yield Fault("A CNAME cannot share its name with another record", "name")


def _view_zone(call: Call) -> dict[str, list[str]]:
    domain = call.record("domain")
    records = call.world.children("domain_record", domain)
    lines = [f"{one.values['name'] or '@'}\tIN\t{one.values['type']}\t{one.values['target']}" for one in records]
    return {"zone_file": [f"; {domain.values['domain']} [{domain.id}]", *lines]}


DOMAIN: dict[str, Field] = {
    "id": answer(integer()),
    "domain": text(required=True, low=1, high=253, pattern=NAME, reason="Not a valid domain"),
    "type": text(required=True, choices=("master", "slave")),
    "soa_email": text(default="", pattern=r"|[^@\s]+@[^@\s]+\.[^@\s]+", reason="Not a valid email"),
    "description": text(default="", nullable=True, high=253),
    "group": text(default="", nullable=True, high=50),
    "status": text(choices=("active", "disabled"), default="active"),
    "master_ips": many(text()),
    "axfr_ips": many(text()),
    "ttl_sec": SECONDS,
    "refresh_sec": SECONDS,
    "retry_sec": SECONDS,
    "expire_sec": SECONDS,
    "tags": many(text(low=3, high=50)),
}
RECORD: dict[str, Field] = {
    "id": answer(integer()),
    "type": fixed(text(required=True, choices=RECORDS)),
    "name": text(default="", high=100),
    "target": text(default=""),
    "priority": integer(low=0, high=255, default=0),
    "weight": integer(low=0, high=65_535, default=0),
    "port": integer(low=0, high=65_535, default=0),
    "service": text(nullable=True),
    "protocol": text(nullable=True),
    "tag": text(nullable=True),
    "ttl_sec": SECONDS,
    "created": answer(text()),
    "updated": answer(text()),
}
RESOURCES = (
    Resource(
        kind="domain",
        path="/domains",
        scope="domains",
        filterable=(
            "domain",
            "group",
            "tags",
        ),
        entity="domain",
        action="domain",
        quota="domain",
        unique="DNS zone already exists.",
        unique_field="domain",
        fields=DOMAIN,
        checks=(_check,),
        holds=("domain_record",),
    ),
    Resource(
        kind="domain_record",
        path="/domains/{domain}/records",
        scope="domains",
        filterable=(
            "type",
            "name",
            "target",
            "tag",
        ),
        parent="domain",
        fields=RECORD,
        checks=(_check_record,),
        action="domain_record",
    ),
)
OPERATIONS = tuple(actions("domains", {"GET /domains/{domain}/zone-file": _view_zone}))
