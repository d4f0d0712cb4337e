from __future__ import annotations

import httpx
import pytest

from aias_core.errors import TimedOut
from aias_services.linode_simulator.provider.api import TRIES, Api, ApiFault, Pace

FAST = Pace(event=0, node=0, retry=0, limit=60)


class Server:
    """Answers one status after another, the last one for ever; and counts the calls."""

    def __init__(self, *statuses: int) -> None:
        self._statuses, self.calls = list(statuses), 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == 0:
            raise httpx.ReadError("cut", request=request)
        body = {} if status == 200 else {"errors": [{"reason": "No", "field": "label"}]}
        return httpx.Response(status, json=body)


def _api(server: Server, pace: Pace = FAST) -> Api:
    api = Api("http://linode.test", "v4", "token", pace)
    api._http = httpx.Client(base_url="http://linode.test/v4", transport=httpx.MockTransport(server))
    return api


@pytest.mark.parametrize(
    ("method", "path", "status", "repeated"),
    [
        ("get", "/vpcs", 408, True),
        ("get", "/vpcs", 429, True),
        ("get", "/vpcs", 500, True),
        ("get", "/vpcs", 502, True),
        ("get", "/vpcs", 0, True),
        ("get", "/vpcs", 404, False),
        ("post", "/vpcs", 429, True),
        ("post", "/vpcs", 503, True),
        ("post", "/vpcs", 500, False),
        ("post", "/vpcs", 400, False),
        ("post", "/vpcs", 0, False),
        ("post", "/object-storage/buckets", 500, True),
        ("post", "/object-storage/keys", 504, True),
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
    with pytest.raises(ApiFault, match=r"\[503\] No \(label\)"):
        _api(server).get("/vpcs")
    assert server.calls == TRIES


def test_looking_ends_when_it_takes_too_long() -> None:
    api = _api(Server(200), Pace(event=0, node=0, retry=0, limit=0))
    with pytest.raises(TimedOut, match="a node"):
        for _ in api.looks(0, "a node"):
            pass
