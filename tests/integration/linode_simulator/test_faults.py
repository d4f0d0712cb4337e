"""Scripted failures of a running simulator: what took effect, what the caller hears, what a killed process keeps."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.linode import CLUSTER, TOKEN, Simulator, simulator
from support.servers import free_port

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PATH = "/v4/lke/clusters"
CLOSED = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started


@pytest.fixture
def client(running: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, headers=HEADERS, timeout=10) as client:
        client.post("/v4/__simulator/reset")
        yield client


def fail(client: httpx.Client, kind: str, **rule: Any) -> None:
    wanted = {"kind": kind, "method": "POST", "path": "/lke/clusters", **rule}
    assert client.post("/v4/__simulator/faults", json=wanted).status_code == 200


def count(client: httpx.Client) -> int:
    return int(client.get(PATH).json()["results"])


@pytest.mark.parametrize(
    ("kind", "error", "made", "patience"),
    [
        ("timeout_before", httpx.ReadTimeout, 0, 0.3),
        ("timeout_after", httpx.ReadTimeout, 1, 0.3),
        ("lost_answer", CLOSED, 1, 20),
        ("dropped", CLOSED, 0, 20),
    ],
)
def test_an_answer_that_never_comes(client: httpx.Client, kind: str, error: Any, made: int, patience: float) -> None:
    fail(client, kind)
    with pytest.raises(error):
        client.post(PATH, json=CLUSTER, timeout=patience)
    assert count(client) == made
    assert len(client.get("/v4/__simulator/ledger").json()["charges"]) == 2 * made


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503])
def test_a_status_before_the_effect_and_after_it(client: httpx.Client, code: int) -> None:
    fail(client, str(code), retry_after="7")
    fail(client, str(code), nth=2, after=True)
    before, after = client.post(PATH, json=CLUSTER), client.post(PATH, json=CLUSTER)
    assert (before.status_code, after.status_code, count(client)) == (code, code, 1)
    assert before.headers.get("Retry-After") == ("7" if code in (408, 429, 503) else None)
    assert client.post(PATH, json={**CLUSTER, "label": "other"}).status_code == 200


def test_the_nth_call_and_so_many_after_it_fail(client: httpx.Client) -> None:
    fail(client, "500", method="GET", path="/lke/*", nth=2, times=2)
    assert [client.get(PATH).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    assert client.get("/v4/vpcs").status_code == 200


def test_a_body_that_cannot_be_read_and_a_slow_one(client: httpx.Client) -> None:
    fail(client, "malformed")
    with pytest.raises(ValueError, match=r"Expecting|delimiter"):
        client.post(PATH, json=CLUSTER).json()
    fail(client, "slow", method="GET", seconds=0.2)
    assert client.get(PATH).elapsed.total_seconds() >= 0.2
    assert count(client) == 1


def test_one_node_of_a_pool_never_becomes_ready_until_it_is_released(client: httpx.Client) -> None:
    fail(client, "partial_pool")
    cluster = client.post(PATH, json=CLUSTER).json()

    def states() -> list[str]:
        pools = client.get(f"{PATH}/{cluster['id']}/pools").json()["data"]
        return [node["status"] for node in pools[0]["nodes"]]

    assert states() == ["ready", "not_ready"]
    assert client.post("/v4/__simulator/release").json() == {"released": 1}
    assert states() == ["ready", "ready"]


def test_a_database_that_is_stuck_and_a_deletion_that_lingers(client: httpx.Client) -> None:
    body = {"label": "main", "type": "g6-nanode-1", "engine": "postgresql/16", "region": "fr-par"}
    fail(client, "stuck", path="/databases/**")
    fail(client, "linger", method="DELETE", path="/databases/**", seconds=60)
    made = client.post("/v4/databases/postgresql/instances", json=body).json()
    path = f"/v4/databases/postgresql/instances/{made['id']}"
    client.post("/v4/__simulator/clock", json={"seconds": 10_000})
    assert client.get(path).json()["status"] == "provisioning"
    assert client.get("/v4/account/events").json()["data"][0]["status"] == "started"
    assert client.delete(path).status_code == 200
    assert client.get(path).json()["status"] == "deleting"
    client.post("/v4/__simulator/clock", json={"seconds": 61})
    assert client.get(path).status_code == 404


def test_a_fault_that_there_is_not_is_refused(client: httpx.Client) -> None:
    assert client.post("/v4/__simulator/faults", json={"kind": "meteor"}).status_code == 400
    assert client.post("/v4/__simulator/faults", json={"kind": "500", "where": "here"}).status_code == 400


def test_a_killed_simulator_goes_on_where_it_was(tmp_path: Path) -> None:
    state, port = tmp_path / "state.json", free_port()
    with simulator(tmp_path, "--state", str(state), port=port) as first:
        with httpx.Client(base_url=first.url, headers=HEADERS) as client:
            fail(client, "500", nth=2)
            cluster = client.post(PATH, json=CLUSTER).json()
            fail(client, "lost_answer", path="/vpcs")
            with pytest.raises(CLOSED):
                client.post("/v4/vpcs", json={"label": "net", "region": "fr-par"})
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(20)
    with simulator(tmp_path, "--state", str(state), port=port) as second:
        assert second.url == first.url
        with httpx.Client(base_url=second.url, headers=HEADERS) as client:
            assert client.get(f"{PATH}/{cluster['id']}").json() == cluster
            assert client.get("/v4/vpcs").json()["results"] == 1
            assert client.post(PATH, json={**CLUSTER, "label": "other"}).status_code == 500
            assert client.post(PATH, json={**CLUSTER, "label": "other"}).status_code == 200


def test_a_state_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"records": 1}')
    with simulator(tmp_path, "--state", str(state)) as started:
        assert started.url == ""
        assert started.process.wait(20) == 2
    assert "is no state of the simulator" in (tmp_path / "simulator.log").read_text()
