"""What the commands that change a month share: their options, and what they make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_cli.context import CommandContext
    from aias_core.finance.months.close import Outcome
    from aias_core.finance.months.consent import Consent, Proposal
    from aias_core.finance.months.preconditions import Reconciled
    from aias_core.windows import Window

CLOSE_SCOPES: tuple[Literal["sources", "rollups"], ...] = ("sources", "rollups")
COLUMNS = ("precondition", "met", "waived", "detail")

MonthArgument = Annotated[str, typer.Argument(metavar="YYYY-MM", help="Which month.")]
WaiveOption = Annotated[
    str | None, typer.Option("--waive-dead-letters", metavar="REASON", help="Freeze in spite of open dead letters.")
]
ApprovalOption = Annotated[
    Path | None, typer.Option("--approval", metavar="FILE", help="What analytics approve has written.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, change nothing.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the proposal down, to have it approved.")
]


def build_consent(context: CommandContext, approval: Path | None) -> Consent:
    """Who acts in this environment, and the approval at hand."""
    from aias_core.accounts import own_name
    from aias_core.environments.finance import read_month_policy
    from aias_core.finance.months.consent import Consent, read_approval

    policy = read_month_policy(context.environment())
    return Consent(own_name(), policy, None if approval is None else read_approval(approval))


def reconcile(connection: Connection, window: Window) -> Reconciled:
    """Compares sources, facts, hours, days and prices of a month; statements are what is being made."""
    from aias_core.analytics.reconcile.run import run_reconciliation
    from aias_core.finance.months.preconditions import Reconciled

    results = [run_reconciliation(connection, window, scope=scope, trigger="close") for scope in CLOSE_SCOPES]
    return Reconciled(sum(result.differences for result in results), sum(result.open for result in results))


def ingest(connection: Connection, line: bytes) -> bool:
    """Stores the event of an adjustment like any other; whether it was new and good."""
    from aias_core.analytics.ingest.store import ingest_lines

    return ingest_lines(connection, [line], "adjust", adjustments=True).accepted == 1


def print_outcome(context: CommandContext, schema: str, outcome: Outcome, out: Path | None) -> None:
    """Shows the preconditions one by one and what became of the month; writes the proposal where that is wanted."""
    if out is not None:
        write_proposal(context, outcome.proposal, out)
    context.printer.result(schema, outcome.as_record(), "preconditions", COLUMNS)
    for total in outcome.totals:
        context.printer.note(f"{total['org_slug']}: {total['amount']} {total['currency']}")
    if outcome.is_done:
        context.printer.note(f"{outcome.proposal.subject} is {outcome.status}, content {outcome.content_sha256[:12]}")


def write_proposal(context: CommandContext, proposal: Proposal, out: Path) -> None:
    """Writes down what is proposed, for a second person."""
    from aias_core.approvals import write_record

    write_record(proposal.as_record(), out)
    context.printer.note(f"Written to {out}; have it approved with: aias analytics approve {out}")


def show_differences(differences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a difference as rows of a table."""
    shown = []
    for line in differences:
        before, after = line["before"] or {}, line["after"] or {}
        sides = {"before": before.get("amount_exact"), "after": after.get("amount_exact")}
        counts = {"requests_before": before.get("requests"), "requests_after": after.get("requests")}
        shown.append({**{key: value for key, value in line.items() if key not in sides}, **counts, **sides})
    return shown
