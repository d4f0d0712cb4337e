from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from aias_core.errors import TimedOut
from aias_services.linode_simulator.provider.api import TRIES, Api, ApiFault, Pace

FAST = Pace(event=0, node=0, retry=0, limit=60)


class Server:
    """Answers one status after another, the last one for ever; and counts the calls. 2 is no answer."""

    def __init__(self, *statuses: int) -> None:
        self._statuses, self.calls = list(statuses), 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == 2:
            raise httpx.ReadError("cut", request=request)
        body = {} if status == 200 else {"errors": [{"reason": "No", "field": "label"}]}
        return httpx.Response(status, json=body)


def _api(server: Callable[[httpx.Request], httpx.Response], pace: Pace = FAST) -> Api:
    api = Api("http://linode.test", "v4", "token", pace)
    api._http = httpx.Client(base_url="http://linode.test/v4", transport=httpx.MockTransport(server))
    return api


@pytest.mark.parametrize(
    ("method", "path", "status", "repeated"),
    [
        ("get", "/vpcs", 408, True),
        ("get", "/vpcs", 429, True),
        ("get", "/vpcs", 500, False),
        ("get", "/vpcs", 502, False),
        ("get", "/vpcs", 504, False),
        ("get", "/vpcs", 2, False),
        ("get", "/vpcs", 404, False),
        ("get", "/databases/postgresql/instances", 500, False),
        ("get", "/databases/postgresql/instances/7", 500, True),
        ("get", "/databases/postgresql/instances/7/credentials", 500, True),
        ("get", "/databases/postgresql/instances/7", 502, False),
        ("get", "/linode/instances/7/ips", 500, True),
        ("get", "/linode/instances/7", 500, False),
        ("post", "/vpcs", 429, True),
        ("post", "/vpcs", 503, True),
        ("post", "/vpcs", 500, False),
        ("post", "/vpcs", 400, False),
        ("post", "/vpcs", 2, False),
        ("post", "/object-storage/buckets", 500, True),
        ("post", "/object-storage/keys", 500, True),
        ("delete", "/object-storage/keys/7", 500, True),
        ("post", "/object-storage/keys", 504, False),
    ],
)
def test_a_call_is_repeated_as_the_real_provider_repeats_it(
    method: str, path: str, status: int, repeated: bool
) -> None:
    server = Server(status, 200)
    call = getattr(_api(server), method)
    if repeated:
        assert call(path) == {}
    else:
        with pytest.raises(ApiFault) as fault:
            call(path)
        assert fault.value.status == status
    assert server.calls == (2 if repeated else 1)


def test_it_gives_up_with_the_reason_and_the_field() -> None:
    server = Server(503)
    with pytest.raises(ApiFault, match=r"\[503\] \[label\] No"):
        _api(server).get("/vpcs")
    assert server.calls == TRIES


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (httpx.RemoteProtocolError("disconnected"), "EOF"),
        (httpx.ConnectError("refused"), "dial tcp: refused"),
        (httpx.ReadTimeout("slow"), "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
    ],
)
def test_a_call_without_an_answer_fails_in_the_words_of_linodego(failure: httpx.HTTPError, said: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(ApiFault, match=re.escape(f'[002] Post "http://linode.test/v4/vpcs": {said}')):
        _api(fail).post("/vpcs")


def test_an_answer_that_is_no_json_fails_in_the_words_of_linodego() -> None:
    with pytest.raises(ApiFault, match=r"\[002\] invalid character '<'"):
        _api(lambda _: httpx.Response(200, content=b"<html>")).get("/vpcs")


def test_looking_ends_when_it_takes_too_long() -> None:
    api = _api(Server(200), Pace(event=0, node=0, retry=0, limit=0))
    with pytest.raises(TimedOut, match="a node"):
        for _ in api.looks(0, "a node"):
            pass
