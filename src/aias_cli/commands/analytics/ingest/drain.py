"""aias analytics ingest drain"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def drain(
    ctx: typer.Context,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="When to give up, with 9.")] = 60.0,
) -> None:
    """Store the events that wait in the stream until none is left; the service may be at work at the same time.

    Example: aias analytics ingest drain --max-seconds 300
    """
    import asyncio

    from aias_core.analytics.ingest.drain import drain_endpoints

    context = current(ctx)
    endpoints = context.environment().endpoints()
    record = asyncio.run(drain_endpoints(endpoints.nats_url, endpoints.dsn("analytics", "aias_analytics"), max_seconds))
    context.printer.result("aias.analytics.ingest.drain/1", record)
