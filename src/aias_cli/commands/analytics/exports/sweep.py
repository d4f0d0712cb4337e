"""aias analytics exports sweep"""

from __future__ import annotations

import typer

from aias_cli.context import current
from aias_core.errors import Partial


def sweep(ctx: typer.Context) -> None:
    """Remove files that have outlived their time, and what failed and cancelled jobs have left behind.

    Example: aias analytics exports sweep
    """
    from aias_core.finance.jobs.sweep import sweep as sweep_bucket

    context = current(ctx)
    endpoints = context.environment().endpoints()
    with endpoints.analytics_connection() as connection:
        swept = sweep_bucket(connection, endpoints.object_store().client(), endpoints.bucket)
    context.printer.result("aias.analytics.exports.sweep/1", swept.as_record())
    if swept.unswept:
        reasons = "; ".join(f"'{bucket}': {reason}" for bucket, reason in swept.unswept.items())
        raise Partial(f"Not swept: {reasons}", hint="look with: aias env status")
