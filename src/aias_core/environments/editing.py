"""Sets values in the user's own file of a profile, and leaves every other character of it as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aias_core.environments.assembly import SHIPPED
from aias_core.environments.keypath import KeyPath, format_path
from aias_core.errors import InvalidInput
from aias_core.files import whole_file

Values = Mapping[KeyPath, int | str | bool]


def write_values(own: Path, name: str, values: Values) -> Path:
    """The user's file of a profile with these values, made when there is none: it then extends the shipped one.

    Raises InvalidInput for a file that cannot be edited so, PrerequisiteMissing for one that cannot be written.
    """
    path = own / f"{name}.yaml"
    text = path.read_text(encoding="utf-8") if path.is_file() else _begin(name)
    for keys, value in values.items():
        text = set_value(text, keys, value)
    with whole_file(path, mode=0o644) as file:
        file.write(text.encode())
    return path


@contextmanager
def written_profile(own: Path, name: str, values: Values, is_left: Callable[[BaseException], bool]) -> Iterator[Path]:
    """The user's file of a profile with these values for the length of the block, and afterwards.

    What ends the block takes them back, unless the environment has left what the file said before. Raises as
    `write_values`.
    """
    file = own / f"{name}.yaml"
    kept = file.read_bytes() if file.is_file() else None
    write_values(own, name, values)
    try:
        yield file
    except BaseException as exc:
        if not is_left(exc):
            _put_back(file, kept)
        raise


def _put_back(file: Path, kept: bytes | None) -> None:
    if kept is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(kept)


def set_value(text: str, path: KeyPath, value: int | str | bool) -> str:
    """A YAML text in which the key at that path has the value. Raises InvalidInput where that takes a person."""
    import yaml

    try:
        before = yaml.safe_load(text) or {}
        edited = _edit(text, path, value)
        if yaml.safe_load(edited) == _with(before, path, value):
            return edited
    except (yaml.YAMLError, TypeError, AttributeError):
        pass
    raise InvalidInput(
        f"The file of the profile cannot be edited: '{format_path(path)}' has no place of its own in it",
        hint=f"set it by hand: {format_path(path)}: {value}",
    )


def _begin(name: str) -> str:
    return f"extends: {name if (SHIPPED / f'{name}.yaml').is_file() else 'linode'}\n"


def _edit(text: str, path: KeyPath, value: int | str | bool) -> str:
    import yaml

    node = yaml.compose(text)
    if node is None:
        return f"{text}{path[0]}: {_flow(path[1:], value)}\n"
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            return _replace(text, node, _flow(path[depth:], value))
        found = next((one for known, one in reversed(node.value) if known.value == key), None)
        if found is None:
            return _insert(text, node, f"{_text(key)}: {_flow(path[depth + 1 :], value)}")
        node = found
    return _replace(text, node, _text(value))


def _replace(text: str, node: Any, new: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    return f"{text[:start]}{' ' if start == end else ''}{new}{text[end:]}"


def _insert(text: str, mapping: Any, entry: str) -> str:
    """Before the first entry: where a mapping ends, its comments and those of what follows look alike."""
    start = mapping.start_mark.index
    if mapping.flow_style:
        return f"{text[: start + 1]}{entry}{', ' if mapping.value else ''}{text[start + 1 :]}"
    return f"{text[:start]}{entry}\n{' ' * mapping.start_mark.column}{text[start:]}"


def _flow(path: KeyPath, value: int | str | bool) -> str:
    return _text(value) if not path else f"{{{_text(path[0])}: {_flow(path[1:], value)}}}"


def _text(value: int | str | bool) -> str:
    is_plain = isinstance(value, str) and value.replace("-", "").replace("_", "").isalpha() and value.islower()
    return value if isinstance(value, str) and is_plain and value not in _WORDS else json.dumps(value)


_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


def _with(tree: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    base = dict(tree) if isinstance(tree, Mapping) else {}
    return {**base, path[0]: value if len(path) == 1 else _with(base.get(path[0]), path[1:], value)}
