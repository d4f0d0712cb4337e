from __future__ import annotations

import base64
import json
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openai
import psycopg
import pytest

from aias_core.database.connection import connect
from aias_core.management import ManagementClient
from aias_core.routing.registry import register_local_models
from aias_core.secret import Secret
from support import servers
from support.access import ACCESS_VARIABLES, TOKEN_SIGNING_KEY
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.servers import PostgresServer, RunningService

HASH_KEYS = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
OPERATOR, SERVICE = secrets.token_hex(16), secrets.token_hex(16)
MARKER = "marker-that-must-not-be-kept"
QUESTION: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]


@dataclass
class Platform:
    """Two mock models, identity, analytics and a router over fresh databases."""

    router: RunningService
    mocks: list[RunningService]
    identity: RunningService
    facts: psycopg.Connection
    key: str
    stack: ExitStack
    router_variables: dict[str, str]
    directory: Path

    def client(self, **changes: Any) -> openai.OpenAI:
        return openai.OpenAI(**{"base_url": f"{self.router.url}/v1", "api_key": self.key, "max_retries": 0, **changes})

    def fact(self, request_id: str) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            with self.facts.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                return cursor.execute("SELECT * FROM aias.usage_facts WHERE event_id = %s", [request_id]).fetchone()

        wait_until(lambda: find() is not None)
        return find() or {}

    def count(self) -> int:
        """How many facts there are, once everything sent before has arrived: events keep their order."""
        raw = self.client().chat.completions.with_raw_response.create(model="mock-large", messages=QUESTION)
        self.fact(raw.headers["x-request-id"])
        return self.count_now()

    def count_now(self) -> int:
        row = self.facts.execute("SELECT count(*) FROM aias.usage_facts").fetchone()
        assert row
        return int(row[0])

    def rows(self, query: str) -> list[Any]:
        return self.facts.execute(query.encode()).fetchall()

    def fault(self, mock: int | None = None, **fault: Any) -> None:
        for running in self.mocks if mock is None else [self.mocks[mock]]:
            httpx.post(f"{running.ops_url}/control/faults", json=fault).raise_for_status()

    def restart_router(self) -> None:
        self.router.process.send_signal(signal.SIGKILL)
        self.router.process.wait()
        self.start_router()

    def start_router(self) -> None:
        self.router = self.stack.enter_context(servers.service("router", self.directory, self.router_variables))
        wait_until(lambda: httpx.get(f"{self.router.url}/readyz").status_code == 200)


