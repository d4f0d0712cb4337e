from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.errors import ExitCode, PrerequisiteMissing, Refused
from aias_core.identity.api_keys import resolve_key
from aias_core.identity.passwords import is_password
from aias_core.migrate.target import Target
from aias_core.protection.data_keys import WrongKey
from aias_core.seeds.run import Site
from aias_core.seeds.upsert import NotOfThePackage
from support.keys import make_data_keys
from support.seeding import make_site, on_databases_of, read_tables, run_reset, run_seed

if TYPE_CHECKING:
    from support.servers import PostgresServer

# What a reset leaves: names of keys, the record that it happened, queued work, and numbers that services remember.
LEFT = {
    *("operational.hash_keys", "operational.audit_heads", "operational.audit_log"),
    *("analytics.dirty_hours", "analytics.usage_series"),
}


@pytest.mark.parametrize("package", ["local-dev", "ci"])
def test_a_package_applied_three_times_is_there_once(site: Site, postgres_server: PostgresServer, package: str) -> None:
    first = run_seed(site, package)
    assert all(table["inserted"] and not table["updated"] + table["unchanged"] for table in first.tables)
    before = read_tables(postgres_server, site)
    for _ in range(2):
        again = run_seed(site, package)
        assert [t["unchanged"] for t in again.tables] == [t["inserted"] for t in first.tables]
        assert not any(t["inserted"] or t["updated"] for t in again.tables)
        assert read_tables(postgres_server, site) == before


def test_ci_gives_the_same_events_everywhere(site: Site, postgres_server: PostgresServer, tmp_path: Path) -> None:
    other = make_site(postgres_server, tmp_path / "other")
    for place in (site, other):
        run_seed(place, "ci")
    one, two = read_tables(postgres_server, site), read_tables(postgres_server, other)
    same = ("usage_facts_202601", "event_receipts_202601", "source_totals", "sources", "ingest_batches", "dim_prices")
    assert [one[f"analytics.{name}"] for name in same] == [two[f"analytics.{name}"] for name in same]


def test_what_was_changed_by_hand_is_put_right_and_told(site: Site) -> None:
    run_seed(site, "local-dev")
    with connect(site.operational.dsn) as connection:
        connection.execute("UPDATE aias.organizations SET display_name = 'x' WHERE slug = 'dev-org'")
        connection.execute("DELETE FROM aias.budgets")
    changed = {t["table"]: (t["inserted"], t["updated"]) for t in run_seed(site, "local-dev").tables}
    assert {name: counts for name, counts in changed.items() if any(counts)} == {
        "organizations": (0, 1),
        "budgets": (1, 0),
    }
    assert not any(t["inserted"] or t["updated"] for t in run_seed(site, "local-dev").tables)


def test_people_can_sign_in_and_the_key_is_found(site: Site) -> None:
    secrets = {c.name: c.secret for c in run_seed(site, "local-dev").credentials}
    keys = site.keys
    with connect(site.operational.dsn) as connection:
        kid, digest = keys.hash_email("Owner@DEV-ORG.example")
        row = connection.execute("SELECT aias.find_user_by_email(%s, %s)", [kid, digest]).fetchone()
        assert row
        stored = connection.execute(
            "SELECT email_ciphertext, email_enc_kid, password_hash FROM aias.users "
            "JOIN aias.user_credentials USING (user_id) WHERE user_id = %s",
            row,
        ).fetchone()
        assert stored
        assert keys.encryption.unseal(stored[0], stored[1], row[0].bytes) == "owner@dev-org.example"
        assert is_password(secrets["dev-org-owner"], stored[2])
        text = secrets["dev-org-key-website"].reveal()
        grant = resolve_key(connection, {"k1": keys.hashing.digest(text, "k1")})
        assert grant
        assert grant["org_slug"] == "dev-org"


def test_no_secret_and_no_address_is_in_the_database_in_clear(site: Site) -> None:
    secrets = [c.secret.reveal() for c in run_seed(site, "local-dev").credentials]
    with connect(site.operational.dsn) as connection:
        for table in ("users", "user_credentials", "user_email_hashes", "api_keys", "audit_log", "seed_runs"):
            for (text,) in connection.execute(f"SELECT t::text FROM aias.{table} t".encode()):
                assert not any(secret in text for secret in secrets)
                assert "dev-org.example" not in text


