"""aias db erase org"""

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


def org(
    ctx: typer.Context,
    org: Annotated[str, typer.Argument(metavar="SLUG|ID", help="Whom.")],
    ticket: TicketOption,
    legal_basis: BasisOption,
    dry_run: DryRunOption = False,
    out: OutOption = None,
    approval: ApprovalOption = None,
    certificate: CertificateOption = None,
) -> None:
    """Erase an organization from both databases and its exports; the result is a signed certificate.

    A legal hold ends it with 6. A killed run goes on when the same command is run again.

    Example: aias db erase org acme --ticket T-1 --legal-basis "GDPR Art. 17" --dry-run
    """
    wish = Wish("organization", org, ticket, legal_basis, dry_run, out, approval, certificate)
    erase(current(ctx), wish)
