"""SQL text cut into statements by PostgreSQL's own parser, with the directives in a file's leading comments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from aias_core.errors import InvalidInput

_DIRECTIVE = re.compile(r"-- aias:(?!allow\b)\s*(.*?)\s*")
_PAIR = re.compile(r"([a-z_]+) = (.+)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_CHOICES = {
    "transaction": ("required", "none"),
    "phase": ("expand", "migrate", "contract"),
    "down": ("exact", "lossy", "none"),
}
_DURATIONS = ("max_duration", "lock_timeout")
_TEXTS = ("risk", "author", "flag")


class StatementInvalid(InvalidInput):
    """The SQL cannot be parsed"""


class DirectiveInvalid(InvalidInput):
    """A directive in the head of a migration is not known"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file: its text without the semicolon, the line it begins on, and its parse tree."""

    file: str
    ordinal: int
    line: int
    text: str
    node: Any = field(compare=False, repr=False)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Directives:
    """What the head of a file declares, one `-- aias: key = value` to a line. Durations are in seconds."""

    transaction: Literal["required", "none"] = "required"
    phase: Literal["expand", "migrate", "contract"] = "expand"
    down: Literal["exact", "lossy", "none"] = "exact"
    max_duration: float = 600
    lock_timeout: float | None = None
    risk: str = ""
    author: str = ""
    flag: str = ""


def split_statements(sql: str, name: str) -> list[Statement]:
    """The statements of a text in order. Raises StatementInvalid naming the file and the line of the first fault."""
    from pglast import parse_sql
    from pglast.parser import ParseError

    try:
        raw = parse_sql(sql)
    except ParseError as exc:
        message, *offset = exc.args
        line = sql[: offset[0]].count("\n") + 1 if offset else 1
        raise StatementInvalid(f"{name}:{line}: {message}") from exc
    statements = []
    for ordinal, item in enumerate(raw, 1):
        start = item.stmt_location or 0
        piece = sql[start : start + item.stmt_len] if item.stmt_len else sql[start:]
        statements.append(Statement(name, ordinal, sql[:start].count("\n") + 1, piece.strip(), item.stmt))
    return statements


def parse_directives(sql: str, name: str) -> Directives:
    """The directives of a file's leading comment lines. Raises DirectiveInvalid for an unknown key or value."""
    found: dict[str, str] = {}
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        if match := _DIRECTIVE.fullmatch(line):
            pair = _PAIR.fullmatch(match[1])
            if pair is None:
                raise DirectiveInvalid(f"{name}: '{line}' is not '-- aias: key = value'")
            found[pair[1]] = pair[2]
    return Directives(**{key: _parse_value(key, value, name) for key, value in found.items()})  # type: ignore[arg-type]


def _parse_value(key: str, value: str, name: str) -> str | float:
    if key in _TEXTS:
        return value.strip()
    if key in _DURATIONS:
        match = re.fullmatch(r"(\d+)(ms|s|m|h)", value.strip())
        if match is None:
            raise DirectiveInvalid(f"{name}: '{value}' is not a duration", hint="write it like 200ms, 5s or 10m")
        return int(match[1]) * _SECONDS[match[2]]
    allowed = _CHOICES.get(key)
    if allowed is None:
        known = ", ".join((*_CHOICES, *_DURATIONS, *_TEXTS))
        raise DirectiveInvalid(f"{name}: there is no directive '{key}'", hint=f"there are: {known}")
    if value not in allowed:
        raise DirectiveInvalid(f"{name}: {key} cannot be '{value}'", hint=f"it can be: {', '.join(allowed)}")
    return value
