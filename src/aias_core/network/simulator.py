"""What network policies let through, from their text alone.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aias_core.errors import InvalidInput
from aias_core.network.policies import NAMESPACE_LABEL, Policy


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod, or an address outside of the cluster, which has no namespace. A namespace has its name as a label."""

    name: str
    address: str
    namespace: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a connection gets through, and the policies that let it out of its source and into its target.

    None where no policy selects the end, so that it is open; empty where those that do let nothing through.
    """

    egress: tuple[str, ...] | None
    ingress: tuple[str, ...] | None

    @property
    def is_open(self) -> bool:
        return self.egress != () and self.ingress != ()


def judge(policies: Iterable[Policy], source: Endpoint, target: Endpoint, protocol: str, port: int) -> Verdict:
    """Whether `source` may open a connection to a port of `target`. Raises InvalidInput for a policy that is none."""
    known = list(policies)
    return Verdict(
        _allowing(known, "Egress", source, target, protocol, port),
        _allowing(known, "Ingress", target, source, protocol, port),
    )


def _allowing(
    policies: Sequence[Policy], direction: str, subject: Endpoint, peer: Endpoint, protocol: str, port: int
) -> tuple[str, ...] | None:
    selecting = [policy for policy in policies if _is_subject(policy, direction, subject)]
    if not selecting:
        return None
    return tuple(
        f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        for policy in selecting
        if any(_lets_through(rule, direction, policy, peer, protocol, port) for rule in _rules(policy, direction))
    )


def _is_subject(policy: Policy, direction: str, subject: Endpoint) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    in_namespace = subject.namespace is not None and policy["metadata"]["namespace"] == subject.namespace
    return direction in types and in_namespace and _selects(spec.get("podSelector") or {}, subject.labels or {})


def _rules(policy: Policy, direction: str) -> list[dict[str, Any]]:
    return policy["spec"].get(direction.lower()) or []


def _lets_through(
    rule: dict[str, Any], direction: str, policy: Policy, peer: Endpoint, protocol: str, port: int
) -> bool:
    peers, ports = rule.get("to" if direction == "Egress" else "from"), rule.get("ports")
    is_peer = not peers or any(_is_peer(one, policy["metadata"]["namespace"], peer) for one in peers)
    return is_peer and (not ports or any(_is_port(one, protocol, port) for one in ports))


def _is_peer(wanted: dict[str, Any], own_namespace: str, peer: Endpoint) -> bool:
    if "ipBlock" in wanted:
        return _is_in_block(wanted["ipBlock"], peer.address)
    if peer.namespace is None:
        return False
    if "namespaceSelector" in wanted:
        in_namespace = _selects(wanted["namespaceSelector"] or {}, {NAMESPACE_LABEL: peer.namespace})
    else:
        in_namespace = peer.namespace == own_namespace
    return in_namespace and _selects(wanted.get("podSelector") or {}, peer.labels or {})


def _is_in_block(block: dict[str, Any], address: str) -> bool:
    found = ipaddress.ip_address(address)
    excepted = any(found in ipaddress.ip_network(one) for one in block.get("except") or ())
    return found in ipaddress.ip_network(block["cidr"]) and not excepted


def _is_port(wanted: dict[str, Any], protocol: str, port: int) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    first = wanted.get("port")
    if isinstance(first, str):
        raise InvalidInput(f"The port '{first}' has no number, so the policy cannot be judged")
    return first is None or first <= port <= wanted.get("endPort", first)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    has_labels = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return has_labels and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise InvalidInput(f"The operator '{other}' is none of Kubernetes")
