"""aias demo"""

from __future__ import annotations

import typer

from aias_cli.context import current
from aias_core.errors import DifferenceFound


def demo(ctx: typer.Context) -> None:
    """Watch the whole platform do its job once on a throw-away environment, with every number proven.

    Nothing stays behind. Ends with 10 when a proof fails. A demo that was killed is cleared away by the next one.

    Example: aias demo
    """
    from aias_core.demo.run import ENVIRONMENT, Demo

    context = current(ctx)
    printer = context.printer
    report = Demo(context.environment(ENVIRONMENT), printer.note).run()
    printer.note_table(f"Usage of {report.usage['org']}:", report.usage["series"], USAGE_COLUMNS)
    printer.note_table(f"The export {report.export['name']}:", report.file_rows, FILE_COLUMNS)
    printer.result("aias.demo/1", report.as_record(), "proofs", ["claim", "expected", "found", "holds"])
    if report.failed:
        raise DifferenceFound(f"{len(report.failed)} proofs failed", hint="run it again with: aias demo -o json")
    printer.note(f"All {len(report.proofs)} proofs hold. Next: aias env up")


USAGE_COLUMNS = (
    "bucket_start",
    "model",
    "requests",
    "errors",
    "rejected",
    "input_tokens",
    "output_tokens",
    "cost",
    "p95_ms",
)
FILE_COLUMNS = ("period_start", "org_slug", "model_name", "requests", "total_tokens", "amount_exact", "currency")
