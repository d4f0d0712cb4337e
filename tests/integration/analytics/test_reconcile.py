from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.reconcile import run as run_module
from aias_core.analytics.reconcile.run import repair, run_reconciliation
from aias_core.analytics.rollup.run import run_rollup
from aias_core.analytics.sources.store import settle, store_messages
from aias_core.contracts import usage
from aias_core.contracts.sources import ControlTotals, Heartbeat, HourTotal
from aias_core.contracts.usage import UsageEvent
from aias_core.database.connection import connect
from aias_core.errors import InvalidInput
from aias_core.windows import Window
from support.events import MODEL, ORG, OTHER_ORG, PRICE_ID, make_event

if TYPE_CHECKING:
    from support.servers import PostgresServer

NOW = clock.now()
DAY = windows.day_of(NOW) - timedelta(days=1)
HOUR = DAY + timedelta(hours=10)
WINDOW = Window(DAY, DAY + timedelta(days=1))
CLOSE = "INSERT INTO aias.month_closes VALUES (%s, 1, 'closed', '{}', %s, now(), NULL, NULL, '[]', 'ada', %s, %s)"


def events(count: int = 6, **changes: Any) -> list[UsageEvent]:
    return [
        make_event(
            at=HOUR + timedelta(minutes=n),
            **{"source": "router-1", "source_seq": n + 1, "org_id": (ORG, OTHER_ORG)[n % 2], **changes},
        )
        for n in range(count)
    ]


def ingest(store: psycopg.Connection, sent: list[UsageEvent]) -> None:
    assert ingest_lines(store, [usage.encode(event) for event in sent], "test").accepted == len(sent)


def announce(store: psycopg.Connection, sent: list[UsageEvent], *, sealed: bool = True, at: datetime = NOW) -> None:
    totals = []
    for org_id in (ORG, OTHER_ORG):
        of_org = [event for event in sent if event.org_id == org_id]
        sums = {n: sum(getattr(e, n) for e in of_org) for n in ("input_tokens", "output_tokens", "cost_pico")}
        if of_org:
            totals.append(HourTotal(org_id=org_id, hour=HOUR, requests=len(of_org), sealed=sealed, **sums))
    heartbeat = Heartbeat(source="router-1", at=at, highest_seq=len(sent), published_seq=len(sent))
    store_messages(store, [ControlTotals(source="router-1", at=at, totals=totals), heartbeat])
    settle(store, [heartbeat], None, clock.now())


@pytest.fixture
def settled(store: psycopg.Connection) -> psycopg.Connection:
    """Six events of two organizations, announced, stored and rolled up."""
    sent = events()
    ingest(store, sent)
    announce(store, sent)
    run_rollup(store)
    return store


