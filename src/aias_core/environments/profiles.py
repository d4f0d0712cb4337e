"""Profiles: an environment is a file that may extend another one; the user's directory wins over what ships."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from aias_core.environments.schema import LocalProfile

SHIPPED = Path(__file__).with_name("profiles")
BASE = "base"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def list_environments(own: Path | None) -> list[str]:
    """The names that can be brought up, sorted."""
    found = {path.stem for directory in _directories(own) for path in directory.glob("*.yaml")}
    return sorted(name for name in found - {BASE} if _NAME.fullmatch(name))


def check_environment(name: str, own: Path | None) -> None:
    """Raises NotFound, listing the known ones, when there is no profile of that name."""
    if name == BASE or _NAME.fullmatch(name) is None or _find_file(name, own) is None:
        known = ", ".join(list_environments(own))
        raise NotFound(
            f"There is no environment '{name}'; known are: {known}",
            hint=f"add one as DIR/{name}.yaml with the line 'extends: local', and name the directory with --config DIR",
        )


def load_profile(name: str, own: Path | None) -> LocalProfile:
    """The profile with all that it extends. Raises NotFound, or InvalidInput naming every fault of the file."""
    from pydantic import ValidationError

    from aias_core.environments.schema import LocalProfile

    try:
        return LocalProfile(name=name, **read_profile(name, own))
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise InvalidInput(f"The profile '{name}' is not valid: {faults}") from exc


def read_profile(name: str, own: Path | None) -> dict[str, Any]:
    """The content of a profile with all that it extends, not validated: good enough for what ships. Raises NotFound."""
    check_environment(name, own)
    merged: dict[str, Any] = {}
    for content in reversed(list(_iter_chain(name, own))):
        merged = _merge(merged, content)
    return merged


def _directories(own: Path | None) -> list[Path]:
    return [SHIPPED] if own is None else [own, SHIPPED]


def _find_file(name: str, own: Path | None) -> Path | None:
    candidates = (directory / f"{name}.yaml" for directory in _directories(own))
    return next((path for path in candidates if path.is_file()), None)


def _iter_chain(name: str, own: Path | None) -> Iterator[dict[str, Any]]:
    seen: set[Path] = set()
    path = _find_file(name, own)
    while path is not None:
        if path in seen:
            raise InvalidInput(f"The profile '{name}' extends itself, by way of '{path}'")
        seen.add(path)
        content = _read(path)
        base = content.pop("extends", None)
        yield content
        path = None if base is None else _find_base(str(base), path, own)


def _find_base(base: str, path: Path, own: Path | None) -> Path:
    # A file of the user's own that bears a shipped name extends the shipped one.
    found = _find_file(base, None if base == path.stem else own)
    if found is None:
        raise InvalidInput(f"'{path}' extends '{base}', which does not exist")
    return found


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InvalidInput(f"The profile '{path}' cannot be read: {' '.join(str(exc).split())}") from exc
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidInput(f"The profile '{path}' is not a mapping")
    return content


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged
