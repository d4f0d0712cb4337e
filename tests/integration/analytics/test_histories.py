"""Facts, rollups and exports of random histories equal a brute-force model, to the last digit.

`AIAS_TEST_HISTORIES` says how many; the number that ran stands at the end of the output.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row

from aias_core import clock
from aias_core.analytics.ingest.batch import prepare
from aias_core.analytics.ingest.store import IngestResult, Origin, store_batch
from aias_core.analytics.rollup.run import count_dirty_buckets, enqueue_window, run_rollup
from aias_core.database.connection import connect
from aias_core.finance.export.request import ExportRequest
from aias_core.protection.policy import load_policy
from aias_core.retention.erasure.requests import bury
from aias_core.retention.erasure.rules import Subject, list_rules
from aias_core.windows import Grain, Window, next_month
from support.crashing import Worker
from support.exports import export, read
from support.history import Delivery, Erasure, History, Line, Phase, Price, make_history, make_prices
from support.oracle import (
    KEY_KEY,
    LINE_KEY,
    TOKENS,
    Counts,
    Oracle,
    Row,
    Rows,
    day_of,
    describe_files,
    hour_of,
    list_differences,
    month_of,
)
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer

HISTORIES = int(os.environ.get("AIAS_TEST_HISTORIES", "1000"))
AT_ONCE = 50
WORKERS = 3
PLACES = {"cost_exact": 12, "adjustment_exact": 12, "amount_exact": 12, "amount": 2}
GRAINS = {"hour": hour_of, "day": day_of, "month": month_of}
NOT_COMPARED = {"bucket_start", "run_id"}
FACT_COLUMNS = (
    *("occurred_at", "received_at", "late", "kind", "status", *TOKENS, "billable", "cost_pico", "cost_check"),
    *("latency_bucket", "ttft_bucket", "api_key_id", "actor_id", "client", "labels", *LINE_KEY),
)
TABLES: list[tuple[str, tuple[str, ...], Callable[[datetime], datetime]]] = [
    ("usage_hours", LINE_KEY, hour_of),
    ("usage_days", LINE_KEY, day_of),
    ("usage_hour_keys", KEY_KEY, hour_of),
    ("usage_day_keys", KEY_KEY, day_of),
]


@dataclass
class Stage:
    """A database, workers with connections of their own, and what is true after each history."""

    store: psycopg.Connection[Any]
    owner: psycopg.Connection[Any]
    workers: list[Worker]
    threads: ThreadPoolExecutor
    prices: list[Price]
    oracles: list[Oracle] = field(default_factory=list)

    def __post_init__(self) -> None:
        policy = load_policy()
        self.rules = {
            kind: list_rules(self.owner, "analytics", kind, policy)  # type: ignore[arg-type]
            for kind in ("organization", "user")
        }
        self.ticks = count(1)

    def play(self, name: str, history: History, now: datetime) -> Oracle:
        """Plays a history to its end and returns what it must have led to."""
        oracle, self.now, self.sent = Oracle(self.prices), now, dict[datetime, list[Line]]()
        self.oracles.append(oracle)
        self.results: list[IngestResult] = []
        for number, phase in enumerate(history.phases):
            self._erase(oracle, history.erasures.get(number))
            self._play(name, phase)
            self._tell(oracle, name)
        self._erase(oracle, history.erasures.get(len(history.phases)))
        wait_until(self._is_rolled_up)
        return oracle

    def _is_rolled_up(self) -> bool:
        """The server may still hold the locks of a worker that has just crashed; then another pass has to come."""
        run_rollup(self.store)
        return count_dirty_buckets(self.store) == 0

    def _play(self, name: str, phase: Phase) -> None:
        running = [
            self.threads.submit(self._work, worker, name, actions)
            for worker, actions in zip(self.workers, phase, strict=False)
        ]
        for one in running:
            one.result()

    def _work(self, worker: Worker, name: str, actions: list[Any]) -> None:
        for action in actions:
            if isinstance(action, Delivery):
                for crash_at in [*action.crashes, *[None] * (1 + action.again)]:
                    worker.attempt(lambda c, lines=action.lines: self._ingest(c, name, lines), crash_at)
            else:
                worker.attempt(run_rollup, action.crash)

    def _ingest(self, connection: psycopg.Connection[Any], name: str, lines: list[Line]) -> None:
        """An attempt to store a message; it is known by the instant at which it came."""
        received_at = self.now + timedelta(microseconds=next(self.ticks))
        self.sent[received_at] = lines
        batch = prepare([line.text for line in lines], received_at, adjustments=True)
        store_batch(connection, batch, Origin(name))

    def _tell(self, oracle: Oracle, name: str) -> None:
        """Tells the model of the messages that were committed in this phase, in the order of their commits."""
        committed = self.store.execute(
            "SELECT started_at, sum(accepted), sum(duplicate), sum(late), sum(rejected) FROM aias.ingest_batches "
            "WHERE source = %s AND started_at = ANY(%s) GROUP BY 1 ORDER BY max(committed_at)",
            [name, list(self.sent)],
        ).fetchall()
        told = [(at, oracle.deliver(self.sent[at], at)) for at, *_ in committed]
        for (at, counts), (_, *found) in zip(told, committed, strict=True):
            assert counts == Counts(*map(int, found)), f"{name}: {self.sent[at]}"
        self._require_all_delivered({at for at, *_ in committed})
        self.sent.clear()

    def _require_all_delivered(self, committed: set[datetime]) -> None:
        delivered = {id(self.sent[at]) for at in committed}
        assert delivered == {id(lines) for lines in self.sent.values()}, "a message was not stored"

    def _erase(self, oracle: Oracle, erasure: Erasure | None) -> None:
        if erasure is None:
            return
        keys = (uuid.UUID(erasure.key),) if erasure.key else ()
        subject = Subject(erasure.kind, uuid.UUID(erasure.subject), keys)  # type: ignore[arg-type]
        pseudonyms = [uuid.uuid4() for _ in range(2)]
        bury(self.owner, subject)
        named = {
            "pseudonym": pseudonyms[0],
            "pseudonyms": pseudonyms[: len(keys) + 1],
            "slug": f'"org_slug": "{subject.id}"',
        }
        parameters = {**subject.parameters(), **named}
        for rule in self.rules[erasure.kind]:
            if erasure.whole or rule.table == "usage_facts":
                for _ in rule.apply(self.owner, parameters):
                    pass
        if erasure.kind == "user":
            oracle.erase_user(erasure.subject, str(erasure.key), str(pseudonyms[1]))
        else:
            oracle.erase_organization(erasure.subject)
        if erasure.whole:
            oracle.forget_letters(erasure.subject, *filter(None, [erasure.key]))
        else:
            whole = Window(self.now - timedelta(days=50), self.now + timedelta(days=1))
            enqueue_window(self.store, whole, subject.id)


@pytest.fixture
def stage(postgres_server: PostgresServer, analytics: str) -> Iterator[Stage]:
    dsn = postgres_server.dsn(analytics, "aias_analytics")
    with ExitStack() as stack:
        store = stack.enter_context(connect(dsn, autocommit=True))
        owner = stack.enter_context(connect(postgres_server.dsn(analytics, "aias_migrator"), autocommit=True))
        owner.execute("SET ROLE aias_owner")
        store.execute("SELECT aias.ensure_month_partitions(%s, 3)", [month_of(clock.now() - timedelta(days=50))])
        workers = [stack.enter_context(closing(Worker(dsn))) for _ in range(WORKERS)]
        threads = stack.enter_context(ThreadPoolExecutor(WORKERS))
        prices = make_prices(random.Random(0))
        for price in prices:
            store.execute(
                "INSERT INTO aias.dim_models VALUES (%s, %s) ON CONFLICT DO NOTHING", [price.model_id, price.model_id]
            )
            if price.known:
                amounts = (price.per_input, price.per_cached_input, price.per_output, price.per_request)
                store.execute(
                    "INSERT INTO aias.dim_prices VALUES (%s, %s, 'chat', %s, %s, %s, %s, %s, '2026-01-01Z')",
                    [price.price_id, price.model_id, price.currency, *amounts],
                )
        yield Stage(store, owner, workers, threads, prices)


def fetch(store: psycopg.Connection[Any], query: str, orgs: list[str]) -> list[Row]:
    with store.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query.encode(), [orgs]).fetchall()
    return [{name: str(v) if isinstance(v, uuid.UUID) else v for name, v in row.items()} for row in rows]


def stored_rows(store: psycopg.Connection[Any], table: str, names: tuple[str, ...], orgs: list[str]) -> Rows:
    rows = fetch(store, f"SELECT * FROM aias.{table} WHERE org_id = ANY(%s::uuid[])", orgs)
    keyed = {
        (row["bucket_start"], *(row[name] for name in names)): {
            name: value for name, value in row.items() if name not in NOT_COMPARED.union(names)
        }
        for row in rows
    }
    assert len(keyed) == len(rows)
    return keyed


def check_facts(stage: Stage, oracle: Oracle, orgs: list[str]) -> None:
    rows = fetch(stage.store, "SELECT * FROM aias.usage_facts WHERE org_id = ANY(%s::uuid[])", orgs)
    found = {(row["event_id"], row["org_id"]): {name: row[name] for name in FACT_COLUMNS} for row in rows}
    assert len(found) == len(rows)
    expected = {key: {name: fact[name] for name in FACT_COLUMNS} for key, fact in oracle.facts.items()}
    assert list_differences(expected, found) == []


def check_letters(stage: Stage, oracle: Oracle, name: str) -> None:
    letters = stage.store.execute("SELECT reason, payload FROM aias.dead_letters WHERE source = %s", [name])
    found, expected = Counter((reason, bytes(payload)) for reason, payload in letters), Counter(set(oracle.letters))
    assert (found - expected, expected - found) == (Counter(), Counter()), name


@pytest.mark.parametrize("block", range(-(-HISTORIES // AT_ONCE)))
def test_facts_rollups_and_exports_equal_a_brute_force_model(
    stage: Stage, block: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(block * AT_ONCE, min(HISTORIES, (block + 1) * AT_ONCE))
    for seed in seeds:
        now, name = clock.now().replace(microsecond=0), f"history {seed}"
        history = make_history(seed, now, stage.prices)
        for org in history.orgs:
            stage.store.execute("INSERT INTO aias.dim_organizations VALUES (%s, %s, %s, 'customer')", [org] * 3)
        oracle = stage.play(name, history, now)
        check_facts(stage, oracle, history.orgs)
        check_letters(stage, oracle, name)
        for table, names, cut in TABLES:
            expected = oracle.lines(cut) if names is LINE_KEY else oracle.keys(cut)
            found = stored_rows(stage.store, table, names, history.orgs)
            assert list_differences(expected, found) == [], f"{name}, {table}"
    check_exports(stage, tmp_path)
    record_property("histories", len(seeds))
    record_property("crashes", sum(worker.crashes for worker in stage.workers))


def check_exports(stage: Stage, directory: Path) -> None:
    """Each month's files hold the lines of the model, and their totals are its totals to the cent."""
    facts = [fact for oracle in stage.oracles for fact in oracle.facts.values()]
    for month in {month_of(fact["occurred_at"]) for fact in facts}:
        whole = Oracle(stage.prices)
        whole.facts = {(f["event_id"], f["org_id"]): f for f in facts if month_of(f["occurred_at"]) == month}
        for granularity, cut in GRAINS.items():
            request = ExportRequest(Window(month, next_month(month)), granularity=Grain(granularity))
            result = export(stage.store, request, directory)
            expected = describe_files(whole.lines(cut), granularity)
            assert list_differences(expected, parse_file(result["file"], next(iter(expected.values())))) == []
            assert totals_of(expected) == {
                (total["org_id"], total["currency"]): (whole_number(total["amount_exact"], 12), total["amount"])
                for total in result["totals"]
                if total["requests"] or whole_number(total["adjustment_exact"], 12)
            }


def parse_file(path: str, example: Row) -> Rows:
    """The lines of a file but for those of organizations without usage, with the figures that the example has."""
    return {
        (clock.parse_instant(row["period_start"]), *(row[name] or None for name in LINE_KEY)): {
            name: row[name] if name == "granularity" else whole_number(row[name], PLACES.get(name, 0))
            for name in example
        }
        for row in read(path)
        if row["operation"]
    }


def totals_of(lines: Rows) -> dict[tuple[str, str], tuple[int, str]]:
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for key, row in lines.items():
        exact, cents = totals.get((key[1], key[6]), (0, 0))
        totals[key[1], key[6]] = exact + row["amount_exact"], cents + row["amount"]
    return {key: (exact, f"{Decimal(cents) / 100:.2f}") for key, (exact, cents) in totals.items()}


def whole_number(text: str, places: int) -> int:
    """A decimal of so many places, in units of the last one."""
    scaled = Decimal(text).scaleb(places)
    assert scaled == int(scaled)
    return int(scaled)
