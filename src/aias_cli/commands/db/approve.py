"""aias db approve"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


def approve(
    ctx: typer.Context,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The file that db plan --out wrote.")],
    approver: Annotated[str, typer.Option("--as", metavar="NAME", help="Your name in the profile's approvers.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your OpenSSH Ed25519 key.")],
    reject: Annotated[bool, typer.Option("--reject", help="Say no instead of yes.")] = False,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to [PLAN.NAME.approval].")] = None,
) -> None:
    """Sign a plan, so that it may run where consent is required: for 24 hours, once, and no other plan.

    Example: aias db approve plan.json --as ada --key ~/.ssh/id_ed25519
    """
    from aias_core.approvals import write_record
    from aias_core.migrate.approval import approve_plans

    context = current(ctx)
    approval = approve_plans(
        context.env, plan, approver, key, decision="reject" if reject else "approve", comment=comment
    )
    path = out or plan.with_name(f"{plan.name}.{approver}.approval")
    write_record(approval.as_record(), path)
    context.printer.note(f"Written to {path}")
    context.printer.result("aias.db.approval/1", {**approval.as_record(), "file": str(path)})
