"""Merging of profiles: maps by key at any depth, lists as a whole, and `null` takes away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one; `above` wins. What `above` sets to null is gone, and no null is left of it."""
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            held = merged.get(key)
            merged[key] = merge(held if isinstance(held, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def merge_all(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them as one, the last wins."""
    merged: dict[str, Any] = {}
    for content in contents:
        merged = merge(merged, content)
    return merged
