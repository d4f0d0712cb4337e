"""aias db migrate"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.status import Database, list_databases
from aias_cli.context import current


def migrate(
    ctx: typer.Context,
    database: Annotated[Database, typer.Option("--database", help="Which one.")] = Database.ALL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be applied, change nothing.")] = False,
    lock_wait: Annotated[float, typer.Option("--lock-wait", help="Seconds to wait for another run.")] = 0,
) -> None:
    """Apply the pending migrations, each with its history row in one transaction. Nothing pending is done at once.

    Example: aias db migrate --dry-run
    """
    from aias_core.migrate.runner import migrate as run_migrations
    from aias_core.migrate.runner import read_status

    context = current(ctx)
    endpoints = context.environment().endpoints()
    dsns = {name: endpoints.dsn(name, "aias_migrator") for name in list_databases(database)}
    plan = [
        {"database": name, "version": migration.version, "slug": migration.slug}
        for name, dsn in dsns.items()
        for migration in read_status(name, dsn).pending
    ]
    if not dry_run and plan:
        for step in plan:
            context.printer.note(f"{step['database']}: {step['version']}_{step['slug']}")
        context.confirm(f"Apply {len(plan)} migrations to '{context.env}'?")
    if dry_run:
        context.printer.result("aias.db.plan/1", {"pending": plan}, "pending", ["database", "version", "slug"])
        return
    note = context.printer.note
    runs = [run_migrations(name, dsn, lock_wait_seconds=lock_wait, progress=note) for name, dsn in dsns.items()]
    context.printer.result(
        "aias.db.migrate/1",
        {"runs": [run.as_record() for run in runs]},
        "runs",
        ["database", "versions", "duration_ms"],
    )
