"""aias db migrate"""

from __future__ import annotations

from typing import Annotated

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
from aias_cli.context import current

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
    from aias_core.migrate.target import has_work

    context = current(ctx)
    targets = find_targets(context, database, directory)
    if to is None and not has_work(targets):
        context.printer.result("aias.db.migrate/1", {"runs": []}, "runs", RUN_COLUMNS)
        return None

    from aias_cli.commands.db.plan import print_plans
    from aias_core.migrate.report import describe_plans, list_statements
    from aias_core.migrate.runner import RunOptions
    from aias_core.migrate.runner import migrate as run_migrations

    document = describe_plans(context.env, targets, to=to)
    if dry_run:
        return print_plans(context, document)
    if names := [f"{step['version']}_{step['slug']}" for item in document["plans"] for step in item["steps"]]:
        context.printer.note(f"Pending: {', '.join(names)}")
        context.confirm(f"Run {len(list_statements(document))} statements on '{context.env}'?")
    consents = read_consents(context, targets, plan, approval, allow)
    with delivering(context, targets):
        runs = [
            run_migrations(
                target,
                RunOptions(consents[target.database], reason, change, lock_wait, max_window),
                to=to,
                progress=context.printer.note,
            )
            for target in targets
        ]
    context.printer.result("aias.db.migrate/1", {"runs": [run.as_record() for run in runs]}, "runs", RUN_COLUMNS)
