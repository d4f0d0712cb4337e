"""What went into a file, counted as it was written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core.finance.export.records import Amounts, Records, amounts_of
from aias_core.finance.export.source import OrganizationTotal
from aias_core.money import CENT

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class Tally:
    """Totals by organization and currency of the lines added so far."""

    words: dict[int, str | None]
    totals: dict[tuple[bytes, str], OrganizationTotal] = field(default_factory=lambda: defaultdict(OrganizationTotal))

    def add(self, records: Records) -> None:
        import numpy as np

        org, currency = records["org_id"], records["currency"]
        changed = np.concatenate(([True], (org[1:] != org[:-1]) | (currency[1:] != currency[:-1])))
        starts = np.flatnonzero(changed)
        sizes = np.diff(starts, append=len(records))
        tokens = records["input_tokens"] + records["output_tokens"]
        counts = (np.add.reduceat(column, starts) for column in (records["requests"], tokens))
        amounts = (_sum_amounts(amounts_of(records, name), starts) for name in ("cost", "adjustment"))
        for start, *sums in zip(starts, sizes, *counts, *amounts, strict=True):
            key = (bytes(org[start]).ljust(16, b"\0"), str(self.words[int(currency[start])]))
            self.totals[key].add(*map(int, sums))


def _sum_amounts(amounts: Amounts, starts: np.ndarray[Any, Any]) -> list[int]:
    """Exact sums: those of whole cents and of the rest, neither of which can overflow."""
    import numpy as np

    cents = amounts // CENT
    parts = zip(np.add.reduceat(cents, starts), np.add.reduceat(amounts - cents * CENT, starts), strict=True)
    return [int(whole) * CENT + int(rest) for whole, rest in parts]
