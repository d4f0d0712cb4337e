"""What runs in a cluster and what must talk to what. Everything else is denied."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

COLLECTOR, SCRAPER, ALERTS = "otel-collector", "prometheus", "alertmanager"
GATEWAY, MODELS_CALLER = "gateway", "router"
PEER_PORT = "cluster"
DNS_PORTS = (("UDP", 53), ("TCP", 53))
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Ports = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """A component where it is deployed; its pods have the label `app.kubernetes.io/name`.

    `is_whole` stands for all pods of its namespace, whatever their labels.
    """

    name: str
    namespace: str
    ports: Mapping[str, int]
    needs: tuple[str, ...] = ()
    metrics_port: int | None = None
    is_model: bool = False
    is_telemetry: bool = False
    is_whole: bool = False

    @property
    def main_port(self) -> int:
        return self.ports["main"]


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses that are not in the cluster, and the ports of TCP that are used of them.

    A network that is wide does not mean the private addresses inside it: those are of pods and nodes.
    """

    name: str
    cidrs: tuple[str, ...]
    ports: tuple[int, ...]

    @property
    def blocks(self) -> Iterator[tuple[str, list[str]]]:
        """Each network with what is left out of it."""
        for network in (ipaddress.ip_network(cidr, strict=False) for cidr in self.cidrs):
            yield str(network), [str(one) for one in map(ipaddress.ip_network, _PRIVATE) if _is_inside(one, network)]

    def holds(self, address: str) -> bool:
        """Whether an address is among these."""
        return any(
            _is_in(address, cidr) and not any(_is_in(address, one) for one in excepted)
            for cidr, excepted in self.blocks
        )


@dataclass(frozen=True, slots=True)
class Flow:
    """One way through: from a workload to another, to what is outside, or from there."""

    source: Workload | Outside
    target: Workload | Outside
    ports: Ports
    why: str


@dataclass(frozen=True, slots=True)
class Topology:
    """An environment's workloads by name, what they reach outside, and how the edge is reached.

    `callers` are the addresses that connect to the gateway's pods, none where nobody may. The gateway passes requests
    to those `published`; `reaches` says which workloads use which addresses outside, besides their needs.
    """

    environment: str
    namespaces: tuple[str, ...]
    workloads: Mapping[str, Workload]
    outside: Mapping[str, Outside]
    published: tuple[str, ...]
    reaches: Mapping[str, tuple[str, ...]]
    callers: Outside | None


def list_flows(topology: Topology) -> list[Flow]:
    """Every way that is to be open, one for each pair of ends.

    Model pods are reached by the router only, on their main port; what they measure they send to the collector.
    """
    flows = (*_needs(topology), *_service_flows(topology), *_outside_flows(topology), *_edge_flows(topology))
    merged: dict[tuple[str, str], Flow] = {}
    for flow in filter(_may_be, flows):
        ends = (flow.source.name, flow.target.name)
        merged[ends] = _merge(merged[ends], flow) if ends in merged else flow
    return list(merged.values())


def _may_be(flow: Flow) -> bool:
    """Whether a way may be open at all, whoever asks for it."""
    if not (isinstance(flow.target, Workload) and flow.target.is_model):
        return True
    return flow.source.name == MODELS_CALLER and flow.ports == _tcp(flow.target.main_port)


def _merge(one: Flow, other: Flow) -> Flow:
    """Both ways as one; a flow without ports has all of them."""
    ports = tuple(dict.fromkeys((*one.ports, *other.ports))) if one.ports and other.ports else ()
    why = one.why if one.why == other.why else f"{one.why}; {other.why}"
    return Flow(one.source, one.target, ports, why)


def _needs(topology: Topology) -> Iterator[Flow]:
    for source in topology.workloads.values():
        for name in source.needs:
            target = topology.workloads.get(name) or topology.outside.get(name)
            if isinstance(target, Outside):
                yield Flow(source, target, _tcp(*target.ports), f"'{source.name}' needs '{name}'")
            elif target is not None:
                yield Flow(source, target, _tcp(target.main_port), f"'{source.name}' needs '{name}'")


def _service_flows(topology: Topology) -> Iterator[Flow]:
    workloads = topology.workloads
    collector, scraper, alerts = (workloads.get(name) for name in (COLLECTOR, SCRAPER, ALERTS))
    for workload in workloads.values():
        if PEER_PORT in workload.ports:
            yield Flow(workload, workload, _tcp(workload.ports[PEER_PORT]), "members of a cluster talk to each other")
        if workload.is_whole:
            yield Flow(workload, workload, (), "parts of one program talk to each other")
        if collector and not workload.is_telemetry:
            ports = _tcp(collector.main_port, collector.ports["http"])
            yield Flow(workload, collector, ports, "telemetry is sent to the collector")
        if scraper and workload.metrics_port and workload is not scraper:
            yield Flow(scraper, workload, _tcp(workload.metrics_port), "metrics are scraped")
    if scraper and alerts:
        yield Flow(scraper, alerts, _tcp(alerts.main_port), "alerts are sent")


def _outside_flows(topology: Topology) -> Iterator[Flow]:
    for name, targets in topology.reaches.items():
        if source := topology.workloads.get(name):
            for target in (topology.outside[one] for one in targets):
                yield Flow(source, target, _tcp(*target.ports), f"'{name}' uses '{target.name}'")


def _edge_flows(topology: Topology) -> Iterator[Flow]:
    gateway = topology.workloads.get(GATEWAY)
    if gateway is None:
        return
    if topology.callers:
        yield Flow(topology.callers, gateway, _tcp(*topology.callers.ports), "requests come in at the edge")
    for target in (topology.workloads[name] for name in topology.published if name in topology.workloads):
        yield Flow(gateway, target, _tcp(target.main_port), "the edge passes requests on")


def _tcp(*ports: int) -> Ports:
    return tuple(("TCP", port) for port in ports)


def _is_inside(inner: Network, outer: Network) -> bool:
    return outer.prefixlen < inner.prefixlen and _is_in(str(inner.network_address), str(outer))


def _is_in(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
