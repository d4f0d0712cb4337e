"""Whether an object is what its kind may be: names always, the full schema where `kubernetes-validate` is installed."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from aias_services.linode_simulator.kubernetes.kinds import CUSTOM, Kind
from aias_services.linode_simulator.kubernetes.status import Status, invalid

NAME = re.compile(r"[a-z0-9]([a-z0-9.:-]*[a-z0-9])?")


def check(kind: Kind, document: dict[str, Any], version: str) -> None:
    """Raises Status: 400 for another kind than the path's, 422 for a name or a field that may not be."""
    if (document.get("apiVersion"), document.get("kind")) != (kind.api_version, kind.name):
        raise Status(400, "BadRequest", f"the object is no {kind.api_version} {kind.name}")
    name = document.get("metadata", {}).get("name")
    if not isinstance(name, str) or len(name) > 253 or not NAME.fullmatch(name):
        raise invalid(kind, str(name), f"metadata.name: Invalid value: {name!r}")
    if kind.api_version not in CUSTOM:
        _check_schema(kind, document, version)


def _check_schema(kind: Kind, document: dict[str, Any], version: str) -> None:
    library = _library()
    if library is None:
        return
    try:
        library.validate(document, version, strict=True)
    except library.ValidationError as exc:
        path = ".".join(map(str, exc.path))
        raise invalid(kind, document["metadata"]["name"], f"{path}: {exc.message}") from exc


@cache
def _library() -> Any:
    try:
        import kubernetes_validate
    except ImportError:
        return None
    return kubernetes_validate
