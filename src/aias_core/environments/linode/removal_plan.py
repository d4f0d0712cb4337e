"""What `down` would remove and what it would leave, for those who agree to it: looked up in the account."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aias_core import ids
from aias_core.environments.linode.approvals import build_policy
from aias_core.environments.linode.belongings import list_own
from aias_core.environments.linode.cost import NOT_INCLUDED, OF_WORKLOADS, Planned, control_plane_plan, estimate
from aias_core.environments.linode.keeping import list_staying
from aias_core.environments.linode.kept_profiles import digest_profile
from aias_core.environments.linode.plan_cost import PlanCost
from aias_core.environments.linode.prices import read_prices
from aias_core.environments.linode.workloads import find_holdings
from aias_core.errors import Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.down import DownOptions
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.keeping import Row
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.schema import LinodeProfile

COMMAND, PLAN = "down", "plan"
# Nodes come and go with their pools.
_FLEETING = ("instance",)


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What goes and what stays. `volumes` also removes what holds data, and the state.

    A cluster that does not answer leaves it not known what its workloads have in the account.
    """

    environment: str
    simulated: bool
    volumes: bool
    removes: tuple[Row, ...]
    keeps: tuple[Row, ...]
    are_workloads_known: bool
    cost: PlanCost
    serial: int
    profile_sha256: str

    @property
    def kind(self) -> str:
        """The command that carries it out."""
        return COMMAND

    @property
    def how_to_save(self) -> str:
        """The command that saves it again."""
        return _how_to_save(self.environment, volumes=self.volumes)

    @property
    def workloads(self) -> str:
        """Whether what they have in the account is among what goes and stays."""
        return "known" if self.are_workloads_known else "not known"

    @property
    def sha256(self) -> str:
        """Of everything that goes or stays and of the profile; not of nodes, which go with their cluster."""
        content = {
            "kind": self.kind,
            "profile": self.profile_sha256,
            "volumes": self.volumes,
            "workloads": self.workloads,
            **{name: [_describe(*one) for one in rows if one[0] not in _FLEETING] for name, rows in self._sides()},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def rows(self) -> list[dict[str, Any]]:
        """Each resource with what becomes of it."""
        effects = (("delete", self.removes), ("keep", self.keeps))
        return [{"effect": effect, **_describe(*one)} for effect, rows in effects for one in rows]

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "sha256": self.sha256,
            "state_serial": self.serial,
            "profile_sha256": self.profile_sha256,
            "volumes": self.volumes,
            "workloads": self.workloads,
            "resources": self.rows(),
            "cost": self.cost.as_record(),
        }

    def _sides(self) -> Iterator[tuple[str, tuple[Row, ...]]]:
        yield from (("removes", self.removes), ("keeps", self.keeps))


def plan_removal(environment: LinodeEnvironment, *, volumes: bool) -> RemovalPlan:
    """Looks at the account and asks the cluster; changes nothing. Raises Refused for a protected environment."""
    refuse_protection(environment.profile)
    opened, own, holdings = environment.opened, list_own(environment), find_holdings(environment)
    told = {_identify(*one) for one in own}
    own += [one for one in holdings.rows if _identify(*one) not in told]
    stays = list_staying(environment, own, volumes=volumes)
    keeps = [one for one in stays if not (volumes and _is_of_state(environment, one))]
    newest = environment.read_state().versions.find_newest()
    prices = read_prices(opened.account, opened.directory)
    not_included = [one for one in NOT_INCLUDED if one != OF_WORKLOADS or not holdings.is_known]
    before, after = (
        replace(estimate(_iter_billed(environment, rows), prices), not_included=not_included) for rows in (own, keeps)
    )
    return RemovalPlan(
        environment=environment.name,
        simulated=opened.is_simulated,
        volumes=volumes,
        removes=tuple(one for one in own if one not in keeps),
        keeps=tuple(keeps),
        are_workloads_known=holdings.is_known,
        cost=PlanCost(before, after),
        serial=newest.serial if newest else 0,
        profile_sha256=digest_profile(environment.profile),
    )


def refuse_protection(profile: LinodeProfile) -> None:
    """Raises Refused for an environment that is not to be removed at all."""
    if profile.protect:
        raise Refused(
            f"'{profile.name}' is protected",
            hint="set 'protect: false' in the profile first, if it is really meant",
        )


