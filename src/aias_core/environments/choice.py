"""Which environment a command means when nobody names one: the choice that `aias env activate` stored."""

from __future__ import annotations

from pathlib import Path

from aias_core.errors import Refused

DEFAULT = "local"
MARKER = "current"
MUST_BE_NAMED = frozenset({"production"})


def find_choice(state_root: Path) -> str | None:
    """The stored choice, None when there is none."""
    try:
        return (Path(state_root) / MARKER).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def refuse_unnamed(name: str) -> None:
    """Raises Refused for an environment that a stored choice is not enough for."""
    if name in MUST_BE_NAMED:
        raise Refused(f"'{name}' was chosen earlier and must be named", hint=f"name it with: --env {name}")
