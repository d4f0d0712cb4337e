"""Brings a value into a namespace as a SealedSecret and waits until the controller has made the Secret of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aias_core import clock
from aias_core.errors import AiasError, Conflict, TimedOut
from aias_core.secret import Secret
from aias_core.secrets.cluster import Cluster
from aias_core.secrets.sealing import GROUP, build_sealed_secret, refuse_placeholder

VALUE, PREVIOUS = "value", "previous"
CHANGED_AT, SYNCED_AT = "aias.dev/changed-at", "aias.dev/synced-at"
WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.2
_FINGERPRINT_DIGITS = 8
# As the controller says it (bitnami-labs/sealed-secrets, pkg/controller/controller.go).
_UNMANAGED = "not managed by SealedSecret"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is delivered to."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a cluster holds at a place: the values of the Secret and when they changed and were brought there."""

    values: Mapping[str, Secret]
    changed_at: datetime | None
    synced_at: datetime | None


def find_delivered(cluster: Cluster, place: Place) -> Delivered | None:
    """What is there; None where the Secret or the SealedSecret that it comes from is missing."""
    values = cluster.find_values(place.namespace, place.name)
    sealed = cluster.find_sealed(place.namespace, place.name)
    if values is None or sealed is None:
        return None
    noted = sealed["metadata"].get("annotations") or {}
    return Delivered(values, _instant(noted.get(CHANGED_AT)), _instant(noted.get(SYNCED_AT)))


def deliver(
    cluster: Cluster,
    place: Place,
    values: Mapping[str, Secret],
    changed_at: datetime | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> bool:
    """Makes the cluster hold these values and no others; False when it did already and nothing was written.

    Raises Refused for a placeholder, TimedOut when the controller does not answer, AiasError when it cannot open what
    was sealed, Conflict where a Secret of that name is not the controller's.
    """
    found = find_delivered(cluster, place)
    if found is not None and dict(found.values) == dict(values):
        return False
    refuse_placeholder(place.name, values[VALUE], "put the real value into its source, then run the same command again")
    seal_and_apply(cluster, place, values, changed_at)
    _wait_for_values(cluster, place, values, wait_seconds)
    return True


def seal_and_apply(
    cluster: Cluster, place: Place, values: Mapping[str, Secret], changed_at: datetime | None = None
) -> None:
    """Seals values under the controller's newest key, also those that are there already."""
    now = clock.now()
    noted = {CHANGED_AT: clock.format_instant(changed_at or now), SYNCED_AT: clock.format_instant(now)}
    certificate = cluster.sealing_certificate()
    cluster.apply_sealed(build_sealed_secret(place.namespace, place.name, values, certificate, annotations=noted))


def fingerprint(place_name: str, value: Secret) -> str:
    """Tells two values of one secret apart without telling either: too short to guess a value from."""
    digest = hashlib.sha256(f"aias secret {place_name}\0{value.reveal()}".encode()).hexdigest()
    return digest[:_FINGERPRINT_DIGITS]


def wait_until(holds: Callable[[], bool], seconds: float, what: str, hint: str) -> None:
    """Raises TimedOut, saying what did not happen."""
    deadline = clock.monotonic() + seconds
    while not holds():
        if clock.monotonic() >= deadline:
            raise TimedOut(f"{what} within {seconds:.0f} s", hint=hint)
        time.sleep(_POLL_SECONDS)


def _wait_for_values(cluster: Cluster, place: Place, values: Mapping[str, Secret], seconds: float) -> None:
    def has_arrived() -> bool:
        if cluster.find_values(place.namespace, place.name) == dict(values):
            return True
        refusal = _find_refusal(cluster.find_sealed(place.namespace, place.name))
        if refusal is not None:
            raise _describe_refusal(place, refusal)
        return False

    wait_until(has_arrived, seconds, f"The controller did not make '{place}'", "look at it: kubectl -n sealed-secrets")


def _find_refusal(sealed: Mapping[str, Any] | None) -> str | None:
    """What the controller says when it has seen this very object and makes no Secret of it; None when it does."""
    status = (sealed or {}).get("status") or {}
    if sealed is None or status.get("observedGeneration") != sealed["metadata"]["generation"]:
        return None
    refused = (one for one in status.get("conditions") or () if one.get("type") == "Synced")
    return next((str(one.get("message", "")) for one in refused if one.get("status") == "False"), None)


def _describe_refusal(place: Place, said: str) -> AiasError:
    if _UNMANAGED in said:
        return Conflict(
            f"'{place}' is in the cluster already, and the sealed-secrets controller did not make it",
            hint=f"hand it over, then run the same command again: kubectl -n {place.namespace} annotate secret "
            f"{place.name} {GROUP}/managed=true",
        )
    return AiasError(
        f"The controller cannot open the sealed secret '{place}'",
        hint="its keys may have been replaced; restore them from their backup",
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else clock.parse_instant(text)
