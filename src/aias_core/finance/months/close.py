"""Closing a month, restating it, and showing what a restatement would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, DifferenceFound, InvalidInput, NotFound, Refused
from aias_core.finance.export.source import find_watermark, one_snapshot
from aias_core.finance.months.consent import Action, Consent, Proposal
from aias_core.finance.months.preconditions import Precondition, Reconcile, check_preconditions
from aias_core.finance.months.statement import Draft, draft_statement, freeze_lines
from aias_core.money import format_pico
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)
_NAMES = ("period_start", "org_id", "project_id", "model_id", "operation", "region", "currency", "price_id")


class PreconditionUnmet(Refused):
    """Something has to be put right before the month can be frozen"""

    code = "precondition_unmet"


@dataclass(frozen=True, slots=True)
class Change:
    """What is wanted: which month, whose consent, why, what is waived, and how the month is compared before."""

    window: Window
    consent: Consent
    reconcile: Reconcile
    reason: str | None = None
    waive_dead_letters: str | None = None
    dry_run: bool = False

    def proposal(self, action: Action, draft: Draft) -> Proposal:
        """What a second person has to agree to."""
        what, environment = f"{self.window.start:%Y-%m} v{draft.version}", self.consent.policy.environment
        return Proposal(action, what, draft.content_sha256, environment, self.reason, self.waive_dead_letters)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change, or would: the preconditions one by one, the totals, and the difference to before."""

    proposal: Proposal
    version: int
    status: str
    preconditions: list[Precondition]
    totals: list[dict[str, Any]]
    diff: list[dict[str, Any]]
    content_sha256: str
    is_done: bool

    @property
    def unmet(self) -> list[Precondition]:
        return [item for item in self.preconditions if not item.met and item.waived is None]

    def as_record(self) -> dict[str, Any]:
        return {
            "month": self.proposal.subject.split()[0],
            "version": self.version,
            "status": self.status if self.is_done else "not changed",
            "content_sha256": self.content_sha256,
            "preconditions": [item.as_record() for item in self.preconditions],
            "totals": self.totals,
            "diff": self.diff,
        }


def close_month(connection: Connection, change: Change) -> Outcome:
    """Freezes an open month as version 1 of its statement; with `dry_run` says what would be frozen.

    Raises Conflict for a month that is closed, PreconditionUnmet or DifferenceFound by the first precondition that does
    not hold, ApprovalMissing and ApprovalInvalid.
    """
    versions = list_versions(connection, change.window)
    if versions:
        raise Conflict(
            f"{change.window.start:%Y-%m} is closed, version {versions[-1]['version']}",
            hint=f"see what has changed since: aias analytics diff {change.window.start:%Y-%m}",
        )
    return _change(connection, change, "close", 1)


def restate_month(connection: Connection, change: Change) -> Outcome:
    """Freezes a closed month anew as its next version, with the difference; earlier versions stay as they are.

    Raises NotFound for an open month, Conflict when nothing has changed, InvalidInput without a reason, and what
    `close_month` raises.
    """
    month = f"{change.window.start:%Y-%m}"
    versions = list_versions(connection, change.window)
    if not versions:
        raise NotFound(f"{month} is not closed", hint=f"close it with: aias analytics close {month}")
    if not change.reason:
        raise InvalidInput("A restatement needs a reason", hint="say it with: --reason TEXT")
    return _change(connection, change, "restate", versions[-1]["version"] + 1)


def _change(connection: Connection, change: Change, action: Action, version: int) -> Outcome:
    met = check_preconditions(connection, change.window, change.reconcile, change.waive_dead_letters)
    with one_snapshot(connection):
        diff = diff_month(connection, change.window, version - 1) if version > 1 else []
        if version > 1 and not diff:
            raise Conflict("Nothing has changed since the month was closed; there is nothing to restate")
        draft = draft_statement(connection, change.window, version)
        with draft.lines:
            proposal = change.proposal(action, draft)
            totals = draft.export.manifest()["totals"]
            outcome = Outcome(
                proposal, version, draft.status, met, totals, diff, draft.content_sha256, is_done=not change.dry_run
            )
            if not change.dry_run:
                _refuse_unmet(outcome)
                _store(connection, change, outcome, draft)
    return outcome


