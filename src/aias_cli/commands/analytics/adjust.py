"""aias analytics adjust"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from aias_cli.commands.analytics.months_options import ApprovalOption, DryRunOption, OutOption
from aias_cli.context import current


def adjust(
    ctx: typer.Context,
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization.")],
    amount: Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="Negative is a credit, like -12.50.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the event.")],
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO 4217 code.")] = "USD",
    event: Annotated[UUID | None, typer.Option("--event", metavar="ID", help="The event that it corrects.")] = None,
    approval: ApprovalOption = None,
    dry_run: DryRunOption = False,
    out: OutOption = None,
) -> None:
    """Credit or charge an organization in the open month, as an event of its own. Usage itself is never edited.

    Example: aias analytics adjust --org acme --amount=-12.50 --reason 'credit for an outage'
    """
    from aias_cli.commands.analytics.months_options import build_consent, ingest, write_proposal
    from aias_core.analytics.dimensions import get_organization
    from aias_core.finance.export.request import Scope
    from aias_core.finance.months.adjust import AdjustmentRequest, prepare_adjustment, store_adjustment

    context = current(ctx)
    consent = build_consent(context, approval)
    with context.environment().endpoints().analytics_connection() as connection:
        request = AdjustmentRequest(Scope(*get_organization(connection, org)), amount, currency, reason, event)
        proposal = request.proposal(consent.policy.environment)
        if dry_run or out is not None:
            request.check(connection)
        if out is not None:
            write_proposal(context, proposal, out)
        if dry_run:
            return context.printer.result("aias.analytics.adjust/1", proposal.as_record())
        prepared = prepare_adjustment(connection, request, consent)
        context.confirm(f"Adjust '{org}' by {amount} {currency} in '{context.env}'?")
        record = store_adjustment(connection, prepared, ingest)
    context.printer.result("aias.analytics.adjust/1", record)
    return None
