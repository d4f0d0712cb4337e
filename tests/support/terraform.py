"""Terraform on the machine: the copied configuration, the stand-in provider, and a simulated account to work on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from aias_core.environments.linode.attached import attach_stand_in
from aias_core.environments.linode.backend import serve_state
from aias_core.environments.linode.holder import describe_self
from aias_core.environments.linode.lease import Lease, hold_lease
from aias_core.environments.linode.mirror import make_mirror
from aias_core.environments.linode.states import StateVersions
from aias_core.environments.linode.store import DirectoryStore
from aias_core.environments.linode.terraform import Terraform, build_environment
from aias_core.environments.linode.terraform_plan import ResourceChange
from aias_core.environments.linode.terraform_program import copy_configuration
from aias_core.environments.linode.variables import build_variables
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from support.linode import TOKEN, Simulator, simulator

POLL_MILLISECONDS = 20


def profile_variables(name: str) -> dict[str, Any]:
    """The variables of a shipped profile, to be changed at will."""
    profile = load_profile(name, None)
    assert isinstance(profile, LinodeProfile)
    return copy.deepcopy(build_variables(profile, name)) | {"poll_milliseconds": POLL_MILLISECONDS}


def make_change(
    kind: str, actions: str, before: Any = None, after: Any = None, reasons: Sequence[str] = ()
) -> ResourceChange:
    """One change of a plan; its actions separated by commas."""
    return ResourceChange(
        address=f"{kind}.this",
        type=kind,
        name="this",
        module="",
        actions=tuple(actions.split(",")),
        replace_reasons=tuple(reasons),
        before=before,
        after=after,
    )


@dataclass
class Bench:
    """A simulated account, an empty state, and Terraform between them."""

    running: Simulator
    directory: Path
    backend: Mapping[str, str]
    attached: Mapping[str, str]
    versions: StateVersions
    lease: Lease
    variables: dict[str, Any] = field(default_factory=dict)
    root: str = "environment"

    def terraform(self, *, program: Sequence[str] | None = None, attached: bool = True) -> Terraform:
        """Terraform with the variables as they are now; it starts the provider itself where none is attached."""
        provider = self.attached if attached else make_mirror(self.directory / "mirror")
        variables = {**account_of(self.running.url), **provider, **build_environment(self.variables)}
        return Terraform(self.directory / "terraform" / self.root, variables, self.backend, program=program)

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Asks the simulator itself."""
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, f"{self.running.url}/v4/__simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Does by hand what Terraform does not know about."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.request(method, f"{self.running.url}/v4{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def billed(self) -> list[str]:
        """The kinds of what costs money now."""
        return sorted({str(charge["kind"]) for charge in self.control("ledger")["billed_now"]})


def account_of(url: str) -> dict[str, str]:
    return {"LINODE_URL": url, "LINODE_TOKEN": TOKEN, "LINODE_STAND_IN_WAIT_SECONDS": "20"}


@contextmanager
def bench(directory: Path, profile: str = "development") -> Iterator[Bench]:
    versions = StateVersions(DirectoryStore(directory / "store"), profile, lambda: bytes(32))
    for root in ("environment", "workspace"):
        copy_configuration(root, directory / "terraform")
    with (
        simulator(directory) as running,
        hold_lease(DirectoryStore(directory / "store"), profile, describe_self("test")) as lease,
        serve_state(versions, lease) as backend,
        attach_stand_in(account_of(running.url)) as attached,
    ):
        yield Bench(running, directory, backend.variables(), attached, versions, lease, profile_variables(profile))
