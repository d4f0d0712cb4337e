"""Delivers records of access to the audit chain of identity, in order; what cannot be delivered waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from aias_core.analytics.access.records import list_undelivered, mark_delivered
from aias_core.database.connection import Pool
from aias_core.errors import AiasError
from aias_core.management import ManagementClient

EVERY_SECONDS = 1.0


async def deliver_records(pool: Pool, identity: ManagementClient, stop: asyncio.Event) -> None:
    """Delivers until told to stop; an outage of identity or of the database is waited out."""
    failing = False
    while not stop.is_set():
        try:
            await asyncio.to_thread(deliver_once, pool, identity)
            failing = False
        except AiasError as error:
            if not failing:
                structlog.get_logger().warning("audit_delivery_interrupted", error=type(error).__name__)
            failing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)


def deliver_once(pool: Pool, identity: ManagementClient) -> int:
    """Delivers the oldest records; returns how many. A repetition is no second record, by their ids."""
    with pool.connection() as connection:
        records = list_undelivered(connection)
        if not records:
            return 0
        identity.post("/internal/v1/audit-records", {"records": records})
        return mark_delivered(connection, [record["audit_id"] for record in records])
