"""The account's events of what belongs to an environment: who did what to which of its parts, and how far it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.environments.linode.kinds import KINDS, is_label_of, is_ours, label_of

if TYPE_CHECKING:
    from aias_core.environments.linode.client import LinodeAccount
    from aias_core.environments.linode.kinds import Resource

LOOK_BACK = timedelta(days=7)
POLL_SECONDS = 5.0
_PENDING = ("scheduled", "started")


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One event. `percent` counts from 0 to 100; `status` is `started`, `finished`, `failed` or `notification`."""

    id: int
    at: str
    action: str
    status: str
    percent: int | None
    kind: str
    label: str
    by: str | None
    message: str

    def as_record(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": self.at,
            "action": self.action,
            "status": self.status,
            "percent": self.percent,
            "kind": self.kind,
            "label": self.label,
            "by": self.by,
            "message": self.message,
        }

    def to_json(self) -> str:
        """One line of JSON, as it is followed."""
        return json.dumps(self.as_record(), ensure_ascii=False)

    def format(self) -> str:
        who = f" by {self.by}" if self.by else ""
        done = f" {self.percent} %" if self.status == "started" and self.percent is not None else ""
        return f"{self.at}  {self.action} of {self.kind} '{self.label}': {self.status}{done}{who}"


@dataclass(frozen=True, slots=True)
class EventReader:
    """The events of one environment: of resources that are its own by tag or name, of its clusters and their nodes."""

    account: LinodeAccount
    environment: str
    domain: str | None = None

    def list_events(self) -> list[AccountEvent]:
        """Those of the last seven days, oldest first."""
        return list(self._pick(self._list(_recent())))

    def follow(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[AccountEvent]:
        """Those of the last seven days and then new ones without end, each again when its status changes."""
        told: dict[int, str] = {}
        newest, rows = 0, self._list(_recent())
        while True:
            newest = max((int(row["id"]) for row in rows), default=newest)
            for event in self._pick(rows):
                if told.get(event.id) != event.status:
                    told[event.id] = event.status
                    yield event
            sleep(POLL_SECONDS)
            rows = self._list({"id": {"+gte": _oldest_open(told, newest)}} if newest else _recent())

    def _list(self, filters: Mapping[str, Any]) -> list[Resource]:
        return sorted(self.account.list_all("/account/events", filters), key=lambda one: int(one["id"]))

    def _pick(self, rows: list[Resource]) -> Iterator[AccountEvent]:
        parts = self._find_parts(rows) if rows else None
        for row in rows:
            entity = row.get("entity") or {}
            if parts and parts.owns(entity):
                yield _build(row, entity)

    def _find_parts(self, rows: list[Resource]) -> Parts:
        """What is the environment's now, and clusters of its name that these events tell of."""
        named = name_clusters(self.account, rows)
        own = label_of(self.environment)
        workers = KINDS["instance"]
        return Parts(
            self.environment,
            self.domain,
            frozenset(number for label, number in named if label == own),
            frozenset(label for label, _ in named),
            frozenset(
                row["id"] for row in self.account.list_all(workers.path) if is_ours(workers, row, self.environment)
            ),
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What tells the parts of one environment: ids of its clusters and tagged instances, labels of all clusters."""

    environment: str
    domain: str | None
    clusters: frozenset[int]
    labels: frozenset[str]
    instances: frozenset[int]

    def owns(self, entity: Mapping[str, Any]) -> bool:
        kind, number, label = entity.get("type"), entity.get("id"), str(entity.get("label") or "")
        if kind == "lkecluster":
            return number in self.clusters
        if kind == "linode" and (number in self.instances or self._is_node(label)):
            return True
        is_named = is_label_of(label, self.environment, self.labels)
        return is_named or (kind == "domain" and label == self.domain)

    def _is_node(self, label: str) -> bool:
        return any(label.startswith(f"lke{number}-") for number in self.clusters)


def name_clusters(account: LinodeAccount, events: Iterable[Resource]) -> set[tuple[str, int]]:
    """Label and id of each cluster that there is, and of each that these events tell of."""
    clusters = account.list_all(KINDS["cluster"].path)
    told = [one for row in events if (one := row.get("entity") or {}).get("type") == "lkecluster"]
    return {(str(one["label"]), int(one["id"])) for one in [*clusters, *told]}


def _recent() -> dict[str, Any]:
    since = clock.format_second(clock.now() - LOOK_BACK).removesuffix("Z")
    return {"created": {"+gte": since}}


def _oldest_open(told: Mapping[int, str], newest: int) -> int:
    """The first event that may still change, or the one after the newest when none may."""
    pending = [number for number, status in told.items() if status in _PENDING]
    return min(pending, default=newest + 1)


def _build(row: Resource, entity: Mapping[str, Any]) -> AccountEvent:
    return AccountEvent(
        id=int(row["id"]),
        at=f"{row['created']}Z",
        action=str(row["action"]),
        status=str(row["status"]),
        percent=row.get("percent_complete"),
        kind=str(entity.get("type") or ""),
        label=str(entity.get("label") or ""),
        by=row.get("username"),
        message=str(row.get("message") or ""),
    )
