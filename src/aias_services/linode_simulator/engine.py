"""List, create, view, update and delete, for every resource alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from aias_services.linode_simulator import events, ledger
from aias_services.linode_simulator.access import written
from aias_services.linode_simulator.catalog import regions
from aias_services.linode_simulator.fields import Field, Values, accept, complete
from aias_services.linode_simulator.lifecycle import FREE, Hold
from aias_services.linode_simulator.refusals import LIMIT_REACHED, Fault, check_all, refuse
from aias_services.linode_simulator.resource import Draft, Resource, dig
from aias_services.linode_simulator.routing import READ, SLASHED, WRITE, Call, Operation
from aias_services.linode_simulator.world import Record, World


def build_operations(resource: Resource) -> Iterator[Operation]:
    """The operations that a resource has by its verbs."""
    rows = {
        "list": ("GET", resource.path, READ, list_all),
        "create": ("POST", resource.path, WRITE, create_one),
        "view": ("GET", resource.item_path, READ, view_one),
        "update": ("PUT", resource.item_path, WRITE, update_one),
        "delete": ("DELETE", resource.item_path, WRITE, delete_one),
    }
    for verb, (method, path, level, handle) in rows.items():
        if verb in resource.verbs:
            yield Operation(
                method=method,
                path=path,
                scope=resource.scope,
                level=level,
                handle=partial(handle, resource),
                paginated=verb == "list",
                filterable=resource.filterable if verb == "list" else (),
                beta=resource.beta,
            )


def list_all(resource: Resource, call: Call) -> list[Values]:
    """Every one that the caller may see, under the parent that the path names."""
    parent = call.record(resource.parent) if resource.parent else None
    found = call.world.children(resource.kind, parent) if parent else call.world.iter(resource.kind)
    rows = [show(call.world, resource, record) for record in found]
    return rows[::-1] if resource.newest_first else rows


def view_one(resource: Resource, call: Call) -> Values:
    return show(call.world, resource, call.record(resource.kind))


def create_one(resource: Resource, call: Call) -> Values:
    """Makes one, each time it is asked: there are no idempotency keys."""
    parent = call.record(resource.parent) if resource.parent else None
    wanted = [name for name, value in resource.beta_values.items() if call.body.get(name) == value]
    if wanted and not call.beta:
        raise refuse(f"{wanted[0]} '{call.body[wanted[0]]}' is available in v4beta only", wanted[0])
    record = create(call.world, resource.kind, call.body, parent=parent, hold=call.outcome.hold)
    return show(call.world, resource, record, fresh=True)


def update_one(resource: Resource, call: Call) -> Values:
    record = call.record(resource.kind)
    update(call.world, resource, record, call.body, hold=call.outcome.hold)
    return show(call.world, resource, record)


def delete_one(resource: Resource, call: Call) -> Values:
    delete(call.world, call.record(resource.kind), linger=call.outcome.linger)
    return {}


def show(world: World, resource: Resource, record: Record, *, fresh: bool = False) -> Values:
    """A resource as it is answered; what is told only once, when it is fresh."""
    common = {
        "id": record.id,
        "created": written(record.made_at),
        "updated": written(record.changed_at),
        "status": world.status(record) if record.timeline or record.gone_at else record.values.get("status"),
        "locks": [lock.values["lock_type"] for lock in world.iter("lock", lambda lock: _locks(lock, record))],
    }
    values = {**record.values, **{name: value for name, value in common.items() if name in resource.fields}}
    if resource.shown:
        values |= resource.shown(world, record)
    if fresh:
        values |= record.values.get("_once", {})
    return complete(resource.fields, values)


def create(
    world: World,
    kind: str,
    body: Values,
    *,
    parent: Record | None = None,
    hold: Hold = FREE,
    owner: Record | None = None,
) -> Record:
    """A new resource with its children, charges and event; it is its own owner unless one is named. Raises Refusal."""
    resource = world.registry[kind]
    values, faults = accept(resource.fields, body, creating=True)
    check_all(faults)
    draft = Draft(world, values, parent, given=body, hold=hold)
    check_all(_check(resource, draft))
    check_limit(world, resource.quota, 1)
    now = world.now()
    identifier = world.next_id(kind, resource.first_id)
    record = Record(kind=kind, id=identifier, values=draft.values, made_at=now, changed_at=now)
    record.parent = parent.id if parent else None
    record.purpose = owner.purpose if owner else _purpose(resource, draft)
    record.owner = owner.owner if owner else f"{kind} {identifier}"
    world.begin(record, resource.phases)
    if hold.whole and record.timeline:
        world.hold(record, hold.seconds)
    world.add(record)
    if resource.made:
        resource.made(draft, record)
    rebill(world, record)
    emit(world, resource, record, "create", lasting=record if len(resource.phases) > 1 else None)
    return record


def _purpose(resource: Resource, draft: Draft) -> str:
    """What a resource serves, under the purpose of its parent."""
    named = {name: draft.values[name] for name in resource.purpose if draft.values.get(name)}
    told = next(iter(named.values())) if list(named) == ["label"] else json.dumps(named or draft.given, sort_keys=True)
    return f"{draft.parent.purpose} / {resource.kind} {told}" if draft.parent else f"{resource.kind} {told}"


def update(world: World, resource: Resource, record: Record, body: Values, *, hold: Hold = FREE) -> None:
    """Changes what a body names; everything else stays. Raises Refusal before anything is changed."""
    changes, faults = accept(resource.fields, body, creating=False)
    check_all(faults)
    values, parent = _merge(resource.fields, record.values, changes), _parent(world, resource, record)
    draft = Draft(world, values, parent, record, given=body, hold=hold)
    check_all(_check(resource, draft))
    if resource.changed:
        resource.changed(draft, record)
    record.values, record.changed_at = draft.values, world.now()
    rebill(world, record)
    emit(world, resource, record, "update")


def delete(world: World, record: Record, *, linger: float = 0.0) -> None:
    """Removes a resource and what it holds; it may linger. Raises Refusal where something is in the way."""
    resource = world.registry[record.kind]
    if record.gone_at is not None:
        return
    if any(world.iter("lock", lambda lock: _locks(lock, record))):
        raise refuse("This resource is locked and cannot be deleted.", status=403)
    if resource.leaves:
        resource.leaves(world, record)
    remove(world, record, linger or world.state.settings.linger_seconds)
    emit(world, resource, record, "delete")


def remove(world: World, record: Record, linger: float = 0.0) -> None:
    """Removes a resource with what it holds, unasked: what a deletion of something else does."""
    resource = world.registry[record.kind]
    if record.gone_at is not None:
        return
    record.gone_at = world.now() + linger
    for kind in resource.holds:
        for child in list(world.state.records.get(kind, {}).values()):
            if child.parent == record.id:
                remove(world, child, linger)
                child.gone_at = min(child.gone_at or record.gone_at, record.gone_at)
    if resource.gone:
        resource.gone(world, record)
    ledger.bill(world, record, None)
    if not linger:
        world.remove(record)


def check_limit(world: World, quota: str | None, more: int) -> None:
    """Raises Refusal when the account may not have so many more of a kind."""
    limit = world.state.settings.limits.get(quota) if quota else None
    if quota and limit is not None and sum(1 for _ in world.iter(quota)) + more > limit:
        raise refuse(LIMIT_REACHED)


def release(world: World) -> int:
    """Lets everything that is held reach its last state now; how many resources that were."""
    records = [one for records in world.state.records.values() for one in records.values()]
    held = [one for one in records if one.values.pop("_held", False)]
    for record in held:
        resource = world.registry[record.kind]
        world.begin(record, resource.phases[-1:] or events.FINISHED)
        if resource.released:
            resource.released(world, record)
    return sum(record.kind != events.KIND for record in held)


def emit(world: World, resource: Resource, record: Record, verb: str, *, lasting: Record | None = None) -> None:
    """Tells the account's events of a change, for the resources that have events."""
    if resource.action:
        subject = (
            events.entity(resource.entity, _parent(world, resource, record) or record) if resource.entity else None
        )
        events.emit(world, f"{resource.action}_{verb}", subject, lasting=lasting)


