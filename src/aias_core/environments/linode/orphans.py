"""What is billed or kept in an account and belongs to nothing: found by proof, left alone for a day, then deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.linode.cost import format_amount
from aias_core.environments.linode.inventory import read_inventory
from aias_core.environments.linode.prices import FREE, Price, PriceList, read_prices
from aias_core.environments.linode.proofs import Suspect, iter_suspects
from aias_core.environments.linode.quarantine import QUARANTINE, Memory
from aias_core.errors import AiasError, DifferenceFound, NotFound, Partial

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.usage import Ask

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A suspect with what it costs a month, since when it is one, and whether its quarantine is over."""

    suspect: Suspect
    price: Price | None
    since: datetime
    is_ripe: bool

    def as_record(self) -> dict[str, Any]:
        return {
            "kind": self.suspect.kind,
            "id": self.suspect.id,
            "label": self.suspect.label,
            "region": self.suspect.region or None,
            "monthly": None if self.price is None else format_amount(self.price.monthly),
            "since": clock.format_second(self.since),
            "deletable": "now" if self.is_ripe else clock.format_second(self.since + QUARANTINE),
            "proof": self.suspect.proof,
        }


@dataclass(frozen=True, slots=True)
class Orphans:
    """All that was found."""

    found: Sequence[Orphan]

    @property
    def monthly(self) -> str:
        return format_amount(sum((one.price for one in self.found if one.price), FREE).monthly)

    @property
    def ripe(self) -> list[Orphan]:
        """Those whose quarantine is over."""
        return [one for one in self.found if one.is_ripe]

    def as_record(self) -> dict[str, Any]:
        return {"orphans": [one.as_record() for one in self.found], "monthly": self.monthly}

    def find_difference(self) -> DifferenceFound | None:
        """The error that says that there are orphans, None when there are none."""
        if not self.found:
            return None
        return DifferenceFound(
            f"{len(self.found)} resources belong to nothing and cost {self.monthly} US dollars a month",
            hint="delete those whose 24 hours are over with: aias env orphans --delete",
        )


@dataclass(frozen=True, slots=True)
class OrphanHunt:
    """An account, the directory with the memory of it, how its clusters are asked what they use, our buckets' names."""

    account: LinodeAccount
    state_root: Path
    directory: Path
    ask: Ask
    bucket_prefix: str

    def find(self) -> Orphans:
        """What belongs to nothing now; deletes nothing, notes since when each is seen."""
        now, memory = clock.now(), Memory(self.state_root, self.account.url)
        inventory = read_inventory(self.account, self.ask, self.bucket_prefix)
        suspects = list(iter_suspects(inventory, memory.addresses() - inventory.addresses, now))
        memory.note_addresses(inventory.addresses, now)
        memory.note_suspects((one.key for one in suspects), now)
        memory.save()
        prices = read_prices(self.account, self.directory)
        return Orphans([self._judge(one, memory.since(one.key), now, prices) for one in suspects])

    def delete(self, wanted: Sequence[Orphan], progress: Progress) -> Orphans:
        """Deletes those of `wanted` that still belong to nothing and are ripe, each read back until it is gone.

        Returns what is left. Raises Partial, naming what could not be deleted.
        """
        keys = {one.suspect.key for one in wanted}
        failures = []
        for orphan in self.find().ripe:
            if orphan.suspect.key in keys:
                progress(f"Deleting {orphan.suspect.kind} '{orphan.suspect.label}' ({orphan.suspect.id})…")
                failures += self._delete_one(orphan.suspect)
        if failures:
            raise Partial(
                f"Not deleted: {'; '.join(failures)}", hint="see what is in the way, then: aias env orphans --delete"
            )
        return self.find()

    def _delete_one(self, suspect: Suspect) -> list[str]:
        try:
            self.account.delete(suspect.path)
            self.account.wait_until_gone(suspect.path)
        except AiasError as exc:
            return [f"{suspect.kind} '{suspect.label}' ({suspect.id}): {exc.message}"]
        return []

    def _judge(self, suspect: Suspect, since: datetime, now: datetime, prices: PriceList) -> Orphan:
        return Orphan(suspect, _find_price(suspect, prices), since, now - since >= QUARANTINE)


def _find_price(suspect: Suspect, prices: PriceList) -> Price | None:
    """What it costs; None where Linode has no price of it."""
    try:
        match suspect.kind:
            case "volume":
                return prices.volume(suspect.size, suspect.region)
            case "nodebalancer":
                return prices.nodebalancer(suspect.region)
            case "instance":
                return prices.plan(suspect.plan, suspect.region)
            case _:
                return FREE
    except NotFound:
        return None
