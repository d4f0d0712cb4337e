"""aias env cost"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current

_BILLED = ["invoice", "date", "environment", "account"]
_COLUMNS = ["name", "kind", "plan", "quantity", "hourly", "monthly"]


def cost(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
    actual: Annotated[
        bool, typer.Option("--actual", help="What the account was billed, by its newest invoices.")
    ] = False,
) -> None:
    """Show what an environment on Linode costs: an estimate of each resource in US dollars, by the account's prices.

    Example: aias env cost production -o json
    """
    context = current(ctx)
    opened = context.on_linode(environment)
    if actual:
        billed = opened.read_billed().as_record()
        context.printer.result("aias.env.billed/1", {"environment": opened.name, **billed}, "invoices", _BILLED)
        context.printer.note(f"Not invoiced yet, of the whole account: {billed['account_uninvoiced']}")
        return
    record = opened.estimate_cost().as_record()
    total = {"name": "total", "hourly": record["hourly"], "monthly": record["monthly"]}
    context.printer.result(
        "aias.env.cost/1", {"environment": opened.name, **record}, "resources", _COLUMNS, footer=[total]
    )
    context.printer.note(f"Not included: {'; '.join(record['not_included'])}.")
