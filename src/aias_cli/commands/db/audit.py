"""aias db audit"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.db.options import Database, DatabaseOption, find_targets
from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("started_at", "database", "direction", "to_version", "status", "actor", "reason", "audited", "error")


def audit(
    ctx: typer.Context,
    database: DatabaseOption = Database.ALL,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many of the newest runs of each database.")] = 20,
) -> None:
    """Show who ran what on the databases, refused and failed runs included, and recompute the audit chain.

    Ends with 10 where the chain is broken.

    Example: aias db audit --limit 5
    """
    from aias_core.environments.databases import find_operational
    from aias_core.migrate.report import describe_chain, describe_runs

    context = current(ctx)
    runs = describe_runs(find_targets(context, database, None), limit)
    chain = describe_chain(find_operational(context.environment()))
    context.printer.result("aias.db.audit/1", {"runs": runs, "chain": chain}, "runs", COLUMNS)
    context.printer.note(f"Audit chain: {chain['records']} records, {len(chain['faults'])} faults")
    if chain["faults"]:
        raise DifferenceFound(f"The audit chain is broken: {chain['faults'][0]}", hint="see all with: -o json")
