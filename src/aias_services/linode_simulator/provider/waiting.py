"""Things that take their time: a cluster's first node, the nodes of a pool, a database."""

from __future__ import annotations

import base64
from typing import Any

from aias_core.errors import AiasError
from aias_core.files import load_yaml
from aias_services.linode_simulator.provider.api import Api, ApiFault, is_absent


class EventFailed(AiasError):
    """What was asked for was begun and failed"""


def read_kubeconfig(api: Api, cluster: str) -> str:
    """The kubeconfig in base64. Raises ApiFault while there is none."""
    return str(api.get(f"/lke/clusters/{cluster}/kubeconfig")["kubeconfig"])


def wait_for_cluster(api: Api, cluster: str) -> None:
    """Returns when the Kubernetes API of the cluster shows a node that is ready. Raises TimedOut, or ApiFault."""
    for _ in api.looks(api.pace.node, f"cluster {cluster}"):
        # A kubeconfig that is asked for too early is refused for a whole minute.
        if api.get(f"/lke/clusters/{cluster}")["status"] == "ready":
            break
    kubeconfig = read_kubeconfig(api, cluster)
    for _ in api.looks(api.pace.node, f"a ready node of cluster {cluster}"):
        if _has_ready_node(kubeconfig):
            return


def _has_ready_node(kubeconfig: str) -> bool:
    import httpx

    document = load_yaml(base64.b64decode(kubeconfig))
    server, user = document["clusters"][0]["cluster"]["server"], document["users"][0]["user"]
    try:
        headers = {"Authorization": f"Bearer {user['token']}"}
        is_safe = server.startswith("https://")
        answer = httpx.get(f"{server}/api/v1/nodes", headers=headers, trust_env=False, verify=is_safe)
        nodes = answer.json()["items"]
    except (httpx.HTTPError, ValueError, KeyError):
        return False
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for node in nodes
        for condition in node["status"].get("conditions", ())
    )


def wait_for_pool(api: Api, cluster: str | int, pool: str | int) -> dict[str, Any]:
    """The pool, when all its nodes are ready. Raises TimedOut."""
    for _ in api.looks(api.pace.node, f"the nodes of pool {pool}"):
        answer = api.get(f"/lke/clusters/{cluster}/pools/{pool}")
        if all(node["status"] == "ready" for node in answer["nodes"]):
            return answer
    raise AssertionError


def wait_until_gone(api: Api, path: str) -> None:
    """Returns when the API says 404. Raises TimedOut."""
    for _ in api.looks(api.pace.event, f"{path} to be gone"):
        try:
            api.get(path)
        except ApiFault as fault:
            if is_absent(fault):
                return
            raise


def wait_for_event(api: Api, action: str, kind: str, identifier: str) -> None:
    """Returns when the newest event of that action and thing has finished. Raises EventFailed."""
    for _ in api.looks(api.pace.event, f"the event {action} of {kind} {identifier}"):
        event = _find_event(api, action, kind, identifier)
        if event is not None and event["status"] == "failed":
            raise EventFailed(f"event {event['id']} has failed")
        if event is not None and event["status"] in ("finished", "notification"):
            return


def _find_event(api: Api, action: str, kind: str, identifier: str) -> dict[str, Any] | None:
    events = (event for event in api.list("/account/events") if event["action"] == action and event["entity"])
    mine = (event for event in events if (event["entity"]["type"], str(event["entity"]["id"])) == (kind, identifier))
    return max(mine, key=lambda event: int(event["id"]), default=None)
