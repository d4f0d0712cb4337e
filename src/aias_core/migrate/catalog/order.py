"""What must come before what: a stable order of things that need one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush

from aias_core.migrate.catalog.snapshot import RANK, Key


def sort_keys(needs: Mapping[Key, Iterable[Key]]) -> list[Key]:
    """Each key after what it needs, otherwise by kind and name; a circle is cut at its first member."""
    waits = {key: {other for other in others if other in needs and other != key} for key, others in needs.items()}
    dependents = invert(waits)
    ready = [_rank(key) for key, others in waits.items() if not others]
    heapify(ready)
    ordered: list[Key] = []
    while waits:
        key = heappop(ready)[1:] if ready else min(waits, key=_rank)
        if waits.pop(key, None) is None:
            continue
        ordered.append(key)
        for dependent in dependents[key]:
            if dependent in waits:
                waits[dependent].discard(key)
                if not waits[dependent]:
                    heappush(ready, _rank(dependent))
    return ordered


def invert(needs: Mapping[Key, Iterable[Key]]) -> dict[Key, list[Key]]:
    """Who needs a key, for each."""
    dependents: dict[Key, list[Key]] = defaultdict(list)
    for key, others in needs.items():
        for other in others:
            dependents[other].append(key)
    return dependents


def reaches(start: Iterable[Key], targets: set[Key], needs: Mapping[Key, Iterable[Key]]) -> bool:
    """Whether one of the targets is needed, directly or not, by one of the keys to start from."""
    stack, seen = list(start), set()
    while stack:
        key = stack.pop()
        if key in targets:
            return True
        if key not in seen:
            seen.add(key)
            stack.extend(needs.get(key, ()))
    return False


def _rank(key: Key) -> tuple[int, str, str]:
    return RANK[key[0]], *key
