"""What the clusters of an account use outside themselves: the volumes and addresses that their objects name."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.errors import AiasError
from aias_core.secret import Secret

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.kinds import Resource

TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class ClusterUse:
    """Ids of volumes that persistent volumes name, and addresses of load balancers that services name."""

    volumes: frozenset[int]
    addresses: frozenset[str]


Ask = Callable[["Resource"], ClusterUse | None]


def make_ask(account: LinodeAccount) -> Ask:
    """Asks a cluster through its Kubernetes API; None where it is not ready or does not answer."""

    def ask(cluster: Resource) -> ClusterUse | None:
        from kubernetes.client.rest import ApiException
        from urllib3.exceptions import HTTPError

        if cluster.get("status") != "ready":
            return None
        try:
            return _read_use(account, cluster)
        except (AiasError, ApiException, HTTPError):
            return None

    return ask


def _read_use(account: LinodeAccount, cluster: Resource) -> ClusterUse:
    from kubernetes import client

    from aias_core.secrets.cluster import open_cluster

    encoded = account.get(f"/lke/clusters/{cluster['id']}/kubeconfig")["kubeconfig"]
    with open_cluster(Secret(base64.b64decode(encoded).decode())) as opened:
        api = client.CoreV1Api(opened.api)
        volumes = api.list_persistent_volume(_request_timeout=TIMEOUT_SECONDS).items
        services = api.list_service_for_all_namespaces(_request_timeout=TIMEOUT_SECONDS).items
    handles = (volume.spec.csi.volume_handle for volume in volumes if volume.spec.csi)
    return ClusterUse(
        frozenset(number for handle in handles if (number := volume_id(handle)) is not None),
        frozenset(address for service in services for address in _addresses(service)),
    )


def volume_id(handle: str) -> int | None:
    """The volume behind a handle of Linode's CSI driver, which is `<id>-<label>`."""
    number = handle.partition("-")[0]
    return int(number) if number.isdecimal() else None


def _addresses(service: Any) -> list[str]:
    balancer = service.status.load_balancer if service.status else None
    return [one.ip for one in (balancer.ingress if balancer else None) or () if one.ip]
