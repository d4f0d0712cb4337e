"""aias db rollback"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.db.migrate import RUN_COLUMNS
from aias_cli.commands.db.options import (
    AllowOption,
    ApprovalOption,
    ChangeOption,
    Database,
    DirectoryOption,
    LockWaitOption,
    PlanOption,
    ReasonOption,
    delivering,
    find_targets,
    read_consents,
)
from aias_cli.context import current


def rollback(
    ctx: typer.Context,
    database: Annotated[Database, typer.Option("--database", help="Which one; both only by their own versions.")],
    directory: DirectoryOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="Revert all after it.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Revert so many of the newest.")] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="VERSION", help="Revert the newest, by name.")] = None,
    plan: PlanOption = None,
    approval: ApprovalOption = None,
    allow: AllowOption = None,
    reason: ReasonOption = None,
    change: ChangeOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Only write the plan there, to sign.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be reverted, change nothing.")] = False,
    lock_wait: LockWaitOption = 0,
) -> None:
    """Revert exactly what is asked, newest first. Rows that would be lost are counted and need --allow data-loss.

    Example: aias db rollback --database operational --steps 1 --reason "wrong default"
    """
    from aias_cli.commands.db.plan import print_plans
    from aias_core.migrate.plan import Reach
    from aias_core.migrate.report import describe_plans, write_plans
    from aias_core.migrate.runner import RunOptions
    from aias_core.migrate.runner import rollback as run_rollback

    context, reach = current(ctx), Reach(to, steps, only)
    targets = find_targets(context, database, directory)
    document = describe_plans(context.env, targets, reach=reach)
    if out is not None:
        write_plans(document, out)
    if dry_run or out is not None:
        return print_plans(context, document)
    names = [f"{step['version']}_{step['slug']}" for item in document["plans"] for step in item["steps"]]
    context.printer.note(f"To revert: {', '.join(names)}")
    context.confirm(f"Revert {len(names)} of the migrations of '{context.env}'?")
    consents = read_consents(context, targets, plan, approval, allow)
    with delivering(context, targets):
        runs = [
            run_rollback(
                target,
                reach,
                RunOptions(consents[target.database], reason, change, lock_wait),
                progress=context.printer.note,
            )
            for target in targets
        ]
    context.printer.result("aias.db.rollback/1", {"runs": [run.as_record() for run in runs]}, "runs", RUN_COLUMNS)
