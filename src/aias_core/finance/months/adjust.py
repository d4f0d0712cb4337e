"""Adjustments: credits, refunds and corrections, as events of their own in the open month.

The id of an event follows from the approval behind it, so one approval is one event, however often it is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from aias_core import clock, ids
from aias_core.approvals import ApprovalInvalid
from aias_core.contracts import usage
from aias_core.contracts.usage import Adjustment
from aias_core.database.queries import load_queries
from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.finance.export.request import Scope
from aias_core.finance.months.consent import Consent, Proposal
from aias_core.money import format_pico, parse_amount

if TYPE_CHECKING:
    from psycopg import Connection

Ingest: TypeAlias = "Callable[[Connection, bytes], bool]"
"""Stores the line of an event, and says whether it was stored now: not before, and not refused."""

_queries = load_queries(__file__)

LARGEST = 2**53 - 1
APPROVAL_LABEL, ACTOR_LABEL = "approval_id", "adjusted_by"


@dataclass(frozen=True, slots=True)
class AdjustmentRequest:
    """What is credited (negative) or charged, to whom, why, and which event it corrects."""

    scope: Scope
    amount: str
    currency: str
    reason: str
    event: UUID | None = None

    @property
    def pico(self) -> int:
        """The amount in pico-units. Raises InvalidInput for one that is none, is 0 or is beyond what an event holds."""
        try:
            amount = parse_amount(self.amount)
        except (ValueError, ZeroDivisionError) as exc:
            raise InvalidInput(f"'{self.amount}' is not an amount", hint="write it like -12.50") from exc
        if amount == 0 or abs(amount) > LARGEST:
            limit = format_pico(LARGEST)
            raise InvalidInput(f"'{self.amount}' is not between 0 and {limit}", hint="write it like -12.50")
        return amount

    def check(self, connection: Connection) -> None:
        """Raises InvalidInput for another currency than the organization's, NotFound for an event it does not have."""
        currency = _find_text(connection, "find_currency", {"org_id": self.scope.org_id})
        if currency != self.currency:
            raise InvalidInput(
                f"The currency of '{self.scope.slug}' is {currency}, not {self.currency}",
                hint=f"say it with: --currency {currency}",
            )
        if self.event is not None:
            self._check_event(connection, self.event)

    def _check_event(self, connection: Connection, event: UUID) -> None:
        currency = _find_text(connection, "find_event_currency", {"event_id": event, "org_id": self.scope.org_id})
        if currency is None:
            raise NotFound(
                f"'{self.scope.slug}' has no event '{event}'", hint="the id of a request is that of its event"
            )
        if currency != self.currency:
            raise InvalidInput(f"The event '{event}' is in {currency}, not in {self.currency}")

    def proposal(self, environment: str) -> Proposal:
        """What a second person has to agree to."""
        parts = (self.scope.org_id, self.pico, self.currency, self.reason, self.event)
        digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
        what = f"{self.scope.slug} {self.amount} {self.currency}" + (f" for {self.event}" if self.event else "")
        return Proposal("adjust", what, digest, environment, self.reason)


def _find_text(connection: Connection, query: str, parameters: Mapping[str, Any]) -> str | None:
    row = connection.execute(_queries[query], parameters).fetchone()
    return str(row[0]) if row else None


def build_adjustment(request: AdjustmentRequest, consent: Consent) -> Adjustment:
    """The event of an adjustment. Raises ApprovalMissing and ApprovalInvalid, InvalidInput for a bad amount."""
    consent.check(request.proposal(consent.policy.environment), ())
    event_id, labels = ids.new_id(), {ACTOR_LABEL: consent.actor[:128]}
    if (approval := consent.approval) is not None:
        event_id = ids.derive_id(clock.parse_instant(approval.decided_at), UUID(approval.approval_id).bytes)
        labels[APPROVAL_LABEL] = approval.approval_id
    return Adjustment(
        kind="adjustment",
        event_id=event_id,
        occurred_at=ids.instant_of(event_id),
        org_id=request.scope.org_id,
        currency=request.currency,
        cost_pico=request.pico,
        ref_event_id=request.event,
        reason=request.reason,
        labels=labels,
    )


def encode_adjustment(adjustment: Adjustment) -> bytes:
    """The event as a line for ingestion. Raises InvalidInput when it breaks the contract."""
    line = usage.encode(adjustment)
    try:
        usage.decode(line, clock.now())
    except usage.EventRejected as exc:
        raise InvalidInput(f"{exc.field or 'adjustment'}: {exc.detail}") from exc
    return line


@dataclass(frozen=True, slots=True)
class Prepared:
    """An adjustment that has consent and keeps the contract, but is not stored."""

    request: AdjustmentRequest
    adjustment: Adjustment
    line: bytes

    def as_record(self) -> dict[str, Any]:
        request, adjustment = self.request, self.adjustment
        return {
            "event_id": str(adjustment.event_id),
            "occurred_at": clock.format_instant(adjustment.occurred_at),
            "org": request.scope.slug,
            "amount": format_pico(request.pico),
            "currency": request.currency,
            "reason": request.reason,
            "ref_event_id": None if request.event is None else str(request.event),
            "labels": adjustment.labels,
        }


def prepare_adjustment(connection: Connection, request: AdjustmentRequest, consent: Consent) -> Prepared:
    """The event to store. Raises what checking, building and encoding it raise."""
    request.check(connection)
    adjustment = build_adjustment(request, consent)
    return Prepared(request, adjustment, encode_adjustment(adjustment))


def store_adjustment(connection: Connection, prepared: Prepared, ingest: Ingest) -> dict[str, Any]:
    """Stores the event of an adjustment once, and returns it as it is shown.

    Raises ApprovalInvalid for an approval that was used before, Refused for an event that is not taken; then nothing is
    left of it, no dead letter either.
    """
    with connection.transaction():
        if not ingest(connection, prepared.line):
            raise _explain(connection, prepared)
    return prepared.as_record()


def _explain(connection: Connection, prepared: Prepared) -> Refused:
    event = prepared.adjustment
    key = {"event_id": event.event_id, "org_id": event.org_id}
    if connection.execute(_queries["find_receipt"], key).fetchone():
        return ApprovalInvalid(
            f"The approval '{event.labels.get(APPROVAL_LABEL)}' was used before, for the adjustment '{event.event_id}'",
            hint="have another one approved with: aias analytics approve",
        )
    return Refused(
        f"No adjustment of '{prepared.request.scope.slug}' is taken; nothing was changed",
        hint="see whether it is erased: aias org list",
    )
