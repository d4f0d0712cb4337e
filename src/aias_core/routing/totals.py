"""Control totals: what a spool has settled, by organization and hour. A restart neither loses nor doubles one.

They are counted as events are written. The file holds them as of a place in the spool, is replaced before any segment
up to that place is deleted, and what the segments hold beyond it is counted again at the start.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from aias_core.contracts.sources import HourTotal
from aias_core.contracts.usage import UsageEvent
from aias_core.files import whole_file
from aias_core.windows import hour_of

KEPT = timedelta(days=2)
_HOUR = timedelta(hours=1)


class _Checkpoint(msgspec.Struct):
    segment: int = 0
    offset: int = 0
    totals: list[HourTotal] = []


class Totals:
    """The totals of one spool and what of them is yet to be announced."""

    def __init__(self, path: Path) -> None:
        kept = _read(path)
        self._path = path
        self._totals = {(total.org_id, total.hour): total for total in kept.totals}
        self._changed = set(self._totals)
        self._unsealed = set(self._totals)
        self.through = (kept.segment, kept.offset)

    def count(self, event: UsageEvent) -> None:
        """Adds an event that was written."""
        key = event.org_id, hour_of(event.occurred_at)
        total = self._totals.get(key)
        self._totals[key] = HourTotal(
            org_id=key[0],
            hour=key[1],
            requests=1 + (total.requests if total else 0),
            input_tokens=event.input_tokens + (total.input_tokens if total else 0),
            output_tokens=event.output_tokens + (total.output_tokens if total else 0),
            cost_pico=event.cost_pico + (total.cost_pico if total else 0),
        )
        self._changed.add(key)
        self._unsealed.add(key)

    def list_news(self, sealed_through: datetime) -> list[HourTotal]:
        """The totals that changed or are sealed since they were announced; hours that end by `sealed_through` are."""
        ended = {key for key in self._unsealed if key[1] + _HOUR <= sealed_through}
        return [
            msgspec.structs.replace(self._totals[key], sealed=key[1] + _HOUR <= sealed_through)
            for key in sorted(self._changed | ended, key=_order)
        ]

    def note_announced(self, announced: list[HourTotal]) -> None:
        """The totals were heard; those that have grown meanwhile are still news."""
        for total in announced:
            key = total.org_id, total.hour
            if self._totals[key].requests == total.requests:
                self._changed.discard(key)
                if total.sealed:
                    self._unsealed.discard(key)

    def save(self, segment: int, offset: int) -> None:
        """Makes the totals durable as of a place in the spool; forgets sealed ones after two days.

        Raises PrerequisiteMissing when the disk does not take them; the earlier ones stay.
        """
        newest = max((hour for _, hour in self._totals), default=None)
        for key in [key for key in self._totals if newest and key[1] < newest - KEPT and key not in self._unsealed]:
            del self._totals[key]
        kept = _Checkpoint(segment, offset, [self._totals[key] for key in sorted(self._totals, key=_order)])
        with whole_file(self._path) as file:
            file.write(msgspec.json.encode(kept))
        self.through = (segment, offset)


def _order(key: tuple[UUID, datetime]) -> tuple[datetime, UUID]:
    return key[1], key[0]


def _read(path: Path) -> _Checkpoint:
    """What the file holds; one that is missing or damaged counts as none, and the segments are counted alone."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Checkpoint)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _Checkpoint()
