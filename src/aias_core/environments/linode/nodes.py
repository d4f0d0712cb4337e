"""The nodes of an environment's cluster: who they are, and whether they take new pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import ids
from aias_core.environments.linode.failures import RESUME
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.kinds import label_of
from aias_core.environments.linode.node_firewall import protect_nodes
from aias_core.errors import Conflict, EnvironmentNotUp, NotFound, Partial, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.secrets.cluster import Cluster

READY_SECONDS, LOOK_SECONDS = 1_200.0, 5.0
# Where the nodes of every LKE cluster reach each other; what connects to a database from there never gets there.
PRIVATE = "192.168."
_COMMAND = "nodes "
_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its name in the cluster, its id in LKE, and the instance that it is."""

    name: str
    id: str
    pool: str
    pool_id: int
    instance_id: int
    type: str
    is_ready: bool
    is_cordoned: bool
    version: str
    since: str

    @property
    def title(self) -> str:
        """Its name; its id while it has not joined the cluster."""
        return self.name or self.id

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "pool": self.pool,
            "type": self.type,
            "ready": self.is_ready,
            "cordoned": self.is_cordoned,
            "version": self.version,
            "since": self.since,
            "instance": self.instance_id,
            "id": self.id,
        }


@dataclass(frozen=True, slots=True)
class NodeWork:
    """An environment whose nodes are worked on: its cluster, the id of that in LKE, and the run's lease and journal."""

    environment: LinodeEnvironment
    cluster: Cluster
    cluster_id: int
    lease: Lease
    journal: Journal

    def find_nodes(self) -> list[Node]:
        return _list(self.environment, self.cluster, self.cluster_id)

    def get_node(self, name: str) -> Node:
        """By its name or its id. Raises NotFound, and Refused for one that has not joined the cluster."""
        node = get_node(self.environment, self.find_nodes(), name)
        if not node.name:
            raise Refused(
                f"The node '{node.id}' has not joined the cluster, so nothing runs on it",
                hint=f"replace it: aias env nodes recycle {self.environment.name} --node {node.id}",
            )
        return node


def get_node(environment: LinodeEnvironment, nodes: list[Node], name: str) -> Node:
    """The one of that name or id. Raises NotFound naming those that there are."""
    found = next((one for one in nodes if name in (one.title, one.id)), None)
    if found is None:
        raise _unknown("node", name, [one.title for one in nodes], environment.name)
    return found


def list_nodes(environment: LinodeEnvironment) -> list[Node]:
    """Every node of every pool. Raises EnvironmentNotUp without a cluster that is ready."""
    cluster_id = get_cluster_id(environment)
    with open_access(environment.opened.account, environment.name) as cluster:
        return _list(environment, _refuse_none(cluster, environment), cluster_id)


def cordon_node(environment: LinodeEnvironment, name: str, progress: Progress, *, undo: bool = False) -> Node:
    """Has a node take no new pods, or take them again. Raises NotFound, LockHeld."""
    command = "nodes uncordon" if undo else "nodes cordon"
    with working_on_nodes(environment, command, progress) as work:
        node = work.get_node(name)
        with work.journal.step(f"{command} {node.name}"):
            set_schedulable(work.cluster, node.name, is_wanted=undo)
        return work.get_node(node.name)


def set_schedulable(cluster: Cluster, name: str, *, is_wanted: bool) -> None:
    """Whether the scheduler may put new pods on a node."""
    cluster.call("PATCH", f"/api/v1/nodes/{name}", {"spec": {"unschedulable": not is_wanted}}, _PATCH)


@contextmanager
def working_on_nodes(
    environment: LinodeEnvironment, command: str, progress: Progress, **details: Any
) -> Iterator[NodeWork]:
    """The lease and a journal, begun with `details`, for the length of the block. Raises LockHeld, EnvironmentNotUp."""
    cluster_id, state = get_cluster_id(environment), environment.state
    with (
        state.held(0, progress, environment.find_actor()) as lease,
        open_access(environment.opened.account, environment.name) as cluster,
    ):
        opened = _refuse_none(cluster, environment)
        journal = _begin(state, command, lease, details)
        try:
            yield NodeWork(environment, opened, cluster_id, lease, journal)
        except Exception as exc:
            journal.end("failed", cause=str(exc))
            raise
        journal.end("succeeded")


def _begin(state: RemoteState, command: str, lease: Lease, details: Mapping[str, Any]) -> Journal:
    """Only the newest run can be gone on with, so one of another kind must not be hidden behind this one."""
    before = state.journals.find_unfinished(lease)
    if before is not None and not before.command.startswith(_COMMAND):
        raise Conflict(
            f"The run {before.run_id} ('{before.command}') was not finished",
            hint=f"finish it first: aias env {before.command} {state.environment}",
        )
    if before is not None:
        before.end("failed", replaced_by=command)
    return state.journals.begin(str(ids.new_id()), command, lease, **details)


