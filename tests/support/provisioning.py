"""Terraform's part without Terraform: the stand-in provider's own code in this process, on one small environment.

A process of Terraform takes seconds for each run. This keeps its promises as far as the engine sees them: a graph in
order, a state that is written through the backend after each resource, taint, refresh, and what follows a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.terraform import Fault, OnProgress, Progress, TerraformFailed, ignore
from aias_core.environments.linode.terraform_plan import UNKNOWN, ResourceChange, TerraformPlan
from aias_core.environments.linode.terraform_state import EXTERNAL_POOL_TAG, keep_own_pools
from aias_core.errors import TimedOut
from aias_services.linode_simulator.provider import schema
from aias_services.linode_simulator.provider.api import Api, ApiFault, Pace
from aias_services.linode_simulator.provider.kind import Incomplete, Kind
from aias_services.linode_simulator.provider.kinds import KINDS
from aias_services.linode_simulator.provider.servicer import apply_change

WAIT_SECONDS = 5.0
# In simulated time: the provider looks less often than the real one, and gives up a little sooner.
UNHURRIED = Pace(event=30, node=30, retry=1, limit=600)
VPC, SUBNET = "module.network.linode_vpc.this", 'module.network.linode_vpc_subnet.this["nodes"]'
NODES, EDGE = "module.node_firewall[0].linode_firewall.this", "module.network.linode_firewall.edge"
CLUSTER, DATABASE = "module.lke.linode_lke_cluster.this", "module.postgresql.linode_database_postgresql_v2.this"
POOL = 'module.lke.linode_lke_node_pool.this["extra"]'
BUCKET = 'module.object_storage.linode_object_storage_bucket.this["backups"]'
KEY = 'module.object_storage.linode_object_storage_key.this["backups"]'
Ids = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Declared:
    """One resource: what it needs first, and what is configured of it, given the attributes of those."""

    address: str
    type: str
    needs: tuple[str, ...]
    configure: Callable[[Mapping[str, Any], Ids], dict[str, Any]]


def _id(ids: Ids, address: str) -> Any:
    return int(ids[address]["id"]) if address in ids else UNKNOWN


def _firewall(variables: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    label = f"aias-{variables['environment']}-{purpose}"
    return {"label": label, "inbound_policy": "DROP", "outbound_policy": "ACCEPT", "tags": variables["tags"]}


def _node_firewall(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    pools = [*(ids[CLUSTER]["pool"] if CLUSTER in ids else ()), *([ids[POOL]] if POOL in ids else ())]
    nodes = [node["instance_id"] for pool in pools for node in pool["nodes"] or ()]
    return _firewall(variables, "nodes") | {"linodes": nodes if CLUSTER in ids else UNKNOWN}


def _vpc(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    name = variables["environment"]
    return {"label": f"aias-{name}", "region": variables["region"], "description": f"aias environment {name}"}


def _cluster(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    told = variables["cluster"]
    pool = told["pools"][told["inline_pool"]]
    inline = {"type": pool["type"], "count": pool["count"], "label": told["inline_pool"], "labels": pool["labels"]}
    return {
        "label": f"aias-{variables['environment']}",
        "region": variables["region"],
        "k8s_version": told["version"],
        "tags": variables["tags"],
        "external_pool_tags": [EXTERNAL_POOL_TAG],
        "control_plane": [{"high_availability": False, "audit_logs_enabled": False, "acl": [{"enabled": False}]}],
        "pool": [{**inline, "tags": variables["tags"]}],
    }


def _pool(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    pool = variables["cluster"]["pools"]["extra"]
    named = {"cluster_id": _id(ids, CLUSTER), "type": pool["type"], "node_count": pool["count"], "label": "extra"}
    return {**named, "labels": pool["labels"], "tags": [*variables["tags"], EXTERNAL_POOL_TAG]}


def _database(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    told = variables["database"]
    size = {"type": told["type"], "cluster_size": told["nodes"], "engine_id": f"postgresql/{told['version']}"}
    return {"label": f"aias-{variables['environment']}", "region": variables["region"], **size}


def _key(variables: Mapping[str, Any], _: Ids) -> dict[str, Any]:
    prefix, region = variables["storage"]["prefix"], variables["region"]
    access = {"bucket_name": f"{prefix}-backups", "region": region, "permissions": "read_write"}
    return {"label": f"{prefix}-backups", "bucket_access": [access]}


GRAPH = (
    Declared(VPC, "linode_vpc", (), _vpc),
    Declared(
        SUBNET,
        "linode_vpc_subnet",
        (VPC,),
        lambda variables, ids: {
            "vpc_id": _id(ids, VPC),
            "label": "nodes",
            "ipv4": variables["network"]["subnets"]["nodes"],
        },
    ),
    Declared(EDGE, "linode_firewall", (), lambda variables, _: _firewall(variables, "edge")),
    Declared(
        BUCKET,
        "linode_object_storage_bucket",
        (),
        lambda variables, _: {
            "label": f"{variables['storage']['prefix']}-backups",
            "region": variables["region"],
            "acl": "private",
            "cors_enabled": False,
        },
    ),
    Declared(KEY, "linode_object_storage_key", (BUCKET,), _key),
    Declared(CLUSTER, "linode_lke_cluster", (), _cluster),
    Declared(POOL, "linode_lke_node_pool", (CLUSTER,), _pool),
    Declared(NODES, "linode_firewall", (CLUSTER, POOL), _node_firewall),
    Declared(DATABASE, "linode_database_postgresql_v2", (), _database),
)


def _private_database(variables: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    network = {"vpc_id": _id(ids, VPC), "subnet_id": _id(ids, SUBNET), "public_access": False}
    return {**_database(variables, ids), "private_network": network}


PRIVATE_GRAPH = tuple(
    replace(one, needs=(VPC, SUBNET), configure=_private_database) if one.address == DATABASE else one for one in GRAPH
)


class UnhurriedApi(Api):
    """Waits in simulated time."""

    timing: Timing

    def looks(self, pause: float, what: str) -> Iterator[None]:
        deadline = self.timing.now() + self.pace.limit
        while True:
            yield
            if self.timing.now() > deadline:
                raise TimedOut(f"Gave up waiting for {what} after {self.pace.limit:g} s")
            self.timing.sleep(pause)

    def _sleep(self, seconds: float) -> None:
        self.timing.sleep(seconds)


@dataclass
class InProcessProvisioner:
    """What the engine needs of Terraform; see `Infrastructure`."""

    directory: Path
    variables: Mapping[str, str]
    backend: Mapping[str, str]
    graph: Sequence[Declared] = GRAPH
    below: httpx.BaseTransport | None = None
    timing: Timing | None = None
    _state: dict[str, Any] = field(default_factory=dict)
    _refreshed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def init(self) -> None:
        self._told = {
            name.removeprefix("TF_VAR_"): _parse(value)
            for name, value in self.variables.items()
            if name.startswith("TF_VAR_")
        }
        self._api = self._open_account()
        login = (self.backend["TF_HTTP_USERNAME"], self.backend["TF_HTTP_PASSWORD"])
        self._http = httpx.Client(base_url=self.backend["TF_HTTP_ADDRESS"], auth=login, trust_env=False, verify=False)

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
            self._pull()
            before = {address: dict(one) for address, one in self._attributes().items()}
            if refresh:
                self._refresh()
            self._refreshed = self._attributes()
        chosen = [one for one in self._iter_changes(destroy) if not targets or one.address in targets]
        drift = [
            _change(address, "update", old, self._attributes().get(address))
            for address, old in before.items()
            if old != self._attributes().get(address)
        ]
        changes = () if refresh_only else tuple(chosen)
        is_empty = not any(one.is_change for one in changes)
        return TerraformPlan(
            file=self.directory / "none",
            changes=changes,
            drift=tuple(drift),
            outputs={},
            is_empty=is_empty,
            terraform_version="none",
        )

    def apply(self, plan: TerraformPlan, on_progress: OnProgress = ignore) -> None:
        with _failing():
            self._pull()
        self._take_refreshed()
        if not plan.changes:
            self._push()
        faults, failed = list[Fault](), set[str]()
        for change in _in_order(plan.changes):
            declared = next(one for one in self.graph if one.address == change.address)
            blocked = self._needs(declared, change.is_destruction) & failed
            if not change.is_change or blocked:
                failed |= {change.address} if blocked else set()
                continue
            verb = change.actions[0]
            on_progress(Progress(change.address, verb, "started", 0))
            try:
                self._carry_out(declared, change)
                done = self._attributes().get(change.address, {})
                on_progress(Progress(change.address, verb, "done", 0, str(done.get("id", ""))))
            except (ApiFault, Incomplete) as exc:
                failed.add(change.address)
                faults.append(Fault(str(exc), "", change.address))
                on_progress(Progress(change.address, verb, "failed", 0))
            finally:
                self._push()
        if faults:
            raise TerraformFailed(f"'terraform apply' failed: {faults[0].summary}", faults)

    def import_resource(self, address: str, identifier: str) -> None:
        with _failing():
            self._pull()
            kind = self._kind(address)
            begun = schema.complete(kind.fields, kind.import_state(identifier))
            found = kind.read(self._api, begun)
            self._set(address, schema.complete(kind.fields, found or {}))
            self._push()

    def import_cluster(self, address: str, identifier: str) -> None:
        self.import_resource(address, identifier)
        self._state = json.loads(keep_own_pools(json.dumps(self._state).encode(), EXTERNAL_POOL_TAG))
        self._push()

    def untaint(self, address: str) -> None:
        self._pull()
        self._entry(address)["instances"][0].pop("status", None)
        self._push()

    def taint(self, address: str) -> None:
        """As after a creation that Terraform saw fail."""
        self._pull()
        self._entry(address)["instances"][0]["status"] = "tainted"
        self._push()

    def remove_from_state(self, address: str) -> None:
        self._pull()
        self._drop(address)
        self._push()

    def take_unsaved_state(self) -> bytes | None:
        return None

    def _iter_changes(self, destroy: bool) -> Iterator[ResourceChange]:
        known = self._attributes()
        for declared in self.graph:
            before = known.get(declared.address)
            after = declared.configure(self._told, known)
            if destroy:
                if before is not None:
                    yield _change(declared.address, "delete", before, None)
            elif before is None:
                yield _change(declared.address, "create", None, after)
            elif self._entry(declared.address)["instances"][0].get("status") == "tainted":
                yield _change(declared.address, "delete,create", before, after, ("tainted",))
            else:
                same = all(_agree(before.get(name), value) for name, value in after.items())
                yield _change(declared.address, "no-op" if same else "update", before, before | after)

    def _carry_out(self, declared: Declared, change: ResourceChange) -> None:
        kind = KINDS[declared.type]
        before = self._attributes().get(declared.address)
        config = declared.configure(self._told, self._attributes())
        if change.is_destruction:
            kind.delete(self._api, before or {})
            self._drop(declared.address)
        if change.actions == ("delete",):
            return
        proposed = schema.complete(kind.fields, config)
        creating = before is None or change.is_replacement
        planned = schema.plan_creation(kind.fields, proposed) if creating else _merge(kind, before or {}, config)
        try:
            made = apply_change(kind, self._api, None if creating else before, planned)
            self._set(declared.address, schema.complete(kind.fields, made))
        except Incomplete as exc:
            self._set(declared.address, schema.complete(kind.fields, exc.state), tainted=True)
            raise

    def _refresh(self) -> None:
        for address, attributes in list(self._attributes().items()):
            found = self._kind(address).read(self._api, dict(attributes))
            if found is None:
                self._drop(address)
            else:
                is_tainted = self._entry(address)["instances"][0].get("status") == "tainted"
                self._set(address, schema.complete(self._kind(address).fields, found), tainted=is_tainted)

    def _take_refreshed(self) -> None:
        """A plan holds what it found, and an apply goes on from there."""
        for address in self._attributes():
            is_tainted = self._entry(address)["instances"][0].get("status") == "tainted"
            self._set(address, self._refreshed.get(address, self._attributes()[address]), tainted=is_tainted)

    def _needs(self, declared: Declared, destroying: bool) -> set[str]:
        if not destroying:
            return set(declared.needs)
        return {one.address for one in self.graph if declared.address in one.needs}

    def _kind(self, address: str) -> Kind:
        return KINDS[next(one.type for one in self.graph if one.address == address)]

    def _attributes(self) -> dict[str, dict[str, Any]]:
        return {_address(one): one["instances"][0]["attributes"] for one in self._state["resources"]}

    def _entry(self, address: str) -> dict[str, Any]:
        return next(one for one in self._state["resources"] if _address(one) == address)

    def _set(self, address: str, attributes: Mapping[str, Any], *, tainted: bool = False) -> None:
        place = [_address(one) for one in self._state["resources"]]
        entry = _build_entry(address, attributes, tainted)
        if address in place:
            self._state["resources"][place.index(address)] = entry
        else:
            self._state["resources"].append(entry)

    def _drop(self, address: str) -> None:
        self._state["resources"] = [one for one in self._state["resources"] if _address(one) != address]

    def _pull(self) -> None:
        answer = self._http.get("")
        empty = {"version": 4, "serial": 0, "lineage": "campaign", "resources": []}
        self._state = empty if answer.status_code == 404 else answer.json()

    def _push(self) -> None:
        self._state["serial"] += 1
        answer = self._http.post("", content=json.dumps(self._state, default=str))
        if answer.status_code != 200:
            raise TerraformFailed(f"the state was refused with {answer.status_code}")


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _in_order(changes: Sequence[ResourceChange]) -> list[ResourceChange]:
    gone = [one for one in changes if one.actions == ("delete",)]
    return [*reversed(gone), *(one for one in changes if one not in gone)]


def _change(address: str, actions: str, before: Any, after: Any, reasons: tuple[str, ...] = ()) -> ResourceChange:
    kind = next(one.type for one in GRAPH if one.address == address)
    name = address.partition('["')[2].rstrip('"]') or address.rpartition(".")[2]
    module = ".".join(address.split(".")[:2])
    return ResourceChange(
        address=address,
        type=kind,
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


def _address(entry: Mapping[str, Any]) -> str:
    key = entry["instances"][0].get("index_key")
    return f"{entry['module']}.{entry['type']}.{entry['name']}" + (f'["{key}"]' if key else "")


def _build_entry(address: str, attributes: Mapping[str, Any], tainted: bool) -> dict[str, Any]:
    plain, _, key = address.partition('["')
    module, kind, name = plain.rsplit(".", 2)
    instance: dict[str, Any] = {"attributes": dict(attributes)}
    instance |= {"index_key": key.rstrip('"]')} if key else {}
    instance |= {"status": "tainted"} if tainted else {}
    return {"module": module, "mode": "managed", "type": kind, "name": name, "instances": [instance]}


class _failing:
    """Turns what the provider raises into Terraform's own failure."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ApiFault):
            raise TerraformFailed(f"'terraform' failed: {error}", [Fault(str(error), "", "")]) from error
