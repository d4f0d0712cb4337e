"""aias analytics forecast"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics import options
from aias_cli.context import current
from aias_core.errors import InvalidInput


def forecast(
    ctx: typer.Context,
    org: options.OneOrgOption,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="AMOUNT", help="Compare with this much for the month.")
    ] = None,
) -> None:
    """Show the spend of this month and where it is heading: the mean of the last seven full days, carried on.

    Example: aias analytics forecast --org acme --budget 500
    """
    context = current(ctx)
    limit = None if budget is None else _parse(budget)
    with options.asking(context, org, "cost.read") as (connection, scope, about):
        from aias_core.analytics.query.forecast import read_forecast

        data = {**about, **read_forecast(connection, scope, limit)}
    context.printer.result("aias.analytics.forecast/1", data)


def _parse(budget: str) -> int:
    from aias_core.money import parse_amount

    try:
        amount = parse_amount(budget)
    except (ValueError, ZeroDivisionError) as exc:
        raise InvalidInput(f"'{budget}' is not an amount", hint="write it like 500 or 499.95") from exc
    if amount < 0:
        raise InvalidInput(f"A budget of {budget} is below zero")
    return amount