def get_cluster_id(environment: LinodeEnvironment) -> int:
    """The id of the cluster in LKE. Raises EnvironmentNotUp where there is none."""
    row = environment.opened.account.find_by_label("cluster", label_of(environment.name))
    if row is None:
        raise _not_up(environment)
    return int(row["id"])


def get_pool(environment: LinodeEnvironment, cluster_id: int, name: str) -> dict[str, Any]:
    """The pool of that name as LKE tells of it. Raises NotFound naming those that there are."""
    pools = environment.opened.account.list_all(f"/lke/clusters/{cluster_id}/pools")
    found = next((pool for pool in pools if name in (pool.get("label"), str(pool["id"]))), None)
    if found is None:
        raise _unknown("pool", name, [str(pool.get("label") or pool["id"]) for pool in pools], environment.name)
    return found


def wait_for_pool(
    environment: LinodeEnvironment, cluster_id: int, name: str, wanted: Callable[[dict[str, Any]], bool], say: Progress
) -> None:
    """Returns when a pool is as wanted and all its nodes are ready. Raises Partial after twenty minutes."""
    timing = environment.timing
    deadline = timing.now() + READY_SECONDS
    while True:
        pool = get_pool(environment, cluster_id, name)
        late = [node["id"] for node in pool["nodes"] if node["status"] != "ready"]
        if not late and len(pool["nodes"]) == pool["count"] and wanted(pool):
            return
        if timing.now() >= deadline:
            minutes = f"{READY_SECONDS / 60:.0f} minutes"
            raise Partial(
                f"The pool '{name}' is not ready after {minutes}: {', '.join(late) or 'no node'}",
                hint=f"see what Linode says: aias env events {environment.name}; then {RESUME}",
            )
        say(f"Waiting for {', '.join(late) or 'the nodes'} of '{name}'…")
        timing.sleep(LOOK_SECONDS)


def list_addresses(instances: list[dict[str, Any]], cluster_id: int) -> set[str]:
    """The public addresses of a cluster's nodes, which are what a database sees of them."""
    nodes = (one for one in instances if one.get("lke_cluster_id") == cluster_id)
    return {address for one in nodes for address in one["ipv4"] if not address.startswith(PRIVATE)}


def admit_nodes(work: NodeWork, say: Progress) -> None:
    """Puts the nodes that there are now behind their firewall, and makes the database let in these and no others."""
    protect_nodes(work.environment, work.cluster_id, work.journal, say)
    account = work.environment.opened.account
    row = account.find_by_label("database", label_of(work.environment.name))
    if row is None or row.get("private_network"):
        return
    addresses = sorted(list_addresses(account.list_all("/linode/instances"), work.cluster_id))
    if {str(one).removesuffix("/32") for one in row["allow_list"]} != set(addresses):
        say("Letting the new nodes connect to the database…")
        with work.journal.step("allow list", addresses=addresses):
            account.update(f"/databases/postgresql/instances/{row['id']}", {"allow_list": addresses})


def _list(environment: LinodeEnvironment, cluster: Cluster, cluster_id: int) -> list[Node]:
    objects = {_instance_of(one): one for one in cluster.call("GET", "/api/v1/nodes")["items"]}
    pools = environment.opened.account.list_all(f"/lke/clusters/{cluster_id}/pools")
    return [_read(pool, node, objects.get(node["instance_id"]) or {}) for pool in pools for node in pool["nodes"]]


def _instance_of(node: Mapping[str, Any]) -> int:
    return int(str(node["spec"].get("providerID", "0")).removeprefix("linode://"))


def _read(pool: Mapping[str, Any], node: Mapping[str, Any], there: Mapping[str, Any]) -> Node:
    metadata, spec, status = (there.get(part) or {} for part in ("metadata", "spec", "status"))
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    return Node(
        name=metadata.get("name", ""),
        id=str(node["id"]),
        pool=str(pool.get("label") or pool["id"]),
        pool_id=int(pool["id"]),
        instance_id=int(node["instance_id"] or 0),
        type=str(pool["type"]),
        is_ready=node["status"] == "ready" and conditions.get("Ready") == "True",
        is_cordoned=bool(spec.get("unschedulable")),
        version=(status.get("nodeInfo") or {}).get("kubeletVersion", ""),
        since=metadata.get("creationTimestamp", ""),
    )


def _refuse_none(cluster: Cluster | None, environment: LinodeEnvironment) -> Cluster:
    if cluster is None:
        raise _not_up(environment)
    return cluster


def _not_up(environment: LinodeEnvironment) -> EnvironmentNotUp:
    return EnvironmentNotUp(
        f"'{environment.name}' has no cluster that is ready", hint=f"look with: aias env status {environment.name}"
    )


def _unknown(what: str, name: str, known: list[str], environment: str) -> NotFound:
    return NotFound(
        f"There is no {what} '{name}'; there are: {', '.join(known)}",
        hint=f"see them with: aias env nodes list {environment}",
    )
