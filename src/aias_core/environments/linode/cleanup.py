"""Takes back what a run of `up` made that was not finished; nothing older is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.linode.convergence import Convergence
from aias_core.environments.linode.dangers import Danger, refuse_protected
from aias_core.environments.linode.down import DownOptions
from aias_core.environments.linode.maintenance import refuse_under_maintenance
from aias_core.environments.linode.ownership import Owned
from aias_core.environments.linode.plan import ONLOOKER
from aias_core.environments.linode.removal_plan import refuse_unplanned_removal
from aias_core.environments.linode.up import UpOptions, check_unfinished

if TYPE_CHECKING:
    from aias_core.environments.linode.steps import Progress
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.schema import LinodeProfile


@dataclass(frozen=True, slots=True)
class CleanedUp:
    """What was removed of which run, the newest first."""

    environment: str
    simulated: bool
    run_id: str
    removed: tuple[Owned, ...]
    seconds: float

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "simulated": self.simulated,
            "run_id": self.run_id,
            "counts": {"delete": len(self.removed)},
            "removed": [one.as_record() for one in self.removed],
            "seconds": round(self.seconds, 1),
        }


def clean_up(
    environment: LinodeEnvironment,
    options: UpOptions,
    consent: Callable[[Sequence[Owned]], None],
    progress: Progress,
) -> CleanedUp:
    """Removes it after `consent`, which is given what will go, under the lease, and raises to refuse.

    Nothing is asked of the profile or of offers and room: those may be what the run failed for. Raises NotFound where
    no `up` is unfinished, LockHeld, Refused under maintenance and for what `down` would not remove so.
    """
    began = clock.monotonic()
    check_unfinished(environment.name, environment.read_state().journals.find_unfinished(ONLOOKER))
    if not options.during_maintenance:
        refuse_under_maintenance(environment)
    state = environment.state
    with state.held(options.lock_wait, progress, environment.find_actor()) as lease:
        journal = check_unfinished(environment.name, state.journals.find_unfinished(lease))
        with environment.workshop(state, lease) as workshop:
            convergence = Convergence(environment, workshop, journal, progress)
            own = convergence.list_own()
            _refuse_loss(environment.profile, own)
            consent(own)
            convergence.remove(own)
        journal.end("failed", cleaned_up=True)
    return CleanedUp(
        environment=environment.name,
        simulated=environment.opened.is_simulated,
        run_id=journal.run_id,
        removed=tuple(own),
        seconds=clock.monotonic() - began,
    )


def _refuse_loss(profile: LinodeProfile, own: Sequence[Owned]) -> None:
    """A run may have made all of an environment, and been left when it was in use already."""
    lost = [Danger(one.address, one.type, one.name, "it is removed", destroys=True) for one in own if one.is_precious]
    if profile.protect:
        refuse_protected(lost, profile.name)
    if lost:
        refuse_unplanned_removal(profile, DownOptions())
