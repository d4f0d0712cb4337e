"""The fake Linode API in tests: in this process, or as a process that can be killed; and its specification."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.control import Tokens, add_token
from aias_services.linode_simulator.resources import REGISTRY
from aias_services.linode_simulator.world import World

TOKEN = "simulated-token"
DEADLINE_SECONDS = 20
CLUSTER = {
    "label": "aias-development",
    "region": "fr-par",
    "k8s_version": "1.34",
    "node_pools": [{"type": "g6-standard-4", "count": 2}],
}

ENTERPRISE = {**CLUSTER, "tier": "enterprise", "k8s_version": "v1.34.6+lke2"}


def make_application(file: Path | None = None) -> Application:
    """A fake in this process, in which everything takes no time."""
    world = World.open(REGISTRY, file)
    world.state.settings.pace = 0
    add_token(world, Tokens(TOKEN))
    return Application(world)


def make_client(file: Path | None = None) -> TestClient:
    """A client of a fake in this process."""
    client = TestClient(make_application(file), base_url="http://linode.test")
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    return client


def make(client: TestClient, path: str, *, version: str = "v4", **body: Any) -> Any:
    """The answer to a creation that must go well."""
    answer = client.post(f"/{version}{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusals(client: TestClient, path: str, body: Any, method: str = "POST") -> list[dict[str, str]]:
    """The errors of a call that must be refused with 400."""
    answer = client.request(method, f"/v4{path}", json=body)
    assert answer.status_code == 400, answer.text
    return list(answer.json()["errors"])


def control(client: TestClient, path: str, body: dict[str, Any], method: str = "POST") -> Any:
    """The answer of the simulator itself."""
    answer = client.request(method, f"/v4/__simulator/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@dataclass
class Simulator:
    """A running process."""

    process: subprocess.Popen[str]
    url: str

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def simulator(directory: Path, *more: str, port: int = 0, pace: float = 0) -> Iterator[Simulator]:
    argv = [sys.executable, "-m", "aias_services.linode_simulator", "--pace", str(pace), "--port", str(port), *more]
    with (directory / "simulator.log").open("a") as log:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True, cwd=directory)
    assert process.stdout
    try:
        yield Simulator(process, process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
        process.stdout.close()


@cache
def specification() -> dict[str, dict[str, Any]]:
    """The operations that linode-cli knows, by `METHOD /path` with every placeholder written `{}`."""
    environment = {**os.environ, "LINODE_CLI_TOKEN": TOKEN, "LINODE_CLI_CONFIG": os.devnull}
    argv = [sys.executable, __file__]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return dict(json.loads(done.stdout))


def bake() -> dict[str, dict[str, Any]]:
    """The specification inside the linode-cli package: of each operation what it asks, answers and filters by."""
    import importlib.util
    import pickle
    import re

    sys.argv = ["linode-cli", "--skip-config"]
    found = importlib.util.find_spec("linodecli")
    assert found
    assert found.origin
    groups = pickle.loads((Path(found.origin).parent / "data-3").read_bytes())
    operations = [
        operation for name, group in groups.items() if not name.startswith("_") for operation in group.values()
    ]
    return {
        f"{operation.method.upper()} {re.sub(r'{[^}]*}', '{}', operation.url_path.removeprefix('/{apiVersion}'))}": {
            "asks": {arg.path: _type(arg) for arg in operation.args if not getattr(arg, "read_only", False)}
            if operation.method != "get"
            else {},
            "required": [arg.path for arg in operation.args if getattr(arg, "required", False)],
            "answers": {attr.name: _type(attr) for attr in operation.attrs},
            "filters": [attr.name for attr in operation.attrs if attr.filterable],
        }
        for operation in operations
    }


def _type(attribute: Any) -> str:
    return f"array of {attribute.item_type}" if attribute.datatype == "array" else str(attribute.datatype)


if __name__ == "__main__":
    print(json.dumps(bake()))
