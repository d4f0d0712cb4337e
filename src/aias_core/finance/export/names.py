"""What organizations, projects and models were called in the period of a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from aias_core.finance.export.texts import Texts

if TYPE_CHECKING:
    import numpy as np

NameRow: TypeAlias = "tuple[str, UUID | None, datetime | None, str | None, str | None]"
"""Kind, id, until when it was so called (None: still), slug and name."""

FOREVER = 2**63 - 1
NIL = bytes(16)
SLUG, NAME = 0, 1


@dataclass(slots=True)
class Names:
    """For each kind and id the names it had, each with the microsecond until which it had them, in order."""

    _known: dict[str, dict[bytes, list[tuple[int, tuple[str | None, str | None]]]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, rows: Iterable[NameRow], since: int, until: int) -> None:
        """Adds the names of a time after those before; what ended before it, or begins later, is none of them."""
        for kind, subject, valid_to, slug, name in rows:
            if subject is None:
                continue
            known = self._known[kind].setdefault(subject.bytes, [])
            end = until if valid_to is None else min(until, microseconds_of(valid_to))
            if end > (known[-1][0] if known else since):
                known.append((end, (slug, name)))

    def latest(self, kind: str, subject: bytes, part: int) -> str | None:
        """The last slug or name of one id."""
        known = self._known[kind].get(subject)
        return known[-1][1][part] if known else None

    def texts_of(self, kind: str, part: int, ids: Texts, at: np.ndarray[Any, Any]) -> Texts:
        """The slugs (part 0) or names (part 1) of ids at these microseconds; nothing where none is known."""
        import numpy as np

        index, words = ids.index.copy(), list[str | None]()
        versions = [self._known[kind].get(subject) or [(FOREVER, (None, None))] for subject in ids.keys]
        words += [known[0][1][part] for known in versions]
        for position, known in enumerate(versions):
            if len(known) > 1:
                rows = np.flatnonzero(ids.index == position)
                later = np.searchsorted([end for end, _ in known[:-1]], at[rows], side="right")
                index[rows] = np.where(later == 0, position, len(words) + later - 1)
                words += [names[part] for _, names in known[1:]]
        return Texts(index, words)


def microseconds_of(at: datetime) -> int:
    """Microseconds since 1970."""
    return int(at.timestamp()) * 1_000_000 + at.microsecond
