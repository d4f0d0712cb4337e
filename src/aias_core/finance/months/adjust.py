"""Adjustments: credits, refunds and corrections, as events of their own in the open month."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock, ids
from aias_core.contracts import usage
from aias_core.contracts.usage import Adjustment
from aias_core.database.queries import load_queries
from aias_core.errors import InvalidInput
from aias_core.finance.export.request import Scope
from aias_core.finance.months.consent import Consent, Proposal
from aias_core.money import format_pico, parse_amount

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg import Connection

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

    def proposal(self, environment: str) -> Proposal:
        """What a second person has to agree to."""
        parts = (self.scope.org_id, self.pico, self.currency, self.reason, self.event)
        digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
        return Proposal("adjust", f"{self.scope.slug} {self.amount} {self.currency}", digest, environment)


def build_adjustment(request: AdjustmentRequest, consent: Consent, used: Collection[UUID]) -> Adjustment:
    """The event of an adjustment, now. Raises ApprovalMissing and ApprovalInvalid, InvalidInput for a bad amount."""
    approval_id = consent.check(request.proposal(consent.policy.environment), used)
    event_id = ids.new_id()
    labels = {ACTOR_LABEL: consent.actor[:128]}
    if approval_id is not None:
        labels[APPROVAL_LABEL] = str(approval_id)
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


def prepare_adjustment(
    connection: Connection, request: AdjustmentRequest, consent: Consent
) -> tuple[bytes, dict[str, Any]]:
    """The line to ingest, and the event as it is shown. Raises what the two functions above raise."""
    used = {row[0] for row in connection.execute(_queries["list_adjustment_approvals"])}
    adjustment = build_adjustment(request, consent, used)
    record = {
        "event_id": str(adjustment.event_id),
        "occurred_at": clock.format_instant(adjustment.occurred_at),
        "org": request.scope.slug,
        "amount": format_pico(request.pico),
        "currency": request.currency,
        "reason": request.reason,
        "ref_event_id": None if request.event is None else str(request.event),
        "labels": adjustment.labels,
    }
    return encode_adjustment(adjustment), record