@pytest.fixture(scope="module")
def platform(
    postgres_server: PostgresServer, nats_url: Secret, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    directory = tmp_path_factory.mktemp("platform")
    operational, analytics = postgres_server.clone("operational"), postgres_server.clone("analytics")
    with ExitStack() as stack:

        def start(name: str, variables: dict[str, str], subdirectory: str = "") -> RunningService:
            (directory / subdirectory).mkdir(exist_ok=True)
            return stack.enter_context(servers.service(name, directory / subdirectory, variables))

        mocks = [start("mock_model", {"AIAS_MOCK_TTFT_MS": "0", "AIAS_MOCK_TOKEN_MS": "0"}, name) for name in "ab"]
        common = {"AIAS_SERVICE_KEY": SERVICE, "AIAS_OPERATOR_TOKEN": OPERATOR, "AIAS_DATA_HASH_KEYS": HASH_KEYS}
        identity_dsn = postgres_server.dsn(operational, "aias_identity").reveal()
        token_key = {"AIAS_TOKEN_SIGNING_KEY": TOKEN_SIGNING_KEY}
        identity = start("identity", {**common, **token_key, "AIAS_OPERATIONAL_DSN": identity_dsn})
        analytics_dsn = postgres_server.dsn(analytics, "aias_analytics").reveal()
        stores = {"AIAS_ANALYTICS_DSN": analytics_dsn, "AIAS_NATS_URL": nats_url.reveal()}
        start("analytics", {**ACCESS_VARIABLES, **stores})
        with connect(postgres_server.dsn(operational, "aias_migrator")) as connection:
            connection.execute("SET ROLE aias_owner")
            register_local_models(connection, "local", [(f"mock-{n}", mock.url) for n, mock in enumerate(mocks, 1)])
        variables = {
            **common,
            "AIAS_OPERATIONAL_DSN": postgres_server.dsn(operational, "aias_router").reveal(),
            "AIAS_NATS_URL": nats_url.reveal(),
            "AIAS_IDENTITY_URL": identity.url,
            "AIAS_ROUTER_SPOOL_DIR": str(directory / "spool"),
        }
        router = start("router", variables)
        operator = ManagementClient("identity", identity.url, Secret(OPERATOR))
        operator.post("/api/v1/orgs", {"slug": "acme"})
        key = operator.post("/api/v1/orgs/acme/keys", {"name": "laptop"})["secret"]
        facts = stack.enter_context(psycopg.connect(postgres_server.superuser(analytics).reveal(), autocommit=True))
        wait_until(lambda: httpx.get(f"{router.url}/readyz").status_code == 200)
        yield Platform(router, mocks, identity, facts, key, stack, variables, directory)


@pytest.fixture(autouse=True)
def no_faults(platform: Platform) -> Iterator[None]:
    yield
    for mock in platform.mocks:
        httpx.delete(f"{mock.ops_url}/control/faults").raise_for_status()


def test_a_plain_completion_is_answered_and_becomes_one_fact(platform: Platform) -> None:
    raw = platform.client().chat.completions.with_raw_response.create(model="mock-small", messages=QUESTION, user="u1")
    answer = raw.parse()
    assert answer.choices[0].message.content == "The capital of France is Paris."
    fact = platform.fact(raw.headers["x-request-id"])
    assert (fact["status"], fact["billable"], fact["token_source"]) == ("success", True, "reported")
    assert (fact["input_tokens"], fact["output_tokens"]) == (7, 7)
    assert fact["cost_pico"] == 7 * 150_000 + 7 * 600_000
    assert fact["client"].startswith("python/")
    assert fact["end_user_hash"] not in (None, "u1")
    assert fact["backend_id"] == raw.headers["x-aias-backend"]


@pytest.mark.parametrize("asked", [True, False], ids=["with-usage", "without-usage"])
def test_a_stream_arrives_as_produced_and_is_billed_exactly(platform: Platform, asked: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    raw = platform.client().chat.completions.with_raw_response.create(
        model="mock-small", messages=QUESTION, stream=True, **options
    )
    chunks = list(raw.parse())
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "The capital of France is Paris."
    assert [c.usage is not None for c in chunks].count(True) == int(asked)
    fact = platform.fact(raw.headers["x-request-id"])
    assert (fact["streamed"], fact["input_tokens"], fact["output_tokens"]) == (True, 7, 7)
    assert fact["ttft_ms"] is not None


def test_a_stream_without_usage_carries_no_trace_of_our_asking(platform: Platform) -> None:
    body = {"model": "mock-small", "messages": QUESTION, "stream": True}
    headers = {"Authorization": f"Bearer {platform.key}"}
    through = httpx.post(f"{platform.router.url}/v1/chat/completions", json=body, headers=headers).content
    direct = httpx.post(f"{platform.mocks[0].url}/v1/chat/completions", json=body).content
    assert through == direct


def test_models_are_listed_and_shown(platform: Platform) -> None:
    client = platform.client()
    assert {model.id for model in client.models.list()} == {"mock-small", "mock-large", "mock-embedding"}
    assert client.models.retrieve("mock-small").owned_by == "aias"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


def test_completions_and_embeddings_work_too(platform: Platform) -> None:
    client = platform.client()
    assert (
        client.completions.create(model="mock-small", prompt="one two three", max_tokens=2).choices[0].text == "one two"
    )
    embedding = client.embeddings.create(model="mock-embedding", input="hello", encoding_format="float")
    assert embedding.usage.prompt_tokens == 1
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="mock-small", input="hello")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "no API key"),
        ("sk-aias-l-short", "form"),
        ("sk-aias-p-" + "0" * 49, "typing fault"),
        ("not-a-key", "form"),
    ],
)
def test_who_has_no_valid_key_is_refused_and_leaves_no_event(platform: Platform, key: str, said: str) -> None:
    before = platform.count()
    answer = httpx.post(
        f"{platform.router.url}/v1/chat/completions",
        json={"model": "mock-small", "messages": QUESTION},
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert said in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert key == "" or key not in answer.text
    assert platform.count() == before + 1


def test_an_unknown_but_well_formed_key_is_refused(platform: Platform) -> None:
    from aias_core.identity.keys import generate_key

    with pytest.raises(openai.AuthenticationError):
        platform.client(api_key=generate_key("local").reveal()).chat.completions.create(
            model="mock-small", messages=QUESTION
        )


@pytest.mark.parametrize(
    ("body", "status", "code", "event_status"),
    [
        (b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found", "rejected"),
        (b"{", 400, "invalid_json", "rejected"),
        (b'{"model":"mock-small"}', 400, "missing_required_parameter", "rejected"),
        (b'{"model":"mock-small","messages":[1],"model":"x"}', 400, "duplicate_parameter", "rejected"),
        (b'{"model":"' + b"x" * 2_000_000 + b'"}', 413, "request_too_large", "rejected"),
        (b'{"model":"a\\u0000b","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found", "rejected"),
    ],
    ids=["unknown-model", "json", "parameter", "duplicate", "large", "nul"],
)
def test_a_refused_request_of_a_known_organization_is_one_event_without_cost(
    platform: Platform, body: bytes, status: int, code: str, event_status: str
) -> None:
    headers = {"Authorization": f"Bearer {platform.key}"}
    answer = httpx.post(f"{platform.router.url}/v1/chat/completions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    fact = platform.fact(answer.headers["x-request-id"])
    assert (fact["status"], fact["cost_pico"], fact["http_status"]) == (event_status, 0, status)


def test_a_failing_backend_is_left_before_the_first_byte(platform: Platform) -> None:
    platform.fault(0, kind="status", status=503)
    for _ in range(8):
        raw = platform.client().chat.completions.with_raw_response.create(model="mock-small", messages=QUESTION)
        assert raw.headers["x-aias-backend"] == "mock-2"
    platform.fault(1, kind="status", status=500, times=1)
    with pytest.raises(openai.InternalServerError) as caught:
        platform.client().chat.completions.create(model="mock-small", messages=QUESTION)
    assert caught.value.response.headers["x-should-retry"] == "true"
    assert platform.fact(caught.value.response.headers["x-request-id"])["status"] == "error"


def test_a_stream_cut_in_the_middle_ends_with_an_error_and_bills_what_was_produced(platform: Platform) -> None:
    platform.fault(kind="cut", after_chunks=4)
    raw = platform.client().chat.completions.with_raw_response.create(
        model="mock-small", messages=QUESTION, stream=True
    )
    with pytest.raises(openai.APIError):
        list(raw.parse())
    fact = platform.fact(raw.headers["x-request-id"])
    assert (fact["status"], fact["token_source"], fact["output_tokens"]) == ("error", "counted", 4)
    assert fact["cost_pico"] > 0


def test_an_answer_without_usage_is_estimated(platform: Platform) -> None:
    platform.fault(kind="no_usage", times=1)
    raw = platform.client().chat.completions.with_raw_response.create(model="mock-small", messages=QUESTION)
    assert platform.fact(raw.headers["x-request-id"])["token_source"] == "estimated"


def test_a_client_that_goes_away_is_a_cancelled_event(platform: Platform) -> None:
    before = platform.count()
    platform.fault(kind="hang")
    headers = {"Authorization": f"Bearer {platform.key}"}
    body = {"model": "mock-small", "messages": [{"role": "user", "content": MARKER}]}
    with suppress(httpx.TimeoutException):
        httpx.post(f"{platform.router.url}/v1/chat/completions", json=body, headers=headers, timeout=0.5)
    wait_until(lambda: platform.count_now() == before + 1)
    row = platform.facts.execute(
        "SELECT status, cost_pico FROM aias.usage_facts ORDER BY event_id DESC LIMIT 1"
    ).fetchone()
    assert row == ("cancelled", 0)


def test_every_answer_before_a_kill_is_a_fact_exactly_once_and_open_requests_are_told(platform: Platform) -> None:
    client, before = platform.client(), platform.count()
    answered = [
        client.chat.completions.with_raw_response.create(model="mock-small", messages=QUESTION).headers["x-request-id"]
        for _ in range(20)
    ]
    platform.fault(kind="hang")
    headers = {"Authorization": f"Bearer {platform.key}"}
    body = {"model": "mock-small", "messages": QUESTION}
    with httpx.Client() as hanging, suppress(httpx.HTTPError):
        hanging.post(f"{platform.router.url}/v1/chat/completions", json=body, headers=headers, timeout=0.3)
    platform.restart_router()
    wait_until(lambda: platform.count_now() == before + 21)
    rows = platform.facts.execute("SELECT event_id::text FROM aias.usage_facts").fetchall()
    assert set(answered) <= {row[0] for row in rows}
    sequence = platform.facts.execute("SELECT source_seq FROM aias.usage_facts ORDER BY source_seq").fetchall()
    assert [n for (n,) in sequence] == list(range(1, len(sequence) + 1))


def test_the_account_of_a_router_that_stops_equals_the_facts(platform: Platform) -> None:
    platform.count()
    platform.router.process.terminate()
    assert platform.router.process.wait(20) == 0
    wait_until(lambda: platform.rows("SELECT state FROM aias.sources") == [("closed",)])
    told = "SELECT source, org_id, hour, requests, input_tokens, output_tokens, cost_pico FROM aias.source_totals"
    stored = """SELECT source, org_id, date_trunc('hour', occurred_at), count(*), sum(input_tokens), sum(output_tokens),
        sum(cost_pico) FROM aias.usage_facts GROUP BY 1, 2, 3"""
    assert sorted(platform.rows(told)) == sorted(platform.rows(stored))
    [source] = platform.rows("SELECT highest_seq, published_seq, oldest_in_flight_at FROM aias.sources")
    assert source == (platform.count_now(), platform.count_now(), None)
    platform.start_router()
    wait_until(lambda: platform.rows("SELECT state FROM aias.sources") == [("active",)])
    assert platform.count() == source[0] + 1


def test_known_keys_go_on_while_identity_is_away_and_unknown_ones_wait(platform: Platform) -> None:
    from aias_core.identity.keys import generate_key

    client = platform.client()
    client.chat.completions.create(model="mock-small", messages=QUESTION)
    platform.identity.process.send_signal(signal.SIGSTOP)
    try:
        assert client.chat.completions.create(model="mock-small", messages=QUESTION).usage
        with pytest.raises(openai.InternalServerError) as caught:
            platform.client(api_key=generate_key("local").reveal()).models.list()
    finally:
        platform.identity.process.send_signal(signal.SIGCONT)
    assert caught.value.status_code == 503
    assert caught.value.code == "authentication_unavailable"


def test_unknown_paths_and_methods_have_openais_shape(platform: Platform) -> None:
    assert httpx.get(f"{platform.router.url}/v1/nowhere").json()["error"]["code"] == "unknown_url"
    assert httpx.get(f"{platform.router.url}/v1/chat/completions").status_code == 405
    assert httpx.get(f"{platform.router.url}/admin/v1/models").status_code == 404


def test_admin_routes_want_the_operators_token(platform: Platform) -> None:
    url = f"{platform.router.ops_url}/admin/v1/models"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": f"Bearer {platform.key}"}).status_code == 401
    listed = httpx.get(url, headers={"Authorization": f"Bearer {OPERATOR}"}).json()["data"]
    assert [(row["name"], row["input_price"]) for row in listed if row["name"] == "mock-small"] == [
        ("mock-small", "0.15")
    ]


def test_what_was_asked_is_kept_nowhere(platform: Platform) -> None:
    platform.client().chat.completions.create(
        model="mock-small", messages=[{"role": "user", "content": f"{MARKER} again"}]
    )
    for path in platform.directory.rglob("*"):
        if path.is_file():
            assert MARKER.encode() not in path.read_bytes(), path
    facts = platform.facts.execute("SELECT to_jsonb(f) FROM aias.usage_facts f").fetchall()
    assert MARKER not in json.dumps(facts, default=str)
    assert platform.key not in platform.router.log.read_text()
