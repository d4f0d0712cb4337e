"""The proofs of the demo: what the client saw, the facts, the rollups and the export say the same."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.database.queries import load_queries
from aias_core.demo.traffic import Call, Ledger
from aias_core.money import PICO, format_pico

if TYPE_CHECKING:
    from psycopg import Connection

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Proof:
    """Two figures that came about in different ways and must be equal."""

    claim: str
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        return self.expected == self.found

    def as_record(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}


def recompute_cost(calls: Sequence[Call], prices: Mapping[str, Mapping[str, Any]]) -> int:
    """Pico-units by the client's own token counts and the listed prices, in fractions, by none of our own code."""
    total = Fraction(0)
    for call in calls:
        if call.status == 200:
            price = prices[call.model]
            total += call.input_tokens * Fraction(str(price["input_price"])) / 1_000_000
            total += call.output_tokens * Fraction(str(price["output_price"])) / 1_000_000
    return int(total * PICO)


def compare_checksums(claim: str, expected: str, found: str) -> Proof:
    """A proof about two SHA-256, shown by their first half when they are equal."""
    return Proof(claim, *(f"{text[:32]}…" if expected == found else text for text in (expected, found)))


def count_facts(store: Connection) -> int:
    """How many requests have become facts."""
    row = store.execute(_queries["count_facts"]).fetchone()
    return int(row[0]) if row else 0


def prove(
    store: Connection, ledger: Ledger, prices: Mapping[str, Mapping[str, Any]], file: Path, sha256: str
) -> list[Proof]:
    """Compares the client's account with facts, hours, days and the exported file."""
    facts = [str(event_id) for (event_id,) in store.execute(_queries["list_facts"])]
    rows = read_rows(file)
    sent = str(len(ledger.request_ids))
    cost = format_pico(recompute_cost(ledger.calls, prices))
    tokens = sum(call.input_tokens + call.output_tokens for call in ledger.calls)
    totals = {name: _sum(store, name) for name in ("usage_facts", "usage_hours", "usage_days")}
    return [
        Proof("each request of the client is one fact, and no other", _digest(ledger.request_ids), _digest(facts)),
        *(Proof(f"requests: client = {name}", sent, str(total[0])) for name, total in totals.items()),
        Proof("requests: client = export", sent, str(sum(int(row["requests"]) for row in rows))),
        *(Proof(f"tokens: client = {name}", str(tokens), str(total[1])) for name, total in totals.items()),
        Proof("tokens: client = export", str(tokens), str(sum(int(row["total_tokens"]) for row in rows))),
        *(Proof(f"cost: recomputed = {name}", cost, format_pico(int(total[2]))) for name, total in totals.items()),
        Proof("cost: recomputed = export", cost, _sum_amounts(rows)),
        compare_checksums("the file has the checksum of its manifest", sha256, _checksum(file)),
    ]


def _sum(store: Connection, table: str) -> tuple[int, int, int]:
    return store.execute(_queries[f"sum_{table}"]).fetchone() or (0, 0, 0)


def read_rows(file: Path) -> list[dict[str, str]]:
    """The lines of an export, as a program of somebody else would read them."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _sum_amounts(rows: Sequence[Mapping[str, str]]) -> str:
    return format_pico(int(sum(Fraction(row["amount_exact"]) for row in rows) * PICO))


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _digest(identifiers: Iterable[str]) -> str:
    ordered = sorted(identifiers)
    return f"{len(ordered)} ids, {hashlib.sha256(' '.join(ordered).encode()).hexdigest()[:12]}"
