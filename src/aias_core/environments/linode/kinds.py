"""The kinds of resources that an environment on Linode is made of: where they live and how one is recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aias_core.errors import InvalidInput

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource; `name` is also what `limits` of a profile call it."""

    name: str
    path: str
    scope: str
    label_field: str = "label"
    has_tags: bool = True
    takes_filters: bool = True


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("instance", "/linode/instances", "linodes"),
        Kind("cluster", "/lke/clusters", "lke"),
        Kind("volume", "/volumes", "volumes"),
        Kind("nodebalancer", "/nodebalancers", "nodebalancers"),
        Kind("firewall", "/networking/firewalls", "firewall"),
        Kind("vpc", "/vpcs", "vpc", has_tags=False),
        Kind("database", "/databases/postgresql/instances", "databases", has_tags=False),
        Kind("domain", "/domains", "domains", label_field="domain"),
        Kind("bucket", "/object-storage/buckets", "object_storage", has_tags=False, takes_filters=False),
        Kind("key", "/object-storage/keys", "object_storage", has_tags=False, takes_filters=False),
    )
}


def get_kind(name: str) -> Kind:
    """Raises InvalidInput for a kind that there is not."""
    if name not in KINDS:
        raise InvalidInput(f"There is no kind '{name}'; known are: {', '.join(KINDS)}")
    return KINDS[name]


def label_of(environment: str, purpose: str | None = None) -> str:
    """How the parts of an environment are called: `aias-<environment>` or `aias-<environment>-<purpose>`."""
    return f"aias-{environment}" if purpose is None else f"aias-{environment}-{purpose}"


def is_label_of(label: str, environment: str, clusters: Iterable[str] = ()) -> bool:
    """Whether something is called like a part of an environment, and not like one of another of these clusters.

    An environment `a-b` is called like a part of `a`; its cluster tells that it is there.
    """
    own = label_of(environment)
    others = (one for one in clusters if one.startswith(f"{own}-"))
    return _is_part(label, own) and not any(_is_part(label, other) for other in others)


def _is_part(label: str, whole: str) -> bool:
    return label == whole or label.startswith(f"{whole}-")


def is_ours(kind: Kind, resource: Mapping[str, Any], environment: str) -> bool:
    """Whether a resource belongs to the environment: by its tags, or by its whole label where Linode keeps no tags.

    Not for buckets and keys, which have names of their own.
    """
    if kind.has_tags:
        return {"aias", f"env:{environment}"} <= set(resource.get("tags") or ())
    return str(resource.get(kind.label_field)) == label_of(environment)
