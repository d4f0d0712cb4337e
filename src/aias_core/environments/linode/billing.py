"""What the account was billed for an environment: its share of the invoices, and what is not invoiced yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.cost import format_amount
from aias_core.environments.linode.kinds import label_of
from aias_core.environments.linode.prices import CURRENCY

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount

INVOICES = 3


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice: its total, and what of it was for the environment by the labels of its lines, before taxes."""

    number: int
    date: str
    total: Decimal
    environment: Decimal


@dataclass(frozen=True, slots=True)
class Billed:
    """The newest invoices, and the amounts that the whole account owes."""

    uninvoiced: Decimal
    balance: Decimal
    invoices: list[Invoice]

    def as_record(self) -> dict[str, Any]:
        invoices = [
            {
                "invoice": one.number,
                "date": one.date,
                "environment": format_amount(one.environment),
                "account": format_amount(one.total),
            }
            for one in self.invoices
        ]
        owed = {"account_uninvoiced": format_amount(self.uninvoiced), "account_balance": format_amount(self.balance)}
        return {"currency": CURRENCY, **owed, "invoices": invoices}


def read_billed(account: LinodeAccount, environment: str) -> Billed:
    """What was billed. Raises PrerequisiteMissing when the token may not read the account."""
    owed = account.get("/account")
    newest = sorted(account.list_all("/account/invoices"), key=lambda one: str(one["date"]), reverse=True)[:INVOICES]
    own = _own_labels(environment, _cluster_ids(account, environment) if newest else ())
    return Billed(
        _decimal(owed["balance_uninvoiced"]),
        _decimal(owed["balance"]),
        [_read_invoice(account, one, own) for one in newest],
    )


def _read_invoice(account: LinodeAccount, invoice: dict[str, Any], own: re.Pattern[str]) -> Invoice:
    items = account.list_all(f"/account/invoices/{invoice['id']}/items")
    share = sum((_decimal(item["amount"]) for item in items if own.search(str(item["label"]))), Decimal(0))
    return Invoice(invoice["id"], str(invoice["date"])[:10], _decimal(invoice["total"]), share)


def _cluster_ids(account: LinodeAccount, environment: str) -> set[int]:
    """Clusters of that name, also those that are gone: their nodes are billed under labels like `lke500001-…`."""
    label = label_of(environment)
    clusters = account.list_all("/lke/clusters", {"label": label})
    made = account.list_all("/account/events", {"action": "lke_cluster_create"})
    told = (event.get("entity") or {} for event in made)
    return {one["id"] for one in clusters} | {one["id"] for one in told if one.get("label") == label}


def _own_labels(environment: str, cluster_ids: Iterable[int]) -> re.Pattern[str]:
    names = [rf"{re.escape(label_of(environment))}(-\S+)?", *(rf"lke{number}-\S+" for number in cluster_ids)]
    return re.compile(rf"(?<!\S)({'|'.join(names)})(?!\S)")


def _decimal(number: object) -> Decimal:
    return Decimal(str(number or 0))
