"""An environment in a simulated account that is up: brought up once, and copied for each module that changes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from aias_cli.main import run
from aias_core.environments.linode.inside import open_access
from aias_core.environments.linode.simulation import ensure_simulation, stop_simulation
from aias_core.environments.linode.target import LinodeEnvironment, open_linode_environment
from aias_core.environments.linode.up import UpOptions

NAME = "small"
PROFILE = {
    "extends": "development",
    "domain": "example.org",
    "buckets": dict.fromkeys(("access", "artifacts", "builds", "exports", "reports", "telemetry")),
}


@dataclass
class Settled:
    """One environment with its directory and profiles."""

    root: Path

    @property
    def profile_file(self) -> Path:
        return self.root / "profiles" / f"{NAME}.yaml"

    @property
    def directory(self) -> Path:
        return self.root / "aias" / NAME

    def open(self) -> LinodeEnvironment:
        return open_linode_environment(NAME, self.root / "aias", self.root / "profiles")

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Does by hand what nobody planned."""
        simulation = ensure_simulation(self.directory)
        headers = {"Authorization": f"Bearer {simulation.token.reveal()}"}
        answer = httpx.request(method, f"{simulation.url}/v4{path}", json=body, headers=headers, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def rows(self, path: str) -> list[dict[str, Any]]:
        return list(self.api("GET", path)["data"])

    @property
    def cluster_path(self) -> str:
        return f"/lke/clusters/{self.rows('/lke/clusters')[0]['id']}"

    def kubernetes(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Asks the cluster as its administrator."""
        with open_access(self.open().opened.account, NAME) as cluster:
            assert cluster is not None
            return cluster.call(method, path, body, content_type)

    def run(self, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any, str]:
        """Exit code, what came on stdout as JSON, and the notes of one command.

        A minute passes in the account before it, else a module of tests would come to the ceilings of its rates.
        """
        self.api("POST", "/__simulator/clock", {"seconds": 60})
        capsys.readouterr()
        options = ["--state-dir", str(self.root / "aias"), "--config", str(self.root / "profiles"), "-o", "json"]
        code = run([*argv, *options])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out.strip() else None, err


@contextmanager
def settled(root: Path, profile: dict[str, Any] | None = None) -> Iterator[Settled]:
    """A new environment, up."""
    found = Settled(root)
    found.profile_file.parent.mkdir(parents=True)
    found.profile_file.write_text(yaml.safe_dump(profile or PROFILE))
    ensure_simulation(found.directory, pace=0)
    try:
        found.open().up(UpOptions(), lambda _: None, lambda _: None)
        yield found
    finally:
        stop_simulation(found.directory)


@contextmanager
def copied(original: Settled, root: Path) -> Iterator[Settled]:
    """The same in an account of its own. The original must be at rest: its process is ended, and starts again alone."""
    stop_simulation(original.directory)
    shutil.copytree(original.root, root, dirs_exist_ok=True)
    (root / "aias" / NAME / "simulation.json").unlink()
    found = Settled(root)
    ensure_simulation(found.directory, pace=0)
    try:
        yield found
    finally:
        stop_simulation(found.directory)
