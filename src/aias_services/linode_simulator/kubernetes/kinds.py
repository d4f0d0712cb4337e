"""The kinds that are served, by their group, version and plural."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def document(self) -> dict[str, Any]:
        """How discovery tells of it."""
        return {
            "name": self.plural,
            "singularName": self.name.lower(),
            "namespaced": self.namespaced,
            "kind": self.name,
            "verbs": VERBS,
        }


_ROWS: dict[str, str] = {
    "v1": (
        "namespaces:Namespace nodes:Node persistentvolumes:PersistentVolume pods/Pod secrets/Secret "
        "configmaps/ConfigMap serviceaccounts/ServiceAccount services/Service resourcequotas/ResourceQuota "
        "limitranges/LimitRange persistentvolumeclaims/PersistentVolumeClaim events/Event endpoints/Endpoints"
    ),
    "apps/v1": "deployments/Deployment statefulsets/StatefulSet daemonsets/DaemonSet replicasets/ReplicaSet",
    "batch/v1": "jobs/Job cronjobs/CronJob",
    "networking.k8s.io/v1": "networkpolicies/NetworkPolicy ingresses/Ingress ingressclasses:IngressClass",
    "policy/v1": "poddisruptionbudgets/PodDisruptionBudget",
    "autoscaling/v2": "horizontalpodautoscalers/HorizontalPodAutoscaler",
    "rbac.authorization.k8s.io/v1": (
        "clusterroles:ClusterRole clusterrolebindings:ClusterRoleBinding roles/Role rolebindings/RoleBinding"
    ),
    "storage.k8s.io/v1": "storageclasses:StorageClass",
    "scheduling.k8s.io/v1": "priorityclasses:PriorityClass",
    "apiextensions.k8s.io/v1": "customresourcedefinitions:CustomResourceDefinition",
    "bitnami.com/v1alpha1": "sealedsecrets/SealedSecret",
}


def _kinds() -> dict[tuple[str, str], Kind]:
    kinds = {}
    for api_version, row in _ROWS.items():
        group, _, version = api_version.rpartition("/")
        for entry in row.split():
            plural, separator, name = entry.partition("/") if "/" in entry else entry.partition(":")
            kinds[api_version, plural] = Kind(group, version, plural, name, separator == "/")
    return kinds


KINDS = _kinds()
CUSTOM = {"bitnami.com/v1alpha1"}
