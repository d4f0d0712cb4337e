"""Hands the records of runs on: to the audit chain, and to a collector of traces where one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection


def deliver_runs(connection: Connection, database: str) -> None:
    pass