@pytest.fixture
def damage(settled: psycopg.Connection, postgres_server: PostgresServer) -> Any:
    """Does to the database what no program of ours may do."""

    def execute(statement: str) -> None:
        with psycopg.connect(postgres_server.superuser(settled.info.dbname).reveal(), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(statement.encode()).rowcount > 0

    return execute


def test_what_is_right_gives_no_finding(settled: psycopg.Connection) -> None:
    result = run_reconciliation(settled, WINDOW)
    assert (result.verdict, result.differences, result.open, result.unsealed, result.facts) == ("equal", 0, 0, 0, 6)
    assert dict(result.compared) == {
        **{"sources": 2, "hours": 2, "hour_keys": 2, "days": 2, "day_keys": 2, "statements": 0},
    }


MORE = 'SELECT (jsonb_populate_record(t, \'{{"{0}": "{1}"}}\')).* FROM aias.{2} t LIMIT 1'
OTHER_MODEL = "01890000-0000-7000-8000-00000000000b"
EXTRA = {
    table: f"INSERT INTO aias.{table} " + MORE.format("model_id", OTHER_MODEL, table)
    for table in ("usage_hours", "usage_days", "usage_hour_keys", "usage_day_keys")
}
DAMAGES = [
    ("DELETE FROM aias.usage_hours", "hours", "missing"),
    (EXTRA["usage_hours"], "hours", "extra"),
    ("UPDATE aias.usage_hours SET errors = errors + 1, requests = requests + 1", "hours", "different"),
    ("UPDATE aias.usage_hours SET cost_pico = cost_pico + 1", "hours", "different"),
    ("UPDATE aias.usage_hours SET adjustment_pico = 1", "hours", "different"),
    ("UPDATE aias.usage_hours SET latency_min = latency_min - 1", "hours", "different"),
    ("UPDATE aias.usage_hours SET latency_idx[1] = latency_idx[1] + 1", "hours", "different"),
    ("UPDATE aias.usage_hours SET ttft_n[1] = ttft_n[1] + 1", "hours", "different"),
    ("DELETE FROM aias.usage_hour_keys", "hour_keys", "missing"),
    (EXTRA["usage_hour_keys"], "hour_keys", "extra"),
    ("UPDATE aias.usage_hour_keys SET billed_output_tokens = 0", "hour_keys", "different"),
    ("DELETE FROM aias.usage_days", "days", "missing"),
    (EXTRA["usage_days"], "days", "extra"),
    ("UPDATE aias.usage_days SET reasoning_tokens = 1", "days", "different"),
    ("UPDATE aias.usage_days SET latency_idx[1] = latency_idx[1] + 1", "days", "different"),
    ("DELETE FROM aias.usage_day_keys", "day_keys", "missing"),
    (EXTRA["usage_day_keys"], "day_keys", "extra"),
    ("UPDATE aias.usage_day_keys SET throttled = 1, requests = requests + 1", "day_keys", "different"),
    ("DELETE FROM aias.usage_facts WHERE source_seq = 3", "hours", "extra"),
    ("DELETE FROM aias.usage_facts WHERE source_seq = 3", "sources", "different"),
    ("DELETE FROM aias.usage_facts WHERE source_seq = 3", "gaps", "missing"),
    ("DELETE FROM aias.usage_facts", "sources", "missing"),
    ("DELETE FROM aias.source_totals", "sources", "extra"),
    ("UPDATE aias.source_totals SET cost_pico = cost_pico - 1", "sources", "different"),
    ("UPDATE aias.dim_prices SET input_pico = input_pico + 1", "cost", "different"),
]


@pytest.mark.parametrize(("statement", "comparison", "kind"), DAMAGES, ids=[f"{c}-{k}-{s[:40]}" for s, c, k in DAMAGES])
def test_each_kind_of_difference_is_found_in_each_comparison(
    settled: psycopg.Connection, damage: Any, statement: str, comparison: str, kind: str
) -> None:
    damage(statement)
    result = run_reconciliation(settled, WINDOW)
    if statement.startswith("DELETE FROM aias.usage_facts WHERE") and comparison == "hours":
        kind = "different"
    assert result.verdict == "different"
    assert (comparison, kind) in {(finding.comparison, finding.kind) for finding in result.findings}


def test_a_finding_names_the_key_the_counter_and_both_sides(settled: psycopg.Connection, damage: Any) -> None:
    damage(f"UPDATE aias.usage_hours SET cost_pico = cost_pico + 7 WHERE org_id = '{ORG}'")
    hours = [f for f in run_reconciliation(settled, WINDOW).findings if f.comparison == "hours"]
    [finding] = hours
    assert (finding.bucket_start, finding.org_id, finding.metric) == (HOUR, ORG, "cost_pico")
    assert finding.key["model_id"] == str(MODEL)
    assert finding.key["price_id"] == str(PRICE_ID)
    assert finding.found == (finding.expected or 0) + 7


@pytest.mark.parametrize(("org_id", "copies"), [("org_id", 1), ("gen_random_uuid()", 0)])
def test_a_fact_stored_twice_is_found_and_one_id_of_two_organizations_is_not(
    settled: psycopg.Connection, org_id: str, copies: int
) -> None:
    settled.execute("CREATE TEMP TABLE copied AS SELECT * FROM aias.usage_facts LIMIT 1")
    settled.execute(f"UPDATE copied SET org_id = {org_id}, occurred_at = occurred_at + interval '1 ms'".encode())
    settled.execute("INSERT INTO aias.usage_facts SELECT * FROM copied")
    result = run_reconciliation(settled, WINDOW, scope="rollups")
    assert result.different["duplicates"] == copies


def test_every_run_and_finding_is_kept(settled: psycopg.Connection, damage: Any) -> None:
    run_reconciliation(settled, WINDOW)
    damage("DELETE FROM aias.usage_days")
    result = run_reconciliation(settled, WINDOW, scope="rollups", tolerance=0, trigger="daily")
    rows = settled.execute(
        "SELECT run_id, scope, trigger, verdict, differences, (SELECT count(*) FROM aias.reconcile_findings f"
        " WHERE f.run_id = r.run_id) FROM aias.reconcile_runs r ORDER BY started_at"
    ).fetchall()
    assert [row[1:5] for row in rows] == [("all", "command", "equal", 0), ("rollups", "daily", "different", 2)]
    assert rows[1][0] == result.run_id
    assert rows[1][5] == len(result.findings) > 0


@pytest.mark.parametrize("scope", ["sources", "rollups", "statements"])
def test_a_scope_looks_at_nothing_else(settled: psycopg.Connection, damage: Any, scope: Any) -> None:
    damage("DELETE FROM aias.usage_days")
    damage("DELETE FROM aias.source_totals")
    compared = set(run_reconciliation(settled, WINDOW, scope=scope).different)
    assert compared == {"sources": {"sources"}, "rollups": {"days"}, "statements": set()}[scope]


def test_a_tolerance_lets_small_differences_of_sums_through_and_no_missing_row(
    settled: psycopg.Connection, damage: Any
) -> None:
    damage("UPDATE aias.usage_hours SET cost_pico = cost_pico + 5")
    damage("UPDATE aias.usage_days SET cost_pico = cost_pico + 5")
    damage("DELETE FROM aias.usage_day_keys")
    result = run_reconciliation(settled, WINDOW, scope="rollups", tolerance=5)
    assert set(result.different) == {"day_keys", "cost"}
    assert set(run_reconciliation(settled, WINDOW, scope="rollups", tolerance=4).different) == {
        *("hours", "day_keys", "cost"),
    }


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM aias.usage_hours",
        "UPDATE aias.usage_hour_keys SET requests = requests + 1, errors = errors + 1",
        "UPDATE aias.usage_days SET cost_pico = 0",
        "DELETE FROM aias.usage_day_keys",
    ],
)
def test_fix_recomputes_rollups_until_they_are_equal(settled: psycopg.Connection, damage: Any, statement: str) -> None:
    damage(statement)
    result = run_reconciliation(settled, WINDOW)
    assert result.differences > 0
    assert repair(settled, result).verdict == "equal"
    row = settled.execute("SELECT trigger FROM aias.rollup_runs ORDER BY started_at DESC LIMIT 1").fetchone()
    assert row == ("repair",)


