"""Network policies of Kubernetes for the flows of an environment, on top of a denial of everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aias_core.network.topology import DNS_PORTS, Flow, Outside, Ports, Topology, Workload, list_flows

Policy = dict[str, Any]
NAME_LABEL, NAMESPACE_LABEL = "app.kubernetes.io/name", "kubernetes.io/metadata.name"
WHY = "aias.dev/why"
DENY = "default-deny"


def render_policies(topology: Topology) -> list[Policy]:
    """The policies in the order of their namespaces; the same topology gives the same ones.

    Each flow is a policy `A-to-B` where it begins and one `B-from-A` where it ends.
    """
    policies = [*_base(topology), *_of_flows(topology)]
    return sorted(policies, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))


def _base(topology: Topology) -> Iterator[Policy]:
    for namespace in topology.namespaces:
        deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        yield _policy(topology, namespace, DENY, "what no other policy allows is denied", deny)
        dns = {**_namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
        allow = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [dns], "ports": _ports(DNS_PORTS)}]}
        yield _policy(topology, namespace, "allow-dns", "names are resolved", allow)


def _of_flows(topology: Topology) -> Iterator[Policy]:
    for flow in list_flows(topology):
        if isinstance(flow.source, Workload):
            yield _egress(topology, flow, flow.source)
        if isinstance(flow.target, Workload):
            yield _ingress(topology, flow, flow.target)


def _egress(topology: Topology, flow: Flow, source: Workload) -> Policy:
    rule = {"to": _peers(flow.target)} | ({"ports": _ports(flow.ports)} if flow.ports else {})
    spec = {"podSelector": _pods(source), "policyTypes": ["Egress"], "egress": [rule]}
    return _policy(topology, source.namespace, f"{source.name}-to-{flow.target.name}", flow.why, spec)


def _ingress(topology: Topology, flow: Flow, target: Workload) -> Policy:
    rule = {"from": _peers(flow.source)} | ({"ports": _ports(flow.ports)} if flow.ports else {})
    spec = {"podSelector": _pods(target), "policyTypes": ["Ingress"], "ingress": [rule]}
    return _policy(topology, target.namespace, f"{target.name}-from-{flow.source.name}", flow.why, spec)


def _policy(topology: Topology, namespace: str, name: str, why: str, spec: dict[str, Any]) -> Policy:
    labels = {"app.kubernetes.io/managed-by": "aias", "aias.dev/environment": topology.environment}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": {WHY: why}},
        "spec": spec,
    }


def _peers(end: Workload | Outside) -> list[dict[str, Any]]:
    if isinstance(end, Outside):
        blocks = ({"cidr": cidr, "except": excepted} for cidr, excepted in end.blocks)
        return [{"ipBlock": {key: value for key, value in block.items() if value}} for block in blocks]
    return [{**_namespace(end.namespace), "podSelector": _pods(end)}]


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: name}}}


def _pods(workload: Workload) -> dict[str, Any]:
    return {} if workload.is_whole else {"matchLabels": {NAME_LABEL: workload.name}}


def _ports(ports: Ports) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port} for protocol, port in ports]
