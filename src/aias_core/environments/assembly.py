"""Puts a profile together: its chain of files and `--set` values, merged, then its templates filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aias_core.environments.findings import Finding
from aias_core.environments.keypath import MISSING, KeyPath, format_path, look_up
from aias_core.environments.layers import OVERRIDES, Layer, Report, parse_overrides, read_layer
from aias_core.environments.merging import merge_all
from aias_core.environments.templates import Resolver
from aias_core.secret import redact

SHIPPED = Path(__file__).with_name("profiles")
DEFAULTS = "default"


def find_file(name: str, own: Path | None) -> Path | None:
    """The file of that name: the user's, else the shipped one."""
    directories = [SHIPPED] if own is None else [own, SHIPPED]
    candidates = (directory / f"{name}.yaml" for directory in directories)
    return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True)
class Origin:
    """One source that says something about a value; `value` is None where it takes the value away."""

    source: str
    line: int
    value: Any


@dataclass
class Assembly:
    """A profile with all that it extends, lowest layer first. `findings` are what was wrong while it was read."""

    name: str
    layers: list[Layer]
    findings: list[Finding] = field(default_factory=list)

    @cached_property
    def raw(self) -> dict[str, Any]:
        """Merged, templates as they were written."""
        merged = merge_all(layer.content for layer in self.layers)
        merged.pop("extends", None)
        return merged

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """Merged, templates filled in; one without a value stays, and is among the findings."""
        resolver = Resolver(self._find)
        tree: dict[str, Any] = resolver.resolve(self.raw)
        for path, problem in resolver.faults.items():
            fix = "name a key of this profile, or a port of a component: ${component.postgres.port}"
            self.findings.append(self.find_fault("template", path, problem, fix))
        return tree

    @property
    def target(self) -> str:
        return str(self.raw.get("target", "local"))

    def place_of(self, path: Sequence[str | int]) -> tuple[str, int]:
        """File and line of the value in effect, or of the closest key above it."""
        for length in range(len(path), 0, -1):
            for layer in reversed(self.layers):
                if layer.sets(path[:length]):
                    return layer.source, layer.find_line(path[:length])
        return self.file, 1

    @property
    def file(self) -> str:
        """The profile's own file, which lies over all that it extends."""
        return next(layer.source for layer in reversed(self.layers) if layer.source != OVERRIDES)

    def origins(self, path: KeyPath) -> list[Origin]:
        """Every source that sets the value, the one in effect last."""
        return [
            Origin(layer.source, layer.find_line(path), layer.find(path)) for layer in self.layers if layer.sets(path)
        ]

    def find_fault(self, rule: str, path: Sequence[str | int], problem: str, fix: str) -> Finding:
        """A finding at the place of a value."""
        file, line = self.place_of(path)
        return Finding(rule, format_path(path), redact(problem), fix, file, line)

    def _find(self, path: KeyPath) -> Any:
        if path == ("name",):
            return self.name
        if path[0] == "component":
            return self._find_port(path[1:])
        value = look_up(self.raw, path)
        if value is MISSING:
            from aias_core.environments.schema import find_default

            value = find_default(self.target, path)
        return value

    def _find_port(self, path: KeyPath) -> Any:
        """A number, or the template that fixes it. Raises KeyError.

        `NAME.port` is the main port of a component, `NAME.port.OTHER` another one.
        """
        from aias_core.environments.components import load_components, load_registry

        name, port = path[0] if path else "", path[2] if len(path) == 3 else "main"
        known = {**load_registry(), **(load_components() if self.target == "local" else {})}
        number = known[name].ports_on(self.target).get(port)
        if path[1:2] != ("port",) or len(path) > 3 or number is None:
            raise KeyError(format_path(path))
        fixed = look_up(self.raw, ("ports", "fixed", name if port == "main" else f"{name}.{port}"))
        return number if fixed is MISSING else fixed


def assemble(name: str, own: Path | None, overrides: Sequence[str] = ()) -> Assembly:
    """The profile of a name that is known. Raises InvalidInput for `overrides` that are not `key.path=value`."""
    findings: list[Finding] = []
    above = parse_overrides(overrides)
    files = list(_iter_chain(name, own, findings.append))
    return Assembly(name, [*reversed(files), *above], findings)


def _iter_chain(name: str, own: Path | None, report: Report) -> Iterator[Layer]:
    seen: list[Path] = []
    path = find_file(name, own)
    while path is not None:
        layer = read_layer(path, report)
        yield layer
        seen.append(path)
        path = _find_base(layer, path, own, report)
        if path in seen:
            _report_base(layer, f"the profile extends itself: {' -> '.join(p.stem for p in [*seen, path])}", report)
            return


def _find_base(layer: Layer, path: Path, own: Path | None, report: Report) -> Path | None:
    # A file of the user's own that bears a shipped name lies over the shipped one, said or not.
    is_own = path.parent != SHIPPED
    base = layer.content.get("extends", path.stem if is_own and find_file(path.stem, None) else None)
    if base is None:
        return None
    found = find_file(base, None if base == path.stem else own) if isinstance(base, str) else None
    if found is None:
        _report_base(layer, f"it extends '{base}', which does not exist", report)
    return found


def _report_base(layer: Layer, problem: str, report: Report) -> None:
    fix = "extend one of: base, local, linode, or a file beside this one"
    report(Finding("extends", "extends", problem, fix, layer.source, layer.find_line(("extends",))))