def test_fix_edits_neither_facts_nor_what_sources_say(settled: psycopg.Connection, damage: Any) -> None:
    damage("UPDATE aias.source_totals SET requests = requests + 1")
    assert repair(settled, run_reconciliation(settled, WINDOW)).verdict == "different"
    assert settled.execute("SELECT sum(requests) FROM aias.source_totals").fetchone() == (8,)


def test_a_bucket_in_the_queue_is_open_and_not_different(store: psycopg.Connection) -> None:
    ingest(store, events())
    result = run_reconciliation(store, WINDOW)
    assert (result.verdict, result.differences, result.open) == ("open", 0, 8)


@pytest.mark.parametrize("is_late", [False, True], ids=["not-sealed", "not-reached"])
def test_an_hour_that_is_not_sealed_or_not_all_stored_is_not_compared(store: psycopg.Connection, is_late: bool) -> None:
    sent = events()
    ingest(store, sent[:4])
    announce(store, sent, sealed=is_late, at=HOUR + timedelta(minutes=30) if is_late else NOW)
    result = run_reconciliation(store, WINDOW, scope="sources")
    assert (result.verdict, result.unsealed, result.compared.total()) == ("open", 2, 0)


def test_a_source_that_said_goodbye_is_compared_without_a_seal(store: psycopg.Connection) -> None:
    sent = events()
    ingest(store, sent[:4])
    announce(store, sent, sealed=False, at=HOUR + timedelta(minutes=30))
    goodbye = Heartbeat(
        source="router-1", at=HOUR + timedelta(minutes=31), highest_seq=6, published_seq=6, closing=True
    )
    store_messages(store, [goodbye])
    assert run_reconciliation(store, WINDOW, scope="sources").unsealed == 2
    settle(store, [goodbye], None, clock.now())
    assert run_reconciliation(store, WINDOW, scope="sources").different["sources"] == 2