def refuse_unplanned_removal(profile: LinodeProfile, options: DownOptions) -> None:
    """Raises Refused where an environment is removed by a signed plan for a ticket only, and this is none."""
    if not build_policy(profile).required:
        return
    name = profile.name
    if options.plan_id is None:
        volumes = " --volumes" if options.volumes else ""
        raise Refused(
            f"'{name}' is removed by saved plans only",
            hint=f"save one with: {_how_to_save(name, volumes=options.volumes)}; "
            f"then: aias env down {name}{volumes} --plan ID --ticket ID",
        )
    if options.ticket is None:
        raise Refused(f"'{name}' is removed for a ticket only", hint="name it with: --ticket ID")


def check_removal(environment: LinodeEnvironment, options: DownOptions, unfinished: Journal | None, actor: str) -> None:
    """A removal that is only gone on with has had its consent.

    Raises Refused without a plan or a ticket where plans bind, Conflict for a plan of something else, and
    ApprovalMissing, ApprovalInvalid.
    """
    if is_agreed_removal(unfinished, options, environment.profile):
        return
    refuse_unplanned_removal(environment.profile, options)
    if options.plan_id is not None:
        shelf, plan = environment.plan_shelf, plan_removal(environment, volumes=options.volumes)
        shelf.check_consent(shelf.check(options.plan_id, plan), build_policy(environment.profile), actor)


def begin_removal(environment: LinodeEnvironment, state: RemoteState, lease: Lease, options: DownOptions) -> Journal:
    """The journal of a removal under its lease; its plan is used up.

    Of one that was begun, the journal alone knows volumes without tags, so it is gone on with by whatever plan.
    Raises as `check_removal`.
    """
    before = state.journals.find_unfinished(lease)
    # What was looked at without the lease may have been changed, or finished, by who held it.
    check_removal(environment, options, before, lease.holder.actor)
    if before is not None and is_agreed_removal(before, options, environment.profile):
        return before
    details = {**options.as_details(), "profile": digest_profile(environment.profile)}
    is_begun = before is not None and before.command == COMMAND
    run_id = before.run_id if before is not None and is_begun else str(ids.new_id())
    if options.plan_id is not None:
        how_to_save = _how_to_save(environment.name, volumes=options.volumes)
        environment.plan_shelf.mark_applied(options.plan_id, run_id, how_to_save)
    if before is not None and is_begun:
        with before.step(PLAN) as found:
            found |= details
        return before
    if before is not None:
        before.end("failed", replaced_by=COMMAND)
    return state.journals.begin(run_id, COMMAND, lease, **details)


def is_agreed_removal(run: Journal | None, options: DownOptions, profile: LinodeProfile) -> bool:
    """Whether this is only the rest of an unfinished `down`; where plans bind, of one that was agreed to as it is."""
    if run is None or run.command != COMMAND:
        return False
    agreed = {**run.details, **run.proven().get(PLAN, {})}
    if options.plan_id not in (None, agreed.get("plan")):
        return False
    if options.plan_id is None and not build_policy(profile).required:
        return True
    wanted = {"volumes": options.volumes, "profile": digest_profile(profile)}
    return "plan" in agreed and all(agreed.get(name) == value for name, value in wanted.items())


def _how_to_save(name: str, *, volumes: bool) -> str:
    return f"aias env plan {name} --destroy{' --volumes' if volumes else ''} --save"


def _is_of_state(environment: LinodeEnvironment, one: Row) -> bool:
    kind, row = one
    return kind == "bucket" and row["label"] == environment.state_bucket


def _describe(kind: str, row: dict[str, Any]) -> dict[str, str]:
    return {"kind": kind, "name": str(row.get("label") or row.get("domain")), "id": _identify(kind, row)[1]}


def _identify(kind: str, row: dict[str, Any]) -> tuple[str, str]:
    return kind, f"{row['region']}/{row['label']}" if kind == "bucket" else str(row["id"])


def _iter_billed(environment: LinodeEnvironment, rows: list[Row]) -> Iterator[Planned]:
    has_bucket = False
    for kind, row in rows:
        name, region = str(row.get("label") or row.get("domain")), str(row.get("region") or environment.profile.region)
        match kind:
            case "cluster":
                is_doubled = bool((row.get("control_plane") or {}).get("high_availability"))
                plan = control_plane_plan(str(row.get("tier") or ""), ha=is_doubled)
                yield Planned("control plane", name, plan, 1, region)
            case "instance":
                yield Planned("node", name, row["type"], 1, region)
            case "database":
                yield Planned("database", name, row["type"], row["cluster_size"], region)
            case "nodebalancer":
                yield Planned("nodebalancer", name, "nodebalancer", 1, region)
            case "volume":
                yield Planned("volume", name, "volume", row["size"], region)
            case "bucket" if not has_bucket:
                has_bucket = True
                yield Planned("object storage", name, "objectstorage", 1, region)
