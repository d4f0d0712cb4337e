"""The query API over a real database: who sees what, in which form, and what happens when the database is away."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from aias_core import clock
from aias_core.analytics.ingest.store import ensure_partitions, ingest_lines
from aias_core.contracts import usage
from aias_core.contracts.usage import UsageEvent
from aias_core.database.connection import connect
from aias_core.money import parse_amount
from support import servers
from support.access import ACCESS_VARIABLES, OPERATOR_TOKEN, bearer, token_of
from support.events import MODEL, ORG, OTHER_ORG, make_event
from support.usage import HOLDER, KEYS, random_usage, store_usage
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer, RunningService

ORG_ROLES = ("owner", "admin", "developer", "billing", "viewer")
PLATFORM_ROLES = ("system_admin", "operator", "auditor")
USAGE = "/analytics/v1/orgs/acme/usage?period=30d"
REASON = "reason=ticket+7"


class Api:
    """The service, and what a role gets from it."""

    def __init__(self, service: RunningService, database: str) -> None:
        self.service, self.database = service, database

    def get(self, path: str, role: str = "owner", **headers: str) -> httpx.Response:
        token = token_of(role) if role in PLATFORM_ROLES else token_of(role, ORG, str(HOLDER))
        return self.call(path, token, **headers)

    def call(self, path: str, token: str, **headers: str) -> httpx.Response:
        return httpx.get(self.service.url + path, headers={**bearer(token), **headers})


@pytest.fixture(scope="module")
def events() -> list[UsageEvent]:
    return random_usage(random.Random(11), clock.now(), 6, 300)


@pytest.fixture(scope="module")
def api(
    postgres_server: PostgresServer, events: list[UsageEvent], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    database = postgres_server.clone("analytics")
    dsn = postgres_server.dsn(database, "aias_analytics")
    with connect(dsn, autocommit=True) as connection:
        ensure_partitions(connection, clock.now())
        for org_id, slug in ((ORG, "acme"), (OTHER_ORG, "globex")):
            connection.execute(
                "INSERT INTO aias.dim_organizations VALUES (%s, %s, %s, 'customer')", [org_id, slug, slug]
            )
        connection.execute("INSERT INTO aias.dim_models VALUES (%s, 'mock-small')", [MODEL])
        store_usage(connection, events)
    variables = {"AIAS_ANALYTICS_DSN": dsn.reveal(), "AIAS_NATS_URL": "nats://127.0.0.1:9", **ACCESS_VARIABLES}
    with servers.service("analytics", tmp_path_factory.mktemp("analytics"), variables) as running:
        yield Api(running, database)


@pytest.fixture
def rows(api: Api, postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.superuser(api.database).reveal(), autocommit=True) as connection:
        yield connection


def last_record(rows: psycopg.Connection) -> tuple[Any, ...]:
    columns = "actor_id, actor_role, org_id, action, target_id, outcome, reason, request_id"
    row = rows.execute(f"SELECT {columns} FROM aias.access_records ORDER BY audit_id DESC LIMIT 1".encode()).fetchone()
    assert row
    return row


def expected_requests(events: list[UsageEvent], **having: Any) -> int:
    return sum(all(getattr(e, name) == value for name, value in having.items()) for e in events)


CELLS = {
    USAGE: {"owner", "admin", "developer", "billing", "viewer", *PLATFORM_ROLES},
    "/analytics/v1/orgs/acme/reliability?period=7d": {*ORG_ROLES, *PLATFORM_ROLES},
    "/analytics/v1/orgs/acme/freshness": {*ORG_ROLES, *PLATFORM_ROLES},
    "/analytics/v1/orgs/acme/forecast": {"owner", "admin", "developer", "billing", *PLATFORM_ROLES},
    f"/analytics/v1/orgs/acme/events?period=24h&{REASON}": {"owner", "admin", *PLATFORM_ROLES},
    "/analytics/v1/usage?period=7d": {*PLATFORM_ROLES},
    "/analytics/v1/reliability?period=7d": {*PLATFORM_ROLES},
}


@pytest.mark.parametrize("role", [*ORG_ROLES, *PLATFORM_ROLES])
@pytest.mark.parametrize("path", CELLS, ids=[path.split("?")[0] for path in CELLS])
def test_each_cell_of_the_matrix_on_each_route(api: Api, path: str, role: str) -> None:
    answer = api.get(path, role)
    if role in CELLS[path]:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_usage_is_that_of_the_events_with_exact_money(api: Api, events: list[UsageEvent]) -> None:
    data = api.get(USAGE + "&group_by=model").json()
    [total] = data["totals"]
    assert (data["schema"], data["org_id"]) == ("aias.analytics.usage/1", str(ORG))
    assert total["requests"] == expected_requests(events, org_id=ORG)
    assert parse_amount(total["cost"]) == sum(e.cost_pico for e in events if e.org_id == ORG)
    assert isinstance(total["cost"], str)
    assert {row["keys"]["model"] for row in data["series"]} == {"mock-small", "mock-large", "unassigned"}


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("billing", True), ("auditor", True)])
def test_cost_is_there_for_those_who_may_see_it(api: Api, role: str, sees: bool) -> None:
    data = api.get(USAGE, role).json()
    assert all(("cost" in row) is sees for row in [*data["series"], *data["totals"]])


def test_a_developer_sees_own_keys_only(api: Api, events: list[UsageEvent]) -> None:
    data = api.get(USAGE + "&group_by=key", "developer").json()
    assert data["totals"][0]["requests"] == expected_requests(events, org_id=ORG, api_key_id=KEYS[0])
    assert {row["keys"]["key"] for row in data["series"]} == {"key-0"}
    foreign = api.get(USAGE + f"&key={KEYS[1]}", "developer").json()
    assert foreign["series"] == []
    other = token_of("developer", ORG, str(uuid4()))
    assert api.call(USAGE, other).json()["totals"][0]["requests"] == 0


def test_a_foreign_organization_looks_like_an_absent_one_and_is_in_the_audit(
    api: Api, rows: psycopg.Connection
) -> None:
    answers = [api.get(f"/analytics/v1/orgs/{org}/usage?period=7d") for org in ("globex", "nobody", str(OTHER_ORG))]
    told = [
        answer.json()["detail"].replace(org, "X")
        for answer, org in zip(answers, ("globex", "nobody", str(OTHER_ORG)), strict=True)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len(set(told)) == 1
    assert all("hint" not in answer.json() for answer in answers)
    assert last_record(rows)[:6] == (str(HOLDER), "owner", OTHER_ORG, "usage.read", str(OTHER_ORG), "denied")
    assert last_record(rows)[7] == answers[-1].headers["x-request-id"]


def test_headers_that_claim_a_role_or_an_organization_change_nothing(api: Api) -> None:
    claims = {"X-Roles": "system_admin", "X-Org-Id": str(OTHER_ORG), "X-Actor-Id": "root", "X-Org": "globex"}
    assert api.get("/analytics/v1/usage?period=7d", "owner", **claims).status_code == 403
    assert api.get("/analytics/v1/orgs/globex/usage?period=7d", "owner", **claims).status_code == 404
    assert api.get(USAGE, "owner", **claims).json()["org_id"] == str(ORG)


@pytest.mark.parametrize("token", ["", "wrong", "a.b.c"], ids=["none", "word", "parts"])
@pytest.mark.parametrize("path", CELLS, ids=[path.split("?")[0] for path in CELLS])
def test_no_route_answers_without_a_credential(api: Api, path: str, token: str) -> None:
    answer = httpx.get(api.service.url + path, headers=bearer(token) if token else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_reads_of_the_platform_are_in_the_audit_and_ones_own_are_not(api: Api, rows: psycopg.Connection) -> None:
    answer = api.call("/analytics/v1/usage?period=7d&group_by=org&org=acme", OPERATOR_TOKEN)
    assert {row["keys"]["org"] for row in answer.json()["series"]} == {"acme"}
    before = last_record(rows)
    assert before[:6] == ("operator", "system_admin", None, "usage.read", "acme", "allowed")
    api.get(USAGE)
    assert last_record(rows) == before


def test_the_platform_sees_every_organization(api: Api, events: list[UsageEvent]) -> None:
    data = api.get("/analytics/v1/usage?period=30d&group_by=org", "auditor").json()
    assert data["totals"][0]["requests"] == len(events)
    assert data["org_id"] is None


def test_pages_hold_every_row_once_and_the_same_totals(api: Api) -> None:
    path = USAGE + "&group_by=model&group_by=operation"
    whole = api.get(path).json()
    rows: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"{path}&limit=7" + (f"&cursor={cursor}" if cursor else "")).json()
        assert page["totals"] == whole["totals"]
        rows += page["series"]
        cursor = page["page"]["next_cursor"]
    assert rows == whole["series"]
    first = api.get(f"{path}&limit=7").json()["page"]["next_cursor"]
    assert api.get(f"{USAGE}&limit=7&cursor={first}").json()["errors"][0]["code"] == "invalid_cursor"


def test_an_answer_that_did_not_change_is_not_sent_again(api: Api) -> None:
    first = api.get(USAGE)
    again = api.get(USAGE, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = api.get(USAGE, "viewer", **{"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


BAD = {
    "period=7d&from=2026-11-01": "invalid_window",
    "from=2026-11-02&to=2026-11-01": "invalid_window",
    "from=soon": "invalid_window",
    "": "invalid_window",
    "from=2026-11-01T00:30:00Z&to=2026-11-02": "unaligned_window",
    "from=2024-01-01&to=2026-11-01": "window_too_long",
    "from=2026-01-01&to=2026-01-08&granularity=hour": "grain_expired",
    "period=7d&tz=Mars/Olympus": "unknown_zone",
    "period=7d&granularity=week": "invalid_granularity",
    "period=7d&group_by=colour": "invalid_group_by",
    "period=7d&group_by=org": "invalid_group",
    "period=7d&model=nope": "unknown_model",
    "period=7d&top=0": "invalid_top",
    "period=7d&limit=0": "invalid_limit",
    "period=7d&cursor=nope": "invalid_cursor",
    "period=7d&colour=red": "extra_forbidden",
}


@pytest.mark.parametrize("query", BAD)
def test_a_bad_question_names_its_item(api: Api, query: str) -> None:
    answer = api.get(f"/analytics/v1/orgs/acme/usage?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "validation_failed"), problem
    assert problem["errors"][0]["code"] == BAD[query]


def test_a_zone_of_half_hours_is_answered_for_a_month_and_refused_beyond(api: Api) -> None:
    assert api.get("/analytics/v1/orgs/acme/usage?period=30d&tz=Asia/Kolkata").status_code == 200
    start = (clock.now() - timedelta(days=60)).date()
    answer = api.get(f"/analytics/v1/orgs/acme/usage?from={start}&tz=Asia/Kolkata")
    assert answer.json()["errors"][0]["code"] == "zone_not_aligned"


def test_events_behind_a_line_come_newest_first_page_by_page(
    api: Api, events: list[UsageEvent], rows: psycopg.Connection
) -> None:
    path, listed, cursor = "/analytics/v1/orgs/acme/events?period=7d&operation=chat&limit=40", [], ""
    while cursor is not None:
        page = api.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        listed += page["data"]
        cursor = page["next_cursor"]
    mine = [e for e in events if e.org_id == ORG and e.operation == "chat"]
    assert [row["event_id"] for row in listed] == [
        str(e.event_id) for e in sorted(mine, key=lambda e: (e.occurred_at, e.event_id), reverse=True)
    ]
    assert not {"labels", "end_user_hash"} & set(listed[0])
    assert last_record(rows)[3:6] == ("usage.events", "acme", "allowed")


def test_one_event_is_found_by_its_organization_only(api: Api, events: list[UsageEvent]) -> None:
    mine, foreign = (next(e for e in events if e.org_id == org) for org in (ORG, OTHER_ORG))
    found = api.get(f"/analytics/v1/orgs/acme/events/{mine.event_id}").json()
    assert (found["event_id"], parse_amount(found["cost"])) == (str(mine.event_id), mine.cost_pico)
    assert api.get(f"/analytics/v1/orgs/acme/events/{foreign.event_id}").status_code == 404
    assert api.get(f"/analytics/v1/orgs/acme/events/{uuid4()}").status_code == 404


def test_the_platform_says_why_it_reads_single_events(api: Api, rows: psycopg.Connection) -> None:
    without = api.get("/analytics/v1/orgs/acme/events?period=24h", "auditor")
    assert without.json()["errors"][0]["code"] == "reason_required"
    api.get(f"/analytics/v1/orgs/acme/events?period=24h&{REASON}", "auditor")
    assert last_record(rows)[6] == "ticket 7"


def test_events_are_validated_line_by_line(api: Api) -> None:
    def validate(*lines: bytes) -> httpx.Response:
        url = f"{api.service.url}/analytics/v1/events/validate"
        return httpx.post(url, content=b"\n".join(lines), headers=bearer(token_of("viewer", ORG)))

    good = usage.encode(make_event())
    bad = json.dumps({**json.loads(good), "status": "succes"}).encode()
    assert validate(good, good).status_code == 204
    answer = validate(good, bad)
    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["line"], fault["field"], fault["code"]) == (400, 2, "status", "bad_value")
    assert validate().status_code == 400
    assert validate(*[good] * 501).json()["errors"][0]["code"] == "invalid_count"


def test_a_producer_outside_stores_each_event_once(api: Api, rows: psycopg.Connection) -> None:
    def send(*lines: bytes, role: str = "operator") -> httpx.Response:
        return httpx.post(
            f"{api.service.url}/analytics/v1/events", content=b"\n".join(lines), headers=bearer(token_of(role))
        )

    event = make_event(org_id=OTHER_ORG)
    good = usage.encode(event)
    bad = json.dumps({**json.loads(good), "status": "succes"}).encode()
    identity = {"specversion": "1.0", "type": "aias.usage.v1", "id": str(event.event_id), "source": "/test"}
    envelope = json.dumps({**identity, "data": json.loads(good)}).encode()
    first = send(good, bad, b"[").json()
    assert (first["accepted"], first["duplicate"], first["rejected"]) == (1, 0, 2)
    assert [(row["line"], row["reason"]) for row in first["rejects"]] == [(2, "bad_value"), (3, "malformed")]
    again = send(good, envelope).json()
    assert (again["accepted"], again["duplicate"], again["rejects"]) == (0, 2, [])
    stored = "SELECT count(*) FROM aias.usage_facts WHERE event_id = %s"
    assert rows.execute(stored, [event.event_id]).fetchone() == (1,)
    assert send().json()["errors"][0]["code"] == "invalid_count"
    assert last_record(rows)[3:6] == ("pipeline.operate", "all", "allowed")
    assert send(good, role="auditor").status_code == 403
    own = httpx.post(f"{api.service.url}/analytics/v1/events", content=good, headers=bearer(token_of("owner", ORG)))
    assert own.status_code == 403


def set_watermark(rows: psycopg.Connection, at: datetime | None) -> None:
    rows.execute("DELETE FROM aias.watermarks")
    if at is not None:
        rows.execute("INSERT INTO aias.watermarks VALUES ('rollup_hour', %s, %s)", [at, at])


@pytest.mark.parametrize(
    ("behind", "status"), [(None, "unknown"), (10, "fresh"), (400, "stale"), (700, "delayed")], ids=str
)
def test_freshness_is_that_of_the_pipeline(api: Api, rows: psycopg.Connection, behind: int | None, status: str) -> None:
    set_watermark(rows, None if behind is None else clock.now() - timedelta(seconds=behind))
    ingest_lines(rows, [usage.encode(make_event())], "test")
    data = api.get("/analytics/v1/orgs/acme/freshness").json()
    assert data["status"] == status
    assert api.get(USAGE).json()["freshness"]["status"] == status
    if behind is not None:
        assert data["pipeline_lag_seconds"] == pytest.approx(behind, abs=5)


def test_the_contract_and_the_openapi_document_are_published(api: Api) -> None:
    schema = httpx.get(f"{api.service.url}/analytics/v1/schemas/usage-event/1").json()
    assert schema == usage.json_schema()
    assert httpx.get(f"{api.service.url}/analytics/v1/schemas/usage-event/9").status_code == 404
    document = httpx.get(f"{api.service.ops_url}/openapi.json").json()
    for path in ("/orgs/{org}/usage", "/orgs/{org}/events/{event_id}", "/usage"):
        operation = document["paths"][f"/analytics/v1{path}"]["get"]
        assert operation["security"] == [{"access token": []}]
    names = {p["name"] for p in document["paths"]["/analytics/v1/orgs/{org}/usage"]["get"]["parameters"]}
    assert {"from", "to", "period", "granularity", "group_by", "tz", "fill", "compare", "top", "cursor"} <= names


def test_requests_are_counted_by_their_route(api: Api) -> None:
    api.get(USAGE)
    metrics = httpx.get(f"{api.service.ops_url}/metrics").text
    assert 'route="/analytics/v1/orgs/{org}/usage"' in metrics
    assert 'aias_analytics_query_seconds_count{endpoint="usage"}' in metrics


def test_while_the_database_is_away_reads_are_503_and_return_by_themselves(
    api: Api, postgres_server: PostgresServer
) -> None:
    assert api.get(USAGE).status_code == 200
    postgres_server.execute(f"ALTER DATABASE {api.database} ALLOW_CONNECTIONS false")
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{api.database}'")
    try:
        for path in (USAGE, "/analytics/v1/orgs/acme/freshness"):
            answer = api.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
            assert answer.headers["retry-after"] == "1"
    finally:
        postgres_server.execute(f"ALTER DATABASE {api.database} ALLOW_CONNECTIONS true")
    wait_until(lambda: api.get(USAGE).status_code == 200)
