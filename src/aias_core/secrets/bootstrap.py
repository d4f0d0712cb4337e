"""Makes every declared secret exist: in its source, and in each namespace that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aias_core.errors import Partial
from aias_core.secret import Secret
from aias_core.secrets.cluster import Cluster
from aias_core.secrets.controller_keys import add_keys
from aias_core.secrets.declared import DeclaredSecret, Secrets
from aias_core.secrets.delivery import PREVIOUS, VALUE, Place, deliver, find_delivered, fingerprint
from aias_core.secrets.encrypted import Entry
from aias_core.secrets.private import exclusive

State = Literal["generated", "delivered", "unchanged", "missing"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done for one secret. `missing`: nothing can generate it and its source does not know it."""

    name: str
    state: State
    namespaces: tuple[str, ...]
    fingerprint: str | None
    source: str

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "namespaces": list(self.namespaces),
            "fingerprint": self.fingerprint,
            "source": self.source,
        }


def bootstrap_secrets(secrets: Secrets, cluster: Cluster, progress: Callable[[str], None]) -> list[Outcome]:
    """Generates what is missing, delivers what differs and verifies it; changes nothing the second time.

    Where a cluster holds another value than the source, it keeps both until `aias secrets rotate` retires the old one.
    The controller's keys are backed up as well. Raises LockHeld, Refused for the cluster of another environment, and as
    `deliver` and `resolve_secret`.
    """
    with exclusive(secrets.directory):
        cluster.check_environment(secrets.environment)
        outcomes = list(_iter_outcomes(secrets, cluster, progress))
        add_keys(secrets, cluster)
    return outcomes


def find_missing(outcomes: Sequence[Outcome]) -> Partial | None:
    """The error for secrets that have to come from outside and are not there; None when there is none."""
    missing = [outcome for outcome in outcomes if outcome.state == "missing"]
    if not missing:
        return None
    return Partial(
        f"Secrets that have to come from outside: {', '.join(outcome.name for outcome in missing)}",
        hint=f"name where each is in the profile, for example secrets.{missing[0].name}.source: secret://file/PATH",
    )


def _iter_outcomes(secrets: Secrets, cluster: Cluster, progress: Callable[[str], None]) -> Iterator[Outcome]:
    for number, secret in enumerate(secrets.select(), 1):
        progress(f"Secret {number}/{len(secrets.declared)}: bringing '{secret.name}'…")
        yield _bring(secrets, secret, cluster)


def _bring(secrets: Secrets, secret: DeclaredSecret, cluster: Cluster) -> Outcome:
    origin = secrets.origin(secret)
    kept = origin.find()
    is_new = kept is None and origin.file is not None and secret.is_generated
    entry = origin.renew() if is_new else kept
    if entry is None:
        return Outcome(secret.name, "missing", secret.namespaces, None, origin.reference)
    changed = [_bring_to(cluster, Place(namespace, secret.name), entry) for namespace in secret.namespaces]
    state: State = "generated" if is_new else "delivered" if any(changed) else "unchanged"
    return Outcome(secret.name, state, secret.namespaces, fingerprint(secret.name, entry.value), origin.reference)


def _bring_to(cluster: Cluster, place: Place, entry: Entry) -> bool:
    found = find_delivered(cluster, place)
    before = {} if found is None else dict(found.values)
    return deliver(cluster, place, with_previous(entry.value, before), entry.changed_at)


def with_previous(value: Secret, before: dict[str, Secret]) -> dict[str, Secret]:
    """The values that a place holds while the old one may be in use: the new one, and what was there before it."""
    previous = before.get(PREVIOUS) if before.get(VALUE) == value else before.get(VALUE)
    return {VALUE: value} if previous is None else {VALUE: value, PREVIOUS: previous}
