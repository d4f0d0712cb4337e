"""Carries plans out until nothing is left to do: repairs, adopts, applies, and takes back what had no room.

Each creation is in the journal before Terraform may send it, by its address; what a run made is found again by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.adoption import (
    CLUSTER,
    DATABASE,
    KEY,
    LOOKED_AFTER,
    POOL,
    Existing,
    find_existing,
    iter_creations,
    list_paths,
)
from aias_core.environments.linode.failures import RESUME, Passing
from aias_core.environments.linode.kinds import get_kind
from aias_core.environments.linode.ownership import INFRASTRUCTURE, Owned, find_intended, find_own
from aias_core.environments.linode.plan import EnvironmentPlan, find_plan_dangers, refuse_new_dangers
from aias_core.environments.linode.quota import remember_refusal
from aias_core.environments.linode.transport import Patience
from aias_core.environments.linode.variables import list_key_labels
from aias_core.errors import AiasError, LimitReached, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.journal import Journal
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.linode.terraform import Progress as Moved
    from aias_core.environments.linode.terraform_plan import TerraformPlan
    from aias_core.environments.linode.workshop import Workshop

_READY = {CLUSTER: "ready", DATABASE: "active"}
READY_SECONDS, LOOK_SECONDS = 1_200.0, 5.0


@dataclass(slots=True)
class Convergence:
    """One run at work on the infrastructure of one environment."""

    environment: LinodeEnvironment
    workshop: Workshop
    journal: Journal
    say: Progress

    def converge(self, agreed: EnvironmentPlan, first: TerraformPlan | None) -> None:
        """Makes the infrastructure as planned; `first` is a plan that still holds, to begin with.

        What fails and passes by itself is tried again, after a look at what it made, for ten minutes; then Partial. So
        is a plan that is the same again after it was carried out. Raises LimitReached after this run's own creations
        are removed.
        """
        patience, plan, done = Patience(self.environment.timing, first_try_counts=False), first, ""
        while True:
            try:
                if plan is None:
                    plan = self.prepare(agreed)
                if plan.is_empty:
                    self._remove_unheard_keys()
                    return
                if done == (outline := _outline(plan)):
                    patience.pause(f"after it was carried out there still is to {outline}")
                self._apply(plan)
                done = outline
            except Passing as exc:
                self.say(exc.message)
                patience.pause(exc.message)
            except LimitReached as exc:
                raise self._give_back(exc) from exc
            plan = None

    def prepare(self, agreed: EnvironmentPlan | None) -> TerraformPlan:
        """A plan in which nothing is made twice and nothing is replaced for being late.

        Raises Conflict when it holds a danger that nobody agreed to. Without `agreed` everything is about to be
        removed, so nothing is repaired, or waited for, first.
        """
        if agreed is not None:
            self._repair()
        while True:
            found = self.workshop.plan()
            existing = find_existing(
                self.environment.opened.account, list(iter_creations(found.changes)), self.environment.name
            )
            if not existing:
                break
            for one in existing:
                if agreed is not None and one.type in _READY:
                    self._wait_until_good(one.address, one.type, one.identifier, one.path)
                self._take_over(one)
        if agreed is not None and self.journal.command == "up":
            own = find_intended(self.journal)  # made by this run, so nothing is lost with its first settings
            refuse_new_dangers(agreed, (d for d in find_plan_dangers(found) if d.destroys or d.address not in own))
        return found

    def list_own(self, lease: Lease | None = None) -> list[Owned]:
        """What this run made and is still there, newest first. With a lease, only what was begun under it."""
        intended = find_intended(self.journal, lease)
        return find_own(self.workshop, self.environment.opened.account, self.environment.name, intended)

    def remove(self, own: Sequence[Owned]) -> None:
        """Removes what this run made, and forgets it."""
        for one in own:
            self.say(f"Removing '{one.address}' ({one.id})…")
            with self.journal.step(f"remove {one.address}", id=one.id):
                self._remove(one.path)
                with suppress(AiasError):
                    self.workshop.forget(one.address)

    def _apply(self, plan: TerraformPlan) -> None:
        creations = [one.address for one in iter_creations(plan.changes)]
        open_intents: dict[str, int] = {}

        def note(moved: Moved) -> None:
            if moved.action == "read":
                return
            if moved.state == "started":
                open_intents[moved.address] = self.journal.intend(f"{moved.action} {moved.address}")
            elif moved.state in ("done", "failed") and moved.address in open_intents:
                is_done = moved.state == "done"
                seq = open_intents.pop(moved.address)
                self.journal.conclude(seq, "succeeded" if is_done else "failed", id=moved.identifier)
            if moved.state in ("started", "done", "failed"):
                self.say(_describe(moved))

        with self.journal.step(INFRASTRUCTURE, creates=creations):
            self.workshop.apply(plan, note)

    def _repair(self) -> None:
        """Untaints what is good after all; what is gone stays tainted, and what is not ready is waited for."""
        for instance in self.workshop.list_resources():
            if not (instance.is_tainted and instance.type in LOOKED_AFTER):
                continue
            path = list_paths(instance.type, instance.attributes)
            if self._wait_until_good(instance.address, instance.type, instance.id, path):
                self.say(f"'{instance.address}' is good after all, so it is not replaced")
                with self.journal.step(f"untaint {instance.address}", id=instance.id):
                    self.workshop.untaint(instance.address)

    def _wait_until_good(self, address: str, kind: str, identifier: str, path: str) -> bool:
        """Whether it is there, once it is ready: nobody can read all of what is still being made."""
        account, timing = self.environment.opened.account, self.environment.timing
        deadline = timing.now() + READY_SECONDS
        while True:
            row = account.find(path)
            if row is None:
                return False
            if self._is_good(account, kind, path, row):
                return True
            if timing.now() >= deadline:
                raise Partial(
                    f"'{address}' ({identifier}) is '{row.get('status', 'not ready')}' after "
                    f"{READY_SECONDS / 60:.0f} minutes",
                    hint=f"see what Linode says: aias env events {self.environment.name}; then {RESUME}",
                )
            self.say(f"Waiting for '{address}' ({identifier})…")
            timing.sleep(LOOK_SECONDS)

    def _is_good(self, account: LinodeAccount, kind: str, path: str, row: dict[str, Any]) -> bool:
        if kind in _READY and row.get("status") != _READY[kind]:
            return False
        if kind == CLUSTER:
            return all(_is_pool_ready(pool) for pool in account.list_all(f"{path}/pools"))
        return kind != POOL or _is_pool_ready(row)

    def _remove_unheard_keys(self) -> None:
        """The provider repeats the creation of a key after a 500, although the first may have been made."""
        known = {one.id for one in self.workshop.list_resources() if one.type == KEY}
        labels, kind = list_key_labels(self.environment.profile), get_kind("key")
        for row in self.environment.opened.account.list_all(kind.path):
            label, identifier = str(row["label"]), str(row["id"])
            if label in labels and identifier not in known:
                self._take_over(Existing(label, KEY, label, f"{kind.path}/{identifier}", identifier))

    def _take_over(self, one: Existing) -> None:
        if one.is_adoptable:
            self.say(f"Taking over '{one.address}' ({one.identifier}), which is there already")
            with self.journal.step(f"adopt {one.address}", id=one.identifier):
                self.workshop.adopt(one.address, one.type, one.identifier)
        else:
            self.say(f"Removing '{one.label}' ({one.identifier}): its secret was never heard")
            with self.journal.step(f"remove {one.address}", id=one.identifier):
                self._remove(one.path)

    def _give_back(self, refusal: LimitReached) -> LimitReached:
        """After a refusal for want of room: what was made just now goes, what was there stays.

        So does what the run made before it was gone on with, which may be in use by now.
        """
        self._learn(refusal)
        own = self.list_own(self.workshop.lease)
        self.remove(own)
        removed = [one.address for one in own]
        kept = [one.address for one in self.workshop.list_resources()]
        text = (
            f"{refusal.message}. Removed again: {', '.join(removed) or 'nothing'}. Kept: {', '.join(kept) or 'nothing'}"
        )
        return LimitReached(text, hint=refusal.hint)

    def _learn(self, refusal: LimitReached) -> None:
        """Remembers how many there were when one more was refused; a cluster may be refused for its nodes."""
        opened = self.environment.opened
        kind = next((name for word, name in _WORDS.items() if word in refusal.message), None)
        if kind is not None and "ccount" in refusal.message:
            with suppress(AiasError):
                remember_refusal(opened.directory, kind, opened.account.count(get_kind(kind).path))

    def _remove(self, path: str) -> None:
        account = self.environment.opened.account
        account.delete(path)
        account.wait_until_gone(path)


def _outline(plan: TerraformPlan) -> str:
    return ", ".join(f"{'/'.join(one.actions)} '{one.address}'" for one in plan.changes if one.is_change)


_VERBS = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("removing", "removed"),
    "read": ("reading", "read"),
}
_WORDS = {
    "linode_lke_node_pool": "instance",
    "linode_database": "database",
    "linode_firewall": "firewall",
    "linode_vpc": "vpc",
    "linode_object_storage_bucket": "bucket",
    "linode_domain": "domain",
}


def _is_pool_ready(pool: dict[str, Any]) -> bool:
    nodes = pool.get("nodes") or []
    return len(nodes) >= int(pool.get("count") or 0) and all(node["status"] == "ready" for node in nodes)


def _describe(moved: Moved) -> str:
    took = f" after {moved.elapsed_seconds:.0f} s" if moved.elapsed_seconds >= 1 else ""
    started, done = _VERBS.get(moved.action, (moved.action, moved.action))
    match moved.state:
        case "started":
            return f"{started} {moved.address}…"
        case "done":
            return f"{done} {moved.address}{took}"
        case _:
            return f"{moved.action} failed: {moved.address}{took}"
