"""aias token issue"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


def issue(
    ctx: typer.Context,
    role: Annotated[
        str, typer.Option("--role", help="owner, admin, developer, billing, viewer; system_admin, operator, auditor.")
    ],
    org: Annotated[str | None, typer.Option("--org", help="Slug or id of the organization [none: platform].")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="Whom it stands for [nobody known].")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="How long it lives.")] = 60,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there, mode 0600.")] = None,
) -> None:
    """Issue an access token for the query API: of one role, for at most an hour. Its issue is in the audit.

    Example: aias token issue --org acme --role billing --out token
    """
    from aias_core.files import refuse_existing, whole_file

    context = current(ctx)
    identity = context.environment().endpoints().identity_client()
    if out is not None:
        refuse_existing(out)
    asked = {"role": role, "org": org, "subject": user, "expires_in_seconds": minutes * 60}
    token = identity.post("/api/v1/access-tokens", {name: value for name, value in asked.items() if value is not None})
    if out is not None:
        with whole_file(out) as file:
            file.write(token.pop("access_token").encode() + b"\n")
        token["token_file"] = str(out)
    context.printer.result("aias.token/1", token)