def test_a_secret_that_was_lost_is_replaced_where_it_is_used(
    site: Site, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    run_seed(site, "local-dev")
    moved = replace(on_databases_of(make_site(postgres_server, tmp_path / "new"), site), keys=site.keys)
    run = run_seed(moved, "local-dev")
    changed = {t["table"]: t["updated"] for t in run.tables if t["updated"]}
    assert changed == {"user_credentials": 6, "api_keys": 1}
    assert not any(t["updated"] for t in run_seed(moved, "local-dev").tables)


def test_reset_removes_exactly_the_rows_of_the_package(
    site: Site, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    before = read_tables(postgres_server, site)
    seeded = {t["table"]: t["inserted"] for t in run_seed(site, "local-dev").tables}
    removed = {t["table"]: t["removed"] for t in run_reset(site, "local-dev").tables}
    assert removed == {name: seeded[name] for name in removed}
    assert seeded.keys() - removed.keys() == {"user_email_hashes", "user_credentials"}  # gone with their people
    after = read_tables(postgres_server, site)
    assert {name: table for name, table in after.items() if name not in LEFT} == before
    assert list((tmp_path / "secrets").glob("seed-*")) == []
    assert not any(t["removed"] for t in run_reset(site, "local-dev").tables)
    assert {t["table"]: t["inserted"] for t in run_seed(site, "local-dev").tables} == seeded


def test_reset_stops_before_what_somebody_added(site: Site, postgres_server: PostgresServer) -> None:
    run_seed(site, "local-dev")
    with connect(site.operational.dsn) as connection:
        connection.execute(
            "INSERT INTO aias.projects (project_id, org_id, slug, display_name) "
            "SELECT gen_random_uuid(), org_id, 'mine', 'Mine' FROM aias.organizations "
            "WHERE slug = 'dev-org'"
        )
    before = read_tables(postgres_server, site)
    with pytest.raises(NotOfThePackage, match="projects_org_id_fkey") as caught:
        run_reset(site, "local-dev")
    assert caught.value.exit_code == ExitCode.CONFLICT
    assert read_tables(postgres_server, site) == before


@pytest.mark.parametrize("package", ["local-dev", "staging"])
def test_a_name_that_is_taken_is_never_taken_over(site: Site, postgres_server: PostgresServer, package: str) -> None:
    run_seed(site, "ci")
    place = replace(site, environment="staging") if package == "staging" else site
    if package == "staging":
        with connect(site.operational.dsn) as connection:
            connection.execute(
                "INSERT INTO aias.organizations (org_id, slug, display_name) "
                "VALUES (gen_random_uuid(), 'staging-south', 'Mine')"
            )
    before = read_tables(postgres_server, site)
    with pytest.raises(NotOfThePackage, match="organizations"):
        run_seed(place, package)
    assert read_tables(postgres_server, site) == before


def test_a_database_that_serves_production_is_refused_whatever_the_environment_is_called(site: Site) -> None:
    run_seed(site, "local-dev")
    with connect(site.operational.dsn) as connection:
        connection.execute(
            "INSERT INTO aias.model_deployments (deployment_id, name, revision_id, environment, region, status) "
            "SELECT gen_random_uuid(), 'gpu-1', revision_id, 'production', 'us-ord', 'pending' "
            "FROM aias.model_revisions LIMIT 1"
        )
    for act in (run_seed, run_reset):
        with pytest.raises(Refused, match="serves 'production'"):
            act(site, "local-dev")


def test_pending_migrations_come_first(site: Site, postgres_server: PostgresServer) -> None:
    empty = Target("analytics", postgres_server.dsn(postgres_server.empty(), "aias_migrator"))
    with pytest.raises(PrerequisiteMissing, match="pending") as caught:
        run_seed(replace(site, analytics=empty), "local-dev")
    assert "aias db migrate" in str(caught.value.hint)
    assert "operational.organizations" not in read_tables(postgres_server, site)


def test_another_key_of_the_same_name_is_caught_before_it_writes(site: Site, postgres_server: PostgresServer) -> None:
    run_seed(site, "local-dev")
    before = read_tables(postgres_server, site)
    with pytest.raises(WrongKey) as caught:
        run_seed(replace(site, keys=make_data_keys()), "local-dev")
    assert caught.value.exit_code == ExitCode.PREREQUISITE
    assert read_tables(postgres_server, site) == before


def test_the_past_is_the_owners_to_seed_and_nobody_elses(site: Site, postgres_server: PostgresServer) -> None:
    run_seed(site, "local-dev")
    name = psycopg.conninfo.conninfo_to_dict(site.operational.dsn.reveal())["dbname"]
    price = (
        "INSERT INTO aias.model_prices (price_id, model_id, operation, input_pico, cached_input_pico, output_pico, "
        "effective_from) SELECT %s, model_id, operation, 1, 1, 1, now() - interval '1 day' FROM aias.model_prices "
        "LIMIT 1"
    )
    seed_id, real_id = "00000000-0000-5000-8000-000000000001", "00000000-0000-7000-8000-000000000001"
    for role, price_id in (("aias_router", seed_id), ("aias_router", real_id), ("aias_migrator", real_id)):
        with (
            connect(postgres_server.dsn(str(name), role), autocommit=True) as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute(price, [price_id])
