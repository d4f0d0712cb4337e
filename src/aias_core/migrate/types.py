"""Changes of a column's type that leave its stored values as they are.

Source: https://www.postgresql.org/docs/current/sql-altertable.html and the casts of pg_cast without a function.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"([^(]+?)(?:\(([\d,]+)\))?(\[\])?")
_UNLIMITED = {("varchar", "text"), ("text", "varchar"), ("cidr", "inet"), ("varbit", "varbit")}
_LENGTHS = {"varchar", "varbit", "timestamptz", "timestamp", "time", "timetz"}
_MOST_DIGITS = 6


def keeps_values(old: str, new: str) -> bool:
    """Whether PostgreSQL changes the type without copying or reading the table."""
    if old == new:
        return True
    before, after = _PARTS.fullmatch(old), _PARTS.fullmatch(new)
    if before is None or after is None or before[3] != after[3]:
        return False
    names, limits = (before[1], after[1]), (_numbers(before[2]), _numbers(after[2]))
    if not limits[1]:
        is_numeric = names == ("numeric", "numeric")
        return names in _UNLIMITED or is_numeric or (names[0] == names[1] and names[0] in _LENGTHS)
    return _is_wider(names, *limits)


def _is_wider(names: tuple[str, str], old: list[int], new: list[int]) -> bool:
    if names[0] != names[1] or not old:
        return names[0] == names[1] and names[0] in _LENGTHS - {"varchar", "varbit"} and new == [_MOST_DIGITS]
    if names[0] == "numeric":
        return [*old, 0][1] == [*new, 0][1] and new[0] >= old[0]
    return names[0] in _LENGTHS and new[0] >= old[0]


def _numbers(text: str | None) -> list[int]:
    return [int(number) for number in text.split(",")] if text else []
