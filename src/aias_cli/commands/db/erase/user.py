"""aias db erase user"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.erase.options import (
    BasisOption,
    CertificateOption,
    DryRunOption,
    OutOption,
    TicketOption,
    Wish,
    erase,
)
from aias_cli.commands.db.options import ApprovalOption
from aias_cli.context import current


def user(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="ID", help="Whom.")],
    ticket: TicketOption,
    legal_basis: BasisOption,
    dry_run: DryRunOption = False,
    out: OutOption = None,
    approval: ApprovalOption = None,
    certificate: CertificateOption = None,
) -> None:
    """Erase a person from both databases; the result is a signed certificate.

    A legal hold ends it with 6. A killed run goes on when the same command is run again.

    Example: aias db erase user 019ab1c2-0000-7000-8000-000000000000 --ticket T-1 --legal-basis "GDPR Art. 17" --dry-run
    """
    wish = Wish("user", user, ticket, legal_basis, dry_run, out, approval, certificate)
    erase(current(ctx), wish)
