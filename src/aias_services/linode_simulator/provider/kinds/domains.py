"""DNS zones and their records."""

from __future__ import annotations

from aias_services.linode_simulator.provider.kind import ID, Kind
from aias_services.linode_simulator.provider.schema import NUMBER, STRING, STRING_SET, either, optional, required


class Domain(Kind):
    name = "linode_domain"
    path = "/domains"
    fields = {
        "id": ID,
        "domain": required(STRING),
        "type": required(STRING, replaces=True),
        "soa_email": optional(STRING),
        "description": either(STRING),
        "status": either(STRING),
        "ttl_sec": either(NUMBER),
        "retry_sec": either(NUMBER),
        "expire_sec": either(NUMBER),
        "refresh_sec": either(NUMBER),
        "master_ips": either(STRING_SET),
        "axfr_ips": either(STRING_SET),
        "tags": either(STRING_SET, default=[]),
    }
    sent = {name: name for name in fields if name != "id"}
    fixed = frozenset({"type"})


class DomainRecord(Kind):
    name = "linode_domain_record"
    path = "/domains/{domain_id}/records"
    parents = ("domain_id",)
    fields = {
        "id": ID,
        "domain_id": required(NUMBER, replaces=True),
        "record_type": required(STRING, replaces=True),
        "name": either(STRING),
        "target": required(STRING),
        "ttl_sec": either(NUMBER),
        "priority": either(NUMBER),
        "weight": either(NUMBER),
        "port": either(NUMBER),
        "service": optional(STRING),
        "protocol": optional(STRING),
        "tag": optional(STRING),
    }
    sent = {
        "record_type": "type",
        **{name: name for name in fields if name not in ("id", "domain_id", "record_type")},
    }
    fixed = frozenset({"record_type"})


KINDS: tuple[Kind, ...] = (Domain(), DomainRecord())
