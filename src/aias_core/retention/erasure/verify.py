"""Whether an erasure still holds: nothing of the subject is in the databases or the exports again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aias_core.errors import DifferenceFound
from aias_core.retention.erasure.exports import find_exports
from aias_core.retention.erasure.requests import Order, get_request
from aias_core.retention.erasure.rules import queries
from aias_core.retention.erasure.run import prepare
from aias_core.retention.stores import Stores, opened

if TYPE_CHECKING:
    from aias_core.retention.stores import Databases


def verify_erasure(stores: Stores, certificate: dict[str, Any]) -> None:
    """Raises NotFound when the databases know nothing of it, DifferenceFound naming what has come back or is gone.

    Raises ExportsUnseen where the exported files of an organization cannot be looked at.
    """
    with opened(stores) as databases:
        request = get_request(databases.operational, certificate["request_id"])
        order = Order(request.subject_kind, request.subject_id, request.ticket, request.legal_basis)
        work = prepare(stores, databases, order)
        if request.certificate != certificate:
            raise DifferenceFound(
                "The databases hold another certificate of this erasure",
                hint=f"write theirs again, and compare: {_describe_command(order)}",
            )
        _check_tombstones(databases, order)
        back = [f"{rows} rows in {name}" for name, rows in work.count().items() if rows]
        if exports := find_exports(work.stores, databases, work.subject):
            back.append(f"{len(exports)} objects")
        if back:
            raise DifferenceFound(
                f"What was erased has come back: {', '.join(back)}",
                hint=f"erase it again: {_describe_command(order)}",
            )


def _check_tombstones(databases: Databases, order: Order) -> None:
    keys = {"kind": order.kind, "id": order.subject_id}
    for database, query in (("operational", "has_tombstone"), ("analytics", "has_erased_subject")):
        if databases.get(database).execute(queries[query], keys).fetchone() != (True,):
            raise DifferenceFound(
                f"The tombstone is missing in '{database}'", hint=f"erase it again: {_describe_command(order)}"
            )


def _describe_command(order: Order) -> str:
    kind = "org" if order.kind == "organization" else order.kind
    return f"aias db erase {kind} {order.subject_id} --ticket {order.ticket} --legal-basis '{order.legal_basis}'"
