"""How many of each kind the account has, may have, and will need.

Linode publishes limits for Object Storage only. For the rest the profile says one, and refusals teach us one; where
neither does, it is not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aias_core import clock
from aias_core.environments.linode.kinds import KINDS, is_ours, label_of
from aias_core.environments.linode.variables import list_key_labels, list_pools
from aias_core.errors import LimitReached, PrerequisiteMissing
from aias_core.files import whole_file

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.kinds import Kind, Resource
    from aias_core.environments.schema import LinodeProfile

FILE = "limits.json"
REMEMBERED = timedelta(days=30)
MOST_KEYS = 100
Verdict = Literal["ok", "short", "unknown"]


@dataclass(frozen=True, slots=True)
class Allotment:
    """One kind: how many there are, how many more the environment needs, and how many there may be, by whom."""

    kind: str
    used: int
    needed: int
    limit: int | None
    source: str | None

    @property
    def verdict(self) -> Verdict:
        if self.limit is None:
            return "unknown"
        return "short" if self.needed and self.used + self.needed > self.limit else "ok"

    def as_record(self) -> dict[str, Any]:
        limit = "unknown" if self.limit is None else self.limit
        return {
            "kind": self.kind,
            "used": self.used,
            "needed": self.needed,
            "limit": limit,
            "source": self.source,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Quota:
    """Every kind that counts."""

    kinds: list[Allotment]

    def as_record(self) -> dict[str, Any]:
        return {"kinds": [one.as_record() for one in self.kinds]}

    def find_shortage(self) -> LimitReached | None:
        """The error of what would not fit, None when all does or nobody knows."""
        short = [one for one in self.kinds if one.verdict == "short"]
        if not short:
            return None
        texts = [f"{one.kind}: {one.used} used, {one.needed} more needed, {one.limit} allowed" for one in short]
        return LimitReached(
            f"The account has no room for the environment: {'; '.join(texts)}",
            hint="remove what is not needed (see: aias env orphans), or ask for more with a support ticket and write "
            "it under 'limits' of the profile",
        )


def read_quota(account: LinodeAccount, profile: LinodeProfile, directory: Path) -> Quota:
    """Every kind that counts, with what the environment needs on top of what it has."""
    learned, wanted = read_learned(directory), wanted_resources(profile)
    published = {"bucket": _bucket_limit(account, profile), "key": (MOST_KEYS, "Linode")}
    rows = {name: account.list_all(kind.path) for name, kind in KINDS.items()}
    # Linode counts buckets at each endpoint.
    rows["bucket"] = [row for row in rows["bucket"] if row["region"] == profile.region]
    cluster_ids = {row["id"] for row in rows["cluster"] if row["label"] == label_of(profile.name)}
    needed = {name: wanted[name] - _count_own(kind, rows[name], profile, cluster_ids) for name, kind in KINDS.items()}
    return Quota(
        [_measure(name, len(rows[name]), max(0, needed[name]), profile, published.get(name), learned) for name in KINDS]
    )


def wanted_resources(profile: LinodeProfile) -> dict[str, int]:
    """How many of each kind an environment of that profile has."""
    return {
        "instance": sum(pool.count for pool in list_pools(profile).values()),
        "cluster": 1,
        "nodebalancer": 1,
        "firewall": 2,
        "vpc": 1,
        "database": 1,
        "domain": 1 if profile.domain else 0,
        "bucket": len(profile.buckets),
        "key": len(list_key_labels(profile)),
        "volume": 0,
    }


def remember_refusal(directory: Path, kind: str, used: int) -> None:
    """Keeps what a refusal taught: Linode did not allow one more than `used` of that kind."""
    at = clock.format_instant(clock.now())
    record = {**read_learned(directory), kind: {"limit": used, "refused_at": at}}
    with whole_file(directory / FILE) as file:
        file.write(json.dumps(record, indent=1).encode())


def read_learned(directory: Path) -> dict[str, dict[str, Any]]:
    """What refusals of the last 30 days taught, by kind: `limit` and `refused_at`."""
    try:
        record: dict[str, dict[str, Any]] = json.loads((directory / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise PrerequisiteMissing(
            f"'{directory / FILE}' cannot be read: {exc}", hint="delete it; refusals will teach it again"
        ) from exc
    newest = clock.now() - REMEMBERED
    return {kind: one for kind, one in record.items() if clock.parse_instant(one["refused_at"]) > newest}


def _measure(
    kind: str,
    used: int,
    needed: int,
    profile: LinodeProfile,
    published: tuple[int, str] | None,
    learned: Mapping[str, dict[str, Any]],
) -> Allotment:
    """With the least limit that is known. A refusal of fewer than there are now is outdated."""
    known = [published] if published else []
    if kind in profile.limits:
        known.append((profile.limits[kind], "profile"))
    if kind in learned and used <= learned[kind]["limit"]:
        known.append((learned[kind]["limit"], f"refused on {learned[kind]['refused_at'][:10]}"))
    limit, source = min(known, default=(None, None))
    return Allotment(kind, used, needed, limit, source)


def _count_own(kind: Kind, rows: list[Resource], profile: LinodeProfile, cluster_ids: set[int]) -> int:
    return sum(1 for row in rows if _is_own(kind, row, profile, cluster_ids))


def _is_own(kind: Kind, row: Resource, profile: LinodeProfile, cluster_ids: set[int]) -> bool:
    match kind.name:
        case "instance":
            return row.get("lke_cluster_id") in cluster_ids
        case "bucket":
            return str(row["label"]) in {f"{profile.bucket_prefix}-{profile.name}-{one}" for one in profile.buckets}
        case "key":
            return str(row["label"]) in list_key_labels(profile)
        case "nodebalancer":
            return (row.get("lke_cluster") or {}).get("id") in cluster_ids or _has_tag_of(row, cluster_ids)
        case "domain":
            return bool(row["domain"] == profile.domain)
        case _:
            return is_ours(kind, row, profile.name)


def _has_tag_of(balancer: Resource, cluster_ids: set[int]) -> bool:
    """The cloud controller tags with its cluster what it makes."""
    return not {f"lke{number}" for number in cluster_ids}.isdisjoint(balancer["tags"])


def _bucket_limit(account: LinodeAccount, profile: LinodeProfile) -> tuple[int, str] | None:
    """What Linode publishes for buckets at the endpoint of the region."""
    endpoints = account.list_all("/object-storage/endpoints")
    there = {one["s3_endpoint"] for one in endpoints if one["region"] == profile.region}
    quotas = account.list_all("/object-storage/quotas")
    found = [
        int(one["quota_limit"]) for one in quotas if one["resource_metric"] == "bucket" and one["s3_endpoint"] in there
    ]
    return (max(found), "Linode") if found else None
