"""aias analytics approve"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


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
    import json

    from aias_core.files import whole_file
    from aias_core.finance.months.consent import approve as sign
    from aias_core.finance.months.consent import read_proposal

    context = current(ctx)
    signed = sign(read_proposal(proposal), approver, key, decision="reject" if reject else "approve", comment=comment)
    path = out or proposal.with_name(f"{proposal.name}.{approver}.approval")
    with whole_file(path, mode=0o644) as file:
        file.write(json.dumps(signed.as_record(), indent=1).encode() + b"\n")
    context.printer.note(f"Written to {path}")
    context.printer.result("aias.analytics.approval/1", {**signed.as_record(), "file": str(path)})