def _check(resource: Resource, draft: Draft) -> Iterator[Fault]:
    yield from _check_unique(resource, draft)
    if draft.is_new:
        yield from _check_region(resource, draft)
    for check in resource.checks:
        yield from check(draft)


def _check_unique(resource: Resource, draft: Draft) -> Iterator[Fault]:
    name, within = resource.unique_field, resource.unique_within
    value = draft.values.get(name)
    if not resource.unique or not value:
        return

    def is_same(other: Record) -> bool:
        if other is draft.record or other.values.get(name) != value:
            return False
        if within == "parent":
            return draft.parent is not None and other.parent == draft.parent.id
        return within is None or other.values.get(within) == draft.values.get(within)

    if any(draft.world.iter(resource.kind, is_same)):
        yield Fault(resource.unique, name)


def _check_region(resource: Resource, draft: Draft) -> Iterator[Fault]:
    region = draft.values.get("region")
    if region is None or "region" not in resource.fields:
        return
    if region not in regions.REGIONS:
        yield Fault("region is not valid", "region")
    elif resource.capability and not regions.has(region, resource.capability):
        yield Fault(f"Region {region} does not support {resource.capability}", "region")


def _merge(fields: Mapping[str, Field], old: Values, changes: Values) -> Values:
    merged = dict(old)
    for name, value in changes.items():
        nested = fields[name].parts is not None and isinstance(value, dict) and isinstance(old.get(name), dict)
        merged[name] = {**old[name], **value} if nested else value
    return merged


def _parent(world: World, resource: Resource, record: Record) -> Record | None:
    return world.find(resource.parent, record.parent) if resource.parent else None


def rebill(world: World, record: Record) -> None:
    """Bills what a resource costs as it is now."""
    resource = world.registry[record.kind]
    if resource.price:
        ledger.bill(world, record, resource.price(record))


def _locks(lock: Record, record: Record) -> bool:
    is_its = dig(lock.values, "entity.id") == record.id and lock.values.get("_kind") == record.kind
    return is_its and lock.gone_at is None


def catalogue(path: str, rows: Mapping[str, Values], *, scope: str = "", filterable: tuple[str, ...] = ()) -> Any:
    """The two operations of what is only read: all of it, and one by its id."""
    name = SLASHED if any("/" in identifier for identifier in rows) else "key"

    def view(call: Call) -> Values:
        if call.params[name] not in rows:
            raise refuse("Not found", status=404)
        return dict(rows[call.params[name]])

    yield Operation(
        method="GET",
        path=path,
        scope=scope,
        handle=lambda _: [dict(row) for row in rows.values()],
        paginated=True,
        filterable=filterable,
    )
    yield Operation(method="GET", path=f"{path}/{{{name}}}", scope=scope, handle=view)
