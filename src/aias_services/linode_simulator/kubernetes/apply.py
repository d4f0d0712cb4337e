"""Patches: JSON merge, and server-side apply, where each manager owns the fields that it set."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Path = tuple[str, ...]
UNOWNED = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


def merge(base: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def leaves(document: Any, path: Path = ()) -> Iterator[Path]:
    """The fields that a document sets; a list counts as one."""
    if not isinstance(document, dict) or (not document and path):
        yield path
        return
    for name, value in document.items():
        yield from leaves(value, (*path, name))


def find_conflicts(live: Document, wanted: Document, owners: dict[str, list[Path]], manager: str) -> list[str]:
    """Fields that another manager owns with another value, as `.spec.x: owner`."""
    return [
        f'.{".".join(path)}: conflict with "{owner}"'
        for owner, paths in owners.items()
        if owner != manager
        for path in paths
        if _is_set(wanted, path) and _value(wanted, path) != _value(live, path)
    ]


def apply(live: Document, wanted: Document, owners: dict[str, list[Path]], manager: str) -> Document:
    """The object after an apply: what the manager set before and no longer sets is removed, unless another owns it."""
    mine = [path for path in leaves(wanted) if path not in UNOWNED]
    kept = {tuple(path) for owner, paths in owners.items() if owner != manager for path in paths}
    result = merge(live, wanted)
    for path in owners.get(manager, []):
        if tuple(path) not in kept and not _is_set(wanted, tuple(path)):
            _remove(result, tuple(path))
    for owner in list(owners):
        owners[owner] = [path for path in owners[owner] if owner == manager or tuple(path) not in mine]
    owners[manager] = mine
    return dict(result)


def _value(document: Any, path: Path) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _is_set(document: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return True


def _remove(document: Any, path: Path) -> None:
    if len(path) == 1:
        document.pop(path[0], None)
    elif isinstance(document.get(path[0]), dict):
        _remove(document[path[0]], path[1:])
