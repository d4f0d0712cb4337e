"""aias key issue"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def issue(
    ctx: typer.Context,
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization.")],
    name: Annotated[str, typer.Option("--name", help="Name of the key, unique in the organization.")] = "default",
    expires_in_days: Annotated[int, typer.Option("--expires-in-days", help="How long it lives, 1 to 365.")] = 180,
) -> None:
    """Issue an API key. Its text is printed once, to stdout, and stored nowhere: only a keyed hash is kept.

    A name that is in use is refused with 5, so that a repeated run never leaves a second key behind.

    Example: aias key issue --org acme --name laptop
    """
    context = current(ctx)
    identity = context.environment().endpoints().identity_client()
    key = identity.post(f"/api/v1/orgs/{org}/keys", {"name": name, "expires_in_days": expires_in_days})
    context.printer.result("aias.key/1", key)
    context.printer.note("This is the only time the secret is shown.")
