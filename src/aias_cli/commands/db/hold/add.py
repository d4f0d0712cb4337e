"""aias db hold add"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def add(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown to whoever is stopped by it.")],
    org: Annotated[str | None, typer.Option("--org", metavar="SLUG|ID", help="The organization to keep.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="The person to keep.")] = None,
) -> None:
    """Keep everything of a person or an organization until the hold is released.

    Example: aias db hold add --org acme --reason "case 12/2026"
    """
    from aias_core.environments.stores import find_stores
    from aias_core.retention.erasure.requests import find_subject
    from aias_core.retention.holds import add_hold, check_one
    from aias_core.retention.stores import opened

    context = current(ctx)
    kind, name = check_one(org, user)
    with opened(find_stores(context.environment())) as databases:
        subject = find_subject(databases.operational, kind, name)
        hold = add_hold(databases.operational, kind, subject, reason)
    context.printer.result("aias.db.hold/1", hold.as_record())
