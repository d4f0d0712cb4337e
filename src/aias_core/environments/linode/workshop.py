"""Terraform at work on one environment: its own directory, its variables, and the state backend beside it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aias_core.environments.linode.backend import StateBackend, serve_state
from aias_core.environments.linode.failures import explain_failure
from aias_core.environments.linode.states import read_state
from aias_core.environments.linode.terraform import OnProgress, Terraform, TerraformFailed, build_environment, ignore
from aias_core.environments.linode.terraform_program import copy_configuration
from aias_core.environments.linode.terraform_state import CLUSTER, Instance, list_instances
from aias_core.environments.linode.variables import build_variables
from aias_core.errors import AiasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.opening import OpenedEnvironment
    from aias_core.environments.linode.remote_state import RemoteState
    from aias_core.environments.linode.terraform_plan import TerraformPlan

ROOT, PLAN_FILE, LOOK_FILE = "environment", "plan.tfplan", "look.tfplan"
# From where and to where, as `moved` of the root says.
MOVED = ("module.network.linode_firewall.nodes", "module.node_firewall[0].linode_firewall.this")


class Infrastructure(Protocol):
    """What the engine needs of Terraform."""

    def init(self) -> None: ...

    def plan(
        self,
        on_progress: OnProgress = ...,
        *,
        destroy: bool = ...,
        refresh: bool = ...,
        refresh_only: bool = ...,
        targets: Sequence[str] = ...,
        file: Path | None = ...,
        lock: bool = ...,
    ) -> TerraformPlan: ...

    def apply(self, plan: TerraformPlan, on_progress: OnProgress = ...) -> None: ...

    def import_resource(self, address: str, identifier: str) -> None: ...

    def import_cluster(self, address: str, identifier: str) -> None: ...

    def untaint(self, address: str) -> None: ...

    def remove_from_state(self, address: str) -> None: ...

    def take_unsaved_state(self) -> bytes | None: ...


MakeInfrastructure = Callable[[Path, Mapping[str, str], Mapping[str, str]], Infrastructure]


def run_terraform(directory: Path, variables: Mapping[str, str], backend: Mapping[str, str]) -> Infrastructure:
    """Terraform itself, with its root copied to where it may write."""
    return Terraform(copy_configuration(ROOT, directory), variables, backend)


@dataclass(slots=True)
class Workshop:
    """Terraform, its state, and the lease under which it writes; without one it only looks.

    Everything raises what `explain_failure` makes of a failure.
    """

    opened: OpenedEnvironment
    state: RemoteState
    terraform: Infrastructure
    backend: StateBackend
    lease: Lease | None

    @property
    def plan_file(self) -> Path:
        """This process's own: another command that plans meanwhile must not change what is about to be applied."""
        return self.opened.directory / "terraform" / f"{os.getpid()}-{PLAN_FILE}"

    @property
    def _look_file(self) -> Path:
        return self.plan_file.with_name(f"{os.getpid()}-{LOOK_FILE}")

    def plan(
        self,
        on_progress: OnProgress = ignore,
        *,
        destroy: bool = False,
        refresh: bool = True,
        targets: Sequence[str] = (),
    ) -> TerraformPlan:
        """What would change; nothing is written without a lease. Without `refresh` the state is taken for true."""
        options: dict[str, Any] = {"destroy": destroy, "refresh": refresh, "targets": targets, "file": self.plan_file}
        atexit.register(self.plan_file.unlink, missing_ok=True)
        with self._explained():
            return self.terraform.plan(on_progress, lock=self.lease is not None, **options)

    def look(self) -> TerraformPlan:
        """What of the state is no longer so; nothing is written."""
        try:
            with self._explained():
                return self.terraform.plan(refresh_only=True, file=self._look_file, lock=self.lease is not None)
        finally:
            self._look_file.unlink(missing_ok=True)

    def apply(self, plan: TerraformPlan, on_progress: OnProgress) -> None:
        with self._explained():
            self.terraform.apply(plan, on_progress)

    def refresh(self, targets: Sequence[str]) -> None:
        """Takes what was changed of these resources into the state; nothing of the account is changed."""
        with self._explained():
            file = self.plan_file
            atexit.register(file.unlink, missing_ok=True)
            targets = [*targets, *self._list_moved()]
            self.terraform.apply(self.terraform.plan(refresh_only=True, targets=targets, file=file), ignore)

    def adopt(self, address: str, kind: str, identifier: str) -> None:
        """Takes what exists into the state."""
        with self._explained():
            if kind == CLUSTER:
                self.terraform.import_cluster(address, identifier)
            else:
                self.terraform.import_resource(address, identifier)

    def untaint(self, address: str) -> None:
        with self._explained():
            self.terraform.untaint(address)

    def forget(self, address: str) -> None:
        """Takes a resource out of the state without touching it."""
        with self._explained():
            self.terraform.remove_from_state(address)

    def list_resources(self) -> list[Instance]:
        """What the state holds now."""
        content = self.state.versions.read_newest()
        return [] if content is None else list_instances(read_state(content))

    def _list_moved(self) -> tuple[str, ...]:
        """What Terraform refuses to leave out of a plan of some resources: those that have a new address by now."""
        return MOVED if MOVED[0] in {one.address for one in self.list_resources()} else ()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        self.backend.fault = None
        try:
            yield
        except BaseException as exc:
            self._keep_unsaved_state()
            if isinstance(exc, TerraformFailed):
                error = explain_failure(exc, self.backend.fault)
                raise error from error.__cause__ or exc
            raise

    def _keep_unsaved_state(self) -> None:
        """Terraform leaves a state that it could not store in plain text; it is stored here or not kept at all.

        What it told of is found again in the account by its label. Only who holds the lease has written.
        """
        content = self.terraform.take_unsaved_state() if self.lease else None
        if content is not None and self.lease is not None:
            try:
                if self._is_next(content):
                    self.state.versions.write(content, self.lease)
            except AiasError as exc:
                self.backend.fault = self.backend.fault or exc

    def _is_next(self, content: bytes) -> bool:
        """Whether it goes on from the newest state: it may have been left behind before others were stored."""
        unsaved, newest = read_state(content), self.state.versions.read_newest()
        if newest is None:
            return True
        stored = read_state(newest)
        return bool(unsaved["lineage"] == stored["lineage"] and unsaved["serial"] > stored["serial"])


@contextmanager
def open_workshop(
    opened: OpenedEnvironment,
    state: RemoteState,
    lease: Lease | None,
    make: MakeInfrastructure,
    *,
    empties_buckets: bool = False,
) -> Iterator[Workshop]:
    """Terraform on an environment for the length of the block; whether it may remove buckets with what is in them."""
    with serve_state(state.versions, lease) as backend, opened.provide() as account:
        told = build_variables(opened.profile, opened.name) | {"empties_buckets": empties_buckets}
        variables = {**account, **build_environment(told)}
        terraform = make(opened.directory / "terraform", variables, backend.variables())
        workshop = Workshop(opened, state, terraform, backend, lease)
        if lease is not None:
            terraform.take_unsaved_state()  # of a run that was killed
            _remove_plans_of_the_dead(workshop.plan_file.parent)
        with workshop._explained():
            terraform.init()
        yield workshop


def _remove_plans_of_the_dead(directory: Path) -> None:
    """A plan holds the state in plain text, and a process that was killed left it."""
    import psutil

    for file in directory.glob("*.tfplan"):
        pid = file.name.partition("-")[0]
        if not (pid.isdecimal() and psutil.pid_exists(int(pid))):
            file.unlink(missing_ok=True)
