"""Operations by method and path, and what the handler of one is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aias_services.linode_simulator.faults import NORMAL, Outcome
from aias_services.linode_simulator.fields import Field, Values, accept
from aias_services.linode_simulator.refusals import check_all, not_found, refuse
from aias_services.linode_simulator.world import Record, World

READ, WRITE = "read_only", "read_write"
SLASHED = "slashed"
BEING_DELETED = "This resource is being deleted and cannot be changed."
NO_ROWS: Mapping[str, Any] = {}
NO_FILTERS: Mapping[str, tuple[str, ...]] = {}


@dataclass(slots=True)
class Call:
    """One call as a handler sees it."""

    world: World
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Values = field(default_factory=dict)
    base_url: str = ""
    token: Record | None = None
    changes: bool = False
    beta: bool = False
    outcome: Outcome = NORMAL

    def record(self, kind: str) -> Record:
        """The resource that the path names.

        Raises Refusal: 404 when it is not there or not under its parents, 400 for a change of what is being deleted.
        """
        resource = self.world.registry[kind]
        if resource.key == ("id",):
            found = self.world.find(kind, self.params[kind])
        else:
            wanted = [self.params[f"{kind}_{name}"] for name in resource.key]
            found = next(
                self.world.iter(kind, lambda one: [str(one.values[name]) for name in resource.key] == wanted), None
            )
        if found is None or (resource.parent and found.parent != self.record(resource.parent).id):
            raise not_found()
        if self.changes and found.gone_at is not None:
            raise refuse(BEING_DELETED)
        return found

    def read(self, fields: Mapping[str, Field]) -> Values:
        """The body of an action. Raises Refusal with every fault of it."""
        values, faults = accept(fields, self.body, creating=True)
        check_all(faults)
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path, `beta` under `/v4beta` alone. A scope of `*` takes any token, an empty one none at all.

    A placeholder `{slashed}` takes an id with slashes in it, such as that of an image.
    """

    method: str
    path: str
    scope: str
    handle: Callable[[Call], Any]
    level: str = READ
    paginated: bool = False
    filterable: tuple[str, ...] = ()
    beta: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        segments = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(segments.replace(f"<{SLASHED}>[^/]+", f"<{SLASHED}>.+")))


def actions(
    scope: str,
    one: Mapping[str, Callable[[Call], Any]],
    lists: Mapping[str, Callable[[Call], Any]] = NO_ROWS,
    filterable: Mapping[str, tuple[str, ...]] = NO_FILTERS,
) -> Iterator[Operation]:
    """Operations by `METHOD /path`: those that answer one thing, and those that answer pages."""
    for rows, paginated in ((one, False), (lists, True)):
        for route, handle in rows.items():
            method, path = route.split(" ")
            level = READ if method == "GET" else WRITE
            names = filterable.get(route, ())
            yield Operation(
                method=method,
                path=path,
                scope=scope,
                level=level,
                handle=handle,
                paginated=paginated,
                filterable=names,
            )


def pick(rows: Iterable[Values], name: str, value: Any) -> Values:
    """The row whose field has this value. Raises Refusal (404)."""
    found = next((row for row in rows if str(row[name]) == str(value)), None)
    if found is None:
        raise not_found()
    return found


class Router:
    """Finds the operation of a call; a path with fewer placeholders goes first."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = sorted(operations, key=lambda operation: operation.path.count("{"))

    def find(self, method: str, path: str, *, beta: bool) -> tuple[Operation, dict[str, str]]:
        """The operation and the parts of its path. Raises Refusal: 404 for the path, 405 for the method."""
        is_known = False
        for operation in self.operations:
            match = operation.pattern.fullmatch(path) if beta or not operation.beta else None
            if match and operation.method == method:
                return operation, {name: unquote(part) for name, part in match.groupdict().items()}
            is_known = is_known or match is not None
        raise refuse("Method Not Allowed", status=405) if is_known else not_found()
