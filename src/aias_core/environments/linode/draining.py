"""Empties a node: every pod on it is evicted, as far as the disruption budgets have room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.nodes import Node, NodeWork, get_node, list_nodes, set_schedulable, working_on_nodes
from aias_core.errors import DependencyUnreachable, NotFound, Refused, TimedOut

if TYPE_CHECKING:
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.secrets.cluster import Cluster

USUAL_SECONDS, LOOK_SECONDS = 600.0, 5.0
_MIRROR = "kubernetes.io/config.mirror"
_OVER = ("Succeeded", "Failed")

Pod = Mapping[str, Any]


@dataclass(slots=True)
class Drained:
    """A node without pods, and what was on it."""

    node: str
    evicted: list[str] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {"node": self.node, "evicted": self.evicted}


def drain_node(
    environment: LinodeEnvironment, name: str, seconds: float, consent: Callable[[str], None], progress: Progress
) -> Drained:
    """Cordons a node and evicts its pods, after `consent` to its name; it stays cordoned, whatever comes of it.

    Raises NotFound, LockHeld, Refused for pods that nothing would start again, TimedOut naming those that refuse.
    """
    consent(get_node(environment, list_nodes(environment), name).title)
    with working_on_nodes(environment, "nodes drain", progress) as work:
        return empty_node(work, work.get_node(name), seconds, progress)


def empty_node(work: NodeWork, node: Node, seconds: float, say: Progress) -> Drained:
    """As `drain_node`, in a run that is under way."""
    drained, timing = Drained(node.name), work.environment.timing
    _refuse_unmanaged(list_movable(work.cluster, node.name))
    with work.journal.step(f"drain {node.name}"):
        set_schedulable(work.cluster, node.name, is_wanted=False)
        deadline = timing.now() + seconds
        while pods := list_movable(work.cluster, node.name):
            left = [pod for pod in pods if not _evict(work.cluster, pod, drained, say)]
            if not left:
                continue
            if timing.now() >= deadline:
                raise _time_out(node.name, left, seconds)
            say(f"Waiting for {len(left)} pods of '{node.name}': {_names(left)}…")
            timing.sleep(LOOK_SECONDS)
    return drained


def list_movable(cluster: Cluster, node: str) -> list[Pod]:
    """The pods of a node that have to go: not those of the node itself and of DaemonSets, which are on every node."""
    found = cluster.call("GET", "/api/v1/pods", query=[("fieldSelector", f"spec.nodeName={node}")])["items"]
    return [pod for pod in found if not _belongs_to_node(pod)]


def _belongs_to_node(pod: Pod) -> bool:
    is_mirror = _MIRROR in (pod["metadata"].get("annotations") or {})
    return is_mirror or any(owner["kind"] == "DaemonSet" for owner in _owners(pod))


def _owners(pod: Pod) -> Iterator[dict[str, Any]]:
    yield from (owner for owner in pod["metadata"].get("ownerReferences") or () if owner.get("controller"))


def _refuse_unmanaged(pods: list[Pod]) -> None:
    alone = [pod for pod in pods if not any(_owners(pod)) and pod.get("status", {}).get("phase") not in _OVER]
    if alone:
        raise Refused(
            f"Nothing would start these pods again elsewhere: {_names(alone)}",
            hint="delete them yourself if they are not needed, then drain again",
        )


def _evict(cluster: Cluster, pod: Pod, drained: Drained, say: Progress) -> bool:
    """Whether a pod is gone; False while its budget has no room, or it takes its time to end."""
    metadata = pod["metadata"]
    if metadata.get("deletionTimestamp"):
        return False
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
    place = {"name": metadata["name"], "namespace": metadata["namespace"]}
    try:
        cluster.call("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": place})
    except NotFound:
        return True
    except DependencyUnreachable:
        return False
    drained.evicted.append(_name(pod))
    say(f"Evicted '{_name(pod)}'")
    return True


def _time_out(node: str, left: list[Pod], seconds: float) -> TimedOut:
    return TimedOut(
        f"After {seconds:g} s there are still pods on '{node}': {_names(left)}; it stays cordoned",
        hint="their disruption budgets have no room: give them more replicas, or wait longer with --timeout",
    )


def _names(pods: list[Pod]) -> str:
    return ", ".join(f"'{_name(pod)}'" for pod in pods)


def _name(pod: Pod) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
