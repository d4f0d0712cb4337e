"""Values that must never be seen: they print as `***`, and known shapes are taken out of any text."""

from __future__ import annotations

import json
import re
import string
from typing import Any

MASK = "***"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Secret:
    """A text that prints as `***`; `reveal()` is the only way to read it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        import secrets

        return isinstance(other, Secret) and secrets.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))


_PATTERNS = (
    re.compile(r"(?<=://)([^\s:/@]*):([^\s/@]+)(?=@)"),
    re.compile(r"sk-aias-[ldspy]-[0-9A-Za-z]{8,}"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
)


def redact(text: str) -> str:
    """The text with URL passwords, API keys and bearer values replaced by `***`."""
    text = _PATTERNS[0].sub(rf"\1:{MASK}", text)
    for pattern in _PATTERNS[1:]:
        text = pattern.sub(MASK, text)
    return text


def redact_all(value: Any) -> Any:
    """The value with every text in it redacted, at any depth; in its JSON a password could reach over two texts."""
    if isinstance(value, dict):
        return {key: redact_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def to_json(record: Any, separators: tuple[str, str] = (", ", ": ")) -> str:
    """One line of JSON with every text redacted; what JSON does not know is written as text."""
    return json.dumps(
        redact_all(record), ensure_ascii=False, separators=separators, default=lambda value: redact(str(value))
    )


def random_base62(length: int) -> str:
    """Characters `0-9A-Za-z` from the system's generator; 43 of them carry 256 bits."""
    import secrets

    return "".join(secrets.choice(_BASE62) for _ in range(length))


def to_base62(number: int, width: int) -> str:
    """A whole number in base 62, left-padded with zeros to `width` characters."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(width, "0")
