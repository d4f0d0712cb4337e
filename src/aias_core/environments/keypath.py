"""Paths of keys, `cluster.pools.general.count`: a key that holds a dot stands in double quotes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aias_core.errors import InvalidInput

KeyPath = tuple[str, ...]
MISSING = object()
_PART = re.compile(r'"([^"]*)"|([^."]+)')


def parse_path(text: str) -> KeyPath:
    """The keys of a path. Raises InvalidInput for an empty part or an open quote."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        parts.append(match[1] if match[1] is not None else match[2])
        position = match.end()
        if position == len(text):
            return tuple(parts)
        if text[position] != ".":
            break
        position += 1
    raise InvalidInput(f"'{text}' is not a path of keys", hint="write it as: cluster.pools.general.count")


def format_path(path: Sequence[str | int]) -> str:
    """The path as `parse_path` reads it."""
    return ".".join(f'"{part}"' if "." in str(part) else str(part) for part in path)


def look_up(tree: Any, path: Sequence[str | int]) -> Any:
    """The value at a path, or MISSING. Numbers count the items of a list."""
    for part in path:
        if isinstance(tree, Mapping) and part in tree:
            tree = tree[part]
        elif (
            isinstance(tree, Sequence) and not isinstance(tree, str) and str(part).isdecimal() and int(part) < len(tree)
        ):
            tree = tree[int(part)]
        else:
            return MISSING
    return tree


def iter_leaves(tree: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    """Every value that is not a map with entries, with its path; a list is one value."""
    if not isinstance(tree, Mapping) or not tree:
        return [(path, tree)]
    return [leaf for key, value in tree.items() for leaf in iter_leaves(value, (*path, str(key)))]
