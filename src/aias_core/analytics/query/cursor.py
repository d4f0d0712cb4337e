"""Where the next page begins: bound to the question, so that a cursor is of no use to another one."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from aias_core.analytics.query.faults import InvalidQuery


def write_cursor(fingerprint: str, position: Sequence[str]) -> str:
    """A cursor after the row at a position, a list of texts."""
    text = json.dumps([fingerprint[:16], list(position)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, fingerprint: str) -> list[str]:
    """The position of a cursor. Raises InvalidQuery, `invalid_cursor`, for one that is no cursor of this question."""
    try:
        bound_to, position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        texts = [text for text in position if isinstance(text, str)]
    except (ValueError, TypeError) as exc:
        raise _invalid() from exc
    if bound_to != fingerprint[:16] or len(texts) != len(position):
        raise _invalid()
    return texts


def _invalid() -> InvalidQuery:
    return InvalidQuery(
        "invalid_cursor",
        "cursor",
        "The cursor does not belong to this question",
        hint="begin again without it, or repeat the question that it came from",
    )
