"""Carrying an erasure out: each step is its own transaction and may be repeated, so that a killed run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.types.json import Jsonb

from aias_core import clock
from aias_core.errors import AiasError, Partial
from aias_core.protection.policy import DataPolicy, load_policy
from aias_core.retention.erasure.certificate import Signer
from aias_core.retention.erasure.exports import (
    UNSEEN_HINT,
    ExportsUnseen,
    delete_export,
    find_exports,
    with_known_buckets,
)
from aias_core.retention.erasure.requests import (
    Order,
    Request,
    bury,
    check_consent,
    find_keys,
    find_request,
    find_slug,
    start_request,
)
from aias_core.retention.erasure.rules import DATABASES, Rule, Subject, list_kept, list_rules, queries
from aias_core.retention.holds import check_holds
from aias_core.retention.records import record
from aias_core.retention.stores import Databases, Stores, opened

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.migrate.consent import Consent

WRITERS_SECONDS = 60.0
_POLL_SECONDS = 0.05
Progress = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Work:
    """One erasure at work: the rules in the order of their steps, and what their conditions bind."""

    stores: Stores
    databases: Databases
    subject: Subject
    rules: tuple[Rule, ...]
    parameters: dict[str, Any]

    def count(self) -> dict[str, int]:
        """How many rows of each table still tell something of the subject."""
        return {rule.name: rule.count(self.databases.get(rule.database), self.parameters) for rule in self.rules}

    def apply(self, database: str, before_each: Callable[[], None] = lambda: None) -> None:
        """Carries out the rules of one database; what is done already is done again without effect."""
        connection = self.databases.get(database)
        for rule in self.rules:
            if rule.database == database:
                before_each()
                for _ in rule.apply(connection, self.parameters):
                    before_each()


def describe_impact(stores: Stores, order: Order) -> dict[str, Any]:
    """What would become of which rows and objects. Changes nothing. Raises HeldByLaw."""
    with opened(stores) as databases:
        check_holds(databases.operational, order.kind, order.subject_id)
        return _measure(prepare(stores, databases, order))


def run_erasure(
    stores: Stores, order: Order, consent: Consent, signer: Signer, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Erases a subject and returns the certificate; whatever came back later goes, and the certificate is the same.

    Raises HeldByLaw, ApprovalMissing, ApprovalInvalid, Conflict for the last owner of an organization, and Partial when
    rows are left or exports cannot be looked at: a second run goes on.
    """
    with opened(stores, alone=True) as databases:
        known = find_request(databases.operational, order)
        try:
            check_holds(databases.operational, order.kind, order.subject_id)
            if known is None or known.status == "requested":
                check_consent(order, consent)
            request = start_request(databases, order, consent)
            return _carry_out(stores, databases, request, signer, progress)
        except AiasError as error:
            details = {"ticket": order.ticket, "kind": order.kind, "error": error.code}
            record(databases.operational, "erasure.run", "failed", details)
            raise


def _carry_out(
    stores: Stores, databases: Databases, request: Request, signer: Signer, progress: Progress
) -> dict[str, Any]:
    order = Order(request.subject_kind, request.subject_id, request.ticket, request.legal_basis)
    work = prepare(stores, databases, order, signer)
    bury(databases.analytics, work.subject)
    progress("Waiting for those who are writing")
    wait_for_writers(databases.analytics)
    impact = _measure(work)
    if impact["objects_unseen"]:  # the rows that name the files must not go before the files
        raise Partial(
            f"The {order.kind} is closed, but nothing is erased: {impact['objects_unseen']}", hint=UNSEEN_HINT
        )
    kept = {**impact, "buckets": work.stores.buckets}
    keys = {"request_id": request.request_id, "impact": Jsonb(kept)}
    databases.operational.execute(queries["save_impact"], keys)

    def check() -> None:
        check_holds(databases.operational, order.kind, order.subject_id)

    wait_for_exports(work)
    progress("Removing exports")
    _remove_exports(work, check)
    progress("Erasing in 'analytics'")
    work.apply("analytics", check)
    wait_for_writers(databases.analytics)  # a rollup that had read the facts may have written since
    work.apply("analytics", check)
    wait_for_exports(work)
    _remove_exports(work, check)  # an export that had read the facts may have been written since
    progress("Erasing in 'operational'")
    work.apply("operational", check)
    return _certify(work, request, signer)


def prepare(stores: Stores, databases: Databases, order: Order, signer: Signer | None = None) -> Work:
    """The rules for a subject and what they bind; without a signer, who makes pseudonyms, only to look."""
    keys = find_keys(databases, order.kind, order.subject_id)
    subject, policy = Subject(order.kind, order.subject_id, keys), load_policy()
    parameters = subject.parameters()
    if signer is not None:
        parameters["pseudonym"] = signer.pseudonym(order.ticket, order.subject_id)
        parameters["slug"] = f'"org_slug": "{find_slug(databases.operational, order.subject_id)}"'
        parameters["pseudonyms"] = [signer.pseudonym(order.ticket, key) for key in (order.subject_id, *keys)]
    rules = tuple(_iter_rules(databases, subject, policy))
    return Work(with_known_buckets(stores, databases, subject), databases, subject, rules, parameters)


