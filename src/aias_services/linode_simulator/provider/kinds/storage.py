"""Buckets and their keys.

Versioning and lifecycle are set, and objects removed, over S3 by the real provider. The simulated account has no S3
server of its own, so here they are what was last asked for.
"""

from __future__ import annotations

from typing import Any

from aias_services.linode_simulator.provider.api import Api, ApiFault, is_absent
from aias_services.linode_simulator.provider.kind import ID, Kind, without_unknown
from aias_services.linode_simulator.provider.schema import (
    BOOL,
    NUMBER,
    STRING,
    STRING_SET,
    Block,
    State,
    computed,
    either,
    objects,
    optional,
    required,
)

EXPIRATION = Block(
    fields={"date": optional(STRING), "days": optional(NUMBER), "expired_object_delete_marker": optional(BOOL)}, most=1
)
LIFECYCLE = Block(
    fields={
        "id": either(STRING),
        "prefix": optional(STRING),
        "enabled": required(BOOL),
        "abort_incomplete_multipart_upload_days": optional(NUMBER),
        "expiration": EXPIRATION,
        "noncurrent_version_expiration": Block(fields={"days": required(NUMBER)}, most=1),
    }
)


class Bucket(Kind):
    """Its id is `region:label`."""

    name = "linode_object_storage_bucket"
    path = "/object-storage/buckets"
    legacy = True
    fields = {
        "id": ID,
        "label": required(STRING, replaces=True),
        "region": required(STRING, replaces=True),
        "endpoint_type": either(STRING, replaces=True),
        "s3_endpoint": either(STRING, replaces=True),
        "acl": either(STRING),
        "cors_enabled": either(BOOL),
        "versioning": either(BOOL),
        "access_key": optional(STRING),
        "secret_key": optional(STRING, sensitive=True),
        "lifecycle_rule": LIFECYCLE,
        "endpoint": computed(STRING),
        "hostname": computed(STRING),
    }
    sent = {name: name for name in ("label", "region", "endpoint_type", "acl", "cors_enabled")}

    def identify(self, answer: dict[str, Any]) -> str:
        return f"{answer['region']}:{answer['label']}"

    def update(self, api: Api, before: State, planned: State) -> State:
        access = {name: planned[name] for name in ("acl", "cors_enabled")}
        api.put(f"{self.item(before)}/access", access)
        return self.flatten(api, api.get(self.item(before)), planned)

    def delete(self, api: Api, state: State) -> None:
        """With `obj_bucket_force_delete` what lies in it goes first, over S3 with the real provider."""
        if api.empties_buckets:
            place = {"region": state["region"], "bucket": state["label"]}
            api.post("/__simulator/contents", {**place, "objects": 0})
        super().delete(api, state)

    def import_state(self, identifier: str) -> State:
        return {"id": identifier}

    def item(self, state: State) -> str:
        return f"{self.path}/{str(state['id']).replace(':', '/', 1)}"

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        known = without_unknown(state)
        access = api.get(f"{self.path}/{answer['region']}/{answer['label']}/access")
        return {
            **known,
            **{name: answer[name] for name in ("label", "region", "endpoint_type", "s3_endpoint", "hostname")},
            "endpoint": answer["s3_endpoint"],
            "acl": access["acl"],
            "cors_enabled": access["cors_enabled"],
            "versioning": bool(known.get("versioning")),
            "id": self.identify(answer),
        }


class StorageKey(Kind):
    name = "linode_object_storage_key"
    path = "/object-storage/keys"
    fields = {
        "id": ID,
        "label": required(STRING),
        "regions": either(STRING_SET),
        "bucket_access": Block(
            fields={name: required(STRING) for name in ("bucket_name", "region", "permissions")}, is_set=True
        ),
        "access_key": computed(STRING),
        "secret_key": computed(STRING, sensitive=True),
        "limited": computed(BOOL),
        "regions_details": computed(objects("list", id=STRING, endpoint_type=STRING, s3_endpoint=STRING)),
    }

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        body = {"label": planned["label"]}
        return body | {"bucket_access": planned["bucket_access"]} if creating and planned["bucket_access"] else body

    def needs_replacement(self, before: State, planned: State) -> list[str]:
        def order(state: State) -> list[str]:
            return sorted(map(str, state["bucket_access"]))

        return ["bucket_access"] if order(before) != order(planned) else []

    def read(self, api: Api, state: State) -> State | None:
        try:
            return self.flatten(api, api.get(self.item(state)), state)
        except ApiFault as fault:
            if is_absent(fault):
                return None
            raise

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        # The secret is told once, at creation.
        secret = answer["secret_key"] if "REDACTED" not in answer["secret_key"] else state.get("secret_key")
        access = answer.get("bucket_access") or ()
        return {
            "id": str(answer["id"]),
            "label": answer["label"],
            "access_key": answer["access_key"],
            "secret_key": secret,
            "limited": answer["limited"],
            "regions": [one["id"] for one in answer["regions"]],
            "regions_details": [
                {name: one[name] for name in ("id", "endpoint_type", "s3_endpoint")} for one in answer["regions"]
            ],
            "bucket_access": [{name: one[name] for name in ("bucket_name", "region", "permissions")} for one in access],
        }


KINDS: tuple[Kind, ...] = (Bucket(), StorageKey())
