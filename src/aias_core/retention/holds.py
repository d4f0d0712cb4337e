"""Legal holds: who may not be deleted or erased, until somebody releases it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import class_row

from aias_core import clock, ids
from aias_core.accounts import own_name
from aias_core.errors import Conflict, InvalidInput, NotFound, Refused
from aias_core.retention.records import record
from aias_core.retention.stores import queries

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.protection.policy import SubjectKind


class HeldByLaw(Refused):
    """A legal hold forbids it"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a person or an organization stays, and who said so. Without an id it is the organization's own flag."""

    hold_id: UUID | None
    subject_kind: str
    subject_id: UUID
    reason: str
    placed_by: str
    created_at: datetime
    released_at: datetime | None = None

    def __str__(self) -> str:
        name = "" if self.hold_id is None else f" '{self.hold_id}'"
        return f"the hold{name} on {self.subject_kind} '{self.subject_id}': {self.reason}"

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def list_holds(operational: Connection, *, released: bool = False) -> list[Hold]:
    """The holds in force, oldest first; with `released` also those of the past."""
    with operational.cursor(row_factory=class_row(Hold)) as cursor:
        return cursor.execute(queries["list_holds"], {"released": released}).fetchall()


def find_holds(operational: Connection, kind: SubjectKind, subject: UUID) -> list[Hold]:
    """The holds that keep a subject: its own, and those of the people or organizations it shares rows with."""
    related = {row[0] for row in operational.execute(queries[f"list_related_to_{kind}"], {"id": subject})}
    return [hold for hold in list_holds(operational) if hold.subject_id in {subject, *related}]


def check_holds(operational: Connection, kind: SubjectKind, subject: UUID) -> None:
    """Raises HeldByLaw naming the first hold that keeps a subject."""
    for hold in find_holds(operational, kind, subject):
        raise HeldByLaw(f"It is kept by {hold}", hint="see all with: aias db hold list")


def check_one(org: str | None, user: str | None) -> tuple[SubjectKind, str]:
    """The kind and name of the one subject that was named. Raises InvalidInput for none or two."""
    if org and not user:
        return "organization", org
    if user and not org:
        return "user", user
    raise InvalidInput("A hold is on one organization or one person", hint="name it with --org or --user")


def add_hold(operational: Connection, kind: SubjectKind, subject: UUID, reason: str) -> Hold:
    """Places a hold. Raises NotFound for a subject that is not there, Conflict for one that was erased."""
    state = operational.execute(queries[f"find_{kind}"], {"id": subject}).fetchone()
    if state is None:
        raise NotFound(f"There is no {kind} '{subject}'", hint="name it by the id that it has in the audit records")
    if state[0]:
        raise Conflict(f"The {kind} '{subject}' was erased; there is nothing left to hold")
    hold = Hold(ids.new_id(), kind, subject, reason, own_name(), clock.now())
    with operational.transaction():
        operational.execute(queries["insert_hold"], hold.as_record())
        record(operational, "hold.add", "succeeded", {"hold": str(hold.hold_id), "subject": str(subject)})
    return hold


def release_hold(operational: Connection, hold_id: UUID, reason: str) -> Hold:
    """Ends a hold. Raises NotFound when none of that id is in force."""
    for hold in list_holds(operational):
        if hold.hold_id == hold_id:
            with operational.transaction():
                operational.execute(queries["release_hold"], {"hold_id": hold_id, "released_by": own_name()})
                record(operational, "hold.release", "succeeded", {"hold": str(hold_id), "reason": reason})
            return replace(hold, released_at=clock.now())
    raise NotFound(f"There is no hold '{hold_id}' in force", hint="list them with: aias db hold list")
