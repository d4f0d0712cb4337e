"""aias db migrate"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aias_cli.commands.db.options import (
    AllowOption,
    ApprovalOption,
    ChangeOption,
    Database,
    DatabaseOption,
    DirectoryOption,
    LockWaitOption,
    PlanOption,
    ReasonOption,
    WindowOption,
    delivering,
    find_targets,
    read_consents,
)
from aias_cli.context import CommandContext, current

if TYPE_CHECKING:
    from aias_core.migrate.history import MigrationStatus
    from aias_core.migrate.target import Target

RUN_COLUMNS = ("database", "direction", "versions", "duration_ms", "lock_retries", "longest_stall_ms", "run_id")


def migrate(
    ctx: typer.Context,
    database: DatabaseOption = Database.ALL,
    directory: DirectoryOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="As far as this version.")] = None,
    plan: PlanOption = None,
    approval: ApprovalOption = None,
    allow: AllowOption = None,
    reason: ReasonOption = None,
    change: ChangeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, change nothing.")] = False,
    lock_wait: LockWaitOption = 0,
    max_window: WindowOption = 600,
) -> None:
    """Apply the pending migrations. Nothing pending is done at once; a killed run goes on where it was.

    Example: aias db migrate --dry-run
    """
    from aias_core.migrate.target import read_status

    context = current(ctx)
    targets = find_targets(context, database, directory)
    statuses = [read_status(target) for target in targets]
    if to is None and not any(status.has_work for status in statuses):
        context.printer.result("aias.db.migrate/1", {"runs": []}, "runs", RUN_COLUMNS)
        return None
    if dry_run:
        return _print_plans(context, targets, to)

    from aias_core.migrate.runner import RunOptions
    from aias_core.migrate.runner import migrate as run_migrations

    _confirm(context, statuses, to)
    consents = read_consents(context, targets, plan, approval, allow)
    with delivering(context, targets):
        runs = [
            run_migrations(
                target,
                RunOptions(consents[target.database], reason, change, lock_wait, max_window),
                to=to,
                progress=context.printer.note,
                status=status,
            )
            for target, status in zip(targets, statuses, strict=True)
        ]
    context.printer.result("aias.db.migrate/1", {"runs": [run.as_record() for run in runs]}, "runs", RUN_COLUMNS)


def _print_plans(context: CommandContext, targets: list[Target], to: str | None) -> None:
    from aias_cli.commands.db.plan import print_plans
    from aias_core.migrate.report import describe_plans

    print_plans(context, describe_plans(context.env, targets, to=to))


def _confirm(context: CommandContext, statuses: list[MigrationStatus], to: str | None) -> None:
    from aias_core.migrate.plan import build_up_plan

    steps = [step for status in statuses for step in build_up_plan(status, to).steps]
    if steps:
        context.printer.note(f"Pending: {', '.join(step.migration.name for step in steps)}")
        count = sum(len(step.statements) for step in steps)
        context.confirm(f"Run {count} statements on '{context.env}'?")
