"""aias env orphans"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current

_COLUMNS = ["kind", "label", "id", "region", "monthly", "deletable", "proof"]


def orphans(
    ctx: typer.Context,
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Whose account to look at [--env].")
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete those that were seen for 24 hours; asks first.")
    ] = False,
) -> None:
    """List what an account is billed for and belongs to nothing, with its price. Ends with 10 when there is any.

    Example: aias env orphans development --delete
    """
    context = current(ctx)
    hunt = context.on_linode(environment).hunt_orphans()
    found = hunt.find()
    if delete and found.ripe:
        context.printer.note_table("To be deleted", [one.as_record() for one in found.ripe], _COLUMNS)
        context.confirm(f"Delete these {len(found.ripe)} for good?")
        found = hunt.delete(found.ripe, context.printer.note)
    context.printer.result("aias.env.orphans/1", found.as_record(), "orphans", _COLUMNS)
    if fault := found.find_difference():
        raise fault
