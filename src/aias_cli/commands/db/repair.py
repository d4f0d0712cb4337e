"""aias db repair"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.db.options import (
    ApprovalOption,
    ChangeOption,
    Database,
    DirectoryOption,
    LockWaitOption,
    ReasonOption,
    delivering,
    find_targets,
    read_consents,
)
from aias_cli.context import current


class Mark(StrEnum):
    """What the history is to say."""

    APPLIED = "applied"
    FAILED = "failed"
    PENDING = "pending"


def repair(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Which version.")],
    database: Annotated[Database, typer.Option("--database", help="Which one.")],
    mark: Annotated[Mark, typer.Option("--mark", help="What the history is to say of it.")],
    directory: DirectoryOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Only write it there, to sign.")] = None,
    approval: ApprovalOption = None,
    reason: ReasonOption = None,
    change: ChangeOption = None,
    lock_wait: LockWaitOption = 0,
) -> None:
    """Change what the history says of one version; no migration is run. `pending` lets a failed file run again.

    Example: aias db repair 202611250001 --database operational --mark pending --reason "the row is corrected"
    """
    from aias_core.migrate import repair as repairs
    from aias_core.migrate.report import write_plans
    from aias_core.migrate.runner import RunOptions

    context = current(ctx)
    targets = find_targets(context, database, directory)
    contents = [repairs.build_repair(target, version, mark.value).as_record() for target in targets]
    if out is not None:
        write_plans({"environment": context.env, "plans": contents}, out)
        context.printer.result("aias.db.plan/1", {"environment": context.env, "plans": contents})
        return
    context.confirm(f"Mark {version} of '{database.value}' as {mark.value}?")
    consents = read_consents(context, targets, None, approval, None)
    with delivering(context, targets):
        done = [
            repairs.repair(t, version, mark.value, RunOptions(consents[t.database], reason, change, lock_wait))
            for t in targets
        ]
    columns = ("database", "version", "before", "after", "run_id")
    context.printer.result("aias.db.repair/1", {"repairs": [item.as_record() for item in done]}, "repairs", columns)
