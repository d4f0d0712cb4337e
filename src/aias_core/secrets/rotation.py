"""Renews a secret with two keys: both valid, consumers reload, use is proven, then the old one is retired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from aias_core.errors import AiasError, InvalidInput, NotFound, Partial, Refused
from aias_core.secrets.bootstrap import with_previous
from aias_core.secrets.cluster import Cluster
from aias_core.secrets.controller_keys import add_keys
from aias_core.secrets.declared import DeclaredSecret, Secrets
from aias_core.secrets.delivery import (
    PREVIOUS,
    VALUE,
    Place,
    deliver,
    find_delivered,
    fingerprint,
    seal_and_apply,
    wait_until,
)
from aias_core.secrets.encrypted import Entry
from aias_core.secrets.generators import KEYRING
from aias_core.secrets.private import exclusive
from aias_core.secrets.status import read_status

RELOAD_SECONDS = 600.0
# Between the new and the old fingerprint in the mark of a consumer that was told of both.
_WITH = "+"


@dataclass(frozen=True, slots=True)
class Rotated:
    """A secret that was renewed, and what now uses it."""

    name: str
    fingerprint: str
    retired: str | None
    consumers: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "retired": self.retired,
            "consumers": list(self.consumers),
        }


@dataclass(frozen=True, slots=True)
class Rotation:
    """Renews secrets of one cluster. A failed step says whether the old value is still valid; the next run goes on."""

    secrets: Secrets
    cluster: Cluster
    progress: Callable[[str], None]
    reload_seconds: float = RELOAD_SECONDS

    def rotate_chosen(self, name: str | None, *, sealing_key: bool = False) -> list[Rotated]:
        """Renews the secret of that name, without one all that are overdue; or seals all anew as they are."""
        with exclusive(self.secrets.directory):
            self.cluster.check_environment(self.secrets.environment)
            if sealing_key:
                return self.seal_anew()
            return self.rotate_due() if name is None else [self.rotate(name)]

    def seal_anew(self) -> list[Rotated]:
        """Seals what the cluster holds under the controller's newest key; no value changes and nobody reloads."""
        add_keys(self.secrets, self.cluster)
        sealed = []
        for secret in self.secrets.select():
            for place in _places(secret):
                found = find_delivered(self.cluster, place)
                if found is not None and VALUE in found.values:
                    self.progress(f"'{place}': sealing it anew…")
                    seal_and_apply(self.cluster, place, found.values, found.changed_at)
                    sealed.append(Rotated(secret.name, fingerprint(secret.name, found.values[VALUE]), None, ()))
        return sealed

    def rotate_due(self) -> list[Rotated]:
        """Renews what is overdue and says how to renew the rest. Raises Partial, after all were tried, for failures."""
        overdue = [one.secret for one in read_status(self.secrets, self.cluster) if one.is_due]
        due = [secret for secret in overdue if not secret.is_renewed_by_hand]
        for secret in overdue:
            if secret.is_renewed_by_hand:
                self.progress(f"'{secret.name}' is renewed by hand: {self.secrets.describe_renewal(secret)}")
        done, failed = [], []
        for secret in due:
            try:
                done.append(self.rotate(secret.name))
            except AiasError as exc:
                failed.append(exc.message)
        if failed:
            raise Partial(
                f"Renewed {len(done)} of {len(due)}: {'; '.join(failed)}",
                hint=f"run it again: aias secrets rotate {self.secrets.environment} --due",
            )
        return done

    def rotate(self, name: str) -> Rotated:
        """Renews one secret. Raises Partial when it cannot be ended now; NotFound, Refused where it cannot begin."""
        secret = self.secrets.get(name)
        if not secret.namespaces:
            raise Refused(
                f"'{name}' is in no namespace, so nothing can be seen to use it",
                hint=self.secrets.describe_renewal(secret),
            )
        entry = self._begin(secret)
        new = fingerprint(name, entry.value)
        with self._partly(name, "the old one stays valid"):
            retired = self._add(secret, entry)
            if retired is not None:
                self._reload(secret, f"{new}{_WITH}{retired}")
        with self._partly(name, "the old one is retired, or about to be"):
            self._retire(secret, entry)
            self._reload(secret, new)
        return Rotated(name, new, retired, secret.consumers)

    @contextmanager
    def _partly(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except AiasError as exc:
            raise Partial(
                f"'{name}' has its new value and {what}: {exc.message}",
                hint=f"go on with: aias secrets rotate {self.secrets.environment} {name}",
            ) from exc

    def _begin(self, secret: DeclaredSecret) -> Entry:
        """The value that is to replace what the cluster holds: one that waits for it, else a new one."""
        origin = self.secrets.origin(secret)
        kept = origin.find()
        if kept is None:
            raise NotFound(
                f"'{secret.name}' was never made", hint=f"make it: aias secrets bootstrap {self.secrets.environment}"
            )
        delivered = [find_delivered(self.cluster, place) for place in _places(secret)]
        is_under_way = any(
            one is not None and (one.values.get(VALUE) != kept.value or PREVIOUS in one.values) for one in delivered
        )
        if is_under_way or self._waits_for_reload(secret, kept):
            return kept
        if secret.generator == KEYRING:
            raise Refused(
                f"'{secret.name}' is a ring of keys, and the old ones stay in it",
                hint=self.secrets.describe_renewal(secret),
            )
        return origin.renew()

    def _waits_for_reload(self, secret: DeclaredSecret, kept: Entry) -> bool:
        """Whether a consumer was told of this value and was not yet seen to have it as the only one.

        One that was never seen to have any was told by an earlier version, or both values are still there.
        """
        new = fingerprint(secret.name, kept.value)
        for consumer, namespace in product(secret.consumers, secret.namespaces):
            told, confirmed = self.cluster.find_marks(namespace, consumer, _annotation(secret))
            if (told or "").partition(_WITH)[0] == new and confirmed not in (None, new):
                return True
        return False

    def _retire(self, secret: DeclaredSecret, entry: Entry) -> None:
        self.progress(f"'{secret.name}': retiring the old value…")
        for place in _places(secret):
            deliver(self.cluster, place, {VALUE: entry.value}, entry.changed_at)

    def _add(self, secret: DeclaredSecret, entry: Entry) -> str | None:
        self.progress(f"'{secret.name}': adding the new value…")
        retired = None
        for place in _places(secret):
            found = find_delivered(self.cluster, place)
            values = with_previous(entry.value, {} if found is None else dict(found.values))
            deliver(self.cluster, place, values, entry.changed_at)
            retired = fingerprint(secret.name, values[PREVIOUS]) if PREVIOUS in values else retired
        return retired

    def _reload(self, secret: DeclaredSecret, mark: str) -> None:
        """Has each consumer take what is there now and waits until only pods that did so are left."""
        for consumer in secret.consumers:
            self.progress(f"'{secret.name}': waiting for '{consumer}' to reload…")
            namespace = self._find_namespace(secret.namespaces, consumer)
            self.cluster.restart(namespace, consumer, _annotation(secret), mark)
            wait_until(
                lambda place=(namespace, consumer): self.cluster.is_rolled_out(*place),  # type: ignore[misc]
                self.reload_seconds,
                f"'{consumer}' did not reload",
                f"look at it: kubectl -n {namespace} rollout status",
            )
            self.cluster.confirm(namespace, consumer, _annotation(secret), mark)

    def _find_namespace(self, namespaces: Sequence[str], consumer: str) -> str:
        for namespace in namespaces:
            if self.cluster.has_workload(namespace, consumer):
                return namespace
        raise NotFound(
            f"The consumer '{consumer}' is not in {' or '.join(namespaces)}",
            hint="deploy it, or take it from the secret's consumers in the profile",
        )


def check_choice(name: str | None, due: bool, sealing_key: bool) -> None:
    """Raises InvalidInput unless one thing is asked for."""
    if [name is not None, due, sealing_key].count(True) != 1:
        raise InvalidInput(
            "Name one secret, or say --due for all that are overdue, or --sealing-key",
            hint="see them: aias secrets status ENV",
        )


def describe_choice(environment: str, name: str | None, sealing_key: bool) -> str:
    """The question before it is done."""
    if sealing_key:
        return f"Seal every secret of '{environment}' anew?"
    return f"Renew {'all secrets that are overdue' if name is None else repr(name)} in '{environment}'?"


def _annotation(secret: DeclaredSecret) -> str:
    return f"aias.dev/secret-{secret.name}"


def _places(secret: DeclaredSecret) -> list[Place]:
    return [Place(namespace, secret.name) for namespace in secret.namespaces]
