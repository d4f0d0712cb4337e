"""aias org list"""

from __future__ import annotations

import typer

from aias_cli.context import current


def list_organizations(ctx: typer.Context) -> None:
    """List the organizations.

    Example: aias org list -o json
    """
    context = current(ctx)
    listed = context.environment().endpoints().identity_client().get("/api/v1/orgs")
    context.printer.result("aias.org.list/1", listed, "data", ["slug", "display_name", "kind", "status", "org_id"])
