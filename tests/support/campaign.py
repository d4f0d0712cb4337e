"""A fault campaign: one environment brought up and taken down, with one call of it failing in one way."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aias_core.environments.linode.client import LinodeAccount
from aias_core.environments.linode.down import DownOptions
from aias_core.environments.linode.opening import OpenedEnvironment
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.simulation import Simulation
from aias_core.environments.linode.states import read_state
from aias_core.environments.linode.target import LinodeEnvironment
from aias_core.environments.linode.terraform_state import list_instances
from aias_core.environments.linode.up import UpOptions, UpResult
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import AiasError
from aias_core.secret import Secret
from support.fault_kinds import WAYS
from support.near import Near, NearAdapter, NearTransport
from support.provisioning import InProcessProvisioner

NAME = "small"
PROFILE = """
extends: linode
cluster:
  pools:
    gpu: null
    general: {type: g6-standard-4, count: 1}
    extra: {type: g6-standard-2, count: 1}
network: {vpc_cidr: 10.20.0.0/16, subnets: {nodes: 10.20.0.0/20}}
buckets: {exports: null, builds: null, artifacts: null, access: null, reports: null, telemetry: null}
namespaces: {models: null, gateway: null, observability: null, argocd: null, sealed-secrets: null, cert-manager: null}
secrets: {image-registry: null, grafana-admin: null}
components:
"""
NEVER_ENDS = 6
NO_RESOURCES = {"token", "event"}
Call = tuple[str, str, int]


@dataclass
class Run:
    """What came of one command: its attempts and how each ended."""

    codes: list[int] = field(default_factory=list)
    last: str = ""


@dataclass
class Account:
    """A simulated account that is emptied for each run, whose clock moves instead of passing.

    A process that is not the fake's own must not be near it.
    """

    near: Near
    directory: Path
    profile: LinodeProfile
    original: LinodeProfile
    numbers: int = 0
    tokens: int = 0
    runs: int = 0
    is_near: bool = True
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False, verify=False))

    @property
    def offset(self) -> float:
        """Simulated time that has passed, in seconds."""
        return self.near.seconds

    @property
    def timing(self) -> Timing:
        return Timing(now=lambda: self.near.seconds, sleep=self.near.advance)

    def environment(self) -> LinodeEnvironment:
        """The environment as a new process would open it."""
        token = Secret(f"campaign-{self.tokens}")
        timing = self.timing
        below = NearAdapter(self.near) if self.is_near else None
        account = LinodeAccount(self.near.url, "v4", token, timing=timing, below=below)
        simulation = Simulated(url=self.near.url, pid=0, token=token, directory=self.directory)
        opened = OpenedEnvironment(self.profile, self.directory, account, simulation, token)
        return LinodeEnvironment(opened, timing, self._make)

    def _make(self, *given: Any) -> InProcessProvisioner:
        below = NearTransport(self.near) if self.is_near else None
        return InProcessProvisioner(*given, below=below, timing=self.timing)

    def begin(self, number: int) -> None:
        """Empties the account, and begins in a new directory."""
        self.control("POST", "reset", {})
        # Settings outlast a reset; ceilings are not what most tests are about.
        self.control("PATCH", "settings", {"enforce_rates": False, "linger_seconds": 0})
        self.directory = self.directory.parent / f"{NAME}-{number}"
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "store").mkdir(parents=True)
        (self.directory / "simulation.json").write_text("{}")
        self.new_token()

    def new_token(self) -> None:
        self.tokens += 1
        self.control("POST", "tokens", {"token": f"campaign-{self.tokens}"})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        target = f"/v4/__simulator/{path}"
        if self.is_near:
            answer = self.near.ask(method, target, {}, json.dumps(body).encode() if body is not None else b"")
            assert answer.status == 200, answer.document
            return answer.document
        told = self.http.request(method, self.near.url + target, json=body)
        assert told.is_success, told.text
        return told.json()

    def fail(self, call: Call, way: str) -> None:
        """Lets that call fail in this way."""
        method, path, nth = call
        self.control("POST", "faults", {"method": method, "path": path, "nth": nth, **WAYS[way].rule})

    def act(self, command: str) -> Run:
        """`up` or `down`."""
        return self.up() if command == "up" else self.down()

    def up(self) -> Run:
        return self._repeat(lambda one: one.up(UpOptions(), lambda _: None, lambda _: None))

    def down(self) -> Run:
        """Removes everything but the state."""
        return self._repeat(lambda one: one.down(DownOptions(volumes=True, keep_state=True), lambda _: None))

    def bring_up(self, options: UpOptions | None = None) -> UpResult:
        """One `up` and no other, with everything agreed to."""
        return self.environment().up(options or UpOptions(), lambda _: None, lambda _: None)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """What the account lists there."""
        return self.environment().opened.account.list_all(path)

    def writes(self) -> list[str]:
        """The calls since the last look that could have changed something."""
        calls = self.control("GET", "calls")
        return [f"{call['method']} {call['path']}" for call in calls if call["method"] != "GET"]

    def _repeat(self, act: Any) -> Run:
        """The command again and again until it is done, as its hint says."""
        self.runs += 1
        run = Run()
        for _ in range(NEVER_ENDS):
            try:
                act(self.environment())
                run.codes.append(0)
                return run
            except AiasError as exc:
                run.codes.append(int(exc.exit_code))
                run.last = exc.message
            self.control("POST", "release", {})
            self.control("DELETE", "faults")
            self.raise_limits()
            self.new_token()
        raise AssertionError(f"never ends: {run.last}")

    def raise_limits(self) -> None:
        """As after a support ticket: what a refusal taught is no longer so."""
        (self.directory / "limits.json").unlink(missing_ok=True)

    def calls(self) -> list[Call]:
        """Every call since the last look, each with which of its kind it was."""
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for call in self.control("GET", "calls"):
            key = (call["method"], call["path"])
            seen[key] += 1
            found.append((*key, seen[key]))
        self.control("DELETE", "calls")
        return found

    def ledger(self) -> Any:
        return self.control("GET", "ledger")

    def list_resources(self) -> list[str]:
        """What exists in the account, billed or not, by what it serves."""
        world = self.near.application.world
        kinds = set(world.state.records) - NO_RESOURCES
        return sorted(re.sub(r"\d{3,}", "N", one.purpose) for kind in kinds for one in world.iter(kind))

    def list_known(self) -> list[str]:
        """What the state tells of. Raises where one of its versions cannot be read, or is of another lineage."""
        versions = self.environment().state.versions
        states = [read_state(versions.read(one)) for one in versions.list_versions()]
        assert len({one["lineage"] for one in states}) == 1, "the state was begun anew"
        newest = versions.read_newest()
        return sorted(one.address for one in list_instances(read_state(newest or b"")))


class Simulated(Simulation):
    """A simulation whose processes belong to the test."""

    @contextmanager
    def provide(self) -> Iterator[dict[str, str]]:
        yield {"LINODE_URL": self.url, "LINODE_TOKEN": self.token.reveal()}


def make_account(near: Near, directory: Path) -> Account:
    own = directory / "profiles"
    own.mkdir()
    components = "\n".join(f"  {name}: {{enabled: false}}" for name in _list_components())
    (own / f"{NAME}.yaml").write_text(PROFILE + components + "\n")
    profile = load_profile(NAME, own)
    assert isinstance(profile, LinodeProfile)
    return Account(near, directory / NAME, profile, profile)


def _list_components() -> list[str]:
    from aias_core.environments.components import load_registry

    return [one.name for one in load_registry().values() if "linode" in one.targets]
