"""A fault campaign: one environment brought up and taken down, with one call of it failing in one way."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aias_core.environments.linode.client import LinodeAccount
from aias_core.environments.linode.down import DownOptions
from aias_core.environments.linode.opening import OpenedEnvironment
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.simulation import Simulation
from aias_core.environments.linode.target import LinodeEnvironment
from aias_core.environments.linode.up import UpOptions
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import AiasError
from aias_core.secret import Secret
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
# Failing once is not enough where a client repeats by itself: these outlast it.
KINDS: Mapping[str, dict[str, Any]] = {
    "lost_answer": {},
    "dropped": {},
    "malformed": {},
    "408": {"times": 11, "retry_after": "0"},
    "429": {"times": 11, "retry_after": "0"},
    "500": {"times": 2},
    "503": {"times": 11, "retry_after": "0"},
    "400": {},
    "revoked": {},
}
NEVER_ENDS = 6


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
    offset: float = 0.0
    is_near: bool = True
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False, verify=False))

    def environment(self) -> LinodeEnvironment:
        """The environment as a new process would open it."""
        token = Secret(f"campaign-{self.tokens}")
        timing = Timing(now=lambda: self.offset, sleep=self._sleep)
        below = NearAdapter(self.near) if self.is_near else None
        account = LinodeAccount(self.near.url, "v4", token, timing=timing, below=below)
        simulation = Simulated(url=self.near.url, pid=0, token=token, directory=self.directory)
        opened = OpenedEnvironment(self.profile, self.directory, account, simulation, token)
        return LinodeEnvironment(opened, timing, self._make)

    def _make(self, *given: Any) -> InProcessProvisioner:
        return InProcessProvisioner(*given, below=NearTransport(self.near) if self.is_near else None)

    def begin(self, number: int) -> None:
        """Empties the account, and begins in a new directory."""
        self.control("POST", "reset", {})
        # The stand-in provider would wait in real seconds where the fake holds it back.
        self.control("PATCH", "settings", {"enforce_rates": False})
        self.directory = self.directory.parent / f"{NAME}-{number}"
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "store").mkdir(parents=True)
        (self.directory / "simulation.json").write_text("{}")
        self.new_token()

    def new_token(self) -> None:
        self.tokens += 1
        self.control("POST", "tokens", {"token": f"campaign-{self.tokens}"})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.near.url}/v4/__simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def fail(self, call: tuple[str, str, int], kind: str) -> None:
        method, path, nth = call
        self.control("POST", "faults", {"kind": kind, "method": method, "path": path, "nth": nth, **KINDS[kind]})

    def up(self) -> Run:
        return self._repeat(lambda one: one.up(UpOptions(), lambda _: None, lambda _: None))

    def down(self) -> Run:
        """Removes everything but the state."""
        return self._repeat(lambda one: one.down(DownOptions(volumes=True, keep_state=True), lambda _: None))

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

    def calls(self) -> list[tuple[str, str, int]]:
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

    def _sleep(self, seconds: float) -> None:
        self.offset += seconds
        self.control("POST", "clock", {"seconds": seconds})


class Simulated(Simulation):
    """A simulation whose process belongs to the test."""

    def build_environment(self) -> dict[str, str]:
        return {"LINODE_URL": self.url, "LINODE_TOKEN": self.token.reveal()}


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