def _iter_rules(databases: Databases, subject: Subject, policy: DataPolicy) -> Iterator[Rule]:
    for database in DATABASES:
        yield from list_rules(databases.get(database), database, subject.kind, policy)


def _measure(work: Work) -> dict[str, Any]:
    counts = work.count()
    tables = [
        {"database": rule.database, "table": rule.table, "action": rule.action, "rows": counts[rule.name]}
        for rule in work.rules
        if counts[rule.name]
    ]
    try:
        exports = find_exports(work.stores, work.databases, work.subject)
    except ExportsUnseen as exc:
        return {"tables": tables, "objects": [], "objects_unseen": exc.message}
    return {"tables": tables, "objects": [export.as_record() for export in exports], "objects_unseen": None}


def _remove_exports(work: Work, check: Callable[[], None]) -> None:
    for export in find_exports(work.stores, work.databases, work.subject):
        check()
        delete_export(work.stores, export)


def wait_for_writers(analytics: Connection) -> None:
    """Until every transaction has ended that may have begun before the tombstone could be seen.

    Raises Partial when one goes on for too long.
    """
    row = analytics.execute(queries["read_next_transaction"]).fetchone()
    keys = {"transaction": row[0] if row else "0"}
    if _wait_while(lambda: analytics.execute(queries["have_ended"], keys).fetchone() != (True,)):
        raise Partial("A long transaction may still write rows of the subject", hint="run it again when it is over")


def wait_for_exports(work: Work) -> None:
    """Until every export has ended that may have read rows of the organization and may still write its file.

    Raises Partial, naming them, when one goes on for too long, as that of a worker that is gone does.
    """
    if work.subject.kind == "user":
        return
    analytics = work.databases.analytics
    jobs = [job_id for (job_id,) in analytics.execute(queries["list_running_exports"], work.parameters)]
    if left := _wait_while(lambda: analytics.execute(queries["list_running_of"], {"jobs": jobs}).fetchall()):
        named = ", ".join(f"'{job_id}'" for (job_id,) in left)
        raise Partial(
            f"An export at work may still write rows of the organization: {named}",
            hint=f"run it again when it is over, or end it: aias analytics exports cancel {left[0][0]}",
        )


def _wait_while(ask: Callable[[], Answer]) -> Answer:
    """The last answer: an empty one as soon as there is one, another one when it goes on for too long."""
    deadline = clock.monotonic() + WRITERS_SECONDS
    while (answer := ask()) and clock.monotonic() <= deadline:
        time.sleep(_POLL_SECONDS)
    return answer


def _certify(work: Work, request: Request, signer: Signer) -> dict[str, Any]:
    """Counts again, signs what was found, and keeps it with the request. Raises Partial when something is left."""
    left = [name for name, rows in work.count().items() if rows]
    if left or find_exports(work.stores, work.databases, work.subject):
        raise Partial(f"Something is left in {', '.join(left) or 'object storage'}", hint="run the same command again")
    operational = work.databases.operational
    with operational.transaction():
        order = Order(request.subject_kind, request.subject_id, request.ticket, request.legal_basis)
        known, now = find_request(operational, order) or request, clock.now()
        if known.certificate:
            return known.certificate
        certificate = signer.sign(_describe(work, known, clock.format_instant(now)))
        keys = {"request_id": request.request_id, "certificate": Jsonb(certificate), "completed_at": now}
        operational.execute(queries["complete_request"], keys)
        details = {"ticket": request.ticket, "kind": request.subject_kind, "signature": certificate["signature"]}
        record(operational, "erasure.run", "succeeded", details, audit_id=request.request_id)
    return certificate


def _describe(work: Work, request: Request, completed_at: str) -> dict[str, Any]:
    impact, policy = request.impact or {}, load_policy()
    names = ("month", "version", "lines", "closed_sha256", "sha256")
    statements = work.databases.analytics.execute(queries["list_statements"], work.parameters)
    return {
        "environment": work.stores.environment,
        "request_id": str(request.request_id),
        "ticket": request.ticket,
        "subject_kind": request.subject_kind,
        "legal_basis": request.legal_basis,
        "requested_at": clock.format_instant(request.created_at),
        "completed_at": completed_at,
        "approvals": request.progress.get("approvals", []),
        "counts": [
            {
                "table": f"{item['database']}.{item['table']}",
                "action": item["action"],
                "before": item["rows"],
                "after": 0,
            }
            for item in impact.get("tables", ())
        ],
        "objects": impact.get("objects", []),
        "statements": [dict(zip(names, row, strict=True)) for row in statements],
        "kept": [name for database in DATABASES for name in list_kept(database, request.subject_kind, policy)],
    }
