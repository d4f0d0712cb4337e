"""Access to the cluster of an environment for a person: a token of its own that ends by itself.

The administrator's kubeconfig makes it and stays in this process. Each issue has a service account of its own, so that
deleting the account ends that access and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock, ids
from aias_core.environments.linode.inside import MANAGED, open_access
from aias_core.errors import Conflict, EnvironmentNotUp, InvalidInput
from aias_core.files import whole_file
from aias_core.secret import Secret
from aias_core.secrets.cluster import APPLY, ENVIRONMENT

if TYPE_CHECKING:
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.secrets.cluster import Cluster

LEAST, USUAL = timedelta(minutes=10), timedelta(hours=8)
LONGEST, LONGEST_IN_PRODUCTION = timedelta(hours=24), timedelta(hours=8)
EXPIRES, ACTOR = "aias.dev/expires", "aias.dev/actor"
ACCESS = {"aias.dev/access": "kubeconfig"}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_FIRST_LINE = "# Made by: aias env kubeconfig"


class Bundle(StrEnum):
    """What may be done with it: everything; everything with workloads of the platform's namespace; only looked at."""

    OPERATOR = "operator"
    DEPLOYER = "deployer"
    AUDITOR = "auditor"


_ROLES = {Bundle.OPERATOR: "cluster-admin", Bundle.DEPLOYER: "edit", Bundle.AUDITOR: "view"}


@dataclass(frozen=True, slots=True)
class Access:
    """What was issued; `kubeconfig` holds the token."""

    environment: str
    bundle: Bundle
    account: str
    expires_at: str
    kubeconfig: Secret

    def as_record(self, file: Path) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "bundle": self.bundle.value,
            "account": self.account,
            "expires_at": self.expires_at,
            "file": str(file),
        }


def issue_access(environment: LinodeEnvironment, bundle: Bundle, life: timedelta) -> Access:
    """A kubeconfig that ends after `life`; accounts of earlier ones that have ended are removed.

    Raises InvalidInput for a life that is too long or too short, EnvironmentNotUp without a cluster that is ready.
    """
    _check_life(environment.name, life)
    with open_access(environment.opened.account, environment.name) as cluster:
        if cluster is None:
            raise EnvironmentNotUp(
                f"'{environment.name}' has no cluster that is ready",
                hint=f"look with: aias env status {environment.name}",
            )
        space = environment.profile.namespaces["platform"].name
        _remove_ended(cluster, environment.name)
        return _issue(environment, cluster, space, bundle, life)


def write_access(access: Access, file: Path) -> None:
    """Writes it for its owner only. Raises Conflict for a file that is not such a one."""
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(_FIRST_LINE):
        raise Conflict(f"'{file}' exists and is not from here", hint="choose another name with: --out FILE")
    with whole_file(file) as out:
        out.write(f"{_FIRST_LINE}; it ends at {access.expires_at}\n{access.kubeconfig.reveal()}".encode())


def _check_life(name: str, life: timedelta) -> None:
    longest = LONGEST_IN_PRODUCTION if name == "production" else LONGEST
    if not LEAST <= life <= longest:
        raise InvalidInput(
            f"Access lasts from {LEAST.total_seconds() / 60:.0f} minutes to {longest.total_seconds() / 3600:.0f} hours",
            hint="ask for less with: --expires 8h",
        )


def _issue(environment: LinodeEnvironment, cluster: Cluster, space: str, bundle: Bundle, life: timedelta) -> Access:
    name, actor = f"aias-{bundle.value}-{str(ids.new_id())[-12:]}", environment.find_actor()
    asked_until = clock.format_second(clock.now() + life)
    labels = {**MANAGED, **ACCESS, ENVIRONMENT: environment.name}
    metadata = {"name": name, "labels": labels, "annotations": {EXPIRES: asked_until, ACTOR: actor}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, "namespace": space}}
    cluster.call("PATCH", f"/api/v1/namespaces/{space}/serviceaccounts/{name}", account, APPLY)
    path, binding = _build_binding(metadata, space, bundle)
    cluster.call("PATCH", f"{path}/{name}", binding, APPLY)
    head = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    request = {**head, "spec": {"expirationSeconds": int(life.total_seconds())}}
    status = cluster.call("POST", f"/api/v1/namespaces/{space}/serviceaccounts/{name}/token", request)["status"]
    kubeconfig = _build_kubeconfig(cluster, environment.name, space, name, status["token"])
    return Access(environment.name, bundle, name, str(status["expirationTimestamp"]), kubeconfig)


def _build_binding(metadata: dict[str, Any], space: str, bundle: Bundle) -> tuple[str, dict[str, Any]]:
    is_whole = bundle is not Bundle.DEPLOYER
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding" if is_whole else "RoleBinding",
        "metadata": metadata if is_whole else {**metadata, "namespace": space},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _ROLES[bundle]},
        "subjects": [{"kind": "ServiceAccount", "name": metadata["name"], "namespace": space}],
    }
    return (f"{_RBAC}/clusterrolebindings" if is_whole else f"{_RBAC}/namespaces/{space}/rolebindings"), body


def _build_kubeconfig(cluster: Cluster, environment: str, space: str, name: str, token: str) -> Secret:
    import base64

    import yaml

    configuration = cluster.api.configuration
    server: dict[str, Any] = {"server": configuration.host}
    if configuration.ssl_ca_cert:
        content = Path(configuration.ssl_ca_cert).read_bytes()
        server["certificate-authority-data"] = base64.b64encode(content).decode()
    label = f"aias-{environment}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": label, "cluster": server}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": label, "context": {"cluster": label, "user": name, "namespace": space}}],
        "current-context": label,
    }
    return Secret(yaml.safe_dump(document, sort_keys=False))


def _remove_ended(cluster: Cluster, environment: str) -> None:
    now = clock.format_second(clock.now())
    for path in _iter_issued(cluster, environment, now):
        cluster.call("DELETE", path)


def _iter_issued(cluster: Cluster, environment: str, now: str) -> Iterator[str]:
    query = [("labelSelector", f"{ENVIRONMENT}={environment},aias.dev/access=kubeconfig")]
    kinds = {"serviceaccounts": "/api/v1", "clusterrolebindings": _RBAC, "rolebindings": _RBAC}
    for plural, root in kinds.items():
        for item in cluster.call("GET", f"{root}/{plural}", query=query)["items"]:
            metadata = item["metadata"]
            if metadata.get("annotations", {}).get(EXPIRES, now) < now:
                space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                yield f"{root}{space}/{plural}/{metadata['name']}"
