"""What the commands that erase share: their options, and the one way they go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aias_cli.context import CommandContext
    from aias_core.protection.policy import SubjectKind

TicketOption = Annotated[str, typer.Option("--ticket", metavar="ID", help="The ticket that asks for it; one each.")]
BasisOption = Annotated[str, typer.Option("--legal-basis", metavar="TEXT", help="On which ground.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Only write it there, to sign.")]
CertificateOption = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="Where the certificate goes [only printed].")
]
IMPACT = ("database", "table", "action", "rows")
COUNTS = ("table", "action", "before", "after")


@dataclass(frozen=True)
class Wish:
    """What a command was told."""

    kind: SubjectKind
    name: str
    ticket: str
    legal_basis: str
    dry_run: bool
    out: Path | None
    approvals: list[Path] | None
    certificate: Path | None


def erase(context: CommandContext, wish: Wish) -> None:
    """Shows the impact, asks, erases, and prints the certificate; or only writes down what is to be signed."""
    from aias_core.environments.databases import read_policy
    from aias_core.environments.stores import find_signer, find_stores
    from aias_core.migrate.consent import read_consents
    from aias_core.retention.erasure.certificate import write_certificate
    from aias_core.retention.erasure.requests import find_order, write_order
    from aias_core.retention.erasure.run import describe_impact, run_erasure

    environment = context.environment()
    stores = find_stores(environment)
    order = find_order(stores, wish.kind, wish.name, ticket=wish.ticket, legal_basis=wish.legal_basis)
    if wish.out is not None:
        write_order(context.env, order, wish.out)
        context.printer.note(f"Written to {wish.out}; sign it with: aias db approve {wish.out}")
    impact = describe_impact(stores, order)
    if wish.dry_run or wish.out is not None:
        return context.printer.result("aias.db.erase.impact/1", {**order.as_record(), **impact}, "tables", IMPACT)
    if impact["objects_unseen"]:
        context.printer.note(f"Exported files cannot be looked at: {impact['objects_unseen']}")
    if impact["tables"] or impact["objects"]:
        context.printer.note_table("Will be erased", impact["tables"], IMPACT)
        context.confirm(
            f"Erase this {wish.kind} from '{context.env}' for ever, {len(impact['objects'])} files included?"
        )
    consent = read_consents(["operational"], read_policy(environment), None, wish.approvals or [])["operational"]
    done = run_erasure(stores, order, consent, find_signer(environment), context.printer.note)
    if wish.certificate is not None:
        write_certificate(done, wish.certificate)
    return context.printer.result(done["schema"], done, "counts", COUNTS)
