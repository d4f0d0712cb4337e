"""Object Storage: buckets, keys, endpoints and quotas. The objects themselves live on a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator

from aias_services.linode_simulator import engine
from aias_services.linode_simulator.catalog import prices, regions
from aias_services.linode_simulator.fields import (
    Field,
    Values,
    answer,
    boolean,
    fixed,
    integer,
    many,
    secret,
    shape,
    text,
)
from aias_services.linode_simulator.ledger import bill
from aias_services.linode_simulator.refusals import LIMIT_REACHED, Fault, not_found, refuse
from aias_services.linode_simulator.resource import EVERYTHING, Draft, Resource
from aias_services.linode_simulator.routing import Call, actions
from aias_services.linode_simulator.world import Record, World

MOST_KEYS, MOST_KEY_BUCKETS, MOST_BUCKETS = 100, 25, 1_000
SUBSCRIPTION = "object_storage"
ACLS = ("private", "public-read", "authenticated-read", "public-read-write")
TYPES = ("E0", "E1", "E2", "E3")
GIB = 1024**3
BUCKET_PATH = "/object-storage/buckets/{bucket_region}/{bucket_label}"


def endpoint_of(world: World, region: str) -> Values:
    """The S3 endpoint of a region; another server may stand in for it."""
    address = world.state.settings.s3_endpoint or f"{region}-1.linodeobjects.com"
    return {"region": region, "endpoint_type": "E1", "s3_endpoint": address}


def _endpoints(world: World) -> list[Values]:
    return [endpoint_of(world, region) for region in regions.with_capability(regions.STORAGE)]


def _list_clusters(_: Call) -> list[Values]:
    return [
        {
            "id": f"{region}-1",
            "region": region,
            "domain": f"{region}-1.linodeobjects.com",
            "static_site_domain": f"website-{region}-1.linodeobjects.com",
            "status": "available",
        }
        for region in regions.with_capability(regions.STORAGE)
    ]


def _check_bucket(draft: Draft) -> Iterator[Fault]:
    values = draft.values
    if values["region"] is None and values["cluster"]:
        values["region"] = values["cluster"].removesuffix("-1")
    if not regions.has(values["region"] or "", regions.STORAGE):
        yield Fault("region is not valid", "region")
    if sum(1 for _ in draft.world.iter("bucket")) >= MOST_BUCKETS:
        yield Fault(LIMIT_REACHED)


def _make_bucket(draft: Draft, bucket: Record) -> None:
    bucket.values["endpoint_type"] = bucket.values["endpoint_type"] or "E1"
    _subscribe(draft.world)


def _subscribe(world: World) -> None:
    """The first bucket or key begins the flat price of the product, for the account."""
    record = world.find(SUBSCRIPTION, 1)
    if record is None:
        now = world.now()
        record = Record(kind=SUBSCRIPTION, id=1, values={}, made_at=now, changed_at=now)
        record.purpose = record.owner = SUBSCRIPTION
        world.add(record)
    bill(world, record, prices.price_of("object-storage", "objectstorage", ""))


def _cancel(call: Call) -> Values:
    world = call.world
    if any(world.iter("bucket")):
        raise refuse("All buckets must be removed before Object Storage can be canceled")
    for key in world.iter("storage_key"):
        engine.remove(world, key)
    if record := world.find(SUBSCRIPTION, 1):
        bill(world, record, None)
        world.remove(record)
    return {}


def _leave_bucket(_: World, bucket: Record) -> None:
    if bucket.values.get("_objects"):
        raise refuse("Bucket is not empty")


def _show_bucket(world: World, bucket: Record) -> Values:
    region, label = bucket.values["region"], bucket.values["label"]
    address = endpoint_of(world, region)["s3_endpoint"]
    return {
        "hostname": f"{label}.{address}",
        "s3_endpoint": address,
        "cluster": f"{region}-1",
        "objects": bucket.values.get("_objects", 0),
        "size": bucket.values.get("_size", 0),
    }


def _list_region(call: Call) -> list[Values]:
    region = call.params["region"].removesuffix("-1")
    if region not in regions.REGIONS:
        raise not_found()
    kind = call.world.registry["bucket"]
    found = call.world.iter("bucket", lambda one: one.values["region"] == region)
    return [engine.show(call.world, kind, one) for one in found]


def _view_access(call: Call) -> Values:
    values = call.record("bucket").values
    return {"acl": values["acl"], "acl_xml": "", "cors_enabled": values["cors_enabled"], "cors_xml": None}


def _update_access(call: Call) -> Values:
    bucket = call.record("bucket")
    wanted = call.read({"acl": text(choices=ACLS), "cors_enabled": boolean(nullable=True)})
    bucket.values |= {name: value for name, value in wanted.items() if value is not None}
    return {}


def _check_key(draft: Draft) -> Iterator[Fault]:
    values, world = draft.values, draft.world
    for index, region in enumerate(values["regions"]):
        if not regions.has(region, regions.STORAGE):
            yield Fault("region is not valid", f"regions[{index}]")
    if not draft.is_new:
        return
    access = values["bucket_access"] or []
    if len(access) > MOST_KEY_BUCKETS:
        yield Fault(f"A key may have access to at most {MOST_KEY_BUCKETS} buckets", "bucket_access")
    for index, one in enumerate(access):
        region = one.get("region") or str(one.get("cluster")).removesuffix("-1")
        wanted = (region, one["bucket_name"])
        if not any(world.iter("bucket", lambda b, w=wanted: (b.values["region"], b.values["label"]) == w)):  # type: ignore[misc]
            yield Fault("bucket_name is not valid", f"bucket_access[{index}].bucket_name")
    if sum(1 for _ in world.iter("storage_key")) >= MOST_KEYS:
        yield Fault(LIMIT_REACHED)


def _make_key(draft: Draft, key: Record) -> None:
    world, values, settings = draft.world, key.values, draft.world.state.settings
    values["access_key"] = settings.s3_access_key or world.token("access", key.id, length=20).upper()
    values["_once"] = {"secret_key": settings.s3_secret_key or world.token("secret", key.id, length=40)}
    _subscribe(world)


def _show_key(world: World, key: Record) -> Values:
    named = key.values["regions"] or [one.get("region") for one in key.values["bucket_access"] or ()]
    endpoints = [endpoint_of(world, region) for region in dict.fromkeys(named) if region]
    return {
        "secret_key": "[REDACTED]",
        "limited": key.values["bucket_access"] is not None,
        "regions": [{"id": one.pop("region"), **one} for one in endpoints],
    }


def _quotas(world: World) -> list[Values]:
    limits = (
        ("buckets", "bucket", MOST_BUCKETS),
        ("bytes", "byte", 100 * 1024 * GIB),
        ("objects", "object", 100_000_000),
    )
    return [
        {
            "quota_id": f"obj-{name}-{endpoint['s3_endpoint']}",
            "quota_type": f"obj-{name}",
            "quota_name": f"Number of {name}" if name != "bytes" else "Total capacity",
            "quota_limit": limit,
            "resource_metric": metric,
            "description": f"Limit of {name} for this customer on this endpoint",
            "endpoint_type": endpoint["endpoint_type"],
            "s3_endpoint": endpoint["s3_endpoint"],
            "has_usage": True,
        }
        for endpoint in _endpoints(world)
        for name, metric, limit in limits
    ]


def _find_quota(call: Call) -> Values:
    found = next((one for one in _quotas(call.world) if one["quota_id"] == call.params["quota"]), None)
    if found is None:
        raise not_found()
    return found


def _view_usage(call: Call) -> Values:
    quota = _find_quota(call)
    buckets = sum(
        1
        for bucket in call.world.iter("bucket")
        if endpoint_of(call.world, bucket.values["region"])["s3_endpoint"] == quota["s3_endpoint"]
    )
    return {"quota_limit": quota["quota_limit"], "usage": buckets if quota["resource_metric"] == "bucket" else 0}


KEY_ACCESS = shape(
    {
        "bucket_name": text(required=True),
        "permissions": text(required=True, choices=("read_only", "read_write")),
        "region": text(nullable=True),
        "cluster": text(nullable=True),
    }
)
KEY: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(required=True, low=1, high=50),
    "bucket_access": fixed(many(KEY_ACCESS, nullable=True, default=None)),
    "regions": many(text()),
    "access_key": answer(text()),
    "secret_key": answer(text()),
    "limited": answer(boolean()),
}
RESOURCES = (
    Resource(
        kind="bucket",
        path="/object-storage/buckets",
        scope="object_storage",
        key=("region", "label"),
        verbs=EVERYTHING - {"update"},
        unique="The requested bucket name is not available",
        quota="bucket",
        fields={
            "label": fixed(
                text(required=True, low=3, high=63, pattern=r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", reason="Invalid label")
            ),
            "region": fixed(text(nullable=True)),
            "cluster": fixed(text(nullable=True)),
            "endpoint_type": fixed(text(choices=TYPES, nullable=True)),
            "s3_endpoint": fixed(text(nullable=True)),
            "acl": secret(text(choices=ACLS, nullable=True, default="private")),
            "cors_enabled": secret(boolean(nullable=True, default=True)),
            "hostname": answer(text()),
            "objects": answer(integer(default=0)),
            "size": answer(integer(default=0)),
            "created": answer(text()),
        },
        checks=(_check_bucket,),
        made=_make_bucket,
        leaves=_leave_bucket,
        shown=_show_bucket,
    ),
    Resource(
        kind="storage_key",
        path="/object-storage/keys",
        scope="object_storage",
        fields=KEY,
        checks=(_check_key,),
        made=_make_key,
        shown=_show_key,
        action="obj_access_key",
    ),
)
OPERATIONS = (
    *actions(
        "object_storage",
        {
            f"GET {BUCKET_PATH}/access": _view_access,
            f"PUT {BUCKET_PATH}/access": _update_access,
            f"POST {BUCKET_PATH}/access": _update_access,
            f"GET {BUCKET_PATH}/ssl": lambda call: {"ssl": bool(call.record("bucket").values.get("_ssl"))},
            "POST /object-storage/cancel": _cancel,
            "GET /object-storage/quotas/{quota}": _find_quota,
            "GET /object-storage/quotas/{quota}/usage": _view_usage,
            "GET /object-storage/transfer": lambda _: {"used": 0, "region_transfers": []},
        },
        {
            "GET /object-storage/buckets/{region}": _list_region,
            "GET /object-storage/clusters": _list_clusters,
            "GET /object-storage/endpoints": lambda call: _endpoints(call.world),
            "GET /object-storage/quotas": lambda call: _quotas(call.world),
        },
        {"GET /object-storage/quotas": ("quota_name", "s3_endpoint")},
    ),
    *actions(
        "",
        {},
        {"GET /object-storage/types": lambda _: prices.list_types("object-storage")},
        {"GET /object-storage/types": prices.FILTERABLE},
    ),
)
