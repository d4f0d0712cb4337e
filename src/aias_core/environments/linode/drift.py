"""What of an environment was changed outside of us: found, weighed, explained, and kept for ninety days.

Nothing is changed and no lease is taken. A check that could not be carried out is an error, never "no drift".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from aias_core import clock, ids
from aias_core.environments.linode.adoption import DATABASE
from aias_core.environments.linode.drift_rules import (
    ORDER,
    AttributeDrift,
    Severity,
    Surroundings,
    compare_attributes,
    is_disowned,
    worst,
)
from aias_core.environments.linode.inside import build_manifests, compare_inside, open_access
from aias_core.environments.linode.kinds import label_of
from aias_core.environments.linode.matching import format_settings, list_settings
from aias_core.environments.linode.node_firewall import list_unprotected
from aias_core.environments.linode.nodes import list_addresses
from aias_core.environments.linode.strangers import Stranger, find_foreign_policies, find_strangers
from aias_core.errors import AiasError, DependencyUnreachable, DifferenceFound, EnvironmentNotUp, ExitCode

if TYPE_CHECKING:
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform_plan import ResourceChange
    from aias_core.environments.linode.terraform_state import Instance
    from aias_core.environments.linode.workshop import Workshop

Change = Literal["added", "changed", "removed"]
KEPT = timedelta(days=90)
NO_FIELD = "no field of the profile says so: revert it"
_FOLDER = "drift"
_HONEST = (ExitCode.FAILED, ExitCode.PREREQUISITE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was left: what undoes it, and what the profile must say to keep it."""

    resource: str
    kind: str
    change: Change
    severity: Severity
    explanation: str
    revert: str
    accept: str
    attributes: tuple[AttributeDrift, ...] = ()

    def as_record(self) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "kind": self.kind,
            "change": self.change,
            "severity": self.severity,
            "explanation": self.explanation,
            "revert": self.revert,
            "accept": self.accept,
            "attributes": [one.as_record() for one in self.attributes],
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """A report."""

    id: str
    environment: str
    at: str
    simulated: bool
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        return worst(one.severity for one in self.findings)

    def find_fault(self, fail_on: Severity) -> DifferenceFound | None:
        """The error for drift of that severity or above, None below it."""
        if self.severity == "none" or ORDER.index(self.severity) < ORDER.index(fail_on):
            return None
        return DifferenceFound(
            f"'{self.environment}' was changed outside of us: {len(self.findings)} findings, the worst is "
            f"{self.severity}",
            hint=f"see each with what undoes it: aias env drift {self.environment} --details",
        )

    def as_record(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "environment": self.environment,
            "at": self.at,
            "simulated": self.simulated,
            "severity": self.severity,
            "findings": [one.as_record() for one in self.findings],
        }


def find_drift(environment: LinodeEnvironment) -> Drift:
    """See `LinodeEnvironment.drift`.

    Raises EnvironmentNotUp where there is nothing, and AiasError or PrerequisiteMissing when something could not be
    looked at.
    """
    state = environment.read_state()
    try:
        findings = tuple(_look(environment, state))
    except AiasError as exc:
        raise _as_broken(exc) from exc
    at = clock.format_second(clock.now())
    report = Drift(str(ids.new_id()), environment.name, at, environment.opened.is_simulated, findings)
    _keep(state, report)
    return report


def _as_broken(exc: AiasError) -> AiasError:
    if exc.exit_code in _HONEST:
        return exc
    return AiasError(f"Whether there is drift is not known: {exc.message}", hint=exc.hint)


def _look(environment: LinodeEnvironment, state: RemoteState) -> Iterator[Finding]:
    with environment.workshop(state, None) as workshop:
        known = workshop.list_resources()
        if not known and environment.opened.account.find_by_label("cluster", label_of(environment.name)) is None:
            raise EnvironmentNotUp(
                f"'{environment.name}' is not up", hint=f"bring it up: aias env up {environment.name}"
            )
        moved = workshop.look().drift
        yield from _grade_resources(environment, workshop, moved)
    yield from (_explain_stranger(one) for one in find_strangers(environment, _as_they_are(known, moved)))
    yield from _look_inside(environment)


def _as_they_are(known: Sequence[Instance], moved: Sequence[ResourceChange]) -> list[Instance]:
    now = {one.address: one.after for one in moved}
    there = (replace(one, attributes=now.get(one.address, one.attributes) or {}) for one in known)
    return [one for one in there if one.attributes]


def _grade_resources(
    environment: LinodeEnvironment, workshop: Workshop, moved: Sequence[ResourceChange]
) -> Iterator[Finding]:
    around = _read_surroundings(environment)
    revert = f"aias env up {environment.name}"
    for one in moved:
        if one.after is None:
            text = "it is gone from the account"
            yield Finding(one.address, one.type, "removed", "major", text, revert, "take it out of the profile")
        elif attributes := compare_attributes(one.type, one.before or {}, one.after, around):
            yield _explain_change(one, attributes, revert)
    yield from _check_allow_list(environment, workshop, around)
    yield from _check_node_firewall(environment, around)


def _explain_change(one: ResourceChange, attributes: list[AttributeDrift], revert: str) -> Finding:
    names = dict.fromkeys(attribute.path.partition(".")[0] for attribute in attributes)
    before, now = (list_settings(one.type, one.name, side or {}, names) for side in (one.before, one.after))
    accept = format_settings(setting for setting in now if setting not in before)
    text = "; ".join(f"{each.path}: {each.before!r} is now {each.after!r}" for each in attributes)
    severity = worst(attribute.severity for attribute in attributes)
    if any(is_disowned(attribute) for attribute in attributes):
        tags = ", ".join((one.before or {}).get("tags") or ())
        revert = f"tag it again in the account with {tags}; then {revert}"
    return Finding(one.address, one.type, "changed", severity, text, revert, accept or NO_FIELD, tuple(attributes))


