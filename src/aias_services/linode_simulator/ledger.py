"""What has been billed, to the second: a charge opens with a resource and closes with it; a new price is a new one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Any

import msgspec

from aias_services.linode_simulator.access import written
from aias_services.linode_simulator.world import Charge, Record, World

SECONDS_PER_HOUR = 3600
FOREVER = float("inf")
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs in US dollars: by the started hour, at most so much a month."""

    plan: str
    hourly: Decimal
    monthly: Decimal

    def plus(self, other: Price) -> Price:
        """Both as one price."""
        return Price(f"{self.plan} + {other.plan}", self.hourly + other.hourly, self.monthly + other.monthly)

    def times(self, quantity: int) -> Price:
        return Price(self.plan, self.hourly * quantity, self.monthly * quantity)


def bill(world: World, record: Record, price: Price | None) -> None:
    """Sets what a record costs from now on; nothing changes when it is the same as before."""
    current = _open_charge(world, record)
    wanted = price and (price.plan, str(price.hourly))
    if current and wanted == (current.plan, current.hourly):
        return
    now = world.now()
    if current:
        current.ended_at = now
    if price:
        world.state.charges.append(
            Charge(
                kind=record.kind,
                id=record.id,
                label=record.values.get("label") or "",
                purpose=record.purpose,
                owner=record.owner,
                region=record.values.get("region"),
                plan=price.plan,
                hourly=str(price.hourly),
                monthly=str(price.monthly),
                began_at=now,
            )
        )


def _open_charge(world: World, record: Record) -> Charge | None:
    return next(
        (
            charge
            for charge in reversed(world.state.charges)
            if (charge.kind, charge.id, charge.ended_at) == (record.kind, record.id, None)
        ),
        None,
    )


def cost(charge: Charge, until: float, since: float = 0.0) -> Decimal:
    """Dollars from one instant to another: hours that start in it, at most the monthly price in a calendar month."""
    began, ended = max(charge.began_at, since), min(charge.ended_at or until, until)
    if ended <= began:
        return Decimal(0)
    edges = [began, *_month_edges(began, ended), ended]
    return sum((_capped(charge, *months) for months in pairwise(edges)), Decimal(0))


def _capped(charge: Charge, since: float, until: float) -> Decimal:
    return min(count_hours(charge, since, until) * Decimal(charge.hourly), Decimal(charge.monthly))


def count_hours(charge: Charge, since: float, until: float) -> int:
    """The hours of a charge, from when it began, that start between two instants."""
    return _started(until - charge.began_at) - _started(since - charge.began_at)


def _started(seconds: float) -> int:
    return int((Decimal(str(seconds)) / SECONDS_PER_HOUR).to_integral_value(ROUND_CEILING))


def _month_edges(began: float, ended: float) -> list[float]:
    edges, at = [], datetime.fromtimestamp(began, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (at := next_month(at)).timestamp() < ended:
        edges.append(at.timestamp())
    return edges


def next_month(at: datetime) -> datetime:
    """The first instant of the month after the one that begins here."""
    return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)


def document(world: World) -> dict[str, Any]:
    """The ledger: every charge ever opened, what is billed now, and purposes that were billed twice at once."""
    now, charges = world.now(), world.state.charges
    running = [charge for charge in charges if charge.ended_at is None]
    return {
        "charges": [_line(charge, now) for charge in charges],
        "billed_now": [_line(charge, now) for charge in running],
        "hourly_now": str(sum((Decimal(charge.hourly) for charge in running), Decimal(0))),
        "total": str(sum((cost(charge, now) for charge in charges), Decimal(0))),
        "billed_twice": sorted(_find_doubles(charges)),
    }


def _line(charge: Charge, now: float) -> dict[str, Any]:
    seconds = (charge.ended_at or now) - charge.began_at
    instants = {"from": written(charge.began_at), "to": charge.ended_at and written(charge.ended_at)}
    return {**msgspec.to_builtins(charge), **instants, "seconds": round(seconds, 3), "cost": str(cost(charge, now))}


def _find_doubles(charges: Iterable[Charge]) -> set[str]:
    """Purposes for which different resources were billed at the same time."""
    by_purpose = defaultdict(list)
    for charge in charges:
        by_purpose[charge.purpose].append(charge)
    return {purpose for purpose, same in by_purpose.items() if _overlap(same)}


def _overlap(charges: Iterable[Charge]) -> bool:
    """Whether two owners were billed at the same time; several charges of one owner are none too many."""
    ends: dict[str, float] = {}
    for charge in sorted(charges, key=lambda one: one.began_at):
        if any(end > charge.began_at for owner, end in ends.items() if owner != charge.owner):
            return True
        ends[charge.owner] = max(ends.get(charge.owner, 0.0), charge.ended_at or FOREVER)
    return False
