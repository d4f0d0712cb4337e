"""Replaces nodes with new ones, one at a time: drained, recycled, and the next only when the new one is ready."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.draining import empty_node
from aias_core.environments.linode.nodes import (
    Node,
    NodeWork,
    admit_nodes,
    get_cluster_id,
    get_node,
    get_pool,
    list_nodes,
    wait_for_pool,
    working_on_nodes,
)
from aias_core.errors import InvalidInput, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment


@dataclass(frozen=True, slots=True)
class Chosen:
    """One node, by name or id, or every node of a pool. Raises InvalidInput unless exactly one is named."""

    node: str | None
    pool: str | None

    def __post_init__(self) -> None:
        if (self.node is None) == (self.pool is None):
            raise InvalidInput("Name one node or one pool", hint="for example: aias env nodes recycle --pool general")

    def pick(self, environment: LinodeEnvironment, nodes: list[Node]) -> list[Node]:
        """Raises NotFound for what there is not."""
        if self.node is not None:
            return [get_node(environment, nodes, self.node)]
        pool_id = get_pool(environment, get_cluster_id(environment), str(self.pool))["id"]
        return [one for one in nodes if one.pool_id == pool_id]


@dataclass(slots=True)
class Recycled:
    """The nodes that were replaced."""

    environment: str
    replaced: list[str] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {"environment": self.environment, "replaced": self.replaced}


def recycle_nodes(
    environment: LinodeEnvironment, chosen: Chosen, seconds: float, consent: Callable[[list[str]], None], say: Progress
) -> Recycled:
    """Replaces one node, or all of a pool, after `consent` to their names; what has come to the pool since stays.

    Stops at the first that cannot be drained or replaced. Raises NotFound, and as `drain_node`; Partial for a node
    that does not become ready.
    """
    agreed = {one.id: one.title for one in chosen.pick(environment, list_nodes(environment))}
    consent([*agreed.values()])
    recycled = Recycled(environment.name)
    with working_on_nodes(environment, "nodes recycle", say) as work:
        for one in chosen.pick(environment, work.find_nodes()):
            if one.id in agreed:
                replace_nodes(work, [one], seconds, say)
                recycled.replaced.append(one.title)
    return recycled


def replace_nodes(work: NodeWork, nodes: list[Node], seconds: float, say: Progress) -> None:
    """Drains nodes of one pool one after the other, then replaces them together, in a run that is under way."""
    for one in nodes:
        if one.name:
            empty_node(work, one, seconds, say)
    names, ids = ", ".join(one.title for one in nodes), [one.id for one in nodes]
    say(f"Recycling {names}…")
    with work.journal.step(f"recycle {names}", ids=ids):
        for node_id in ids:
            # Where the answer is lost, the pool tells whether the node is gone.
            with suppress(Partial):
                work.environment.opened.account.post(f"/lke/clusters/{work.cluster_id}/nodes/{node_id}/recycle")
        pool = str(nodes[0].pool_id)
        wait_for_pool(work.environment, work.cluster_id, pool, lambda pool: _are_gone(pool, ids), say)
    admit_nodes(work, say)


def _are_gone(pool: dict[str, Any], ids: list[str]) -> bool:
    return not {str(one["id"]) for one in pool["nodes"]} & set(ids)
