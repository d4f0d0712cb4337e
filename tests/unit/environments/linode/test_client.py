from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from aias_core.environments.linode.client import LinodeAccount
from aias_core.environments.linode.kinds import KINDS
from aias_core.environments.linode.pacing import Timing
from aias_core.errors import (
    AiasError,
    Conflict,
    DependencyUnreachable,
    InvalidInput,
    LimitReached,
    NotFound,
    Partial,
    PrerequisiteMissing,
    Refused,
)
from aias_core.secret import Secret
from aias_services.linode_simulator import engine, ledger
from support.fake_account import FakeAccount, make_account
from support.linode import CLUSTER

TAGS = ["aias", "env:development", "managed-by:aias"]
BODIES: dict[str, dict[str, Any]] = {
    "cluster": {**CLUSTER, "tags": TAGS},
    "vpc": {"label": "aias-development", "region": "fr-par"},
    "firewall": {
        "label": "aias-development-node",
        "tags": TAGS,
        "rules": {"inbound_policy": "DROP", "outbound_policy": "ACCEPT"},
    },
    "volume": {"label": "aias-development-data", "region": "fr-par", "size": 20, "tags": TAGS},
    "nodebalancer": {"label": "aias-development-edge", "region": "fr-par", "tags": TAGS},
    "database": {
        "label": "aias-development",
        "region": "fr-par",
        "type": "g6-dedicated-2",
        "engine": "postgresql/17",
        "cluster_size": 1,
    },
    "domain": {"domain": "dev.example.com", "type": "master", "soa_email": "ops@example.com", "tags": TAGS},
    "bucket": {"label": "aias-development-state", "region": "fr-par"},
    "key": {"label": "aias-development-state", "regions": ["fr-par"]},
    "instance": {"label": "aias-development-work", "region": "fr-par", "type": "g6-nanode-1", "tags": TAGS},
}
UNCLEAR = [
    ("lost_answer", {}),
    ("dropped", {}),
    ("408", {}),
    ("429", {}),
    ("429", {"retry_after": None}),
    ("500", {}),
    ("502", {"after": True}),
    ("503", {"after": True}),
    ("malformed", {}),
]


@pytest.fixture
def fake() -> FakeAccount:
    return make_account()


@pytest.mark.parametrize(("fault", "rule"), UNCLEAR, ids=lambda value: str(value))
@pytest.mark.parametrize("kind", BODIES)
def test_a_create_whose_answer_is_unclear_makes_one_and_returns_it(
    fake: FakeAccount, kind: str, fault: str, rule: dict[str, Any]
) -> None:
    fake.fail(fault, method="POST", times=2, **rule)
    made = fake.account.create(kind, BODIES[kind])
    rows = fake.account.list_all(KINDS[kind].path)
    assert [row.get("id", row.get("label")) for row in rows] == [made.get("id", made.get("label"))]
    assert ledger.document(fake.world)["billed_twice"] == []


def test_a_create_that_comes_through_after_the_look_up_is_taken_for_its_own() -> None:
    taken = b'{"errors": [{"reason": "Label must be unique among your VPCs", "field": "label"}]}'
    empty, found = b'{"data": [], "pages": 1}', b'{"data": [{"id": 7, "label": "aias-development"}], "pages": 1}'
    below = Answering((503, {}, b""), (200, {}, empty), (400, {}, taken), (200, {}, found))
    account = LinodeAccount("http://x", "v4", Secret("t"), timing=Timing(sleep=lambda _: None), below=below)
    assert account.create("vpc", BODIES["vpc"])["id"] == 7


def test_a_name_that_is_taken_out_of_sight_is_a_conflict_after_a_lost_answer_too() -> None:
    taken = b'{"errors": [{"reason": "Bucket already exists", "field": "label"}]}'
    empty, made = b'{"data": [], "pages": 1}', b'{"label": "aias-development-state"}'
    below = Answering((503, {}, b""), (200, {}, empty), (400, {}, taken), (200, {}, empty), (200, {}, made))
    account = LinodeAccount("http://x", "v4", Secret("t"), timing=Timing(sleep=lambda _: None), below=below)
    with pytest.raises(Conflict, match="already exists"):
        account.create("bucket", BODIES["bucket"])


