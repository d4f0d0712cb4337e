"""Layers: the files and `--set` values that a profile is put together from, each knowing the line of each key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.findings import Finding
from aias_core.environments.keypath import MISSING, KeyPath, look_up, parse_path
from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from yaml import Node

OVERRIDES = "--set"
Report = Callable[[Finding], None]


@dataclass(frozen=True)
class Layer:
    """One source of a profile: a file, or the `--set` values of a run."""

    source: str
    content: dict[str, Any]
    node: Node | None = field(default=None, repr=False)

    def sets(self, path: Sequence[str | int]) -> bool:
        """Whether it says something about a value: the value itself, or null to take it away."""
        return self.find(path) is not MISSING

    def find(self, path: Sequence[str | int]) -> Any:
        """What it says of a value: None where it takes that or a key above it away, MISSING for nothing."""
        above = (look_up(self.content, path[:length]) for length in range(1, len(path)))
        return None if None in above else look_up(self.content, path)

    def find_line(self, path: Sequence[str | int]) -> int:
        """The line of the key, or of the closest one above it that is there; 0 without a file."""
        if self.node is None:
            return 0
        node, line = self.node, 1
        for part in path:
            found = _find_entry(node, part)
            if found is None:
                break
            line, node = found
        return line


def _find_entry(node: Node, part: str | int) -> tuple[int, Node] | None:
    from yaml import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        # The last of two equal keys is the one that counts.
        for key, value in reversed(node.value):
            if getattr(key, "value", None) == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and str(part).isdecimal() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item.start_mark.line + 1, item
    return None


def read_layer(path: Path, report: Report) -> Layer:
    """The file as a layer; what cannot be read is reported and leaves the layer empty."""
    try:
        content, node = _load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        report(_syntax(path, 1, f"the file cannot be read: {exc.strerror}", "make the file readable"))
        return Layer(str(path), {})
    except (ValueError, RecursionError) as exc:
        report(_syntax(path, 1, f"the file cannot be read: {exc}", "write it as YAML in UTF-8"))
        return Layer(str(path), {})
    except _yaml_error() as exc:
        report(_syntax(path, _line_of(exc), f"not YAML: {_describe(exc)}", "correct the YAML at this line"))
        return Layer(str(path), {})
    if not isinstance(content, dict):
        if content is not None:
            report(_syntax(path, 1, "the file is not a mapping", "write keys and values: 'region: fr-par'"))
        return Layer(str(path), {})
    layer = Layer(str(path), content, node)
    _report_duplicates(layer, node, report)
    return layer


def _load(text: str) -> tuple[Any, Node | None]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
        _refuse_loops(node, frozenset())
        return (None if node is None else loader.construct_document(node)), node
    finally:
        loader.dispose()


def _refuse_loops(node: Node | None, above: frozenset[int]) -> None:
    """Raises YAMLError for an alias of what it stands in: a tree without an end."""
    from yaml import MappingNode
    from yaml.composer import ComposerError

    if node is None or isinstance(node.value, str):
        return
    if id(node) in above:
        raise ComposerError(None, None, "an alias stands inside of what it names", node.start_mark)
    inside = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
    for part in inside:
        _refuse_loops(part, above | {id(node)})


def _yaml_error() -> type[Exception]:
    from yaml import YAMLError

    return YAMLError


def _line_of(exc: Exception) -> int:
    mark = getattr(exc, "problem_mark", None)
    return 1 if mark is None else mark.line + 1


def _describe(exc: Exception) -> str:
    return " ".join(str(getattr(exc, "problem", None) or exc).split())


def _syntax(path: Path, line: int, problem: str, fix: str) -> Finding:
    return Finding("syntax", "", problem, fix, str(path), line)


def _report_duplicates(layer: Layer, node: Node | None, report: Report) -> None:
    from yaml import MappingNode, ScalarNode

    if not isinstance(node, MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            if key.value in seen:
                line = key.start_mark.line + 1
                fix = "keep one of the two"
                report(Finding("syntax", key.value, f"'{key.value}' stands twice", fix, layer.source, line))
            seen.add(key.value)
        _report_duplicates(layer, value, report)


def parse_overrides(overrides: Sequence[str]) -> list[Layer]:
    """The values of `--set key.path=value`, each a layer; a value is read as YAML, and an empty one takes away.

    Raises InvalidInput for what is not of that form.
    """
    return [Layer(OVERRIDES, _parse_override(text)) for text in overrides]


def _parse_override(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"'--set {name}' has no value", hint="write it as: --set gpu.enabled=true")
    try:
        content, _ = _load(value)
    except _yaml_error() as exc:
        raise InvalidInput(f"The value of '--set {name}' is not YAML: {_describe(exc)}") from exc
    return _nest(parse_path(name), content)


def _nest(path: KeyPath, value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nest(path[1:], value)}
