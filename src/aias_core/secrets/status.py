"""How old each secret is, when it is due, and whether the cluster holds what its source says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from aias_core import clock
from aias_core.errors import DifferenceFound
from aias_core.secrets.cluster import Cluster
from aias_core.secrets.declared import DeclaredSecret, Secrets
from aias_core.secrets.delivery import PREVIOUS, VALUE, Delivered, Place, find_delivered, fingerprint
from aias_core.secrets.encrypted import Entry

NOTICE = timedelta(days=3)
Drift = Literal["none", "unknown", "not delivered", "differs", "rotating"]
State = Literal["ok", "due soon", "overdue", "missing"]


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """One secret as it is now. `drift` compares the cluster with the source; `unknown` where no cluster was asked."""

    secret: DeclaredSecret
    state: State
    drift: Drift
    changed_at: datetime | None
    due_at: datetime | None
    synced_at: datetime | None
    fingerprint: str | None

    @property
    def is_due(self) -> bool:
        return self.state == "overdue"

    @property
    def is_sound(self) -> bool:
        return self.state in ("ok", "due soon") and self.drift in ("none", "unknown")

    def as_record(self) -> dict[str, Any]:
        age = None if self.changed_at is None else (clock.now() - self.changed_at).days
        return {
            "name": self.secret.name,
            "owner": self.secret.owner,
            "state": self.state,
            "age_days": age,
            "due_on": None if self.due_at is None else self.due_at.date().isoformat(),
            "drift": self.drift,
            "last_sync": None if self.synced_at is None else clock.format_second(self.synced_at),
            "consumers": list(self.secret.consumers),
            "fingerprint": self.fingerprint,
        }


def read_status(secrets: Secrets, cluster: Cluster | None, names: Sequence[str] = ()) -> list[SecretStatus]:
    """The status of these secrets, or all. Raises NotFound for a name that is not declared."""
    return [_read(secrets, secret, cluster) for secret in secrets.select(names)]


def find_fault(found: Sequence[SecretStatus], environment: str) -> DifferenceFound | None:
    """The error for secrets that are overdue, missing or drifted; None when there is none."""
    overdue = [one.secret for one in found if one.is_due]
    others = [one for one in found if not one.is_due and not one.is_sound]
    rotating = [one.secret.name for one in others if one.drift == "rotating" and one.state != "missing"]
    if overdue:
        what = "see how to" if all(secret.is_renewed_by_hand for secret in overdue) else "renew them"
        return DifferenceFound(
            f"Overdue secrets: {', '.join(secret.name for secret in overdue)}",
            hint=f"{what}: aias secrets rotate {environment} --due",
        )
    if others and len(rotating) == len(others):
        return DifferenceFound(
            f"Secrets whose rotation has not ended: {', '.join(rotating)}",
            hint=f"go on with: aias secrets rotate {environment} {rotating[0]}",
        )
    if others:
        return DifferenceFound(
            f"Secrets that are missing or differ: {', '.join(one.secret.name for one in others)}",
            hint=f"bring them there: aias secrets bootstrap {environment}",
        )
    return None


def _read(secrets: Secrets, secret: DeclaredSecret, cluster: Cluster | None) -> SecretStatus:
    entry = secrets.origin(secret).find()
    places = [Place(namespace, secret.name) for namespace in secret.namespaces]
    delivered = [] if cluster is None else [find_delivered(cluster, place) for place in places]
    there = [one for one in delivered if one is not None]
    changed_at = _oldest([entry.changed_at if entry else None]) or _oldest([one.changed_at for one in there])
    due_at = None if changed_at is None else changed_at + timedelta(days=secret.rotation_days)
    return SecretStatus(
        secret,
        _judge(entry, due_at),
        "unknown" if cluster is None and places else _compare(entry, delivered),
        changed_at,
        due_at,
        _oldest([one.synced_at for one in there]),
        None if entry is None else fingerprint(secret.name, entry.value),
    )


def _judge(entry: Entry | None, due_at: datetime | None) -> State:
    if entry is None:
        return "missing"
    if due_at is None or due_at - NOTICE > clock.now():
        return "ok"
    return "overdue" if due_at <= clock.now() else "due soon"


def _compare(entry: Entry | None, delivered: Sequence[Delivered | None]) -> Drift:
    there = [one for one in delivered if one is not None]
    if len(there) < len(delivered):
        return "not delivered"
    if entry is not None and any(one.values.get(VALUE) != entry.value for one in there):
        return "differs"
    return "rotating" if any(PREVIOUS in one.values for one in there) else "none"


def _oldest(instants: Sequence[datetime | None]) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)
