from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.errors import AiasError, LockHeld, NotFound
from aias_core.migrate import runner
from aias_core.migrate.runner import MigrationEdited, MigrationOutOfOrder, migrate, read_status, rollback
from aias_core.secret import Secret

if TYPE_CHECKING:
    from support.servers import PostgresServer


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> Secret:
    return postgres_server.dsn(postgres_server.empty(), "aias_migrator")


def tables_of(dsn: Secret) -> set[str]:
    with psycopg.connect(dsn.reveal()) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in rows}


def test_pending_migrations_are_applied_once(dsn: Secret, migrations: Path) -> None:
    assert migrate("x", dsn, directory=migrations).versions == ["202610010000", "202610010001"]
    assert tables_of(dsn) == {"one", "two"}
    assert migrate("x", dsn, directory=migrations).versions == []
    assert read_status("x", dsn, migrations).version == "202610010001"


def test_a_failing_file_leaves_neither_table_nor_history(dsn: Secret, migrations: Path) -> None:
    (migrations / "202610010001_two.up.sql").write_text("CREATE TABLE two (id bigint); SELECT 1/0;")
    with pytest.raises(AiasError, match="division by zero"):
        migrate("x", dsn, directory=migrations)
    assert tables_of(dsn) == {"one"}
    assert [m.slug for m in read_status("x", dsn, migrations).pending] == ["two"]


def test_an_edited_applied_file_is_refused(dsn: Secret, migrations: Path) -> None:
    migrate("x", dsn, directory=migrations)
    (migrations / "202610010000_one.up.sql").write_text("CREATE TABLE other (id bigint);")
    with pytest.raises(MigrationEdited, match="202610010000_one"):
        migrate("x", dsn, directory=migrations)


def test_a_removed_applied_file_is_refused(dsn: Secret, migrations: Path) -> None:
    migrate("x", dsn, directory=migrations)
    for path in migrations.glob("202610010001*"):
        path.unlink()
    with pytest.raises(MigrationEdited, match="its file is gone"):
        read_status("x", dsn, migrations)


def test_a_file_older_than_an_applied_one_is_refused(dsn: Secret, migrations: Path) -> None:
    migrate("x", dsn, directory=migrations)
    for way in ("up", "down"):
        (migrations / f"202609010000_late.{way}.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationOutOfOrder, match="202609010000_late"):
        migrate("x", dsn, directory=migrations)


def test_of_many_runners_at_once_exactly_one_applies(dsn: Secret, migrations: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: migrate("x", dsn, directory=migrations, lock_wait_seconds=30), range(8)))
    assert sorted(len(run.versions) for run in runs) == [0] * 7 + [2]


def test_a_runner_names_who_holds_the_lock(dsn: Secret, migrations: Path) -> None:
    with runner._locked_connection("x", dsn, 0), pytest.raises(LockHeld, match="aias db migrate"):
        migrate("x", dsn, directory=migrations)
    assert migrate("x", dsn, directory=migrations).versions


def test_rolling_back_reverts_exactly_the_newest(dsn: Secret, migrations: Path) -> None:
    migrate("x", dsn, directory=migrations)
    assert rollback("x", dsn, 1, directory=migrations).versions == ["202610010001"]
    assert tables_of(dsn) == {"one"}
    with pytest.raises(NotFound, match="has 1 applied"):
        rollback("x", dsn, 2, directory=migrations)


@pytest.fixture(params=["operational", "analytics"])
def shipped(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> tuple[str, Secret]:
    return request.param, postgres_server.dsn(postgres_server.empty(), "aias_migrator")


def catalogue_of(dsn: Secret) -> list[tuple[str, ...]]:
    with psycopg.connect(dsn.reveal()) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'aias' ORDER BY 1, 2"
        ).fetchall()
        constraints = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = "
            "(SELECT oid FROM pg_namespace WHERE nspname = 'aias') ORDER BY 1, 2"
        ).fetchall()
    return [*columns, *constraints]


def test_every_shipped_migration_goes_down_and_up_again(shipped: tuple[str, Secret]) -> None:
    database, dsn = shipped
    versions = migrate(database, dsn).versions
    before = catalogue_of(dsn)
    assert rollback(database, dsn, len(versions)).versions == versions[::-1]
    assert catalogue_of(dsn) == []
    assert migrate(database, dsn).versions == versions
    assert catalogue_of(dsn) == before
