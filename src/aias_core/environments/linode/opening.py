"""The account of an environment: the one its profile names, or the fake one of its simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core.environments.profiles import load_profile
from aias_core.errors import NotFound, PrerequisiteMissing, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.billing import Billed
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.cost import Estimate
    from aias_core.environments.linode.events import EventReader
    from aias_core.environments.linode.orphans import OrphanHunt
    from aias_core.environments.linode.pacing import Timing
    from aias_core.environments.linode.quota import Quota
    from aias_core.environments.linode.simulation import Simulation
    from aias_core.environments.linode.transport import OnWait
    from aias_core.environments.schema import LinodeProfile
    from aias_core.secret import Secret


@dataclass(frozen=True, slots=True)
class OpenedEnvironment:
    """An environment on Linode: its profile, its directory, its account."""

    profile: LinodeProfile
    directory: Path
    account: LinodeAccount
    simulation: Simulation | None
    token: Secret = field(repr=False)

    @property
    def is_simulated(self) -> bool:
        return self.simulation is not None

    @property
    def name(self) -> str:
        return self.profile.name

    @contextmanager
    def provide(self) -> Iterator[dict[str, str]]:
        """What Terraform and its provider must find in their environment to reach the account; holds the token."""
        if self.simulation is None:
            yield {"LINODE_URL": self.profile.account.api_url, "LINODE_TOKEN": self.token.reveal()}
            return
        with self.simulation.provide() as variables:
            yield variables

    def estimate_cost(self) -> Estimate:
        """What the environment costs by the account's prices. Raises NotFound for what has no price in the region."""
        from aias_core.environments.linode.cost import estimate, plan_resources
        from aias_core.environments.linode.prices import read_prices

        return estimate(plan_resources(self.profile), read_prices(self.account, self.directory))

    def read_billed(self) -> Billed:
        """What the account was billed for it."""
        from aias_core.environments.linode.billing import read_billed

        return read_billed(self.account, self.name)

    def read_quota(self) -> Quota:
        """What the account has, may have and still needs for it."""
        from aias_core.environments.linode.quota import read_quota

        return read_quota(self.account, self.profile, self.directory)

    def hunt_orphans(self) -> OrphanHunt:
        """The search for what belongs to nothing in the account, which may be of several environments."""
        from aias_core.environments.linode.orphans import OrphanHunt
        from aias_core.environments.linode.usage import make_ask

        root, ask = self.directory.parent, make_ask(self.account)
        return OrphanHunt(self.account, root, self.directory, ask, self.profile.bucket_prefix)

    def read_events(self) -> EventReader:
        """The account's events of its resources."""
        from aias_core.environments.linode.events import EventReader

        return EventReader(self.account, self.name, self.profile.domain)


def open_on_linode(
    name: str,
    state_root: Path,
    own: Path | None,
    *,
    on_wait: OnWait | None = None,
    timing: Timing | None = None,
    overrides: Sequence[str] = (),
) -> OpenedEnvironment:
    """The environment with its account; a simulated one is started when it is not running.

    Raises NotFound for an unknown one, Refused for one that is not on Linode, PrerequisiteMissing without a
    token, and what `resolve_secret` raises.
    """
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.simulation import find_simulation
    from aias_core.environments.schema import LinodeProfile

    profile = load_profile(name, own, overrides)
    if not isinstance(profile, LinodeProfile):
        raise Refused(
            f"The environment '{name}' is not on Linode, and this command asks a Linode account",
            hint="name one that is: aias env list",
        )
    simulation = find_simulation(Path(state_root).absolute() / name)
    token = _resolve_token(profile.account.token) if simulation is None else simulation.token
    directory = ensure_directory(Path(state_root).absolute(), name)
    url = profile.account.api_url if simulation is None else simulation.url
    account = LinodeAccount(url, profile.account.api_version, token, on_wait=on_wait, timing=timing)
    return OpenedEnvironment(profile, directory, account, simulation, token)


def ensure_directory(state_root: Path, name: str) -> Path:
    """The directory of an environment, for its owner only. Raises PrerequisiteMissing where nothing can be written."""
    try:
        state_root.mkdir(parents=True, exist_ok=True)
        if not (state_root / ".gitignore").exists():
            (state_root / ".gitignore").write_text("*\n", encoding="ascii")
        (state_root / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise PrerequisiteMissing(
            f"The directory '{state_root / name}' cannot be written: {exc.strerror}",
            hint="choose another one with: --state-dir DIR",
        ) from exc
    return state_root / name


def _resolve_token(reference: str) -> Secret:
    from aias_core.secrets.sources import resolve_secret

    try:
        return resolve_secret(reference)
    except NotFound as exc:
        raise PrerequisiteMissing(f"There is no token of the Linode account: {exc.message}", hint=exc.hint) from exc
