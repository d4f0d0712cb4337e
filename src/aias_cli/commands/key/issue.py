"""aias key issue"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


def issue(
    ctx: typer.Context,
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization.")],
    name: Annotated[str, typer.Option("--name", help="Name of the key, unique in the organization.")] = "default",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the secret there, mode 0600.")
    ] = None,
    expires_in_days: Annotated[int, typer.Option("--expires-in-days", help="How long it lives, 1 to 365.")] = 180,
) -> None:
    """Issue an API key. Its secret is shown once, or written to a file, and stored nowhere: only a keyed hash is kept.

    A name that is in use is refused with 5, so that a repeated run never leaves a second key behind.

    Example: aias key issue --org acme --name laptop --out acme.key
    """
    from aias_core.files import refuse_existing, whole_file

    context = current(ctx)
    identity = context.environment().endpoints().identity_client()
    if out is not None:
        refuse_existing(out)
    key = identity.post(f"/api/v1/orgs/{org}/keys", {"name": name, "expires_in_days": expires_in_days})
    if out is not None:
        with whole_file(out) as file:
            file.write(key.pop("secret").encode() + b"\n")
        key["secret_file"] = str(out)
    context.printer.result("aias.key/1", key)
    context.printer.note("The secret is shown this once and kept nowhere.")
