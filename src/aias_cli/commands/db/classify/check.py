"""aias db classify check"""

from __future__ import annotations

import typer

from aias_cli.commands.db.options import Database, DatabaseOption
from aias_cli.context import current
from aias_core.errors import DifferenceFound


def check(ctx: typer.Context, database: DatabaseOption = Database.ALL) -> None:
    """Compare the data policy with every column that the migrations make, on a scratch server; needs no environment.

    Example: aias db classify check --database analytics
    """
    from aias_core.environments.databases import list_databases
    from aias_core.protection.policy import check_shipped_policy

    findings = check_shipped_policy(list_databases(database))
    rows = [finding.as_record() for finding in findings]
    columns = ["database", "table", "column", "problem"]
    current(ctx).printer.result("aias.db.classify/1", {"findings": rows}, "findings", columns)
    if findings:
        raise DifferenceFound(
            f"The data policy has {len(findings)} findings", hint="correct 'migrations/data-policy.yaml'"
        )
