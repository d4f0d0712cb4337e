"""The topology of an environment on Linode: what the registry deploys there, and what lies around it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.components import Component, load_registry
from aias_core.environments.linode.profile import load_linode_profile
from aias_core.environments.rules.components import list_enabled
from aias_core.network.lint import refuse_faults
from aias_core.network.policies import Policy, render_policies
from aias_core.network.topology import GATEWAY, Outside, Topology, Workload

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile

ROLES = ("platform", "models", "gateway", "observability", "argocd")
PUBLISHED = ("router", "identity", "analytics", "grafana", "argocd")
HTTPS, SSH, API_SERVER = 443, 22, 6443
# Envoy Gateway's pods listen 10,000 above the ports that they are reached at.
EDGE_PORTS = (10080, 10443)
# NodeBalancers connect from here; who may connect to them is for their firewall.
NODEBALANCERS = "192.168.255.0/24"
EVERYWHERE = "0.0.0.0/0"


def open_network(name: str, own: Path | None) -> tuple[Topology, list[Policy]]:
    """The topology of an environment and its policies, linted. Raises NotFound, InvalidInput, Refused, AiasError."""
    topology = build_topology(load_linode_profile(name, own))
    policies = render_policies(topology)
    refuse_faults(policies, topology.namespaces)
    return topology, policies


def build_topology(profile: LinodeProfile) -> Topology:
    """What is deployed by this profile, and what must talk to what."""
    registry = load_registry()
    present = [registry[name] for name in list_enabled(profile, registry)]
    namespaces = {role: namespace.name for role, namespace in profile.namespaces.items()}
    workloads = {
        component.name: _build_workload(component, namespaces[component.namespaces[0]])
        for component in present
        if component.namespaces
    }
    if GATEWAY in namespaces:
        ports = {"main": EDGE_PORTS[1], "http": EDGE_PORTS[0]}
        workloads[GATEWAY] = Workload(GATEWAY, namespaces[GATEWAY], ports, is_whole=True)
    models = {name: ("model-registry",) for name, workload in workloads.items() if workload.is_model}
    return Topology(
        environment=profile.name,
        namespaces=tuple(namespaces[role] for role in ROLES if role in namespaces),
        workloads=workloads,
        outside={one.name: one for one in _list_outside(present, profile)},
        published=PUBLISHED,
        reaches={
            **models,
            "argocd": ("git", "kubernetes-api"),
            "prometheus": ("kubernetes-api",),
            "alertmanager": ("alert-receivers",),
            GATEWAY: ("kubernetes-api",),
        },
        callers=_find_callers(profile),
    )


def _build_workload(component: Component, namespace: str) -> Workload:
    ports = {name: port for name, port in component.ports_on("linode").items() if port is not None}
    return Workload(
        name=component.name,
        namespace=namespace,
        ports=ports,
        needs=(*component.depends_on, *component.one_of),
        metrics_port=ports[component.metrics["port"]] if component.metrics else None,
        is_model=component.kind == "model",
        is_telemetry=component.kind == "telemetry",
        is_whole=component.kind == "delivery",
    )


def _list_outside(present: list[Component], profile: LinodeProfile) -> list[Outside]:
    """Managed services of the registry, and what components use by themselves."""
    allowed = tuple(profile.network.egress_cidrs)
    reach = {"postgres": (profile.network.vpc_cidr,)}
    managed = [
        Outside(one.name, reach.get(one.name, allowed), tuple(port for port in one.ports_on("linode").values() if port))
        for one in present
        if not one.namespaces
    ]
    used = {"model-registry": (HTTPS,), "git": (HTTPS, SSH), "alert-receivers": (HTTPS,)}
    api = Outside("kubernetes-api", (EVERYWHERE,), (HTTPS, API_SERVER))
    return [*managed, *(Outside(name, allowed, ports) for name, ports in used.items()), api]


def _find_callers(profile: LinodeProfile) -> Outside | None:
    if not profile.network.ingress_cidrs:
        return None
    return Outside("callers", (*profile.network.ingress_cidrs, NODEBALANCERS), EDGE_PORTS)
