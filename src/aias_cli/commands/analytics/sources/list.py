"""aias analytics sources list"""

from __future__ import annotations

import typer

from aias_cli.context import current

COLUMNS = (
    "source",
    "state",
    "highest_seq",
    "unpublished",
    "gaps",
    "oldest_unpublished_at",
    "heartbeat_at",
    "sealed_through",
)


def list_sources(ctx: typer.Context) -> None:
    """List the sources of usage: what each has not published yet, and how many of its events no fact holds.

    Example: aias analytics sources list
    """
    from aias_core.analytics.sources.registry import describe_sources

    context = current(ctx)
    with context.environment().endpoints().analytics_connection() as connection:
        sources = describe_sources(connection)
    context.printer.result("aias.analytics.sources.list/1", {"sources": sources}, "sources", COLUMNS)
