"""Addresses and networks in bodies, by family."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from aias_services.linode_simulator.fields import Values
from aias_services.linode_simulator.refusals import Fault

NETWORKS = {"ipv4": ipaddress.IPv4Network, "ipv6": ipaddress.IPv6Network}


def check_addresses(addresses: Values, path: str, *, masked: bool = False) -> Iterator[Fault]:
    """The faults of an object with lists `ipv4` and `ipv6`; with `masked`, a bare address is one."""
    for family in NETWORKS:
        for index, one in enumerate(addresses.get(family) or ()):
            if not _is_network(one, (family,)) or (masked and "/" not in one):
                reason = "Must be in IP/mask format" if masked else f"Must be an {family} address or network"
                yield Fault(reason, f"{path}.{family}[{index}]")


def check_list(addresses: Iterable[str], path: str) -> Iterator[Fault]:
    """The faults of a list of addresses and networks of either family."""
    for index, one in enumerate(addresses):
        if not _is_network(one, NETWORKS):
            yield Fault("Must be an address or a network in CIDR notation", f"{path}[{index}]")


def _is_network(text: str, families: Iterable[str]) -> bool:
    for family in families:
        try:
            NETWORKS[family](text, strict=False)
        except ValueError:
            continue
        return True
    return False
