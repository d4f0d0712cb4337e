"""aias analytics exports verify"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound

COLUMNS = ("check", "equal", "manifest", "found")


def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported file with its manifest beside it.")],
    online: Annotated[bool, typer.Option("--online", help="Compare with what the store says now, too.")] = False,
) -> None:
    """Prove that a file is what its manifest says; needs no environment. Ends with 10 on any difference.

    Example: aias analytics exports verify aias-usage_all_2026-10_day_v1.csv
    """
    from aias_core.finance.export.verify import verify_file

    context = current(ctx)
    if online:
        with context.environment().endpoints().analytics_connection() as connection:
            checks = verify_file(file, connection)
    else:
        checks = verify_file(file)
    different = [check["check"] for check in checks if not check["equal"]]
    data = {"file": str(file), "verdict": "different" if different else "equal", "checks": checks}
    context.printer.result("aias.analytics.exports.verify/1", data, "checks", COLUMNS)
    if different:
        raise DifferenceFound(
            f"'{file}' is not what its manifest says: {', '.join(different)}", hint="export it again with --force"
        )
