"""Plans and standing as records: what a run would do, what is in its way, where a database stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from aias_core.audit.chain import verify_chain
from aias_core.database.connection import connect
from aias_core.errors import AiasError, DifferenceFound, Partial
from aias_core.files import whole_file
from aias_core.migrate.catalog.snapshot import read_fingerprint
from aias_core.migrate.expected import load_expected
from aias_core.migrate.files import load_migrations
from aias_core.migrate.gates import find_free_bytes, format_bytes, iter_obstacles, measure_rewrites
from aias_core.migrate.history import (
    compare_history,
    describe_holder,
    fetch_value,
    queries,
    read_history,
)
from aias_core.migrate.plan import Plan, Reach, build_down_plan, build_up_plan

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.migrate.target import Target

PLAN_SCHEMA = "aias.db.plan/1"


def describe_plans(
    environment: str, targets: Iterable[Target], *, to: str | None = None, reach: Reach | None = None
) -> dict[str, Any]:
    """The plans of a run on each database, up or (with a reach) down, and what stands in their way now."""
    plans, obstacles = [], []
    for target in targets:
        migrations = load_migrations(target.files)
        with connect(target.dsn, f"database '{target.database}'", autocommit=True) as connection:
            status = compare_history(target.database, read_history(connection), migrations)
            plan = build_up_plan(status, to) if reach is None else build_down_plan(status, migrations, reach)
            plans.append({**plan.as_record(), **_measure(connection, target, plan)})
            if plan.steps:
                found = iter_obstacles(connection, target, plan, status)
                obstacles += [{"database": plan.database, "name": name, "sentence": text} for name, text in found]
    return {"environment": environment, "plans": plans, "obstacles": obstacles}


def _measure(connection: Connection, target: Target, plan: Plan) -> dict[str, Any]:
    rows = connection.execute(queries["estimate_relations"], {"relations": plan.relations})
    return {
        "relations": {name: {"rows": count, "bytes": size} for name, count, size in rows},
        "rewrite_bytes": measure_rewrites(connection, plan),
        "free_bytes": find_free_bytes(target.data),
    }


def describe_unknown_disks(document: Mapping[str, Any]) -> list[str]:
    """A sentence for each described plan that rewrites tables where the free disk is not known."""
    return [
        f"'{plan['database']}' needs {format_bytes(plan['rewrite_bytes'])} of disk; what its server has is not known"
        for plan in document["plans"]
        if plan["rewrite_bytes"] and plan["free_bytes"] is None
    ]


def list_statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a described plan, one row each; rows are those the statistics know."""
    return [
        {
            "database": plan["database"],
            "file": f"{step['version']}_{step['slug']}.{step['direction']}.sql",
            "line": item["line"],
            "statement": item["statement"],
            "locks": [f"{lock['mode']} on {lock['relation']}" for lock in item["relations"]],
            "class": item["lock_class"],
            "risk": item["risk"],
            "rows": sum(plan["relations"].get(lock["relation"], {}).get("rows", 0) for lock in item["relations"]),
        }
        for plan in document["plans"]
        for step in plan["steps"]
        for item in step["statements"]
    ]


def write_plans(document: Mapping[str, Any], path: Path) -> None:
    """Writes a described plan whole or not at all, for others to sign."""
    with whole_file(path, mode=0o644) as file:
        file.write(json.dumps({"schema": PLAN_SCHEMA, **document}, indent=1, default=str).encode() + b"\n")


def describe_standing(target: Target) -> dict[str, Any]:
    """Where a database stands: version, pending, unfinished, failed, drift, server, who is at work on it."""
    migrations = load_migrations(target.files)
    with connect(target.dsn, f"database '{target.database}'", autocommit=True) as connection:
        status = compare_history(target.database, read_history(connection), migrations)
        wanted = load_expected(target.files).get(status.version or "")
        latest = status.applied[-1] if status.applied else None
        return {
            "database": target.database,
            "version": status.version,
            "applied": len(status.applied),
            "applied_at": latest and latest.finished_at,
            "applied_by": latest and latest.applied_by,
            "pending": [migration.name for migration in status.pending],
            "unfinished": [row.name for row in status.unfinished],
            "failed": [row.name for row in status.failed],
            "drift": None if wanted is None else read_fingerprint(connection) != wanted,
            "server": fetch_value(connection, "read_server_version"),
            "lock_holder": describe_holder(connection),
            "undelivered_audit": fetch_value(connection, "count_undelivered") if latest else 0,
        }


def describe_runs(targets: Iterable[Target], limit: int) -> list[dict[str, Any]]:
    """The newest runs of each database, newest first, whether they ended well or not."""
    runs = []
    for target in targets:
        with connect(target.dsn, f"database '{target.database}'") as connection:
            if fetch_value(connection, "has_engine"):
                rows = connection.cursor(row_factory=dict_row).execute(queries["list_runs"], {"limit": limit})
                runs += [
                    {"database": target.database, **row, "audited": row["delivered_at"] is not None} for row in rows
                ]
    return sorted(runs, key=lambda run: run["started_at"], reverse=True)


def describe_chain(operational: Target) -> dict[str, Any]:
    """How many records the platform's audit chain holds, and what is wrong with it."""
    with connect(operational.dsn, f"database '{operational.database}'", autocommit=True) as connection:
        connection.execute(queries["act_as_owner"])
        count, broken = verify_chain(connection)
    return {"records": count, "faults": [f"record {link.seq} {link.fault}" for link in broken]}


def check_standing(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raises AiasError for a failed version, Partial for an unfinished one, DifferenceFound for pending or drift."""
    faults = [
        (AiasError, "failed", "has a failed migration", "correct it and run: aias db migrate"),
        (Partial, "unfinished", "has an unfinished migration", "finish it with: aias db migrate"),
        (DifferenceFound, "drift", "has drifted from its files", "see how with: aias db diff"),
        (DifferenceFound, "pending", "has migrations pending", "apply them with: aias db migrate"),
    ]
    for error, column, what, hint in faults:
        for row in rows:
            if row[column]:
                raise error(f"'{row['database']}' {what}", hint=hint)
