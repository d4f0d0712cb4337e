"""Invoices of the months that have ended, and what stands on none yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from aias_services.linode_simulator import access, ledger
from aias_services.linode_simulator.fields import Values
from aias_services.linode_simulator.routing import Call, actions, pick
from aias_services.linode_simulator.world import Charge, World


def uninvoiced(world: World) -> float:
    """US dollars since the last month that is on an invoice."""
    since = max((until for _, until in _months(world)), default=0.0)
    return float(_total(world, since, world.now()))


def _months(world: World) -> Iterator[tuple[float, float]]:
    """The spans of the months that have ended since the first charge."""
    if not world.state.charges:
        return
    first = datetime.fromtimestamp(world.state.charges[0].began_at, UTC)
    begins = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (ends := ledger.next_month(begins)).timestamp() <= world.now():
        yield begins.timestamp(), ends.timestamp()
        begins = ends


def _total(world: World, since: float, until: float) -> Decimal:
    """The sum of the items, each of whole cents."""
    return sum((_cents(ledger.cost(charge, until, since)) for charge in world.state.charges), Decimal(0))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(ledger.CENT, ROUND_HALF_UP)


def _list_invoices(call: Call) -> list[Values]:
    world = call.world
    return [
        {
            "id": number,
            "label": f"Invoice #{number}",
            "date": access.written(until),
            "billing_source": "linode",
            "subtotal": float(_total(world, since, until)),
            "tax": 0.0,
            "tax_summary": [],
            "total": float(_total(world, since, until)),
        }
        for number, (since, until) in enumerate(_months(world), 1)
    ]


def _list_items(call: Call) -> list[Values]:
    invoice = pick(_list_invoices(call), "id", call.params["invoice"])
    since, until = list(_months(call.world))[invoice["id"] - 1]
    charges = (c for c in call.world.state.charges if c.began_at < until and (c.ended_at or until) > since)
    return [_item(charge, since, until) for charge in charges]


def _item(charge: Charge, since: float, until: float) -> Values:
    began, ended = max(since, charge.began_at), min(until, charge.ended_at or until)
    amount = float(_cents(ledger.cost(charge, until, since)))
    return {
        "label": f"{charge.plan} - {charge.label} ({charge.id})",
        "amount": amount,
        "total": amount,
        "tax": 0.0,
        "quantity": ledger.count_hours(charge, began, ended),
        "unit_price": charge.hourly,
        "region": charge.region,
        "type": "hourly",
        "from": access.written(began),
        "to": access.written(ended),
    }


OPERATIONS = tuple(
    actions(
        "account",
        {"GET /account/invoices/{invoice}": lambda call: pick(_list_invoices(call), "id", call.params["invoice"])},
        {
            "GET /account/invoices": _list_invoices,
            "GET /account/invoices/{invoice}/items": _list_items,
        },
        {"GET /account/invoices": ("label", "billing_source", "total", "date")},
    )
)
