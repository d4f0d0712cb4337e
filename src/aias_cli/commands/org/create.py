"""aias org create"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def create(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(help="Its name in commands and files; never changes.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name for people [the slug].")] = None,
) -> None:
    """Create an organization. A slug that exists is refused with 5: the first one stays as it is.

    Example: aias org create acme --name "Acme Inc."
    """
    context = current(ctx)
    identity = context.environment().endpoints().identity_client()
    context.printer.result("aias.org/1", identity.post("/api/v1/orgs", {"slug": slug, "display_name": name}))
