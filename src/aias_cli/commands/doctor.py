"""aias doctor"""

from __future__ import annotations

import typer

from aias_cli.context import current
from aias_core.errors import PrerequisiteMissing


def doctor(ctx: typer.Context) -> None:
    """Check this machine, with a remedy for each finding. Ends with 3 when something required is missing.

    Example: aias doctor -o json
    """
    from aias_core.doctor import Verdict, run_checks

    context = current(ctx)
    checks = run_checks(context.state_dir)
    data = {"checks": [check.as_record() for check in checks]}
    context.printer.result("aias.doctor/1", data, "checks", ["name", "verdict", "needed", "found", "remedy"])
    failed = [check.name for check in checks if check.verdict is Verdict.FAIL]
    if failed:
        raise PrerequisiteMissing(f"Not ready: {', '.join(failed)}", hint="follow the remedies above")
