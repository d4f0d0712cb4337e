"""Compares what the policies let through with what is to be open, over every pair and port."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aias_core.errors import AiasError, NotFound
from aias_core.network.policies import NAME_LABEL, Policy
from aias_core.network.simulator import Endpoint, Verdict, judge
from aias_core.network.topology import MODELS_CALLER, Flow, Outside, Topology, Workload, list_flows

INTERNET = Endpoint("internet", "198.51.100.20")
STRANGER = "another-environment"
UNLISTED_PORT = 4999
_POD_ADDRESS = "10.2.0.{}"


@dataclass(frozen=True, slots=True)
class Path:
    """A connection that was looked at. `why` is the flow that it belongs to, None where it is to be denied."""

    source: str
    target: str
    protocol: str
    port: int
    verdict: Verdict
    why: str | None

    @property
    def is_expected(self) -> bool:
        return self.verdict.is_open == (self.why is not None)

    def as_record(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "to": self.target,
            "port": f"{self.port}/{self.protocol}",
            "reachable": self.verdict.is_open,
            "expected": self.why is not None,
            "why": self.why or "no flow is declared, so it is denied",
            "egress": None if self.verdict.egress is None else list(self.verdict.egress),
            "ingress": None if self.verdict.ingress is None else list(self.verdict.ingress),
        }


def verify_paths(
    topology: Topology, policies: Sequence[Policy], source: str | None = None, target: str | None = None
) -> list[Path]:
    """Every path of the environment, or those between two ends. Raises NotFound for an end that there is not.

    The ends are its workloads, what is outside, the Internet, and a pod of another environment that looks like the
    router. Each target is tried on all its ports and one that nobody uses.
    """
    sources, targets = _build_endpoints(topology)
    _check_known([*sources], source)
    _check_known([*targets], target)
    flows = list_flows(topology)
    return [
        Path(one.name, other.name, protocol, port, judge(policies, one, other, protocol, port), why)
        for one in _select(sources, source)
        for other in _select(targets, target)
        if one.name in topology.workloads or other.name in topology.workloads
        for protocol, port in _ports(topology, other.name)
        for why in [_find_reason(flows, one, other, protocol, port)]
    ]


def build_report(paths: Sequence[Path], source: str | None, target: str | None) -> dict[str, Any]:
    """The paths of a pair, and of the whole matrix those that are open or wrong, with how many were looked at."""
    is_pair = source is not None and target is not None
    shown = [path.as_record() for path in paths if is_pair or path.verdict.is_open or not path.is_expected]
    unexpected = sum(not path.is_expected for path in paths)
    return {"looked_at": len(paths), "unexpected": unexpected, "paths": shown}


def find_unexpected(paths: Sequence[Path]) -> AiasError | None:
    """The error for paths that are open or closed against what is declared; None when there is none."""
    wrong = [path for path in paths if not path.is_expected]
    if not wrong:
        return None
    named = ", ".join(f"{path.source} to {path.target}:{path.port}" for path in wrong[:5])
    return AiasError(
        f"Unexpected paths: {len(wrong)} of {len(paths)}, such as {named}",
        hint=f"see why: aias net explain --from {wrong[0].source} --to {wrong[0].target}",
    )


def _build_endpoints(topology: Topology) -> tuple[dict[str, Endpoint], dict[str, Endpoint]]:
    """Where connections may begin and where they may end."""
    pods = {
        name: Endpoint(name, _POD_ADDRESS.format(number), workload.namespace, {NAME_LABEL: name})
        for number, (name, workload) in enumerate(topology.workloads.items(), 1)
    }
    strangers = {
        INTERNET.name: INTERNET,
        STRANGER: Endpoint(STRANGER, _POD_ADDRESS.format(250), "env-another", {NAME_LABEL: MODELS_CALLER}),
    }
    callers = {} if topology.callers is None else {topology.callers.name: topology.callers}
    sources, targets = (
        {name: Endpoint(name, _address(one)) for name, one in ends.items()} for ends in (callers, topology.outside)
    )
    return {**pods, **sources, **strangers}, {**pods, **targets, **strangers}


def _address(outside: Outside) -> str:
    """An address of the first network, one that is public where the network is wide."""
    network = ipaddress.ip_network(outside.cidrs[0], strict=False)
    if network.prefixlen == 0:
        return "203.0.113.30" if network.version == 4 else "2001:db8::30"
    return str(network[min(10, network.num_addresses - 1)])


def _select(ends: dict[str, Endpoint], name: str | None) -> list[Endpoint]:
    return [*ends.values()] if name is None else [ends[name]]


def _ports(topology: Topology, name: str) -> list[tuple[str, int]]:
    workload = topology.workloads.get(name)
    outside = topology.outside.get(name)
    listening = sorted({*workload.ports.values()}) if workload else [*(outside.ports if outside else (443,))]
    return [("TCP", port) for port in [*listening, UNLISTED_PORT]]


def _find_reason(flows: Sequence[Flow], source: Endpoint, target: Endpoint, protocol: str, port: int) -> str | None:
    for flow in flows:
        is_port = not flow.ports or (protocol, port) in flow.ports
        if is_port and _is_end(flow.source, source) and _is_end(flow.target, target):
            return flow.why
    return None


def _is_end(end: Workload | Outside, endpoint: Endpoint) -> bool:
    """Whether an end of a flow is that endpoint: by name, or by an address that is among those outside."""
    if isinstance(end, Workload):
        return end.namespace == endpoint.namespace and (end.is_whole or end.name == endpoint.name)
    return endpoint.namespace is None and end.holds(endpoint.address)


def _check_known(known: Sequence[str], name: str | None) -> None:
    if name is not None and name not in known:
        raise NotFound(f"There is nothing called '{name}' here", hint=f"known are: {', '.join(sorted(known))}")
