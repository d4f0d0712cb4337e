"""Rules of what is kept: retention, buckets, protection, and the names that Linode gives to things."""

from __future__ import annotations

import re

from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile

TELEMETRY_FLOOR_DAYS = 30
EVIDENCE_FLOOR_DAYS = 90
VERSIONED = ("state", "backups")
EVIDENCE = ("access", "reports")
BUCKET_NAME_LENGTH = 63
# Labels of clusters and firewalls have 32 characters at most, and ours are `aias-<environment>-<purpose>`.
NAME_LENGTH = 18
APPROVERS = 2
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def check_retention(inspection: Inspection[LinodeProfile]) -> None:
    """Metrics and logs for 30 days at least, plans and evidence for 90; the bucket of telemetry as long as both."""
    retention, buckets = inspection.profile.retention, inspection.profile.buckets
    for key in ("metrics_days", "logs_days"):
        _check_floor(inspection, ("retention", key), getattr(retention, key), TELEMETRY_FLOOR_DAYS)
    for name in EVIDENCE:
        if name in buckets:
            _check_floor(inspection, ("buckets", name, "expire_days"), buckets[name].expire_days, EVIDENCE_FLOOR_DAYS)
    if "telemetry" in buckets:
        longest = max(retention.metrics_days, retention.logs_days, retention.traces_days)
        _check_floor(inspection, ("buckets", "telemetry", "expire_days"), buckets["telemetry"].expire_days, longest)


def _check_floor(inspection: Inspection[LinodeProfile], path: tuple[str, ...], days: int | None, floor: int) -> None:
    if days is not None and days < floor:
        problem = f"{days} days are fewer than {floor}"
        inspection.refuse("retention-floor", path, problem, f"set it to {floor} or more")


def check_buckets(inspection: Inspection[LinodeProfile]) -> None:
    """State and backups are versioned and never expire; the name of a bucket is not too long."""
    profile = inspection.profile
    for name in VERSIONED:
        bucket, path = profile.buckets.get(name), ("buckets", name)
        if bucket is None:
            inspection.refuse(
                "bucket", ("buckets",), f"there is no bucket '{name}'", f"add '{name}: {{versioned: true}}'"
            )
        elif not bucket.versioned or bucket.expire_days is not None:
            problem = f"what the bucket '{name}' holds could be lost"
            inspection.refuse("bucket", path, problem, "set 'versioned: true', and remove 'expire_days'")
    for name in profile.buckets:
        full = f"{profile.bucket_prefix}-{profile.name}-{name}"
        if len(full) > BUCKET_NAME_LENGTH:
            problem = f"'{full}' is longer than {BUCKET_NAME_LENGTH} characters"
            inspection.refuse("bucket", ("buckets", name), problem, "shorten the purpose or 'bucket_prefix'")


def check_names(inspection: Inspection[LinodeProfile]) -> None:
    """The environment's name fits into labels, its domain is one, and its releases have a repository."""
    profile = inspection.profile
    if len(profile.name) > NAME_LENGTH:
        problem = f"the name is longer than {NAME_LENGTH} characters, too long for labels on Linode"
        inspection.refuse("name", (), problem, "rename the file")
    if profile.domain is None:
        problem = "there is no domain: no DNS, no certificates, no edge"
        inspection.warn("domain", ("domain",), problem, "add 'domain: example.com' in a file of your own")
    elif _DOMAIN.fullmatch(profile.domain) is None:
        inspection.refuse("domain", ("domain",), "this is not the name of a domain", "write it as: example.com")
    if profile.gitops.repo is None:
        problem = "there is no repository: nothing is deployed into the cluster"
        inspection.warn("gitops", ("gitops", "repo"), problem, "add 'gitops: {repo: https://…}' in a file of your own")


def check_protection(inspection: Inspection[LinodeProfile]) -> None:
    """Production is protected, and two people can agree to its changes."""
    profile = inspection.profile
    if not inspection.extends("production"):
        return
    if not profile.protect:
        problem = "cluster, database and buckets of production may be deleted"
        inspection.warn("protection", ("protect",), problem, "set it to true")
    count = len(profile.approvals.approvers)
    if count < APPROVERS:
        problem = f"{count} people may approve changes, {APPROVERS} are needed"
        inspection.warn("approvers", ("approvals", "approvers"), problem, "add their names and public keys")


CHECKS = (check_retention, check_buckets, check_names, check_protection)
