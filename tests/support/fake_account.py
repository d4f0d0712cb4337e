"""A fake Linode account in this process, and our client of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import requests
from requests.adapters import BaseAdapter

from aias_core.environments.linode.client import LinodeAccount
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.variables import build_tags, list_key_labels
from aias_core.environments.schema import LinodeProfile
from aias_core.secret import Secret
from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.control import Tokens, add_token
from aias_services.linode_simulator.exchange import Answer, Request
from aias_services.linode_simulator.faults import FaultRule
from aias_services.linode_simulator.resources import REGISTRY
from aias_services.linode_simulator.world import World
from support.linode import TOKEN


class InProcess(BaseAdapter):
    """Hands the requests of a client to a fake in this process; what is waited for there, takes no time here."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.application = application

    def send(self, request: Any, **_: Any) -> requests.Response:
        path, _, query = request.path_url.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.body or b""
        asked = Request(
            request.method,
            path,
            dict(parse_qsl(query)),
            {**headers, "host": "linode.test"},
            body.encode() if isinstance(body, str) else body,
        )
        version, _, rest = path.removeprefix("/").partition("/")
        outcome, answer = self.application.decide(asked, f"/{rest}", beta=version == "v4beta")
        if outcome.cut:
            raise requests.ConnectionError("cut")
        return _response(request, answer)

    def close(self) -> None:
        pass


def _response(request: Any, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = answer.status, request, request.url
    response.headers.update(answer.headers)
    response._content = answer.body()
    return response


@dataclass
class FakeAccount:
    """A fake in this process and our client of it, whose pauses move simulated time instead of passing."""

    world: World
    account: LinodeAccount
    calls: list[tuple[str, str, int | None]]
    pauses: list[float]

    def fail(self, kind: str, **rule: Any) -> None:
        self.world.state.faults.append(FaultRule(kind=kind, **rule))


def make_account(
    token: str = TOKEN, scopes: str = "*", *, enforce_rates: bool = True, version: str = "v4"
) -> FakeAccount:
    """A fake account in which everything takes no time."""
    world = World(REGISTRY)
    world.state.settings.pace, world.state.settings.enforce_rates = 0, enforce_rates
    add_token(world, Tokens(token, scopes))
    calls: list[tuple[str, str, int | None]] = []
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.state.clock_offset += seconds

    account = LinodeAccount(
        "http://linode.test",
        version,
        Secret(token),
        on_call=lambda *call: calls.append(call),
        timing=Timing(now=world.now, sleep=sleep),
        below=InProcess(Application(world)),
    )
    return FakeAccount(world, account, calls, pauses)


def build_environment(fake: FakeAccount, profile: LinodeProfile) -> None:
    """Makes what an environment of that profile consists of, as Terraform would."""
    name, region, tags = profile.name, profile.region, build_tags(profile, profile.name)
    pools = [
        {"type": pool.type, "count": pool.count, "labels": pool.labels}
        for pool in profile.cluster.pools.values()
        if profile.gpu.enabled or not pool.gpu
    ]
    where = {"label": f"aias-{name}", "region": region}
    plane = {"high_availability": profile.cluster.ha}
    cluster = {**where, "tags": tags, "k8s_version": profile.cluster.version, "control_plane": plane}
    made = fake.account.create("cluster", {**cluster, "node_pools": pools})
    size = {"type": profile.database.type, "cluster_size": profile.database.nodes}
    fake.account.create("database", {**where, **size, "engine": f"postgresql/{profile.database.version}"})
    # As the cluster's cloud controller makes it for the edge.
    fake.account.create("nodebalancer", {"region": region, "label": f"ccm-{name}", "tags": [f"lke{made['id']}"]})
    for purpose in profile.buckets:
        fake.account.create("bucket", {**where, "label": f"{profile.bucket_prefix}-{name}-{purpose}"})
    for label in list_key_labels(profile):
        fake.account.create("key", {"label": label, "regions": [region]})
