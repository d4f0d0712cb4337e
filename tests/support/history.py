"""Random histories of usage: what routers send, in which messages, to which workers, and what goes wrong meanwhile.

Shares nothing with the platform: an event is a dict, a line is its JSON in one of the spellings the contract allows.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]

MILLISECOND = timedelta(milliseconds=1)
STATUSES = ("success", "success", "success", "error", "timeout", "throttled", "cancelled", "rejected")
POINTS = 30
"""A crash is planned at one of so many points; each statement has one before it and one after it."""


def make_uuid(generator: random.Random) -> str:
    return str(uuid.UUID(int=generator.getrandbits(128)))


def make_id(generator: random.Random, at: datetime) -> str:
    """A UUID version 7 of an instant (RFC 9562)."""
    milliseconds = round(at.timestamp() * 1000)
    low = 7 << 76 | generator.getrandbits(12) << 64 | 2 << 62 | generator.getrandbits(62)
    return str(uuid.UUID(int=milliseconds << 80 | low))


@dataclass(frozen=True)
class Price:
    """A row of prices in pico-units a token; one that is not `known` has no row in the database."""

    price_id: str
    model_id: str
    currency: str
    per_input: int
    per_cached_input: int
    per_output: int
    per_request: int
    known: bool = True

    def cost(self, event: Event) -> int:
        uncached = event["input_tokens"] - event["cached_input_tokens"]
        cached, output = event["cached_input_tokens"], event["output_tokens"]
        return uncached * self.per_input + cached * self.per_cached_input + output * self.per_output + self.per_request


def make_prices(generator: random.Random) -> list[Price]:
    """Prices of two models in two currencies; the last is unknown to the database."""
    models = [make_uuid(generator) for _ in range(2)]
    kinds = [(models[0], "USD", True), (models[1], "USD", True), (models[1], "EUR", True), (models[0], "USD", False)]
    return [
        Price(make_uuid(generator), model, currency, *(generator.randrange(10**6) for _ in range(4)), known)
        for model, currency, known in kinds
    ]


@dataclass(frozen=True)
class Line:
    """One line of a message: an event, or else the reason it is refused for."""

    text: bytes
    event: Event | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Delivery:
    """A message, the points at which its worker crashes one attempt after another, and how often it comes again."""

    lines: list[Line]
    crashes: list[int]
    again: int


@dataclass(frozen=True)
class Rollup:
    """A pass of the rollup, and the point at which it crashes."""

    crash: int | None


@dataclass(frozen=True)
class Erasure:
    """The end of a person with a key, or of an organization; facts alone, or all that the data policy says."""

    kind: str
    subject: str
    key: str | None
    whole: bool


Action: TypeAlias = "Delivery | Rollup"
Phase: TypeAlias = "list[list[Action]]"
"""What each of some workers does, all of them at the same time."""


@dataclass
class Scene:
    """Who takes part in a history, and the hours it is about."""

    generator: random.Random
    now: datetime
    prices: list[Price]
    orgs: list[str] = field(init=False)
    projects: list[str | None] = field(init=False)
    holders: list[tuple[str | None, str | None]] = field(init=False)
    anchors: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        generator = self.generator
        self.orgs = [make_uuid(generator) for _ in range(2)]
        self.projects = [None, make_uuid(generator)]
        self.holders = [(make_uuid(generator), make_uuid(generator)) for _ in range(2)] + [(None, None)]
        month = self.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = generator.randrange(34 * 24)
        other = (self.now - timedelta(hours=days)).replace(minute=0, second=0, microsecond=0)
        self.anchors = [month, generator.choice([midnight, other]), self.now]

    def make_instant(self) -> datetime:
        """Near an anchor: within the hour, often at its very edge; never in the future beyond what is allowed."""
        anchor = self.generator.choice(self.anchors)
        if anchor == self.now:
            return anchor + MILLISECOND * self.generator.randrange(-40 * 60_000, 4 * 60_000)
        edges = [timedelta(0), MILLISECOND, -MILLISECOND, timedelta(microseconds=-1), timedelta(microseconds=1)]
        inside = MILLISECOND * self.generator.randrange(0, 3_600_000)
        at = anchor + self.generator.choice([*edges, inside, inside, inside])
        return min(at, self.now)

    def make_event(self) -> Event:
        """A request of any end, with every field of the contract."""
        generator, at = self.generator, self.make_instant()
        status, price = generator.choice(STATUSES), generator.choice(self.prices)
        actor, key = generator.choice(self.holders)
        output = generator.choice([0, generator.randrange(900), 2**31 - 1 if generator.random() < 0.02 else 7])
        billable = status == "success" or output > 0
        duration = generator.choice([0, 1, 2, generator.randrange(100), generator.randrange(90_000), 86_400_000])
        failed = status not in ("success", "cancelled")
        tokens = generator.randrange(1000)
        event: Event = {
            **{"schema": "usage/1", "kind": "usage", "event_id": make_id(generator, at), "occurred_at": at},
            **{"org_id": generator.choice(self.orgs), "project_id": generator.choice(self.projects)},
            **{"api_key_id": key, "actor_id": actor, "model_id": price.model_id, "currency": price.currency},
            "operation": generator.choice(["chat", "embedding"]),
            "region": generator.choice(["local", "eu \u00e9, 'x'"]),
            **{"status": status, "http_status": generator.choice([200, 499, 502])},
            "error_code": "some_code" if failed else None,
            "duration_ms": duration,
            "ttft_ms": generator.choice([None, 0, duration, duration // 3]),
            **{"input_tokens": tokens, "cached_input_tokens": generator.choice([0, tokens, tokens // 2])},
            **{"output_tokens": output, "reasoning_tokens": generator.choice([0, output // 2])},
            **{"billable": billable, "price_id": price.price_id if billable or generator.random() < 0.3 else None},
            **{"cost_pico": 0, "source": "router-1", "source_seq": generator.randrange(1, 10**9)},
            "labels": generator.choice([{}, {"team": 'a "b", \\c\t\u00e9'}, {"b": "1", "a": "2"}]),
            "client": generator.choice([None, "sdk/1"]),
        }
        if status == "rejected" and not billable:
            event["model_id"] = generator.choice([None, price.model_id])
        if billable:
            event["cost_pico"] = price.cost(event) + (generator.random() < 0.1)
        return event

    def make_adjustment(self, corrected: Event) -> Event:
        """A credit or a charge that names what it corrects."""
        generator, at = self.generator, self.make_instant()
        return {
            **{"schema": "usage/1", "kind": "adjustment", "event_id": make_id(generator, at), "occurred_at": at},
            **{name: corrected[name] for name in ("org_id", "project_id", "model_id", "currency")},
            **{"operation": generator.choice(["other", "chat"]), "region": "local", "labels": {}},
            **{"cost_pico": generator.randrange(-(2**53) + 1, 2**53), "ref_event_id": corrected["event_id"]},
            "reason": "was wrong",
        }

    def change(self, event: Event) -> Event:
        """Another event of the same id: other figures, or on the other side of an hour's edge."""
        if event["kind"] == "adjustment":
            return {**event, "cost_pico": event["cost_pico"] // 2 - 1}
        moved = event["occurred_at"] + self.generator.choice([-1, 1]) * timedelta(milliseconds=500)
        return self.generator.choice(
            [{**event, "occurred_at": moved}, {**event, "duration_ms": event["duration_ms"] // 2 + 1, "ttft_ms": None}]
        )


def spell(generator: random.Random, event: Event) -> bytes:
    """The event as JSON: members in any order, ids in any case, absent members left out, unknown ones added."""
    at: datetime = event["occurred_at"]
    instant = at.isoformat().replace("+00:00", generator.choice(["Z", "+00:00"]))
    members = {**event, "occurred_at": instant, "org_id": generator.choice([str.upper, str.lower])(event["org_id"])}
    if generator.random() < 0.5:
        members = {name: value for name, value in members.items() if value is not None}
    if generator.random() < 0.2:
        members["invented"] = 1.5
    names = list(members)
    generator.shuffle(names)
    return json.dumps({name: members[name] for name in names}, ensure_ascii=generator.random() < 0.5).encode()


def spoil(generator: random.Random, event: Event) -> Line:
    """A line that is refused, and the reason; the last ones only the database refuses."""
    future, old = timedelta(minutes=10), timedelta(days=40)
    at: datetime = event["occurred_at"]
    late, early = at + future + timedelta(days=36), at - old
    changes: list[tuple[str, Event]] = [
        ("unknown_version", {"schema": "usage/2"}),
        ("bad_value", {"input_tokens": 1.0}),
        ("bad_value", {"status": "succeeded"}),
        ("bad_value", {"cached_input_tokens": event.get("input_tokens", 0) + 1}),
        ("id_time_mismatch", {"occurred_at": at + timedelta(seconds=5)}),
        ("future", {"occurred_at": late, "event_id": make_id(generator, late)}),
        ("too_old", {"occurred_at": early, "event_id": make_id(generator, early)}),
        ("too_large", {"bulky": "x" * 9000}),
        ("bad_value", {"labels": {"a": "\0"}}),
        ("bad_value", {"labels": {"a": "\0"}}),
    ]
    reason, change = generator.choice([*changes, ("missing_field", {}), ("malformed", {})])
    if reason == "malformed":
        return Line(generator.choice([b"{", b"\xff{}", spell(generator, event)[:-2].rstrip()]), reason=reason)
    spoilt = {**event, **change}
    if reason == "missing_field":
        del spoilt["operation"]
    return Line(spell(generator, spoilt), reason=reason)


@dataclass(frozen=True)
class History:
    """A history: phases one after the other, an erasure perhaps before one of them."""

    orgs: list[str]
    phases: list[Phase]
    erasures: dict[int, Erasure]


def make_history(seed: int, now: datetime, prices: list[Price]) -> History:
    """The history of a seed, about organizations of its own."""
    generator = random.Random(seed)
    scene = Scene(generator, now, prices)
    messages = _cut(generator, _make_lines(scene))
    phases = [_make_phase(generator, some) for some in _cut(generator, messages, most=3)]
    erasures = {}
    if generator.random() < 0.3:
        erasures[generator.randrange(1, len(phases) + 1)] = _make_erasure(scene)
    return History(scene.orgs, phases, erasures)


def _make_lines(scene: Scene) -> list[Line]:
    generator = scene.generator
    events = [scene.make_event() for _ in range(generator.randrange(4, 18))]
    events += [scene.make_adjustment(generator.choice(events)) for _ in range(generator.randrange(3))]
    events += [{**event, "org_id": generator.choice(scene.orgs)} for event in events if generator.random() < 0.05]
    copies = [event for event in events for _ in range(generator.choice([1, 1, 1, 2, 3]))]
    copies += [scene.change(event) for event in events if generator.random() < 0.15]
    lines = [Line(spell(generator, event), event) for event in copies]
    usage = [event for event in events if event["kind"] == "usage"]
    lines += [spoil(generator, generator.choice(usage)) for _ in range(generator.choice([0, 0, 1, 2]))]
    generator.shuffle(lines)
    return lines


def _cut(generator: random.Random, items: list[Any], most: int = 5) -> list[list[Any]]:
    """The items in order, cut into a few lists, none of them empty."""
    count = min(len(items), generator.randrange(1, most + 1))
    cuts = [0, *sorted(generator.sample(range(1, len(items)), count - 1)), len(items)]
    return [items[start:end] for start, end in pairwise(cuts)]


def _make_phase(generator: random.Random, messages: list[list[Line]]) -> Phase:
    workers: Phase = [[] for _ in range(generator.choice([1, 2, 3]))]
    for message in messages:
        crashes = [generator.randrange(POINTS) for _ in range(generator.choice([0, 0, 0, 1, 2]))]
        again = generator.choice([0, 0, 0, 1])
        receivers = generator.sample(workers, min(len(workers), generator.choice([1, 1, 2])))
        for receiver in receivers:
            receiver.append(Delivery(message, crashes, again))
    for worker in workers:
        if generator.random() < 0.5:
            crash = generator.choice([None, None, generator.randrange(POINTS)])
            worker.insert(generator.randrange(len(worker) + 1), Rollup(crash))
    return workers


def _make_erasure(scene: Scene) -> Erasure:
    generator = scene.generator
    if generator.random() < 0.5:
        return Erasure("organization", generator.choice(scene.orgs), None, generator.random() < 0.5)
    user, key = generator.choice(scene.holders[:2])
    assert user
    return Erasure("user", user, key, whole=True)
