"""What is wrong with network policies although Kubernetes would take them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aias_core.errors import AiasError
from aias_core.network.policies import Policy

NAME_LENGTH = 253
_BOTH = {"Ingress", "Egress"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one policy."""

    policy: str
    fault: str

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def lint_policies(policies: Sequence[Policy], namespaces: Sequence[str]) -> list[Finding]:
    """The faults of policies that are to deny everything by default in these namespaces."""
    found = [Finding(_name(policy), fault) for policy in policies for fault in _faults(policy)]
    denied = {policy["metadata"]["namespace"] for policy in policies if _denies_all(policy)}
    return [*found, *(Finding(f"{one}/-", "nothing denies by default") for one in namespaces if one not in denied)]


def refuse_faults(policies: Sequence[Policy], namespaces: Sequence[str]) -> None:
    """Raises AiasError naming every fault."""
    if found := lint_policies(policies, namespaces):
        faults = "; ".join(f"'{one.policy}': {one.fault}" for one in found)
        raise AiasError(
            f"Network policies with faults: {faults}", hint="correct the network of the profile: aias env validate ENV"
        )


def _faults(policy: Policy) -> Iterator[str]:
    spec, name = policy["spec"], policy["metadata"]["name"]
    if len(name) > NAME_LENGTH:
        yield f"the name is longer than {NAME_LENGTH} characters"
    if not spec.get("policyTypes"):
        yield "no policy type is named, so it may not do what it says"
    if "deny" not in name:
        return
    if set(spec.get("policyTypes") or ()) != _BOTH:
        yield "it is named a denial and leaves a direction open"
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        yield from _openings(rule)


def _openings(rule: dict[str, Any]) -> Iterator[str]:
    peers = [*(rule.get("from") or ()), *(rule.get("to") or ())]
    if not peers:
        yield "it is named a denial and allows everything"
    for cidr in _cidrs(peers):
        if ipaddress.ip_network(cidr, strict=False).prefixlen == 0:
            yield f"it is named a denial and allows '{cidr}'"
    if any("ipBlock" not in peer for peer in peers):
        yield "it is named a denial and allows pods"


def _cidrs(peers: Iterable[dict[str, Any]]) -> list[str]:
    return [peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer]


def _denies_all(policy: Policy) -> bool:
    spec = policy["spec"]
    is_for_all = not (spec.get("podSelector") or {})
    return (
        is_for_all and set(spec.get("policyTypes") or ()) == _BOTH and not (spec.get("ingress") or spec.get("egress"))
    )


def _name(policy: Policy) -> str:
    return f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
