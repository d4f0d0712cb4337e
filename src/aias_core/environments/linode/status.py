"""How the parts of an environment on Linode are, by the account and by the cluster itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.health import ComponentHealth, Health, State
from aias_core.environments.linode.failures import RESUME
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.kinds import get_kind, is_ours, label_of
from aias_core.errors import AiasError, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment

HEALTHY_SECONDS, LOOK_SECONDS = 1_200.0, 5.0
_STARTING = ("provisioning", "not_ready", "resuming", "resizing", "migrating", "updating", "restoring")


def read_health(environment: LinodeEnvironment) -> Health:
    """See `LinodeEnvironment.status`; nothing of it there is one component that is stopped."""
    account, name = environment.opened.account, environment.name
    cluster = account.find_by_label("cluster", label_of(name))
    database = account.find_by_label("database", label_of(name))
    parts = [*_read_account(environment, cluster, database)]
    warnings = [*_find_warnings(environment)]
    return Health(name, clock.now(), parts, warnings, mode="simulated" if environment.opened.is_simulated else "linode")


def wait_until_healthy(environment: LinodeEnvironment, say: Progress) -> None:
    """Returns when all its parts are healthy. Raises Partial naming those that are not after twenty minutes."""
    timing = environment.timing
    deadline = timing.now() + HEALTHY_SECONDS
    while fault := environment.status().find_fault():
        if timing.now() >= deadline:
            raise Partial(fault.message, hint=f"look with: aias env status {environment.name}; then {RESUME}")
        say(fault.message)
        timing.sleep(LOOK_SECONDS)


def _read_account(environment: LinodeEnvironment, cluster: Any, database: Any) -> Iterator[ComponentHealth]:
    account, name = environment.opened.account, environment.name
    if cluster is None and database is None:
        yield ComponentHealth("cluster", State.STOPPED, detail="it is not there")
        return
    yield _judge("cluster", cluster, "ready", cluster and cluster["k8s_version"])
    yield _judge("database", database, "active", database and str(database["version"]))
    if cluster is not None:
        yield from (_judge_pool(pool) for pool in account.list_all(f"/lke/clusters/{cluster['id']}/pools"))
        if cluster.get("status") == "ready":
            yield _ask_cluster(account, name)
    yield _judge_kind(account, "firewall", name, 2)
    yield _judge_kind(account, "vpc", name, 1)


def _judge(component: str, row: Mapping[str, Any] | None, good: str, version: str | None) -> ComponentHealth:
    if row is None:
        return ComponentHealth(component, State.UNHEALTHY, detail="it is not there")
    status = str(row.get("status"))
    state = State.HEALTHY if status == good else State.STARTING if status in _STARTING else State.UNHEALTHY
    return ComponentHealth(component, state, version=version, detail="" if status == good else f"it is '{status}'")


def _judge_pool(pool: Mapping[str, Any]) -> ComponentHealth:
    nodes = pool.get("nodes") or []
    ready = sum(1 for node in nodes if node["status"] == "ready")
    wanted = int(pool["count"])
    state = State.HEALTHY if ready >= wanted else State.DEGRADED if ready else State.STARTING
    detail = f"{ready} of {wanted} nodes of '{pool['type']}' are ready"
    return ComponentHealth(f"pool {pool.get('label') or pool['id']}", state, detail=detail)


def _ask_cluster(account: LinodeAccount, name: str) -> ComponentHealth:
    began = clock.monotonic()
    try:
        with open_access(account, name) as cluster:
            nodes = [] if cluster is None else cluster.call("GET", "/api/v1/nodes")["items"]
    except AiasError as exc:
        return ComponentHealth("kubernetes", State.UNHEALTHY, detail=exc.message)
    unready = [one["metadata"]["name"] for one in nodes if not _is_node_ready(one)]
    elapsed = round((clock.monotonic() - began) * 1000, 1)
    if unready or not nodes:
        text = f"not ready: {', '.join(unready)}" if unready else "it has no nodes"
        return ComponentHealth("kubernetes", State.DEGRADED, latency_ms=elapsed, detail=text)
    return ComponentHealth("kubernetes", State.HEALTHY, latency_ms=elapsed, detail=f"{len(nodes)} nodes are ready")


def _is_node_ready(node: Mapping[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _judge_kind(account: LinodeAccount, kind_name: str, name: str, wanted: int) -> ComponentHealth:
    kind = get_kind(kind_name)
    found = sum(1 for row in account.list_all(kind.path) if is_ours(kind, row, name))
    if found >= wanted:
        return ComponentHealth(kind_name, State.HEALTHY)
    return ComponentHealth(kind_name, State.UNHEALTHY, detail=f"{found} of {wanted} are there")


def _find_warnings(environment: LinodeEnvironment) -> Iterator[str]:
    """What the store of the state tells; how the parts are is known without it."""
    from aias_core.environments.linode.plan import ONLOOKER

    try:
        run = environment.read_state().journals.find_unfinished(ONLOOKER)
    except AiasError as exc:
        yield f"Whether a run was not finished is not known: {exc.message}"
        return
    if run is not None:
        yield f"The run {run.run_id} was not finished"
