"""Templates: `${network.vpc_cidr}` is another value of the profile, `${component.postgres.port}` one of a component."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aias_core.environments.keypath import KeyPath, parse_path
from aias_core.errors import InvalidInput

_TEMPLATE = re.compile(r"\$?\$\{([^{}]*)\}")
Find = Callable[[KeyPath], Any]


class _Unresolved(Exception):
    """Why a template has no value"""


@dataclass
class Resolver:
    """Fills in the templates of a tree. `find` gives the raw value at a path and raises KeyError for none.

    `faults` are the paths whose templates have no value, each with the reason; such a value stays as it is.
    """

    find: Find
    faults: dict[tuple[str | int, ...], str] = field(default_factory=dict)

    def resolve(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        """The tree with every template filled in. A template that is the whole text keeps the type of its value."""
        if isinstance(value, Mapping):
            return {key: self.resolve(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            return self._fill(value, ())
        except _Unresolved as exc:
            self.faults[path] = str(exc)
            return value

    def _fill(self, text: str, trail: Sequence[str]) -> Any:
        whole = _TEMPLATE.fullmatch(text)
        if whole and not text.startswith("$$"):
            return self._value(whole[1], trail)
        return _TEMPLATE.sub(lambda match: self._embed(match, trail), text)

    def _embed(self, match: re.Match[str], trail: Sequence[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        value = self._value(match[1], trail)
        if isinstance(value, Mapping | list):
            raise _Unresolved(f"'${{{match[1]}}}' is not one value")
        return str(value)

    def _value(self, name: str, trail: Sequence[str]) -> Any:
        if name in trail:
            raise _Unresolved(f"'{' -> '.join([*trail, name])}' leads back to itself")
        try:
            value = self.find(parse_path(name.strip()))
        except (KeyError, InvalidInput) as exc:
            raise _Unresolved(f"'${{{name}}}' has no value") from exc
        return self._deep(value, [*trail, name])

    def _deep(self, value: Any, trail: Sequence[str]) -> Any:
        if isinstance(value, Mapping):
            return {key: self._deep(item, trail) for key, item in value.items()}
        if isinstance(value, list):
            return [self._deep(item, trail) for item in value]
        return self._fill(value, trail) if isinstance(value, str) and "${" in value else value


def has_template(value: Any) -> bool:
    """Whether a text holds a template."""
    return isinstance(value, str) and any(not match[0].startswith("$$") for match in _TEMPLATE.finditer(value))