def test_a_create_does_not_adopt_what_somebody_else_made(fake: FakeAccount) -> None:
    fake.account.create("cluster", CLUSTER)
    with pytest.raises(Conflict):
        fake.account.create("cluster", BODIES["cluster"])
    fake.fail("dropped", method="POST")
    with pytest.raises(Conflict):
        fake.account.create("cluster", BODIES["cluster"])


def test_two_of_one_label_are_a_conflict_naming_both(fake: FakeAccount) -> None:
    ids = [fake.account.create("key", BODIES["key"])["id"] for _ in range(2)]
    with pytest.raises(Conflict, match=f"{ids[0]}, {ids[1]}"):
        fake.account.find_by_label("key", "aias-development-state")


@pytest.mark.parametrize(("fault", "rule"), UNCLEAR, ids=lambda value: str(value))
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_can_be_repeated_is_repeated(fake: FakeAccount, method: str, fault: str, rule: dict[str, Any]) -> None:
    path = f"/vpcs/{fake.account.create('vpc', BODIES['vpc'])['id']}"
    fake.fail(fault, method=method, times=3, **rule)
    act: dict[str, Callable[[], Any]] = {
        "GET": lambda: fake.account.get(path),
        "PUT": lambda: fake.account.update(path, {"description": "x"}),
        "DELETE": lambda: fake.account.delete(path),
    }
    act[method]()
    assert [call[0] for call in fake.calls].count(method) >= 3
    assert fake.account.count("/vpcs") == (0 if method == "DELETE" else 1)


def test_an_action_whose_answer_is_lost_is_not_sent_again(fake: FakeAccount) -> None:
    fake.account.create("cluster", BODIES["cluster"])
    fake.fail("lost_answer", method="POST")
    with pytest.raises(Partial, match="not known"):
        fake.account.post("/lke/clusters/500001/recycle")
    assert len([call for call in fake.calls if call[1].endswith("/recycle")]) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_gives_up_after_ten_minutes_with_full_jitter_below_the_cap(fake: FakeAccount, method: str) -> None:
    fake.fail("503", path="/vpcs", times=1_000, retry_after=None)
    with pytest.raises(Partial, match="10 minutes"):
        fake.account.list_all("/vpcs") if method == "GET" else fake.account.create("vpc", BODIES["vpc"])
    assert sum(fake.pauses) <= 601
    assert max(fake.pauses) <= 60
    assert len(set(fake.pauses)) > 5


def test_tries_that_take_long_count_as_well() -> None:
    at = [0.0]

    class Slow(Answering):
        def send(self, request: Any, **options: Any) -> requests.Response:
            at[0] += 55
            return super().send(request, **options)

    below = Slow((504, {}, b""))
    timing = Timing(lambda: at[0], lambda _: None)
    with pytest.raises(Partial):
        LinodeAccount("http://x", "v4", Secret("t"), timing=timing, below=below).get("/profile")
    assert len(below.requests) <= 12


def test_it_waits_as_long_as_it_is_told(fake: FakeAccount) -> None:
    fake.fail("429", path="/vpcs", retry_after="37")
    fake.account.list_all("/vpcs")
    assert 37 in fake.pauses
    assert fake.said == ["Waiting for Linode, which did not do it: 429; 37 s in all…"]


def test_a_row_that_moves_to_a_later_page_meanwhile_is_given_once() -> None:
    first = b'{"data": [{"id": 1}, {"id": 2}], "pages": 2}'
    second = b'{"data": [{"id": 2}, {"id": 3}], "pages": 2}'
    account = LinodeAccount("http://x", "v4", Secret("t"), below=Answering((200, {}, first), (200, {}, second)))
    assert [one["id"] for one in account.list_all("/vpcs")] == [1, 2, 3]


def test_pages_are_as_large_as_they_may_be(fake: FakeAccount) -> None:
    for number in range(1_100):
        body = {"domain": f"d{number}.example.com", "type": "master", "soa_email": "a@b.cd"}
        engine.create(fake.world, "domain", body)
    assert len(fake.account.list_all("/domains")) == 1_100
    assert len(fake.calls) == 3