def _read_surroundings(environment: LinodeEnvironment) -> Surroundings:
    account = environment.opened.account
    cluster = account.find_by_label("cluster", label_of(environment.name))
    instances, balancers = account.list_all("/linode/instances"), account.list_all("/nodebalancers")
    cluster_id = cluster and cluster["id"]
    nodes = [one for one in instances if cluster_id and one.get("lke_cluster_id") == cluster_id]
    served = [one for one in balancers if cluster_id and (one.get("lke_cluster") or {}).get("id") == cluster_id]
    return Surroundings(
        existing=frozenset(one["id"] for one in (*instances, *balancers)),
        own=frozenset(one["id"] for one in (*nodes, *served)),
        nodes=frozenset(one["id"] for one in nodes),
        addresses=frozenset(list_addresses(instances, cluster_id)) if cluster_id else frozenset(),
    )


def _check_allow_list(environment: LinodeEnvironment, workshop: Workshop, around: Surroundings) -> Iterator[Finding]:
    """Nodes come and go by themselves; one that the database does not let in is found here."""
    database = next((one for one in workshop.list_resources() if one.type == DATABASE), None)
    if database is None or database.attributes.get("private_network"):
        return
    row = environment.opened.account.find(f"/databases/postgresql/instances/{database.id}")
    let_in = {str(one).removesuffix("/32") for one in (row or {}).get("allow_list") or ()}
    if row is not None and (missing := sorted(around.addresses - let_in)):
        text = f"nodes may not connect to it: {', '.join(missing)}"
        revert = f"aias env up {environment.name}"
        yield Finding(f"{database.address}.allow_list", "allow list", "changed", "major", text, revert, NO_FIELD)


def _check_node_firewall(environment: LinodeEnvironment, around: Surroundings) -> Iterator[Finding]:
    if missing := list_unprotected(environment, around.nodes):
        text = f"nodes are open to the world: {', '.join(map(str, missing))}"
        revert = f"aias env up {environment.name}"
        yield Finding(label_of(environment.name, "nodes"), "node firewall", "changed", "major", text, revert, NO_FIELD)


def _explain_stranger(one: Stranger) -> Finding:
    text = f"the {one.what} is in no state of ours"
    return Finding(one.name, one.what, "added", "major", text, one.remove, NO_FIELD)


def _look_inside(environment: LinodeEnvironment) -> Iterator[Finding]:
    account, name = environment.opened.account, environment.name
    if account.find_by_label("cluster", label_of(name)) is None:
        return
    manifests = build_manifests(environment.profile)
    wanted = {_place(one) for one in manifests if one["kind"] == "NetworkPolicy"}
    with open_access(account, name) as cluster:
        if cluster is None:
            raise DependencyUnreachable(f"The cluster of '{name}' is not ready, so it could not be looked at")
        inside = compare_inside(cluster, manifests, name)
        yield from (_explain_object(one, "changed", name) for one in inside.changed)
        yield from (_explain_object(one, "added", name) for one in inside.surplus)
        surplus = {_place(one) for one in inside.surplus}
        foreign = find_foreign_policies(environment, cluster, wanted | surplus)
        yield from (_explain_stranger(one) for one in foreign)
        yield from _look_at_secrets(environment, cluster)


def _place(manifest: dict[str, Any]) -> str:
    return f"{manifest['metadata'].get('namespace', '')}/{manifest['metadata']['name']}".lstrip("/")


def _explain_object(manifest: dict[str, Any], change: Change, name: str) -> Finding:
    kind = manifest["kind"]
    text = f"the {kind} is not as the profile says" if change == "changed" else f"the profile has no such {kind}"
    return Finding(_place(manifest), kind, change, "major", text, f"aias env up {name}", NO_FIELD)


def _look_at_secrets(environment: LinodeEnvironment, cluster: Any) -> Iterator[Finding]:
    from aias_core.environments.linode.secrets import declare_secrets
    from aias_core.secrets.status import read_status

    name = environment.name
    for one in read_status(declare_secrets(environment.profile, environment.directory), cluster):
        if one.drift == "differs" or (one.drift == "not delivered" and one.state != "missing"):
            text = f"in the cluster the secret is: {one.drift}"
            revert = f"aias secrets bootstrap {name}"
            yield Finding(one.secret.name, "secret", "changed", "major", text, revert, NO_FIELD)
        elif one.is_due:
            text = f"it should have been renewed on {one.as_record()['due_on']}"
            revert = f"aias secrets rotate {name} --due"
            accept = f"secrets.{one.secret.name}.rotation_days: more than {one.secret.rotation_days}"
            yield Finding(one.secret.name, "secret", "changed", "minor", text, revert, accept)


def _keep(state: RemoteState, report: Drift) -> None:
    """In the store of the state, by its time; what is older than ninety days goes."""
    folder = f"{state.environment}/{_FOLDER}/"
    content = json.dumps({"schema": "aias.drift/1", **report.as_record()}, default=str, ensure_ascii=False)
    state.store.put(f"{folder}{report.at.replace(':', '')}-{report.id}.json", content.encode())
    oldest = clock.format_second(clock.now() - KEPT).replace(":", "")
    for key in state.store.list(folder):
        if key.removeprefix(folder) < oldest:
            state.store.delete(key)
