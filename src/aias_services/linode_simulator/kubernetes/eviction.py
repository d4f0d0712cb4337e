"""Evictions: a pod goes unless a disruption budget forbids it."""

from __future__ import annotations

import math
from typing import Any

from aias_services.linode_simulator.kubernetes.kinds import KINDS
from aias_services.linode_simulator.kubernetes.objects import Document, Objects
from aias_services.linode_simulator.kubernetes.status import Status

PODS, BUDGETS = KINDS["v1", "pods"], KINDS["policy/v1", "poddisruptionbudgets"]


def evict(objects: Objects, namespace: str, name: str) -> Document:
    """Deletes a pod. Raises Status: 404 when it is not there, 429 while a budget has no room."""
    pod = objects.get(PODS, namespace, name)
    budgets = [one for one in objects.list_all(BUDGETS, namespace) if _selects(one, pod)]
    if any(not _has_room(objects, budget, namespace) for budget in budgets):
        raise Status(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
    objects.delete(PODS, namespace, name)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _selects(budget: Document, pod: Document) -> bool:
    wanted = budget["spec"].get("selector", {}).get("matchLabels") or {}
    return bool(wanted) and wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def _has_room(objects: Objects, budget: Document, namespace: str) -> bool:
    spec = budget["spec"]
    count = sum(1 for pod in objects.list_all(PODS, namespace) if _selects(budget, pod))
    if "minAvailable" in spec:
        return count - 1 >= _absolute(spec["minAvailable"], count)
    return _absolute(spec.get("maxUnavailable", 0), count) >= 1


def _absolute(value: Any, count: int) -> int:
    return math.ceil(count * int(value.removesuffix("%")) / 100) if isinstance(value, str) else int(value)
