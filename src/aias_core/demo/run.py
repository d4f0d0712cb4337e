"""The demo itself: each step is told in one line with its timing; the environment is gone at the end."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.analytics.dimensions import get_organization
from aias_core.analytics.query.parameters import Question, build_query
from aias_core.analytics.query.scope import Scope
from aias_core.analytics.query.tables import flatten_all
from aias_core.analytics.query.usage import read_usage
from aias_core.analytics.reconcile.run import run_reconciliation
from aias_core.analytics.rollup.run import count_dirty_buckets, run_rollup
from aias_core.demo.proofs import Proof, compare_checksums, count_facts, prove, read_rows
from aias_core.demo.traffic import Ledger, send_calls
from aias_core.errors import TimedOut
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.job import Delivery, run_export
from aias_core.secret import Secret
from aias_core.windows import current_month, month_window

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_core.environments.endpoints import Endpoints
    from aias_core.environments.local.target import LocalEnvironment

ENVIRONMENT = "demo"
ORGANIZATIONS = ("acme", "globex")
CALLS = 240
KILLED = ("analytics", "nats", "mock-model-1")
DRAIN_SECONDS = 40.0
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class DemoReport:
    """What was done, with timings; the usage and the file it led to; and the proofs."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    file_rows: list[dict[str, str]] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)

    @property
    def failed(self) -> list[Proof]:
        return [proof for proof in self.proofs if not proof.holds]

    def as_record(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "usage": self.usage,
            "export": self.export,
            "proofs": [proof.as_record() for proof in self.proofs],
        }


class Demo:
    """One run on one environment."""

    def __init__(self, environment: LocalEnvironment, tell: Callable[[str], None]) -> None:
        self._environment = environment
        self._tell = tell
        self._started = time.monotonic()
        self._killed: dict[str, int] = {}
        self.report = DemoReport()

    def run(self) -> DemoReport:
        """Brings the environment up, uses it, breaks it, proves the numbers, and forgets it."""
        self._environment.down(volumes=True)
        try:
            self._use()
        finally:
            with self._step("Environment down and forgotten"):
                self._environment.down(volumes=True)
        return self.report

    def _use(self) -> None:
        with self._step("Environment up: PostgreSQL, NATS, S3, identity, router, analytics and two mock models"):
            self._environment.up(progress=lambda _: None)
        endpoints = self._environment.endpoints()
        with self._step(f"Organizations {' and '.join(ORGANIZATIONS)} created, a key issued to each"):
            keys = {org: self._enrol(endpoints, org) for org in ORGANIZATIONS}
        listed = endpoints.router_client().get("/admin/v1/models")["data"]
        ledger = Ledger()
        killed = ", ".join(KILLED)
        with self._step(f"{CALLS} calls by the official OpenAI client; killed with -9 in the middle: {killed}"):
            self._send(ledger, endpoints.router_url, keys)
        with endpoints.analytics_connection() as store:
            with self._step("Everything that was answered has reached the facts"):
                expected = len(ledger.request_ids)
                self._wait_until(lambda: count_facts(store) >= expected, "the facts are complete")
            self._account(store, endpoints, ledger, {model["name"]: model for model in listed})

    def _account(
        self, store: Connection, endpoints: Endpoints, ledger: Ledger, prices: dict[str, dict[str, Any]]
    ) -> None:
        month = month_window(current_month())
        with self._step("Facts rolled up per hour and day"):
            run_rollup(store)
            self._wait_until(lambda: count_dirty_buckets(store) == 0, "the rollups are complete")
            org_id, _ = get_organization(store, ORGANIZATIONS[0])
            question = Question(period=current_month(), group_by=("model",), percentiles=(50, 95))
            answer = read_usage(store, Scope.of(org_id), build_query(question))
            self.report.usage = {"org": ORGANIZATIONS[0], **answer, "series": flatten_all(answer["series"])}
        with self._step("Reconciled: facts = hours = days, each cost follows its price"):
            verdict = run_reconciliation(store, month)
        with tempfile.TemporaryDirectory(prefix="aias-demo-") as directory:
            with self._step("Month exported to a file and to S3, read back and compared"):
                request, objects = ExportRequest(month), endpoints.object_store()
                local = run_export(store, request, Delivery(directory, objects))
                remote = run_export(store, request, Delivery(f"s3://{endpoints.bucket}/demo", objects))
            file = Path(local["file"])
            self.report.export = {**local, "file": remote["file"], "manifest": remote["manifest"], "name": file.name}
            self.report.file_rows = read_rows(file)
            self.report.proofs = [
                *prove(store, ledger, prices, file, local["sha256"]),
                Proof("killed in the middle, running again", ", ".join(KILLED), ", ".join(self._list_returned())),
                compare_checksums("the file in S3 is the same file", local["sha256"], remote["sha256"]),
                Proof("differences found by reconcile", "0", str(verdict.differences)),
                Proof("dead letters", "0", str(verdict.dead_letters_open)),
            ]

    def _enrol(self, endpoints: Endpoints, org: str) -> Secret:
        identity = endpoints.identity_client()
        identity.post("/api/v1/orgs", {"slug": org, "display_name": org.capitalize()})
        return Secret(identity.post(f"/api/v1/orgs/{org}/keys", {"name": "demo"})["secret"])

    def _send(self, ledger: Ledger, router_url: str, keys: dict[str, Secret]) -> None:
        for done in send_calls(ledger, router_url, keys, CALLS):
            if done == CALLS // 3:
                for name in KILLED:
                    self._kill(name)

    def _kill(self, name: str) -> None:
        pid = self._environment.pid_of(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self._killed[name] = pid

    def _list_returned(self) -> list[str]:
        """The killed components that run again, as other processes than those that were killed."""
        return [name for name, pid in self._killed.items() if self._environment.pid_of(name) not in (None, pid)]

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = clock.monotonic() + DRAIN_SECONDS
        while not holds():
            if clock.monotonic() > deadline:
                raise TimedOut(f"It took more than {DRAIN_SECONDS:.0f} s until {what}")
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def _step(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.report.steps.append({"step": text, "seconds": round(seconds, 2)})
        self._tell(f"{time.monotonic() - self._started:6.1f} s  {text} ({seconds:.1f} s)")
