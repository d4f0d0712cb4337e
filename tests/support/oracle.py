"""What the tables of usage must hold, computed by brute force from what was delivered, in whole numbers.

Written from the definitions alone; shares no code with the platform.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

from support.history import Event, Line, Price

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[tuple[Any, ...], Row]

LINE_KEY = ("org_id", "project_id", "model_id", "operation", "region", "currency", "price_id")
KEY_KEY = ("org_id", "project_id", "api_key_id", "model_id", "currency")
OUTCOMES = {
    "successes": "success",
    "errors": "error",
    "timeouts": "timeout",
    "throttled": "throttled",
    "cancelled": "cancelled",
    "rejected": "rejected",
}
TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
LATE = timedelta(minutes=15)


@cache
def bucket_of(milliseconds: int) -> int:
    """⌈log_γ of the value⌉ with γ = 101/99, so the smallest i with 101^i ≥ value · 99^i; −1 for zero."""
    if milliseconds == 0:
        return -1
    bucket = max(0, math.floor(math.log(milliseconds) / math.log(101 / 99)) - 2)
    while 101**bucket < milliseconds * 99**bucket:
        bucket += 1
    return bucket


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    return hour_of(at).replace(hour=0)


def month_of(at: datetime) -> datetime:
    return day_of(at).replace(day=1)


@dataclass
class Counts:
    """What became of the events of one message."""

    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0


@dataclass
class Oracle:
    """Facts by event and organization, and the letters, after the messages that it was told of, in their order."""

    prices: Iterable[Price]
    first: dict[tuple[str, str], Event] = field(default_factory=dict)
    facts: dict[tuple[str, str], Event] = field(default_factory=dict)
    letters: list[tuple[str, bytes]] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)

    def deliver(self, lines: Iterable[Line], received_at: datetime) -> Counts:
        """The first copy of an event counts; one that differs is a letter, one of an erased subject is nothing."""
        counts = Counts()
        for line in lines:
            if line.event is None:
                self._refuse(counts, line.reason or "", line)
            elif not self.erased & {line.event["org_id"], line.event.get("actor_id")}:
                self._store(counts, line, line.event, received_at)
        return counts

    def _store(self, counts: Counts, line: Line, event: Event, received_at: datetime) -> None:
        key = event["event_id"], event["org_id"]
        if key not in self.first:
            self.first[key] = event
            self.facts[key] = self._make_fact(event, received_at)
            counts.accepted += 1
            counts.late += self.facts[key]["late"]
        elif self.first[key] == event:
            counts.duplicate += 1
        else:
            self._refuse(counts, "conflict", line)

    def _refuse(self, counts: Counts, reason: str, line: Line) -> None:
        counts.rejected += 1
        self.letters.append((reason, line.text))

    def _make_fact(self, event: Event, received_at: datetime) -> Event:
        is_usage = event["kind"] == "usage"
        absent = dict.fromkeys(("api_key_id", "actor_id", "client", "price_id", "status", "duration_ms", "ttft_ms"))
        fact = {**absent, **dict.fromkeys(TOKENS, 0), "billable": False, **event}
        buckets = {
            "latency_bucket": bucket_of(event["duration_ms"]) if is_usage else None,
            "ttft_bucket": None if fact["ttft_ms"] is None else bucket_of(fact["ttft_ms"]),
        }
        late = received_at - event["occurred_at"] > LATE
        return {**fact, **buckets, "received_at": received_at, "late": late, "cost_check": self._check_cost(fact)}

    def _check_cost(self, fact: Event) -> str:
        if not fact["billable"]:
            return "ok"
        known = [price for price in self.prices if price.known and price.price_id == fact["price_id"]]
        if not known:
            return "pending"
        return "ok" if known[0].cost(fact) == fact["cost_pico"] else "mismatch"

    def erase_organization(self, org_id: str) -> None:
        self.erased.add(org_id)
        self.facts = {key: fact for key, fact in self.facts.items() if fact["org_id"] != org_id}

    def erase_user(self, user: str, key: str, pseudonym: str) -> None:
        """Usage stays and counts; nothing in it tells of the person."""
        self.erased.add(user)
        for fact in self.facts.values():
            if fact["actor_id"] == user or fact["api_key_id"] == key:
                renamed = pseudonym if fact["api_key_id"] == key else fact["api_key_id"]
                fact.update(actor_id=None, client=None, labels={}, api_key_id=renamed)

    def forget_letters(self, *names: str) -> None:
        """Without the letters that name one of these."""
        self.letters = [
            (reason, text) for reason, text in self.letters if not any(name.encode() in text.lower() for name in names)
        ]

    def lines(self, cut: Callable[[datetime], datetime]) -> Rows:
        """What `usage_hours` or `usage_days` holds."""
        return {key: _count(group) | _measure(group) for key, group in self._group(cut, LINE_KEY).items()}

    def keys(self, cut: Callable[[datetime], datetime]) -> Rows:
        """What `usage_hour_keys` or `usage_day_keys` holds."""
        return {key: _count(group) for key, group in self._group(cut, KEY_KEY).items()}

    def _group(self, cut: Callable[[datetime], datetime], names: tuple[str, ...]) -> dict[tuple[Any, ...], list[Event]]:
        groups: defaultdict[tuple[Any, ...], list[Event]] = defaultdict(list)
        for fact in self.facts.values():
            groups[cut(fact["occurred_at"]), *(fact[name] for name in names)].append(fact)
        return groups


def _count(group: list[Event]) -> Row:
    usage, billed = [e for e in group if e["kind"] == "usage"], [e for e in group if e["billable"]]
    adjustments = [e for e in group if e["kind"] == "adjustment"]
    return {
        "requests": len(usage),
        **{name: sum(e["status"] == status for e in usage) for name, status in OUTCOMES.items()},
        **{name: sum(e[name] for e in usage) for name in TOKENS},
        "billed_requests": len(billed),
        "billed_input_tokens": sum(e["input_tokens"] - e["cached_input_tokens"] for e in billed),
        "billed_cached_input_tokens": sum(e["cached_input_tokens"] for e in billed),
        "billed_output_tokens": sum(e["output_tokens"] for e in billed),
        "cost_pico": Decimal(sum(e["cost_pico"] for e in usage)),
        "adjustments": len(adjustments),
        "adjustment_pico": Decimal(sum(e["cost_pico"] for e in adjustments)),
    }


def _measure(group: list[Event]) -> Row:
    successes = [e for e in group if e["status"] == "success"]
    row: Row = {"source_max_received_at": max(e["received_at"] for e in group)}
    for name, column in (("latency", "duration_ms"), ("ttft", "ttft_ms")):
        values = [e[column] for e in successes if e[column] is not None]
        counted = sorted(Counter(map(bucket_of, values)).items())
        row |= {
            f"{name}_idx": [bucket for bucket, _ in counted],
            f"{name}_n": [n for _, n in counted],
            f"{name}_sum_ms": sum(values) if values else None,
            f"{name}_min": min(values, default=None),
            f"{name}_max": max(values, default=None),
        }
    return row


def list_differences(expected: Rows, found: Rows) -> list[str]:
    """Each figure that differs, in words; none when both are equal to the last digit."""
    missing = [f"missing {key}" for key in expected.keys() - found.keys()]
    extra = [f"extra {key}" for key in found.keys() - expected.keys()]
    return (
        missing
        + extra
        + [
            f"{key} {name}: {expected[key].get(name)} expected, {found[key].get(name)} found"
            for key in expected.keys() & found.keys()
            for name in expected[key].keys() | found[key].keys()
            if expected[key].get(name, "no such figure") != found[key].get(name, "no such figure")
        ]
    )


def describe_files(lines: Rows, granularity: str) -> Rows:
    """The lines of a finance file without names: exact amounts, and cents by largest remainder, ties by file order."""
    by_total: defaultdict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for key in sorted(lines, key=_file_order):
        by_total[key[1], key[6]].append(key)
    cents = {
        key: amount
        for keys in by_total.values()
        for key, amount in zip(keys, _allot([_amount(lines[key]) for key in keys]), strict=True)
    }
    return {key: _describe(key, lines[key], granularity) | {"amount": cents[key]} for key in lines}


def _file_order(key: tuple[Any, ...]) -> list[Any]:
    start, org, project, model, operation, region, currency, price = key
    texts = [text.encode() for text in (operation, region, currency)]
    return [org, start, (project is None, project), (model is None, model), *texts, (price is None, price)]


def _amount(row: Row) -> int:
    return int(row["cost_pico"]) + int(row["adjustment_pico"])


def _allot(amounts: list[int]) -> list[int]:
    """Whole cents that add up to the total rounded once, half to even."""
    cent = 10**10
    total, rest = divmod(sum(amounts), cent)
    total += 2 * rest > cent or (2 * rest == cent and total % 2)
    cents = [amount // cent for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda place: -(amounts[place] % cent))
    for place in by_remainder[: total - sum(cents)]:
        cents[place] += 1
    return cents


def _describe(key: tuple[Any, ...], row: Row, granularity: str) -> Row:
    measures = {name: row[name] for name in (*OUTCOMES, *TOKENS, *row) if name.startswith("billed_") or name in _SHOWN}
    return {
        **measures,
        "granularity": granularity,
        "total_tokens": row["input_tokens"] + row["output_tokens"],
        "cost_exact": int(row["cost_pico"]),
        "adjustment_exact": int(row["adjustment_pico"]),
        "amount_exact": _amount(row),
    }


_SHOWN = {"requests", *OUTCOMES, *TOKENS}
