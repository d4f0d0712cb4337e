"""A fake Linode account in this process, and our client of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from requests import Response

from aias_core.environments.linode.client import LinodeAccount
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.variables import build_tags, list_key_labels
from aias_core.environments.schema import LinodeProfile
from aias_core.secret import Secret
from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.control import Tokens, add_token
from aias_services.linode_simulator.faults import FaultRule
from aias_services.linode_simulator.resources import REGISTRY
from aias_services.linode_simulator.world import World
from support.linode import TOKEN
from support.near import Near, NearAdapter

Call = tuple[str, str, int | None]


class Overheard(NearAdapter):
    """Remembers method, path and status of each call, None for no answer."""

    def __init__(self, near: Near) -> None:
        super().__init__(near)
        self.calls: list[Call] = []

    def send(self, request: Any, **more: Any) -> Response:
        status = None
        try:
            answer = super().send(request, **more)
            status = answer.status_code
            return answer
        finally:
            self.calls.append((request.method, re.sub(r"^/v4(beta)?|\?.*", "", request.path_url), status))


@dataclass
class FakeAccount:
    """A fake in this process and our client of it, whose pauses move simulated time instead of passing."""

    world: World
    account: LinodeAccount
    calls: list[Call]
    pauses: list[float]
    said: list[str]

    def fail(self, kind: str, **rule: Any) -> None:
        self.world.state.faults.append(FaultRule(kind=kind, **rule))


def make_account(
    token: str = TOKEN, scopes: str = "*", *, enforce_rates: bool = True, version: str = "v4"
) -> FakeAccount:
    """A fake account in which everything takes no time."""
    world = World(REGISTRY)
    world.state.settings.pace, world.state.settings.enforce_rates = 0, enforce_rates
    add_token(world, Tokens(token, scopes))
    pauses: list[float] = []
    said: list[str] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.state.clock_offset += seconds

    near = Near(Application(world))
    below = Overheard(near)
    account = LinodeAccount(
        near.url,
        version,
        Secret(token),
        on_wait=said.append,
        timing=Timing(now=world.now, sleep=sleep),
        below=below,
    )
    return FakeAccount(world, account, below.calls, pauses, said)


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
