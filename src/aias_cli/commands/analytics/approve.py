"""aias analytics approve"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.context import current

if TYPE_CHECKING:
    from aias_core.approvals import Choice


def approve(
    ctx: typer.Context,
    proposal: Annotated[Path, typer.Argument(metavar="PROPOSAL", help="The file that --out has written.")],
    approver: Annotated[str, typer.Option("--as", metavar="NAME", help="Your name in the profile's approvers.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your OpenSSH Ed25519 key.")],
    reject: Annotated[bool, typer.Option("--reject", help="Say no instead of yes.")] = False,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to [PROPOSAL.NAME.approval].")
    ] = None,
) -> None:
    """Sign a close, a restatement or an adjustment, so that somebody else may do it: for 24 hours, once.

    Example: aias analytics approve proposal.json --as ada --key ~/.ssh/id_ed25519
    """
    from aias_core.approvals import write_record
    from aias_core.finance.months.consent import MonthApproval, read_proposal

    context = current(ctx)
    choice: Choice = "reject" if reject else "approve"
    signed = MonthApproval.sign(approver, key, choice=choice, comment=comment, proposal=read_proposal(proposal))
    path = out or proposal.with_name(f"{proposal.name}.{approver}.approval")
    write_record(signed.as_record(), path)
    context.printer.note(f"Written to {path}")
    context.printer.result("aias.analytics.approval/1", {**signed.as_record(), "file": str(path)})
