"""The options that the commands of both databases share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aias_cli.context import CommandContext
    from aias_core.migrate.consent import Consent
    from aias_core.migrate.target import Target


class Database(StrEnum):
    """The databases a command works on."""

    OPERATIONAL = "operational"
    ANALYTICS = "analytics"
    ALL = "all"


DatabaseOption = Annotated[Database, typer.Option("--database", help="Which one.")]
DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", metavar="DIR", help="Migrations of your own [those shipped].")
]
PlanOption = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="Carry out this plan and no other (db plan --out).")
]
ApprovalOption = Annotated[
    list[Path] | None, typer.Option("--approval", metavar="FILE", help="Somebody's consent (db approve); repeatable.")
]
AllowOption = Annotated[
    list[str] | None, typer.Option("--allow", metavar="NAME", help="Let an obstacle pass by name; repeatable.")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the record.")]
ChangeOption = Annotated[str | None, typer.Option("--change", metavar="ID", help="Number of the change or ticket.")]
LockWaitOption = Annotated[float, typer.Option("--lock-wait", metavar="SECONDS", help="How long to wait for a run.")]
WindowOption = Annotated[
    float, typer.Option("--max-window", metavar="SECONDS", help="No file is begun after so many seconds.")
]


def find_targets(context: CommandContext, database: Database, directory: Path | None) -> list[Target]:
    """The databases that the options mean."""
    from aias_core.environments import databases

    return databases.find_targets(context.environment(), database.value, directory)


def read_consents(
    context: CommandContext,
    targets: list[Target],
    plan: Path | None,
    approvals: list[Path] | None,
    allow: list[str] | None,
) -> dict[str, Consent]:
    """Who asks and who agreed, by database."""
    from aias_core.environments.databases import read_policy
    from aias_core.migrate import consent

    policy, names = read_policy(context.environment()), [target.database for target in targets]
    return consent.read_consents(names, policy, plan, approvals or [], allow or [])


def delivering(context: CommandContext, targets: list[Target]) -> AbstractContextManager[None]:
    """After the block the records of the runs are handed to the audit chain."""
    from aias_core.environments.databases import find_operational
    from aias_core.migrate import delivery

    return delivery.delivering(targets, find_operational(context.environment()), context.printer.note)