def _refuse_unmet(outcome: Outcome) -> None:
    for item in outcome.unmet:
        if item.precondition == "reconciled":
            raise DifferenceFound(f"reconciled: {item.detail}", hint="see them with: aias analytics reconcile")
        raise PreconditionUnmet(f"{item.precondition}: {item.detail}", hint="see all with: --dry-run")


def _store(connection: Connection, change: Change, outcome: Outcome, draft: Draft) -> None:
    from psycopg.errors import UniqueViolation
    from psycopg.types.json import Jsonb

    used: set[UUID] = {row[0] for row in connection.execute(_queries["list_used_approvals"])}
    waivers = [item.as_record() for item in outcome.preconditions if not item.met]
    row = {
        **draft.key,
        "status": draft.status,
        "totals": Jsonb(outcome.totals),
        "content_sha256": outcome.content_sha256,
        "complete_through": find_watermark(connection),
        "reason": change.reason,
        "diff": Jsonb(outcome.diff) if outcome.diff else None,
        "waivers": Jsonb(waivers),
        "closed_by": change.consent.actor,
        "approval_id": change.consent.check(outcome.proposal, used),
        "closed_at": clock.now(),
    }
    try:
        connection.execute(_queries["insert_close"], row)
    except UniqueViolation as exc:
        hint = "look with: aias analytics months"
        raise Conflict("Somebody else has changed the month meanwhile", hint=hint) from exc
    freeze_lines(connection, draft)


def list_versions(connection: Connection, window: Window | None = None) -> list[dict[str, Any]]:
    """The closed months, each version of them, or those of one month."""
    from psycopg.rows import dict_row

    month = None if window is None else window.start.date()
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_show(row) for row in cursor.execute(_queries["list_versions"], {"month": month})]


def _show(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "month": f"{row['month']:%Y-%m}",
        "approval_id": row["approval_id"] and str(row["approval_id"]),
        "closed_at": clock.format_instant(row["closed_at"]),
    }


def get_version(connection: Connection, window: Window, version: int | None = None) -> int:
    """A version of a closed month, the latest unless one is named. Raises NotFound."""
    month, known = f"{window.start:%Y-%m}", [row["version"] for row in list_versions(connection, window)]
    if not known:
        raise NotFound(f"{month} is not closed", hint=f"close it with: aias analytics close {month}")
    if version is not None and version not in known:
        raise NotFound(f"{month} has no statement {version}", hint=f"there are: {', '.join(map(str, known))}")
    return version or known[-1]


def diff_month(connection: Connection, window: Window, version: int, other: int | None = None) -> list[dict[str, Any]]:
    """The lines in which a version differs from another one, or from the rollups as they are now."""
    parameters = {"month": window.start.date(), "version": version, "other": other}
    bounds = {"start": window.start, "end": window.end}
    rows = connection.execute(_queries["diff_lines"], parameters | bounds)
    return [_describe_difference(row) for row in rows]


def _describe_difference(row: tuple[Any, ...]) -> dict[str, Any]:
    start, *key = row[: len(_NAMES)]
    before, after = row[len(_NAMES) :: 2], row[len(_NAMES) + 1 :: 2]
    return {
        "period_start": clock.format_second(start),
        **{name: None if value is None else str(value) for name, value in zip(_NAMES[1:], key, strict=True)},
        "before": _describe_side(before),
        "after": _describe_side(after),
    }


def _describe_side(values: tuple[Any, ...]) -> dict[str, Any] | None:
    requests, tokens, amount = values
    if requests is None:
        return None
    return {"requests": requests, "total_tokens": int(tokens), "amount_exact": format_pico(int(amount))}
