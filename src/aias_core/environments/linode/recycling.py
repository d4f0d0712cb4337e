"""Replaces nodes with new ones, one at a time: drained, recycled, and the next only when the new one is ready."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.draining import empty_node
from aias_core.environments.linode.nodes import Node, NodeWork, admit_nodes, get_pool, wait_for_pool, working_on_nodes
from aias_core.errors import InvalidInput, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment


@dataclass(slots=True)
class Recycled:
    """The nodes that were replaced."""

    environment: str
    replaced: list[str] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {"environment": self.environment, "replaced": self.replaced}


def recycle_nodes(
    environment: LinodeEnvironment, node: str | None, pool: str | None, seconds: float, progress: Progress
) -> Recycled:
    """Replaces one node, or all of a pool; stops at the first that cannot be drained or replaced.

    Raises InvalidInput unless exactly one of `node` and `pool` is named, and as `drain_node`; Partial for a node that
    does not become ready.
    """
    if (node is None) == (pool is None):
        raise InvalidInput("Name one node or one pool", hint="for example: aias env nodes recycle --pool general")
    recycled = Recycled(environment.name)
    with working_on_nodes(environment, "nodes recycle", progress) as work:
        for one in _choose(work, node, pool):
            _recycle(work, one, seconds, progress)
            recycled.replaced.append(one.name)
    return recycled


def _choose(work: NodeWork, node: str | None, pool: str | None) -> list[Node]:
    if node is not None:
        return [work.get_node(node)]
    pool_id = get_pool(work.environment, work.cluster_id, str(pool))["id"]
    return [one for one in work.find_nodes() if one.pool_id == pool_id]


def _recycle(work: NodeWork, node: Node, seconds: float, say: Progress) -> None:
    empty_node(work, node, seconds, say)
    say(f"Recycling '{node.name}'…")
    with work.journal.step(f"recycle {node.name}", id=node.id):
        # Where the answer is lost, the pool tells whether the node is gone.
        with suppress(Partial):
            work.environment.opened.account.post(f"/lke/clusters/{work.cluster_id}/nodes/{node.id}/recycle")
        wait_for_pool(work.environment, work.cluster_id, str(node.pool_id), lambda pool: _is_gone(pool, node), say)
    admit_nodes(work, say)


def _is_gone(pool: dict[str, Any], node: Node) -> bool:
    return node.id not in {str(one["id"]) for one in pool["nodes"]}
