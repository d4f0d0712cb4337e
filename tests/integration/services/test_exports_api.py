"""Export jobs through the service: who may, what they get, and that a link is made when it is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from aias_core import clock, windows
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.database.connection import connect
from aias_core.finance.export.request import ExportRequest, Scope
from aias_core.finance.jobs.store import create_job
from aias_core.objectstore import ObjectStore
from aias_core.secret import Secret
from support import servers
from support.access import ACCESS_VARIABLES, bearer, token_of
from support.backups import BUCKET, object_storage
from support.events import MODEL, ORG, OTHER_ORG, PRICE, PRICE_ID, make_event
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer, RunningService

MONTH = clock.now().strftime("%Y-%m")
JOBS = "/analytics/v1/exports"
MAY_EXPORT = {"owner", "admin", "billing", "system_admin", "operator"}
MAY_READ = {*MAY_EXPORT, "auditor"}
PLATFORM = ("system_admin", "operator", "auditor")
ROLES = ("owner", "admin", "developer", "billing", "viewer", *PLATFORM)
ON_A_JOB = [("GET", ""), ("GET", "/download"), ("POST", "/cancel"), ("POST", "/retry")]
HOLDER = uuid4()
Start = Callable[[dict[str, str]], Any]


class Api:
    """The service, called in a role: of the organization Acme, or of the platform."""

    def __init__(self, service: RunningService, database: str) -> None:
        self.service, self.database = service, database

    def call(self, method: str, path: str, role: str = "owner", org: Any = ORG, **more: Any) -> httpx.Response:
        token = token_of(role) if role in PLATFORM else token_of(role, org, str(HOLDER))
        headers = {**bearer(token), **more.pop("headers", {})}
        return httpx.request(method, self.service.url + path, headers=headers, **more)

    def ask(self, role: str = "owner", **body: Any) -> httpx.Response:
        period = {} if "window" in body else {"month": MONTH}
        return self.call("POST", JOBS, role, json={**period, **body})

    def make(self, **body: Any) -> dict[str, Any]:
        """A job that has ended."""
        return self.finish(self.ask(**body).json()["job_id"])

    def finish(self, job_id: str) -> dict[str, Any]:
        def job() -> dict[str, Any]:
            found: dict[str, Any] = self.call("GET", f"{JOBS}/{job_id}", "operator").json()
            return found

        wait_until(lambda: job()["status"] in ("succeeded", "failed"), 60)
        return job()


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_storage(tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture(scope="module")
def start(postgres_server: PostgresServer, nats_url: Secret, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """The service, not yet started, over a fresh database with some usage of two organizations."""

    def prepare(storage: dict[str, str]) -> Any:
        database = postgres_server.clone("analytics")
        fill(postgres_server, database)
        variables = {
            "AIAS_ANALYTICS_DSN": postgres_server.dsn(database, "aias_analytics").reveal(),
            "AIAS_NATS_URL": nats_url.reveal(),
            **ACCESS_VARIABLES,
            **storage,
        }
        return database, servers.service("analytics", tmp_path_factory.mktemp("exports"), variables)

    return prepare


def fill(server: PostgresServer, database: str) -> None:
    with connect(server.dsn(database, "aias_analytics"), autocommit=True) as store:
        ensure_partitions(store, clock.now())
        for org_id, slug in ((ORG, "acme"), (OTHER_ORG, "globex")):
            store.execute("INSERT INTO aias.dim_organizations VALUES (%s, %s, %s, 'customer')", [org_id, slug, slug])
        store.execute("INSERT INTO aias.dim_models VALUES (%s, 'mock-small')", [MODEL])
        prices = [PRICE_ID, MODEL, PRICE.input_pico, PRICE.cached_input_pico, PRICE.output_pico]
        store.execute("INSERT INTO aias.dim_prices VALUES (%s, %s, 'chat', 'USD', %s, %s, %s, 0, '2026-01-01')", prices)
        ingest_lines(store, [usage.encode(make_event(org_id=org)) for org in (ORG, ORG, OTHER_ORG)], "test")
        run_rollup(store)


@pytest.fixture(scope="module")
def api(start: Start, objects: ObjectStore) -> Iterator[Api]:
    storage = {
        "AIAS_S3_ENDPOINT": objects.endpoint,
        "AIAS_S3_ACCESS_KEY": objects.access_key,
        "AIAS_S3_SECRET_KEY": objects.secret_key.reveal(),
        "AIAS_EXPORTS_BUCKETS": BUCKET,
    }
    database, service = start(storage)
    with service as running:
        yield Api(running, database)


@pytest.fixture
def store(postgres_server: PostgresServer, api: Api) -> Iterator[psycopg.Connection]:
    with connect(postgres_server.superuser(api.database), autocommit=True) as connection:
        yield connection


def test_a_file_is_asked_for_made_and_fetched_by_a_link(api: Api) -> None:
    answer = api.ask()
    assert answer.status_code == 202
    asked = answer.json()
    assert (asked["schema"], asked["org"]) == ("aias.analytics.export-job/1", "acme")
    job = api.finish(asked["job_id"])
    assert (job["status"], job["row_count"], job["totals"][0]["requests"]) == ("succeeded", 1, 2)
    links = [api.call("GET", f"{JOBS}/{job['job_id']}/download") for _ in range(2)]
    for link in links:
        assert (link.status_code, link.headers["cache-control"]) == (302, "no-store")
        assert "X-Amz-Expires=900" in link.headers["location"]
        content = httpx.get(link.headers["location"]).content
        assert hashlib.sha256(content).hexdigest() == job["sha256"]


def test_no_link_is_stored_or_logged(api: Api, store: psycopg.Connection) -> None:
    link = api.call("GET", f"{JOBS}/{api.make()['job_id']}/download").headers["location"]
    signature = link.partition("X-Amz-Signature=")[2]
    assert len(signature) == 64
    rows = store.execute(
        "SELECT to_jsonb(j)::text FROM aias.export_jobs j UNION ALL SELECT to_jsonb(a)::text FROM aias.access_records a"
    ).fetchall()
    assert all("X-Amz" not in text for (text,) in rows)
    assert signature not in api.service.log.read_text()


@pytest.mark.parametrize("role", ROLES)
def test_who_may_ask_for_a_file(api: Api, role: str) -> None:
    assert api.ask(role).status_code == (202 if role in MAY_EXPORT else 403)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_fetch_a_file(api: Api, role: str) -> None:
    job = api.make()["job_id"]
    for path, code in ((JOBS, 200), (f"{JOBS}/{job}", 200), (f"{JOBS}/{job}/download", 302)):
        assert api.call("GET", path, role).status_code == (code if role in MAY_READ else 403)


@pytest.mark.parametrize(("method", "path"), ON_A_JOB)
def test_a_foreign_job_is_like_one_that_is_not_there(api: Api, method: str, path: str) -> None:
    own, absent = api.make()["job_id"], str(uuid4())
    answers = [api.call(method, f"{JOBS}/{job}{path}", "owner", OTHER_ORG) for job in (own, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    said = [answer.json()["detail"].replace(job, "") for answer, job in zip(answers, (own, absent), strict=True)]
    assert said[0] == said[1]


def test_all_organizations_are_for_the_platform_only(api: Api) -> None:
    assert api.ask(org="all").status_code == 404
    assert api.ask(org="globex").status_code == 404
    job = api.finish(api.ask("operator").json()["job_id"])
    assert (job["org"], len(job["totals"])) == ("all", 2)
    assert api.call("GET", f"{JOBS}/{job['job_id']}").status_code == 404


def test_exports_and_downloads_are_recorded_with_who_and_what(api: Api, store: psycopg.Connection) -> None:
    job = api.make(format="jsonl")
    api.call("GET", f"{JOBS}/{job['job_id']}/download")
    api.ask("viewer")
    rows = store.execute(
        "SELECT action, outcome, actor_role, details FROM aias.access_records WHERE org_id = %s", [ORG]
    ).fetchall()
    assert ("usage.export", "allowed", "owner", {"month": MONTH, "format": "jsonl"}) in rows
    assert ("export.read", "allowed", "owner", {"download": job["job_id"]}) in rows
    assert any(row[:3] == ("usage.export", "denied", "viewer") for row in rows)


def test_a_repeated_request_with_its_key_gives_the_same_job(api: Api) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first, second = (api.call("POST", JOBS, json={"month": MONTH}, headers=headers) for _ in range(2))
    assert first.json()["job_id"] == second.json()["job_id"]
    other = api.call("POST", JOBS, json={"month": MONTH, "format": "parquet"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"format": "xlsx"}, 400),
        ({"kind": "focus", "format": "jsonl"}, 400),
        ({"window": {"from": "2026-10-02", "to": "2026-10-01"}}, 400),
        ({"statement_version": -1}, 400),
        ({"colour": "red"}, 400),
        ({"delivery": {"bucket": "somebody-elses"}}, 400),
        ({"filters": {"models": ["nope"]}}, 404),
    ],
    ids=json.dumps,
)
def test_a_request_that_cannot_be_is_refused(api: Api, body: dict[str, Any], code: int) -> None:
    answer = api.ask(**body)
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"


def test_jobs_are_listed_newest_first_page_by_page(api: Api) -> None:
    made = [api.make()["job_id"] for _ in range(3)]
    first = api.call("GET", f"{JOBS}?limit=2").json()
    rest = api.call("GET", f"{JOBS}?limit=2&cursor={first['page']['next_cursor']}").json()
    assert [job["job_id"] for job in first["exports"] + rest["exports"]][:3] == made[::-1]
    assert {job["status"] for job in api.call("GET", f"{JOBS}?status=succeeded").json()["exports"]} == {"succeeded"}


def test_a_file_that_has_expired_is_gone(api: Api, store: psycopg.Connection) -> None:
    job = api.make()["job_id"]
    store.execute("UPDATE aias.export_jobs SET status = 'expired' WHERE job_id = %s", [job])
    answer = api.call("GET", f"{JOBS}/{job}/download")
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


def test_a_cancelled_job_has_no_file_until_it_is_tried_again(api: Api, store: psycopg.Connection) -> None:
    with store.transaction():
        job = create_job(store, ExportRequest(windows.month_window(MONTH), Scope(ORG, "acme")), "grace", BUCKET).job_id
        store.execute("UPDATE aias.export_jobs SET status = 'cancelled' WHERE job_id = %s", [job])
    assert api.call("GET", f"{JOBS}/{job}/download").status_code == 409
    assert api.call("POST", f"{JOBS}/{job}/cancel").status_code == 409
    assert api.call("POST", f"{JOBS}/{job}/retry").status_code == 202
    assert api.finish(str(job))["status"] == "succeeded"


def test_closed_months_are_shown_to_the_platform(api: Api) -> None:
    assert api.call("GET", "/analytics/v1/months", "auditor").json()["months"] == []
    assert api.call("GET", "/analytics/v1/months").status_code == 403


def test_without_object_storage_a_file_is_refused_at_once(start: Start) -> None:
    database, service = start({})
    with service as running:
        answer = Api(running, database).ask()
    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_unavailable")
    assert "aias analytics export" in answer.json()["hint"]
