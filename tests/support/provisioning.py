"""Terraform's part without Terraform: the stand-in provider's own code in this process, on one small environment.

A process of Terraform takes seconds for each run. This keeps its promises as far as the engine sees them: a graph in
order, a state that is written through the backend after each resource, taint, refresh, and what follows a failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.terraform import Fault, OnProgress, Progress, TerraformFailed, ignore
from aias_core.environments.linode.terraform_plan import UNKNOWN, ResourceChange, TerraformPlan
from aias_core.environments.linode.terraform_state import EXTERNAL_POOL_TAG, keep_own_pools
from aias_services.linode_simulator.provider import schema
from aias_services.linode_simulator.provider.api import Api, ApiFault, Pace
from aias_services.linode_simulator.provider.kind import Incomplete, Kind
from aias_services.linode_simulator.provider.kinds import KINDS
from aias_services.linode_simulator.provider.servicer import apply_change
from support.graph import GRAPH, Declared
from support.kept_state import KeptState

WAIT_SECONDS = 5.0
# In simulated time: the provider looks less often than the real one, and gives up a little sooner.
UNHURRIED = Pace(event=30, node=30, retry=1, limit=600)


class UnhurriedApi(Api):
    """Waits in simulated time."""

    timing: Timing

    def _now(self) -> float:
        return self.timing.now()

    def _sleep(self, seconds: float) -> None:
        self.timing.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan(TerraformPlan):
    """With the state as it was found, which the real one keeps in its file."""

    state: bytes


@dataclass
class InProcessProvisioner:
    """What the engine needs of Terraform; see `Infrastructure`."""

    directory: Path
    variables: Mapping[str, str]
    backend: Mapping[str, str]
    graph: Sequence[Declared] = GRAPH
    below: httpx.BaseTransport | None = None
    timing: Timing | None = None
    _state: KeptState = field(init=False)

    def init(self) -> None:
        self._told = {
            name.removeprefix("TF_VAR_"): _parse(value)
            for name, value in self.variables.items()
            if name.startswith("TF_VAR_")
        }
        self._api = self._open_account()
        login = (self.backend["TF_HTTP_USERNAME"], self.backend["TF_HTTP_PASSWORD"])
        address = self.backend["TF_HTTP_ADDRESS"]
        self._state = KeptState(httpx.Client(base_url=address, auth=login, trust_env=False, verify=False))

    def _open_account(self) -> Api:
        url, token = self.variables["LINODE_URL"], self.variables["LINODE_TOKEN"]
        more: dict[str, Any] = {"empties_buckets": self._told["empties_buckets"], "below": self.below}
        if self.timing is None:
            return Api(url, "v4", token, Pace(event=0, node=0, retry=0, limit=WAIT_SECONDS), **more)
        api = UnhurriedApi(url, "v4", token, UNHURRIED, **more)
        api.timing = self.timing
        return api

    def plan(
        self,
        on_progress: OnProgress = ignore,
        *,
        destroy: bool = False,
        refresh: bool = True,
        refresh_only: bool = False,
        targets: Sequence[str] = (),
        file: Path | None = None,
        lock: bool = True,
    ) -> TerraformPlan:
        with _failing():
            self._state.pull()
            before = {address: dict(one) for address, one in self._state.attributes().items()}
            if refresh:
                self._refresh(self._list_reached(targets))
        chosen = [one for one in self._iter_changes(destroy) if not targets or one.address in targets]
        found = self._state.attributes()
        drift = [
            _change(self._declared(address), "update" if address in found else "delete", old, found.get(address))
            for address, old in before.items()
            if old != found.get(address)
        ]
        changes = () if refresh_only else tuple(chosen)
        is_empty = not any(one.is_change for one in changes)
        return SavedPlan(
            file=self.directory / "none",
            changes=changes,
            drift=tuple(drift),
            outputs={},
            is_empty=is_empty,
            terraform_version="none",
            state=self._state.save(),
        )

    def apply(self, plan: TerraformPlan, on_progress: OnProgress = ignore) -> None:
        assert isinstance(plan, SavedPlan)
        self._state.take(plan.state)
        if not plan.changes:
            self._state.push()
        faults, failed = list[Fault](), set[str]()
        for change in _in_order(plan.changes):
            declared = self._declared(change.address)
            blocked = self._needs(declared, change.is_destruction) & failed
            if not change.is_change or blocked:
                failed |= {change.address} if blocked else set()
                continue
            verb = change.actions[0]
            on_progress(Progress(change.address, verb, "started", 0))
            try:
                self._carry_out(declared, change)
                done = self._state.attributes().get(change.address, {})
                on_progress(Progress(change.address, verb, "done", 0, str(done.get("id", ""))))
            except (ApiFault, Incomplete) as exc:
                failed.add(change.address)
                faults.append(Fault(str(exc), "", change.address))
                on_progress(Progress(change.address, verb, "failed", 0))
            finally:
                self._state.push()
        if faults:
            raise TerraformFailed(f"'terraform apply' failed: {faults[0].summary}", faults)

    def import_resource(self, address: str, identifier: str) -> None:
        with _failing():
            self._state.pull()
            kind = self._kind(address)
            begun = schema.complete(kind.fields, kind.import_state(identifier))
            found = kind.read(self._api, begun)
            self._state.set(address, schema.complete(kind.fields, found or {}))
            self._state.push()

    def import_cluster(self, address: str, identifier: str) -> None:
        self.import_resource(address, identifier)
        self._state.rewrite(lambda content: keep_own_pools(content, EXTERNAL_POOL_TAG))
        self._state.push()

    def untaint(self, address: str) -> None:
        self._state.pull()
        self._state.mark(address, tainted=False)
        self._state.push()

    def taint(self, address: str) -> None:
        """As after a creation that Terraform saw fail."""
        self._state.pull()
        self._state.mark(address, tainted=True)
        self._state.push()

    def remove_from_state(self, address: str) -> None:
        self._state.pull()
        self._state.drop(address)
        self._state.push()

    def take_unsaved_state(self) -> bytes | None:
        return None

    def _iter_changes(self, destroy: bool) -> Iterator[ResourceChange]:
        known = self._state.attributes()
        for declared in self.graph:
            before = known.get(declared.address)
            after = declared.configure(self._told, known)
            if destroy:
                if before is not None:
                    yield _change(declared, "delete", before, None)
            elif before is None:
                yield _change(declared, "create", None, after)
            elif self._state.is_tainted(declared.address):
                yield _change(declared, "delete,create", before, after, ("tainted",))
            else:
                same = all(_agree(before.get(name), value) for name, value in after.items())
                yield _change(declared, "no-op" if same else "update", before, before | after)

    def _carry_out(self, declared: Declared, change: ResourceChange) -> None:
        kind = KINDS[declared.type]
        before = self._state.attributes().get(declared.address)
        config = declared.configure(self._told, self._state.attributes())
        if change.is_destruction:
            kind.delete(self._api, before or {})
            self._state.drop(declared.address)
        if change.actions == ("delete",):
            return
        proposed = schema.complete(kind.fields, config)
        creating = before is None or change.is_replacement
        planned = schema.plan_creation(kind.fields, proposed) if creating else _merge(kind, before or {}, config)
        try:
            made = apply_change(kind, self._api, None if creating else before, planned)
            self._state.set(declared.address, schema.complete(kind.fields, made))
        except Incomplete as exc:
            self._state.set(declared.address, schema.complete(kind.fields, exc.state), tainted=True)
            raise

    def _list_reached(self, targets: Sequence[str]) -> set[str]:
        """The targets and what they need, as Terraform's `-target` takes them; without any everything."""
        reached = set(targets) or {one.address for one in self.graph}
        for one in reversed(self.graph):
            reached |= set(one.needs) if one.address in reached else set()
        return reached

    def _refresh(self, reached: set[str]) -> None:
        for address, attributes in self._state.attributes().items():
            if address not in reached:
                continue
            found = self._kind(address).read(self._api, dict(attributes))
            if found is None:
                self._state.drop(address)
            else:
                is_tainted = self._state.is_tainted(address)
                self._state.set(address, schema.complete(self._kind(address).fields, found), tainted=is_tainted)

    def _needs(self, declared: Declared, destroying: bool) -> set[str]:
        if not destroying:
            return set(declared.needs)
        return {one.address for one in self.graph if declared.address in one.needs}

    def _kind(self, address: str) -> Kind:
        return KINDS[self._declared(address).type]

    def _declared(self, address: str) -> Declared:
        return next(one for one in self.graph if one.address == address)


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _in_order(changes: Sequence[ResourceChange]) -> list[ResourceChange]:
    gone = [one for one in changes if one.actions == ("delete",)]
    return [*reversed(gone), *(one for one in changes if one not in gone)]


def _change(declared: Declared, actions: str, before: Any, after: Any, reasons: tuple[str, ...] = ()) -> ResourceChange:
    address = declared.address
    name = address.partition('["')[2].rstrip('"]') or address.rpartition(".")[2]
    module = ".".join(address.split(".")[:2])
    return ResourceChange(
        address=address,
        type=declared.type,
        name=name,
        module=module,
        actions=tuple(actions.split(",")),
        replace_reasons=reasons,
        before=before,
        after=after,
    )


def _agree(before: Any, wanted: Any) -> bool:
    """Blocks are left out: the provider's own tests compare those."""
    if isinstance(wanted, list) and not any(isinstance(one, dict) for one in wanted):
        return sorted(before or ()) == sorted(wanted)
    return isinstance(wanted, list | dict) or wanted == UNKNOWN or before == wanted


def _merge(kind: Kind, before: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in config.items() if not _is_block(value)}
    return {**schema.complete(kind.fields, dict(before)), **plain}


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


@contextmanager
def _failing() -> Iterator[None]:
    """Turns what the provider raises into Terraform's own failure."""
    try:
        yield
    except ApiFault as exc:
        raise TerraformFailed(f"'terraform' failed: {exc}", [Fault(str(exc), "", "")]) from exc
