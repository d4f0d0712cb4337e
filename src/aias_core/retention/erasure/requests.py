"""Requests for erasure: what is asked, by which ticket, and how far it has come; the journal of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from aias_core import ids
from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.migrate.approval import Subject as ConsentSubject
from aias_core.migrate.approval import check_approvals
from aias_core.migrate.consent import Consent
from aias_core.migrate.plan import PlanContent
from aias_core.migrate.report import write_plans
from aias_core.retention.erasure.rules import Subject, queries
from aias_core.retention.stores import Databases, Stores, opened

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.protection.policy import SubjectKind


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: whom to erase, by which ticket, on which ground."""

    kind: SubjectKind
    subject_id: UUID
    ticket: str
    legal_basis: str

    @property
    def content(self) -> PlanContent:
        """What consent is given to."""
        step = (f"erase {self.kind}", f"{self.subject_id}_{self.ticket}", self.legal_basis, "")
        return PlanContent("operational", "erase", None, (step,))

    def as_record(self) -> dict[str, Any]:
        return {"kind": self.kind, "subject": str(self.subject_id), "ticket": self.ticket, "basis": self.legal_basis}


@dataclass(frozen=True, slots=True)
class Request:
    """An order as the database remembers it."""

    request_id: UUID
    ticket: str
    subject_kind: SubjectKind
    subject_id: UUID
    legal_basis: str
    status: str
    created_at: datetime
    impact: dict[str, Any] | None
    progress: dict[str, Any] = field(default_factory=dict)
    certificate: dict[str, Any] | None = None


def find_subject(operational: Connection, kind: SubjectKind, name: str) -> UUID:
    """The id of an organization named by id or slug, or of a person named by id. Raises NotFound."""
    row = operational.execute(queries[f"find_{kind}"], {"name": name}).fetchone()
    if row is None:
        hint = "list them with: aias org list" if kind == "organization" else "name a person by their id"
        raise NotFound(f"There is no {kind} '{name}'", hint=hint)
    found: UUID = row[0]
    return found


def find_order(stores: Stores, kind: SubjectKind, name: str, *, ticket: str, legal_basis: str) -> Order:
    """The order for a subject by its name. Raises NotFound, or InvalidInput without ticket or legal basis."""
    if not ticket.strip() or not legal_basis.strip():
        raise InvalidInput("An erasure needs a ticket and a legal basis", hint="give them: --ticket, --legal-basis")
    with opened(stores) as databases:
        return Order(kind, find_subject(databases.operational, kind, name), ticket, legal_basis)


def write_order(environment: str, order: Order, path: Path) -> None:
    """Writes down what is to be signed, in the form of a plan."""
    write_plans({"environment": environment, "plans": [order.content.as_record()]}, path)


def find_slug(operational: Connection, subject_id: UUID) -> str:
    """The slug of an organization; empty for a person."""
    row = operational.execute(queries["read_slug"], {"id": subject_id}).fetchone()
    return row[0] if row else ""


def find_request(operational: Connection, order: Order) -> Request | None:
    """The request of a ticket. Raises Conflict when the ticket or the subject belongs to another one."""
    keys = {"ticket": order.ticket, "kind": order.kind, "id": order.subject_id}
    with operational.cursor(row_factory=class_row(Request)) as cursor:
        found = cursor.execute(queries["find_request"], keys).fetchone()
    if found and (found.subject_kind, found.subject_id) != (order.kind, order.subject_id):
        raise Conflict(f"The ticket '{order.ticket}' is about somebody else", hint="name another one with --ticket")
    for (ticket,) in operational.execute(queries["find_other_ticket"], keys):
        raise Conflict(
            f"The erasure of this {order.kind} was asked for by the ticket '{ticket}'",
            hint=f"go on with it: --ticket {ticket}",
        )
    return found


def get_request(operational: Connection, request_id: str) -> Request:
    """A request by its id. Raises NotFound."""
    with operational.cursor(row_factory=class_row(Request)) as cursor:
        found = cursor.execute(queries["find_request_by_id"], {"request_id": request_id}).fetchone()
    if found is None:
        raise NotFound("These databases know nothing of that erasure", hint="name the right environment with: --env")
    return found


def find_keys(databases: Databases, kind: SubjectKind, subject_id: UUID) -> tuple[UUID, ...]:
    """The keys that a person holds or held when their erasure began; nothing for an organization."""
    if kind == "organization":
        return ()
    rows = databases.operational.execute(queries["list_keys_of_user"], {"id": subject_id}).fetchall()
    rows += databases.analytics.execute(queries["list_copied_keys_of_user"], {"id": subject_id}).fetchall()
    return tuple(sorted({key for (key,) in rows}))


def check_consent(order: Order, consent: Consent) -> None:
    """Raises ApprovalMissing or ApprovalInvalid where the environment wants two people to agree."""
    check_approvals(ConsentSubject(order.content, "destructive"), consent, used=())


def start_request(databases: Databases, order: Order, consent: Consent) -> Request:
    """The request, begun: its subject is closed, its keys are noted and revoked, its tombstone stands; all or nothing.

    Raises Conflict for the last owner of an active organization.
    """
    keys: dict[str, Any] = {"kind": order.kind, "id": order.subject_id, "ticket": order.ticket, "actor": consent.actor}
    operational = databases.operational
    with operational.transaction():
        request = find_request(operational, order)
        if request is not None and request.status != "requested":
            return request
        _refuse_last_owner(operational, order)
        keys["request_id"] = ids.new_id() if request is None else request.request_id
        if request is None:
            operational.execute(queries["insert_request"], {**keys, "legal_basis": order.legal_basis})
        held = map(str, find_keys(databases, order.kind, order.subject_id))
        progress = {"approvals": [approval.approval_id for approval in consent.approvals], "keys": list(held)}
        operational.execute(queries["start_request"], {**keys, "progress": Jsonb(progress)})
        for step in ("insert_tombstone", f"close_{order.kind}", "revoke_keys", "announce_end"):
            operational.execute(queries[step], keys)
        begun = find_request(operational, order)
    assert begun is not None  # noqa: S101
    return begun


def _refuse_last_owner(operational: Connection, order: Order) -> None:
    if order.kind == "user":
        for (slug,) in operational.execute(queries["list_orphaned_organizations"], {"id": order.subject_id}):
            raise Conflict(
                f"This person is the only owner of the organization '{slug}'",
                hint="make somebody else its owner first, or erase it: aias db erase org",
            )


def bury(analytics: Connection, subject: Subject) -> None:
    """From the commit on, the analytics database knows that later events of a subject are not to be stored."""
    kinds = [subject.kind, *("api_key" for _ in subject.keys)]
    analytics.execute(queries["insert_erased_subjects"], {"kinds": kinds, "ids": _list_ids(subject)})


def _list_ids(subject: Subject) -> Sequence[UUID]:
    return [subject.id, *subject.keys]
