"""An environment on Linode as commands see it: plan, up, status, drift, rollback, nodes, down."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.linode.approvals import PlanShelf
from aias_core.environments.linode.opening import OpenedEnvironment, ensure_directory, open_on_linode
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.preflight import CALLER_VARIABLE
from aias_core.environments.linode.remote_state import RemoteState, open_state_of
from aias_core.environments.linode.simulation import ask_simulator
from aias_core.environments.linode.steps import Progress
from aias_core.environments.linode.store import DirectoryStore
from aias_core.environments.linode.variables import STATE_BUCKET
from aias_core.environments.linode.workshop import MakeInfrastructure, Workshop, open_workshop, run_terraform
from aias_core.errors import Conflict, InvalidInput
from aias_core.settings import find_variable

if TYPE_CHECKING:
    from aias_core.environments.health import Health
    from aias_core.environments.linode.approvals import Plan
    from aias_core.environments.linode.cleanup import CleanedUp
    from aias_core.environments.linode.down import DownOptions, DownResult
    from aias_core.environments.linode.drift import Drift
    from aias_core.environments.linode.lease import Lease
    from aias_core.environments.linode.ownership import Owned
    from aias_core.environments.linode.plan import EnvironmentPlan, Survey
    from aias_core.environments.linode.rollback import RollbackOptions, Rolled
    from aias_core.environments.linode.transport import OnWait
    from aias_core.environments.linode.up import UpOptions, UpResult
    from aias_core.environments.schema import LinodeProfile


def open_linode_environment(
    name: str,
    state_root: Path,
    own: Path | None = None,
    *,
    simulate: bool = False,
    timing: Timing | None = None,
    overrides: Sequence[str] = (),
    on_wait: OnWait | None = None,
    make: MakeInfrastructure = run_terraform,
) -> LinodeEnvironment:
    """The environment of that name; `simulate` gives a new one an account of its own on this machine.

    Raises as `open_on_linode`, and Conflict for a simulation of what lives in a real account.
    """
    timing = timing or Timing()
    if simulate:
        _ensure_simulated(ensure_directory(Path(state_root).absolute(), name), name)
    opened = open_on_linode(name, state_root, own, timing=timing, overrides=overrides, on_wait=on_wait)
    return LinodeEnvironment(opened, timing, make)


def _ensure_simulated(directory: Path, name: str) -> None:
    from aias_core.environments.linode.simulation import ensure_simulation, is_simulated, was_worked_on

    if not is_simulated(directory) and was_worked_on(directory):
        raise Conflict(
            f"'{name}' was worked on in a real account from '{directory}'; it is not simulated there",
            hint="choose another place with: --state-dir DIR",
        )
    ensure_simulation(directory)


def _read_caller() -> str | None:
    told = find_variable(CALLER_VARIABLE)
    if not told:
        return None
    try:
        return str(ipaddress.ip_address(told))
    except ValueError as exc:
        raise InvalidInput(
            f"{CALLER_VARIABLE} is '{told}' and not an IP address", hint=f"correct or unset {CALLER_VARIABLE}"
        ) from exc


@dataclass(frozen=True, slots=True)
class LinodeEnvironment:
    """One environment on Linode, or in its simulation; opened on its account."""

    opened: OpenedEnvironment
    timing: Timing = field(default_factory=Timing)
    make: MakeInfrastructure = run_terraform

    @property
    def name(self) -> str:
        return self.opened.name

    @property
    def profile(self) -> LinodeProfile:
        return self.opened.profile

    @property
    def directory(self) -> Path:
        return self.opened.directory

    @property
    def state(self) -> RemoteState:
        """Where state, lease and journals are; its bucket may not be there yet."""
        return open_state_of(self.profile, self.directory)

    @property
    def state_bucket(self) -> str:
        return f"{self.profile.bucket_prefix}-{self.name}-{STATE_BUCKET}"

    @property
    def plan_shelf(self) -> PlanShelf:
        """The saved plans."""
        state = self.state
        return PlanShelf(state.store, self.name, state.journals)

    def save_plan(self, plan: Plan) -> str:
        """Keeps a plan for `up` or `down` and for those who agree to it; its id."""
        self.ensure_state_bucket()
        return self.plan_shelf.save(plan, self.find_actor())

    def read_state(self) -> RemoteState:
        """As `state`, to look at; nothing is in it before the bucket is made."""
        if self.opened.is_simulated or self.opened.account.find_by_label("bucket", self.state_bucket):
            return self.state
        nothing = DirectoryStore(self.directory / "no-bucket-yet")
        return RemoteState(self.name, self.directory, nothing, lambda: bytes(32))

    def ensure_state_bucket(self) -> None:
        """Makes the bucket of the state, where there is none."""
        account = self.opened.account
        if account.find_by_label("bucket", self.state_bucket) is None:
            account.create("bucket", {"label": self.state_bucket, "region": self.profile.region})

    def find_actor(self) -> str:
        """The Linode user that owns the token."""
        return str(self.opened.account.get("/profile")["username"])

    def find_caller(self) -> str | None:
        """The address that Linode sees us come from: that of AIAS_CALLER_ADDRESS, None where nobody tells.

        Raises InvalidInput.
        """
        if self.opened.simulation is None:
            return _read_caller()
        return str(ask_simulator(self.opened.simulation.url, "settings").json()["client_address"])

    @contextmanager
    def workshop(self, state: RemoteState, lease: Lease | None, *, empties_buckets: bool = False) -> Iterator[Workshop]:
        """Terraform at work on it."""
        with open_workshop(self.opened, state, lease, self.make, empties_buckets=empties_buckets) as workshop:
            yield workshop

    def survey(self, *, writes: bool = False) -> Survey:
        """What there is and what would change; nothing is written. `writes` asks for a token that may carry it out."""
        from aias_core.environments.linode.plan import take_survey

        return take_survey(self, writes=writes)

    def up(self, options: UpOptions, consent: Callable[[EnvironmentPlan], None], progress: Progress) -> UpResult:
        """Makes it as its profile says, after `consent`, which raises to refuse; see `up.bring_up`.

        Raises Conflict while a rollback is not finished, unless it is to be cleaned up.
        """
        from aias_core.environments.linode.rollback import refuse_half_rolled_back
        from aias_core.environments.linode.up import bring_up

        refuse_half_rolled_back(self)
        return bring_up(self, options, consent, progress)

    def clean_up(self, options: UpOptions, consent: Callable[[Sequence[Owned]], None], progress: Progress) -> CleanedUp:
        """Takes back what an unfinished `up` made; see `cleanup.clean_up`."""
        from aias_core.environments.linode.cleanup import clean_up

        return clean_up(self, options, consent, progress)

    def down(self, options: DownOptions, progress: Progress) -> DownResult:
        """Removes it and proves that it is gone; see `down.take_down`."""
        from aias_core.environments.linode.down import take_down

        return take_down(self, options, progress)

    def status(self) -> Health:
        """How its parts are, asked now."""
        from aias_core.environments.linode.status import read_health

        return read_health(self)

    def drift(self) -> Drift:
        """What was changed outside of us; nothing is changed, and the report is kept."""
        from aias_core.environments.linode.drift import find_drift

        return find_drift(self)

    def rollback(
        self, options: RollbackOptions, consent: Callable[[EnvironmentPlan], None], progress: Progress
    ) -> Rolled:
        """Makes it what it was at an earlier version of its state; see `rollback.roll_back`."""
        from aias_core.environments.linode.rollback import roll_back

        return roll_back(self, options, consent, progress)
