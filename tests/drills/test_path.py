"""The path from an organization to a file, through the command line; and what happens when processes die on it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from aias_cli.reference import iter_commands
from support.documents import ROOT
from support.environments import CommandLine
from support.waiting import wait_until

MONTH = datetime.now(UTC).strftime("%Y-%m")
QUESTION: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
SENDERS = 2
COMPONENTS = ["postgres", "nats", "objects", "identity", "mock-model-1", "analytics", "router"]


class Client:
    """The official client with an account of every answer it got."""

    def __init__(self, line: CommandLine, key: str) -> None:
        self.answered: list[str] = []
        hooks = {"response": [lambda answer: self.answered.append(answer.headers["x-request-id"])]}
        http = openai.DefaultHttpxClient(event_hooks=hooks)
        url = f"http://127.0.0.1:{line.component('router')['ports']['main']}/v1"
        self.openai = openai.OpenAI(base_url=url, api_key=key, http_client=http, max_retries=0, timeout=10)

    def ask(self, **changes: Any) -> Any:
        return self.openai.chat.completions.create(**{"model": "mock-small", "messages": QUESTION, **changes})


@pytest.fixture(scope="module")
def key(line: CommandLine) -> str:
    line.run("org", "create", "acme", "--name", "Acme Inc.")
    return str(line.json("key", "issue", "--org", "acme", "--name", "laptop")["secret"])


@pytest.fixture
def client(line: CommandLine, key: str) -> Client:
    return Client(line, key)


def requests_of(line: CommandLine) -> int:
    line.run("analytics", "rollup", "run")
    return sum(row["requests"] for row in line.json("analytics", "usage", "--org", "acme")["totals"])


def test_a_call_becomes_usage_and_a_file_that_reconciles(line: CommandLine, client: Client, tmp_path: Path) -> None:
    before = requests_of(line)
    client.ask()
    list(client.ask(stream=True))
    with pytest.raises(openai.NotFoundError):
        client.ask(model="nope")
    wait_until(lambda: requests_of(line) == before + 3)
    verdict = line.json("analytics", "reconcile")
    assert (verdict["differences"], verdict["dead_letters_open"]) == (0, 0)
    export = line.json("analytics", "export", "--month", MONTH, "--out", str(tmp_path))
    assert export["sha256"] == hashlib.sha256(Path(export["file"]).read_bytes()).hexdigest()
    assert export["totals"][0]["requests"] == before + 3
    remote = line.json("analytics", "export", "--month", MONTH, "--out", "s3://aias-exports/drill")
    assert remote["sha256"] == export["sha256"]


def test_the_secret_of_a_key_is_nowhere_in_the_environment(line: CommandLine, key: str) -> None:
    for path in line.directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert key.encode() not in path.read_bytes(), path


def test_whatever_is_killed_under_traffic_each_answer_is_a_fact_exactly_once(line: CommandLine, key: str) -> None:
    before, client, stop = requests_of(line), Client(line, key), threading.Event()

    def send() -> None:
        while not stop.is_set():
            with suppress(openai.APIError):
                client.ask()
            stop.wait(0.02)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for victim in COMPONENTS:
        wait_for_answers(client, 10)
        kill_and_wait(line, victim)
    stop.set()
    for sender in senders:
        sender.join()
    wait_until(lambda: line.status()["summary"]["state"] == "healthy")
    wait_until(lambda: requests_of(line) >= before + len(client.answered), 30)
    wait_until(lambda: line.json("analytics", "reconcile")["open"] == 0)
    assert line.json("analytics", "reconcile")["differences"] == 0
    cut_off_with_the_router = SENDERS
    assert requests_of(line) - before - len(client.answered) <= cut_off_with_the_router


def wait_for_answers(client: Client, count: int) -> None:
    enough = len(client.answered) + count
    wait_until(lambda: len(client.answered) >= enough)


def kill_and_wait(line: CommandLine, victim: str) -> None:
    killed = line.component(victim)["pid"]
    os.kill(killed, signal.SIGKILL)

    def has_returned() -> bool:
        component = line.component(victim)
        return component["state"] == "healthy" and component["pid"] != killed

    wait_until(has_returned)


def in_the_future() -> str:
    return f"{datetime.now(UTC).year + 1}-01"


BAD: list[tuple[list[str], int, str]] = [
    (["org", "create", "acme"], 5, "exists"),
    (["org", "create", "Bad Slug"], 2, "not a slug"),
    (["key", "issue", "--org", "nobody"], 4, "no organization 'nobody'"),
    (["key", "issue", "--org", "acme", "--name", "laptop"], 5, "active key"),
    (["analytics", "usage", "--org", "nobody"], 4, "no organization 'nobody'"),
    (["analytics", "export", "--month", in_the_future()], 2, "has not begun"),
    (["analytics", "export", "--month", MONTH, "--org", "nobody"], 4, "no organization"),
    (["analytics", "export", "--month", MONTH, "--out", "s3://"], 2, "not an object storage address"),
    (["analytics", "export", "--month", MONTH, "--out", "s3://no-such-bucket/x"], 4, "no bucket"),
    (["analytics", "export", "--month", MONTH, "--out", "/proc/nowhere"], 3, "cannot be written"),
    (["env", "logs", "nope"], 4, "nope"),
    (["env", "restart", "nope"], 4, "nope"),
    (["env", "down", "--volumes"], 6, "no terminal"),
]


@pytest.mark.parametrize(("argv", "code", "said"), BAD, ids=[" ".join(argv)[:40] for argv, _, _ in BAD])
@pytest.mark.usefixtures("key")
def test_bad_input_is_one_sentence_a_hint_and_its_code(
    line: CommandLine, argv: list[str], code: int, said: str
) -> None:
    fault = line.fault(*argv, code=code)
    assert said in fault["message"]
    assert fault["hint"]


@pytest.mark.parametrize(
    ("key_of", "code"),
    [
        (lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"), "invalid_api_key"),
        (lambda _: "nonsense", "invalid_api_key"),
    ],
    ids=["typing-fault", "no-key"],
)
def test_a_malformed_key_is_refused(line: CommandLine, key: str, key_of: Callable[[str], str], code: str) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        Client(line, key_of(key)).ask()
    assert caught.value.code == code


def test_the_query_api_learns_of_new_organizations_and_keys_by_itself(line: CommandLine) -> None:
    line.run("org", "create", "newcomer")
    Client(line, line.json("key", "issue", "--org", "newcomer", "--name", "notebook")["secret"]).ask()
    token = line.json("token", "issue", "--org", "newcomer", "--role", "owner")["access_token"]
    port = line.component("analytics")["ports"]["main"]
    url = f"http://127.0.0.1:{port}/analytics/v1/orgs/newcomer/usage?period=24h&group_by=key"

    def names_the_key() -> bool:
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code == 200 and "notebook" in answer.text

    wait_until(names_the_key, 30)


def test_a_key_sees_the_usage_of_no_other_organization(line: CommandLine, key: str) -> None:
    line.run("org", "create", "globex")
    other = line.json("key", "issue", "--org", "globex", "--name", "laptop")["secret"]
    Client(line, other).ask()
    wait_until(lambda: len(line.json("analytics", "usage", "--org", "globex")["series"]) == 1)
    assert line.json("analytics", "usage", "--org", "globex")["totals"][0]["requests"] == 1
    port = line.component("identity")["ports"]["main"]
    answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/orgs", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


READS = {
    "aias env status": [],
    "aias env up": [],
    "aias env logs": ["--tail", "3"],
    "aias env restart": ["mock-model-2"],
    "aias env down": None,
    "aias env cost": None,
    "aias env quota": None,
    "aias env orphans": None,
    "aias env events": None,
    "aias env state list": None,
    "aias env state diff": None,
    "aias env state backup": None,
    "aias env state restore": None,
    "aias env state lock": None,
    "aias env state unlock": None,
    "aias env plan": None,
    "aias env approve": None,
    "aias env drift": None,
    "aias env import": None,
    "aias env kubeconfig": None,
    "aias env maintenance off": None,
    "aias env maintenance on": None,
    "aias env maintenance show": None,
    "aias env nodes cordon": None,
    "aias env nodes drain": None,
    "aias env nodes list": None,
    "aias env nodes recycle": None,
    "aias env nodes scale": None,
    "aias env nodes upgrade": None,
    "aias env rollback": None,
    "aias env activate": ["local"],
    "aias env components": [],
    "aias env diff": ["staging", "production"],
    "aias env explain": ["local", "mock.ttft_ms"],
    "aias env export": ["--component", "router"],
    "aias env list": [],
    "aias env schema": [],
    "aias env show": [],
    "aias env validate": [],
    "aias demo": None,
    "aias org create": ["initech"],
    "aias org list": [],
    "aias key issue": ["--org", "acme", "--name", "walked"],
    "aias key list": ["--org", "acme"],
    "aias model list": [],
    "aias db approve": None,
    "aias db audit": [],
    "aias db backup create": [],
    "aias db backup list": [],
    "aias db backup verify": [],
    "aias db classify check": [],
    "aias db diff": [],
    "aias db docs check": ["--out", str(ROOT / "docs/schema")],
    "aias db docs generate": ["--out", str(ROOT / "docs/schema")],
    "aias db hash check-keys": [],
    "aias db hash email": None,
    "aias db hash retire": None,
    "aias db hash rotate": None,
    "aias db erase org": ["acme", "--ticket", "T-1", "--legal-basis", "a walk", "--dry-run"],
    "aias db erase user": None,
    "aias db erase verify": None,
    "aias db hold add": ["--org", "acme", "--reason", "a walk"],
    "aias db hold list": [],
    "aias db hold release": None,
    "aias db lint": [],
    "aias db migrate": [],
    "aias db partitions drop-expired": [],
    "aias db partitions ensure": [],
    "aias db partitions list": [],
    "aias db plan": [],
    "aias db rehearse": [],
    "aias db repair": ["202611250001", "--database", "analytics", "--mark", "applied", "--out", "repair.json"],
    "aias db restore": [],
    "aias db restore-drill": [],
    "aias db retention plan": [],
    "aias db retention run": ["--yes"],
    "aias db rollback": ["--database", "operational", "--steps", "1", "--dry-run"],
    "aias db seed": ["--package", "ci", "--reset", "--yes"],
    "aias db status": [],
    "aias db verify": [],
    "aias analytics usage": ["--org", "acme"],
    "aias analytics forecast": ["--org", "acme", "--budget", "100"],
    "aias analytics freshness": ["--org", "acme"],
    "aias analytics reconcile": [],
    "aias analytics reliability": ["--org", "acme", "--period", "24h"],
    "aias analytics rollup run": [],
    "aias analytics adjust": ["--org", "acme", "--amount=-0.01", "--reason", "walked", "--dry-run"],
    "aias analytics approve": None,
    "aias analytics close": [MONTH, "--dry-run"],
    "aias analytics dead-letters drop": ["--reason", "a walk", "--yes"],
    "aias analytics dead-letters list": [],
    "aias analytics dead-letters replay": [],
    "aias analytics dead-letters show": None,
    "aias analytics diff": None,
    "aias analytics dims sync": [],
    "aias analytics ingest drain": [],
    "aias analytics ingest load": None,
    "aias analytics months": [],
    "aias analytics restate": None,
    "aias analytics rollup rebuild": ["--from", f"{MONTH}-01", "--to", f"{MONTH}-02"],
    "aias analytics sources list": [],
    "aias analytics sources retire": None,
    "aias analytics status": [],
    "aias analytics validate": None,
    "aias analytics export": ["--month", MONTH, "--out", "walked"],
    "aias analytics exports cancel": None,
    "aias analytics exports download": None,
    "aias analytics exports list": [],
    "aias analytics exports retry": None,
    "aias analytics exports show": None,
    "aias analytics exports sweep": [],
    "aias analytics exports verify": [f"walked/aias-usage_all_{MONTH}_day_v0.csv"],
    "aias token issue": ["--org", "acme", "--role", "viewer"],
    "aias net explain": ["development", "--from", "router", "--to", "nats"],
    "aias net render": ["development"],
    "aias net verify": ["development"],
    "aias secrets bootstrap": None,
    "aias secrets keys backup": None,
    "aias secrets keys verify": None,
    "aias secrets list": ["development"],
    "aias secrets rotate": None,
    "aias secrets seal": None,
    "aias secrets status": None,
    "aias doctor": [],
    "aias version": [],
}


def test_the_walk_covers_every_command() -> None:
    assert set(READS) == {path for path, _ in iter_commands()}


@pytest.mark.parametrize("path", [path for path, argv in READS.items() if argv is not None])
@pytest.mark.usefixtures("key")
def test_every_command_answers_json_that_parses(line: CommandLine, path: str) -> None:
    done = line.run(*path.split()[1:], *(READS[path] or []), "-o", "json")
    for text in done.stdout.splitlines() if path == "aias env logs" else [done.stdout]:
        assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize("output", ["table", "yaml", "csv"])
@pytest.mark.usefixtures("key")
def test_a_list_has_every_form(line: CommandLine, output: str) -> None:
    assert "acme" in line.run("org", "list", "-o", output).stdout
