"""aias key list"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def list_keys(
    ctx: typer.Context, org: Annotated[str, typer.Option("--org", help="Slug or id of the organization.")]
) -> None:
    """List the API keys of an organization, newest first; never their text.

    Example: aias key list --org acme
    """
    context = current(ctx)
    listed = context.environment().endpoints().identity_client().get(f"/api/v1/orgs/{org}/keys")
    context.printer.result("aias.key.list/1", listed, "data", ["name", "prefix", "last4", "status", "expires_at"])
