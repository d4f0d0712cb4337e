from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import dict_row

from aias_core import clock, ids, windows
from aias_core.analytics import sketch
from aias_core.analytics.ingest.store import LATE_AFTER
from aias_core.analytics.reconcile.run import run_reconciliation
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from aias_core.database.connection import connect
from aias_core.money import Price
from aias_core.seeds import history
from aias_core.seeds.history import UsageDiffers
from aias_core.seeds.run import Site
from aias_core.windows import Window
from support.seeding import make_site, read_tables, run_reset, run_seed

if TYPE_CHECKING:
    from support.servers import PostgresServer

FIGURES = {"orgs": 4, "models": 3, "days": 3, "events": 5000, "late_pct": 10, "dup_pct": 5, "rng_seed": 7}


@pytest.fixture
def store(site: Site) -> Iterator[psycopg.Connection]:
    run_seed(site, "bench", **FIGURES)
    with connect(site.analytics.dsn, autocommit=True) as connection:
        yield connection


def test_every_event_is_one_that_the_contract_accepts(store: psycopg.Connection) -> None:
    columns = ", ".join(set(UsageEvent.__struct_fields__) - {"schema", "kind"})
    prices = {
        row[0]: Price(str(row[0]), *row[1:])
        for row in store.execute(
            "SELECT price_id, currency, input_pico, cached_input_pico, output_pico, request_pico FROM aias.dim_prices"
        )
    }
    count = 0
    with store.cursor(row_factory=dict_row) as cursor:
        query = f"SELECT {columns}, received_at, late, latency_bucket, ttft_bucket FROM aias.usage_facts"
        for row in cursor.execute(query.encode()):
            received_at, late = row.pop("received_at"), row.pop("late")
            assert row.pop("latency_bucket") == sketch.bucket_of(row["duration_ms"])
            assert row.pop("ttft_bucket") == (None if row["ttft_ms"] is None else sketch.bucket_of(row["ttft_ms"]))
            event = usage.decode(usage.encode(UsageEvent(**row)), received_at)
            assert ids.instant_of(event.event_id) == event.occurred_at <= received_at
            assert late == (received_at - event.occurred_at > LATE_AFTER)
            if event.billable:
                tokens = event.input_tokens, event.cached_input_tokens, event.output_tokens
                assert event.price_id is not None
                assert event.cost_pico == prices[event.price_id].cost_pico(*tokens)
            count += 1
    assert count == FIGURES["events"]


def test_rollups_and_reconciliation_of_made_up_usage_are_exact(store: psycopg.Connection) -> None:
    run_rollup(store)
    today = windows.day_of(clock.now())
    found = run_reconciliation(store, Window(today - timedelta(days=4), today + timedelta(days=1)))
    assert (found.facts, found.open, found.findings) == (FIGURES["events"], 0, [])
    row = store.execute("SELECT sum(requests) FROM aias.usage_days").fetchone()
    assert row == (FIGURES["events"],)


def test_the_shares_are_those_that_were_asked_for(store: psycopg.Connection) -> None:
    row = store.execute(
        "SELECT avg(late::int), avg((status <> 'success')::int), count(DISTINCT status), count(DISTINCT org_id), "
        "count(DISTINCT model_id), count(DISTINCT date_trunc('day', occurred_at, 'UTC')), count(DISTINCT source_seq), "
        "max(source_seq) FROM aias.usage_facts"
    ).fetchone()
    assert row
    late, failed, *counts = row
    assert abs(float(late) - 0.10) < 0.02
    assert abs(float(failed) - 0.05) < 0.02
    assert counts == [6, 4, 3, 3, 5000, 5000]
    copies = store.execute("SELECT sum(duplicate) FROM aias.ingest_batches").fetchone()
    assert copies
    assert 200 < copies[0] < 300


def test_the_same_figures_give_the_same_events_and_another_seed_gives_others(
    site: Site, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_seed(site, "bench", **FIGURES)
    contents = [_pick(site)]
    monkeypatch.setattr(history, "BATCH_EVENTS", 777)
    for rng_seed in (7, 8):
        place = make_site(postgres_server, tmp_path / f"{rng_seed}")
        run_seed(place, "bench", **{**FIGURES, "rng_seed": rng_seed})
        contents.append(_pick(place))
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def _pick(site: Site) -> list[object]:
    with connect(site.analytics.dsn) as connection:
        return connection.execute(
            "SELECT count(*), sum(hashtextextended(ROW(event_id, occurred_at, org_id, model_id, status, duration_ms, "
            "ttft_ms, input_tokens, output_tokens, cost_pico, price_id, received_at, late, source_seq)::text, 0)) "
            "FROM aias.usage_facts"
        ).fetchall()


def test_other_figures_are_refused_until_the_first_are_removed(site: Site, postgres_server: PostgresServer) -> None:
    run_seed(site, "bench", **FIGURES)
    before = read_tables(postgres_server, site)
    with pytest.raises(UsageDiffers) as caught:
        run_seed(site, "bench", **{**FIGURES, "events": 6000})
    assert "--reset" in str(caught.value.hint)
    assert read_tables(postgres_server, site) == before
    removed = {t["table"]: t["removed"] for t in run_reset(site, "bench").tables}
    assert (removed["usage_facts"], removed["event_receipts"], removed["organizations"]) == (5000, 5000, 4)
    run_seed(site, "bench", **{**FIGURES, "events": 6000})


@pytest.mark.parametrize("orgs", [FIGURES["orgs"] - 1, FIGURES["orgs"] + 1], ids=["fewer", "more"])
def test_other_organizations_are_refused_until_a_reset_that_leaves_none(site: Site, orgs: int) -> None:
    run_seed(site, "bench", **FIGURES)
    with pytest.raises(UsageDiffers, match="other figures"):
        run_seed(site, "bench", **{**FIGURES, "orgs": orgs})
    run_reset(site, "bench", orgs=orgs)
    with connect(site.operational.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM aias.organizations").fetchone() == (0,)


def test_removed_usage_leaves_the_rollups_as_well_and_that_of_others_stays(site: Site) -> None:
    run_seed(site, "local-dev")
    with connect(site.analytics.dsn, autocommit=True) as connection:
        run_rollup(connection)
        alone = connection.execute("SELECT count(*), sum(requests), sum(cost_pico) FROM aias.usage_hours").fetchone()
        run_seed(site, "bench", **FIGURES)
        run_rollup(connection)
        run_reset(site, "bench")
        run_rollup(connection)
        rest = connection.execute("SELECT count(*), sum(requests), sum(cost_pico) FROM aias.usage_hours").fetchone()
    assert rest == alone
