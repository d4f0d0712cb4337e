"""Whether the region offers what a profile asks for, by the live account. Each function yields its checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.checks import Check, failed, passed
from aias_core.environments.linode.variables import list_pools
from aias_core.errors import InvalidInput, LimitReached

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.schema import LinodeProfile

PROPOSALS = 5
_ALWAYS = ("Kubernetes", "VPCs", "Managed Databases", "NodeBalancers", "Cloud Firewall")


def check_offers(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    """Region, Kubernetes version, plans, database and object storage."""
    regions = {row["id"]: row for row in account.list_all("/regions")}
    if profile.region not in regions:
        known = ", ".join(sorted(regions))
        yield failed("region", InvalidInput(f"There is no region '{profile.region}'; known are: {known}"))
        return
    yield from _check_capabilities(regions, profile)
    yield from _check_version(account, profile)
    yield from _check_plans(account, profile)
    yield from _check_database(account, profile)
    if profile.buckets:
        yield from _check_object_storage(account, profile)


def _check_capabilities(regions: dict[str, Any], profile: LinodeProfile) -> Iterator[Check]:
    wanted = _wanted_capabilities(profile)
    missing = wanted - set(regions[profile.region]["capabilities"])
    if not missing:
        yield passed("region", f"'{profile.region}' has {', '.join(sorted(wanted))}")
        return
    able = sorted(name for name, row in regions.items() if wanted <= set(row["capabilities"]))
    yield failed(
        "region",
        InvalidInput(
            f"The region '{profile.region}' does not have: {', '.join(sorted(missing))}",
            hint=f"choose one that has, under 'region' of the profile: {', '.join(able) or 'there is none'}",
        ),
    )


def _wanted_capabilities(profile: LinodeProfile) -> set[str]:
    wanted = set(_ALWAYS)
    if any(pool.gpu for pool in list_pools(profile).values()):
        wanted.add("GPU Linodes")
    if profile.cluster.tier == "enterprise":
        wanted.add("Kubernetes Enterprise")
    if profile.buckets:
        wanted.add("Object Storage")
    return wanted


def _check_version(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    tier, version = profile.cluster.tier, profile.cluster.version
    if tier == "enterprise" and account.version != "v4beta":
        problem = "The tier 'enterprise' is only in version 'v4beta' of Linode's API"
        yield failed("Kubernetes version", InvalidInput(problem, hint="set 'account.api_version' of the profile"))
        return
    offered = list_versions(account, tier)
    if any(_is_version(one, version) for one in offered):
        yield passed("Kubernetes version", f"{version} is offered")
        return
    yield failed(
        "Kubernetes version",
        InvalidInput(
            f"Kubernetes {version} is not offered in tier '{tier}'; offered are: {', '.join(offered)}",
            hint="set 'cluster.version' of the profile",
        ),
    )


def list_versions(account: LinodeAccount, tier: str) -> list[str]:
    """The versions of Kubernetes that Linode offers now."""
    path = "/lke/versions" if tier == "standard" else f"/lke/tiers/{tier}/versions"
    return [str(row["id"]) for row in account.list_all(path)]


def _is_version(offered: str, wanted: str) -> bool:
    """The enterprise tier names builds, such as `v1.34.6+lke2`."""
    plain = offered.removeprefix("v")
    return plain == wanted or plain.startswith((f"{wanted}.", f"{wanted}+"))


def _check_plans(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    types = {row["id"]: row for row in account.list_all("/linode/types")}
    refused = _refused_plans(account, profile.region)
    for name, pool in list_pools(profile).items():
        check = f"plan of pool '{name}'"
        if pool.type not in types:
            yield failed(
                check,
                InvalidInput(f"There is no plan '{pool.type}'", hint=f"set 'cluster.pools.{name}.type' of the profile"),
            )
        elif pool.type in refused:
            yield failed(check, _out_of_stock(account, pool.type, types, refused, profile.region))
        else:
            yield passed(check, f"'{pool.type}' is available")


def _refused_plans(account: LinodeAccount, region: str) -> set[str]:
    """Linode tells it of premium and GPU plans only: what it does not name is there."""
    return {row["plan"] for row in account.list_all(f"/regions/{region}/availability") if not row["available"]}


def _out_of_stock(
    account: LinodeAccount, plan: str, types: dict[str, Any], refused: set[str], region: str
) -> LimitReached:
    """Says what is available instead: plans of the same class that are no smaller, and regions that name this one."""
    regions = [row["region"] for row in account.list_all("/regions/availability", None) if _offers(row, plan)]
    wanted = types[plan]
    plans = [name for name in types if name not in refused and _is_no_smaller(types[name], wanted)]
    plans.sort(key=lambda name: (types[name]["memory"], name))
    instead = f"plans {', '.join(plans[:PROPOSALS]) or 'none'}; regions {', '.join(regions[:PROPOSALS]) or 'none'}"
    return LimitReached(f"The plan '{plan}' is not available in '{region}' now", hint=f"available instead: {instead}")


def _offers(row: dict[str, Any], plan: str) -> bool:
    return bool(row["plan"] == plan and row["available"])


def _is_no_smaller(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["class"] == other["class"] and all(one[name] >= other[name] for name in ("memory", "vcpus", "gpus"))


def _check_database(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    wanted = profile.database
    engines = [row["version"] for row in account.list_all("/databases/engines") if row["engine"] == "postgresql"]
    plans = {row["id"]: row for row in account.list_all("/databases/types")}
    sizes = {offer["quantity"] for offer in plans.get(wanted.type, {}).get("engines", {}).get("postgresql", ())}
    if wanted.version.split(".")[0] not in {str(version).split(".")[0] for version in engines}:
        problem = f"PostgreSQL {wanted.version} is not offered; offered are: {', '.join(map(str, engines))}"
        yield failed("database", InvalidInput(problem, hint="set 'database.version' of the profile"))
    elif wanted.nodes not in sizes:
        has = f"with {', '.join(map(str, sorted(sizes)))} nodes" if sizes else "at all"
        problem = f"The database plan '{wanted.type}' is not offered with {wanted.nodes} nodes, only {has}"
        if not sizes:
            problem = f"There is no database plan '{wanted.type}'"
        yield failed("database", InvalidInput(problem, hint="set 'database.type' and 'database.nodes' of the profile"))
    else:
        yield passed("database", f"PostgreSQL {wanted.version} on {wanted.nodes} × '{wanted.type}' is offered")


def _check_object_storage(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    endpoints = [row for row in account.list_all("/object-storage/endpoints") if row["region"] == profile.region]
    named = [str(row["s3_endpoint"]) for row in endpoints if row["s3_endpoint"]]
    if named:
        yield passed("object storage", f"the endpoint is '{named[0]}'")
    else:
        problem = f"The region '{profile.region}' has no endpoint of Object Storage"
        yield failed("object storage", InvalidInput(problem, hint="choose another 'region' in the profile"))
