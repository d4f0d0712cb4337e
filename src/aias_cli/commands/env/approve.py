"""aias env approve"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


def approve(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN_ID", help="The plan that env plan --save kept.")],
    approver: Annotated[str, typer.Option("--as", metavar="NAME", help="Your name in the profile's approvers.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your OpenSSH Ed25519 key.")],
    reject: Annotated[bool, typer.Option("--reject", help="Say no instead of yes.")] = False,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
) -> None:
    """Sign a saved plan of --env, so that it may be applied where consent is required: for 24 hours and once.

    Example: aias env approve 019ab1c2-0000-7000-8000-000000000000 --env production --as ada --key ~/.ssh/id_ed25519
    """
    context = current(ctx)
    shelf = context.linode().plan_shelf
    approval = shelf.approve(plan, approver, key, choice="reject" if reject else "approve", comment=comment)
    context.printer.result("aias.env.approval/1", approval.as_record())