def close_month(store: psycopg.Connection, closed_at: datetime) -> None:
    month = windows.month_of(DAY).date()
    store.execute(CLOSE, [month, b"\0" * 32, MODEL, closed_at])
    store.execute(
        """INSERT INTO aias.statement_lines (month, version, line_no, org_id, period_start, project_id, model_id,
            operation, region, currency, price_id, requests, successes, errors, timeouts, throttled, cancelled,
            rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, billed_requests,
            billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustment_pico,
            amount_cents)
        SELECT %s, 1, row_number() OVER (), org_id, bucket_start, project_id, model_id, operation, region, currency,
            price_id, requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens,
            cached_input_tokens, output_tokens, reasoning_tokens, billed_requests, billed_input_tokens,
            billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustment_pico, 0
        FROM aias.usage_days""",
        [month],
    )


@pytest.mark.parametrize(
    ("statement", "comparison", "kind"),
    [
        ("DELETE FROM aias.statement_lines WHERE line_no = 1", "statements", "missing"),
        (
            "INSERT INTO aias.statement_lines "
            + MORE.format("region", "elsewhere", "statement_lines").replace('"region"', '"line_no": "99", "region"'),
            *("statements", "extra"),
        ),
        ("UPDATE aias.statement_lines SET requests = 9, successes = 9", "statements", "different"),
        ("UPDATE aias.statement_lines SET cost_pico = cost_pico + 1", "cost", "different"),
        ("DELETE FROM aias.dim_prices", "cost", "different"),
    ],
    ids=["missing", "extra", "changed", "cost", "unknown-price"],
)
def test_statements_equal_their_days_and_their_prices(
    settled: psycopg.Connection, damage: Any, statement: str, comparison: str, kind: str
) -> None:
    close_month(settled, clock.now())
    assert run_reconciliation(settled, WINDOW, scope="statements").verdict == "equal"
    damage(statement)
    found = run_reconciliation(settled, WINDOW, scope="statements").findings
    assert (comparison, kind) in {(finding.comparison, finding.kind) for finding in found}


def test_what_arrives_after_the_close_waits_for_a_restatement(settled: psycopg.Connection) -> None:
    close_month(settled, clock.now())
    ingest(settled, [make_event(at=HOUR)])
    run_rollup(settled)
    result = run_reconciliation(settled, WINDOW, scope="statements")
    assert (result.differences, result.open) == (0, 1)


def test_a_busy_day_is_compared_hour_by_hour_with_the_same_result(
    settled: psycopg.Connection, damage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage("UPDATE aias.usage_hours SET cost_pico = cost_pico + 1")
    whole = run_reconciliation(settled, WINDOW)
    monkeypatch.setattr(run_module, "FACTS_AT_ONCE", 1)
    parts = run_reconciliation(settled, WINDOW)
    assert parts.findings == whole.findings
    assert (parts.compared, parts.opened) == (whole.compared, whole.opened)


@pytest.mark.parametrize(
    ("window", "tolerance"),
    [(Window(DAY, DAY + timedelta(minutes=90)), 0), (WINDOW, -1)],
    ids=["misaligned", "negative"],
)
def test_input_that_means_nothing_is_refused(store: psycopg.Connection, window: Window, tolerance: int) -> None:
    with pytest.raises(InvalidInput):
        run_reconciliation(store, window, tolerance=tolerance)


def test_correct_data_with_traffic_in_progress_gives_no_finding(
    store: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    dsn, stop, failures = postgres_server.dsn(store.info.dbname, "aias_analytics"), threading.Event(), list[str]()
    numbers = iter(range(1, 1_000_000))

    def work(job: Any) -> None:
        try:
            with connect(dsn, autocommit=True) as connection:
                while not stop.is_set():
                    job(connection)
        except Exception as error:
            failures.append(repr(error))

    def send(connection: psycopg.Connection) -> None:
        fresh = [
            make_event(at=HOUR + timedelta(seconds=n % 7200), source="router-1", source_seq=n)
            for n in (next(numbers) for _ in range(20))
        ]
        ingest_lines(connection, [usage.encode(event) for event in fresh], "test")

    workers = [threading.Thread(target=work, args=(job,)) for job in (send, run_rollup, run_rollup)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(15):
            result = run_reconciliation(store, WINDOW)
            assert [f for f in result.findings if f.comparison != "gaps"] == []
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert failures == []
    run_rollup(store)
    assert run_reconciliation(store, WINDOW).verdict == "equal"
