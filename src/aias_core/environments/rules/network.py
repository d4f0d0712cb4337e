"""Rules of addresses: networks that exist, do not overlap and fit into a firewall.

Limits of a Linode Cloud Firewall: 25 rules, 255 addresses in each. In a VPC, 192.168.128.0/17 is Linode's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile

Network = IPv4Network | IPv6Network
Path = tuple[str | int, ...]
ADDRESSES_PER_RULE = 255
RESERVED = {
    "Linode's private network and Calico": "192.168.128.0/17",
    "the pods of LKE": "10.2.0.0/16",
    "the services of LKE": "10.128.0.0/16",
}
PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def check_cidrs(inspection: Inspection[LinodeProfile]) -> None:
    """Every network is one: an address without host bits, of the family that its list is for."""
    for path, text, version in _iter_cidrs(inspection.profile):
        network = parse_network(text)
        if network is None:
            inspection.refuse("cidr", path, f"'{text}' is not a network", _suggest(text))
        elif version and network.version != version:
            inspection.refuse("cidr", path, f"'{text}' is not IPv{version}", f"name an IPv{version} network")


def parse_network(text: str) -> Network | None:
    """The network, None when it is none."""
    try:
        return ip_network(text)
    except ValueError:
        return None


def _suggest(text: str) -> str:
    try:
        return f"write it as {ip_network(text, strict=False)}"
    except ValueError:
        return "write it as 10.0.0.0/16"


def _iter_cidrs(profile: LinodeProfile) -> Iterator[tuple[Path, str, int]]:
    network, acl = profile.network, profile.cluster.acl
    yield ("network", "vpc_cidr"), network.vpc_cidr, 4
    for name, text in network.subnets.items():
        yield ("network", "subnets", name), text, 4
    for path, texts, version in (
        (("network", "ingress_cidrs"), network.ingress_cidrs, 0),
        (("network", "egress_cidrs"), network.egress_cidrs, 0),
        (("cluster", "acl", "ipv4"), acl.ipv4, 4),
        (("cluster", "acl", "ipv6"), acl.ipv6, 6),
    ):
        for number, text in enumerate(texts):
            yield (*path, number), text, version


def check_overlap(inspection: Inspection[LinodeProfile]) -> None:
    """The VPC is private and clear of what LKE uses; its subnets are parts of it and clear of one another."""
    profile = inspection.profile.network
    vpc = parse_network(profile.vpc_cidr)
    if isinstance(vpc, IPv4Network):
        _check_vpc(inspection, vpc)
    parsed = {name: parse_network(text) for name, text in profile.subnets.items()}
    subnets = {name: subnet for name, subnet in parsed.items() if isinstance(subnet, IPv4Network)}
    for number, (name, subnet) in enumerate(subnets.items()):
        path = ("network", "subnets", name)
        if isinstance(vpc, IPv4Network) and not subnet.subnet_of(vpc):
            inspection.refuse("cidr-overlap", path, f"{subnet} is outside of the VPC {vpc}", "choose a part of the VPC")
        for other, earlier in list(subnets.items())[:number]:
            if subnet.overlaps(earlier):
                problem = f"{subnet} overlaps the subnet '{other}', {earlier}"
                inspection.refuse("cidr-overlap", path, problem, "choose a free part of the VPC")


def _check_vpc(inspection: Inspection[LinodeProfile], vpc: IPv4Network) -> None:
    path = ("network", "vpc_cidr")
    if not any(vpc.subnet_of(private) for private in PRIVATE):
        inspection.refuse("cidr", path, f"{vpc} is not private", "choose a part of 10.0.0.0/8, such as 10.10.0.0/16")
    for what, text in RESERVED.items():
        if vpc.overlaps(IPv4Network(text)):
            problem = f"{vpc} overlaps {text}, which is for {what}"
            inspection.refuse("cidr-overlap", path, problem, "choose another network, such as 10.10.0.0/16")


def check_firewall_limits(inspection: Inspection[LinodeProfile]) -> None:
    """A list of addresses becomes one rule of a firewall, which takes 255."""
    network, acl = inspection.profile.network, inspection.profile.cluster.acl
    lists: dict[Path, int] = {
        ("network", "ingress_cidrs"): len(network.ingress_cidrs),
        ("network", "egress_cidrs"): len(network.egress_cidrs),
        ("cluster", "acl"): len(acl.ipv4) + len(acl.ipv6),
    }
    for path, count in lists.items():
        if count > ADDRESSES_PER_RULE:
            problem = f"there are {count} networks, a rule takes {ADDRESSES_PER_RULE}"
            inspection.refuse("firewall-limit", path, problem, "join neighbouring networks into larger ones")


def check_reach(inspection: Inspection[LinodeProfile]) -> None:
    """The edge and the control plane can be reached by somebody, and by everybody only where customers are."""
    profile = inspection.profile
    networks = [parse_network(text) for text in profile.network.ingress_cidrs]
    path = ("network", "ingress_cidrs")
    is_public = any(network is not None and network.prefixlen == 0 for network in networks)
    if is_public and (inspection.extends("development") or inspection.extends("system")):
        inspection.refuse("open-edge", path, "the edge is open to the world", "list the networks of your people")
    if not networks:
        inspection.warn("closed-edge", path, "nobody can reach the edge", "list the networks of your people")
    acl = profile.cluster.acl
    if acl.enabled and not (acl.ipv4 or acl.ipv6):
        problem = "the list is on and empty: nobody could reach the control plane"
        inspection.refuse("acl-lockout", ("cluster", "acl"), problem, "list your own address and those of CI")


CHECKS = (check_cidrs, check_overlap, check_firewall_limits, check_reach)