def test_a_storm_of_calls_stays_below_every_ceiling(fake: FakeAccount) -> None:
    for number in range(30):
        fake.account.create("instance", {**BODIES["instance"], "label": f"work-{number}"})
    for number in range(70):
        fake.account.create("bucket", {**BODIES["bucket"], "label": f"bucket-{number}"})
    for _ in range(250):
        fake.account.list_all("/vpcs")
    assert not [call for call in fake.calls if call[2] == 429]
    assert all(fake.pauses)
    waited = [re.fullmatch(r"Waiting for Linode, to stay below the rate .*; (\d+) s in all…", one) for one in fake.said]
    seconds = [int(one.group(1)) for one in waited if one]
    assert all(5 <= later - before <= 10 for before, later in pairwise([0, *seconds]))
    assert 0 <= sum(fake.pauses) - seconds[-1] <= 5


def test_the_ceiling_that_an_answer_tells_is_kept() -> None:
    pauses: list[float] = []
    told = Answering((200, {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "5"}, b'{"data": [], "pages": 1}'))
    at = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        at[0] += seconds

    account = LinodeAccount("http://x", "v4", Secret("t"), timing=Timing(lambda: at[0], sleep), below=told)
    for _ in range(60):
        account.list_all("/vpcs")
    assert at[0] >= 60


@pytest.mark.parametrize(
    ("status", "reason", "error", "code"),
    [
        (400, "Account Limit reached. Please open a support ticket.", LimitReached, 8),
        (400, "Plan g2-gpu-rtx4000a1-s is currently unavailable in fr-par", LimitReached, 8),
        (400, "Label must be unique among your VPCs", Conflict, 5),
        (400, "region is not valid", InvalidInput, 2),
        (401, "Invalid Token", PrerequisiteMissing, 3),
        (403, "Unauthorized", PrerequisiteMissing, 3),
        (403, "This resource is locked and cannot be deleted.", Refused, 6),
        (404, "Not found", NotFound, 4),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_refusal_is_an_error_of_ours(status: int, reason: str, error: type[AiasError], code: int) -> None:
    body = f'{{"errors": [{{"reason": "{reason}"}}]}}'.encode()
    account = LinodeAccount("http://x", "v4", Secret("t"), below=Answering((status, {}, body)))
    with pytest.raises(error) as caught:
        account.create("vpc", BODIES["vpc"])
    assert (caught.value.exit_code, bool(caught.value.hint)) == (code, code not in (2, 4))


def test_a_missing_scope_is_named() -> None:
    fake = make_account(scopes="vpc:read_only")
    with pytest.raises(PrerequisiteMissing, match="'vpc:read_write'"):
        fake.account.create("vpc", BODIES["vpc"])
    assert fake.account.token_scopes() == {"vpc": "read_only"}


def test_a_wrong_address_is_said_soon_and_a_lost_network_later() -> None:
    pauses: list[float] = []
    timing = Timing(sleep=pauses.append)
    with pytest.raises(DependencyUnreachable):
        LinodeAccount("http://127.0.0.1:1", "v4", Secret("t"), timing=timing).get("/profile")
    assert len(pauses) == 2


def test_typed_objects_of_linode_api4_use_the_same_way(fake: FakeAccount) -> None:
    fake.account.create("cluster", BODIES["cluster"])
    fake.fail("503", path="/lke/clusters", times=2)
    assert [cluster.label for cluster in fake.account.client.lke.clusters()] == ["aias-development"]


def test_the_token_is_in_no_call_and_no_text() -> None:
    fake = make_account(token="top-secret-token")
    fake.account.list_all("/vpcs")
    assert "top-secret" not in f"{fake.calls} {fake.account!r}"


def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine api.example.com login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    below = Answering((200, {}, b"{}"))
    LinodeAccount("https://api.example.com", "v4", Secret("mine"), below=below).get("/profile")
    assert below.requests[0].headers["Authorization"] == "Bearer mine"


class Answering(requests.adapters.BaseAdapter):
    """Gives one answer after another, the last one again and again."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        super().__init__()
        self._answers, self.requests = list(answers), list[Any]()

    def send(self, request: Any, **_: Any) -> requests.Response:
        self.requests.append(request)
        response = requests.Response()
        status, headers, body = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        response.status_code, response.request, response._content = status, request, body
        response.headers.update(headers)
        return response

    def close(self) -> None:
        pass
