"""What the account was billed for an environment: its share of the invoices, and what is not invoiced yet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aias_core.environments.linode.cost import format_amount
from aias_core.environments.linode.events import name_clusters
from aias_core.environments.linode.kinds import is_label_of, label_of
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
    own = _find_parts(account, environment) if newest else _Parts(environment, frozenset())
    return Billed(
        _decimal(owed["balance_uninvoiced"]),
        _decimal(owed["balance"]),
        [_read_invoice(account, one, own) for one in newest],
    )


def _read_invoice(account: LinodeAccount, invoice: dict[str, Any], own: _Parts) -> Invoice:
    items = account.list_all(f"/account/invoices/{invoice['id']}/items")
    share = sum((_decimal(item["amount"]) for item in items if own.are_billed_as(str(item["label"]))), Decimal(0))
    return Invoice(invoice["id"], str(invoice["date"])[:10], _decimal(invoice["total"]), share)


@dataclass(frozen=True, slots=True)
class _Parts:
    """An environment, and label and id of every cluster: nodes are billed under labels like `lke500001-…`."""

    environment: str
    clusters: frozenset[tuple[str, int]]

    def are_billed_as(self, line: str) -> bool:
        nodes = tuple(f"lke{number}-" for label, number in self.clusters if label == label_of(self.environment))
        labels = [label for label, _ in self.clusters]
        return any(word.startswith(nodes) or is_label_of(word, self.environment, labels) for word in line.split())


def _find_parts(account: LinodeAccount, environment: str) -> _Parts:
    """Also of clusters that are gone."""
    made = account.list_all("/account/events", {"action": "lke_cluster_create"})
    return _Parts(environment, frozenset(name_clusters(account, made)))


def _decimal(number: object) -> Decimal:
    return Decimal(str(number or 0))
