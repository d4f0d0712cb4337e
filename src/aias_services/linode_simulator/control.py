"""`/v4/__simulator`: what a rehearsal or a test asks of the simulator itself. It is no part of Linode's API."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from typing import Any

import msgspec

from aias_services.linode_simulator import engine, ledger
from aias_services.linode_simulator.exchange import Answer, Request
from aias_services.linode_simulator.faults import FaultRule, check_rule
from aias_services.linode_simulator.rates import Rates
from aias_services.linode_simulator.refusals import Refusal, not_found, refuse
from aias_services.linode_simulator.world import Settings, State, World

PREFIX = "/__simulator/"


class Tokens(msgspec.Struct, forbid_unknown_fields=True):
    """A token of the tester's choice."""

    token: str
    scopes: str = "*"
    expiry: str | None = None


class Contents(msgspec.Struct, forbid_unknown_fields=True):
    """What lies in a bucket: the objects themselves are elsewhere."""

    region: str
    bucket: str
    objects: int
    size: int = 0


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """How far simulated time jumps ahead."""

    seconds: float


class Control:
    """Ledger, faults, settings, clock, calls, rates and tokens."""

    def __init__(self, world: World, rates: Rates, calls: MutableSequence[dict[str, Any]]) -> None:
        self._world, self._rates, self._calls = world, rates, calls
        self._routes: dict[str, Callable[[dict[str, Any]], Any]] = {
            "GET ledger": lambda _: ledger.document(world),
            "GET faults": lambda _: world.state.faults,
            "POST faults": self._add_fault,
            "DELETE faults": lambda _: world.state.faults.clear(),
            "GET settings": lambda _: world.state.settings,
            "PATCH settings": self._change_settings,
            "GET clock": lambda _: self._clock(),
            "POST clock": self._advance,
            "GET calls": lambda _: list(calls),
            "DELETE calls": lambda _: calls.clear(),
            "GET rates": lambda _: {"most": rates.most, "breaches": rates.breaches},
            "POST tokens": self._add_token,
            "POST contents": self._fill_bucket,
            "POST release": lambda _: {"released": engine.release(world)},
            "POST reset": self._reset,
        }

    def owns(self, path: str) -> bool:
        return path.startswith(PREFIX)

    def answer(self, request: Request, path: str) -> Answer:
        """Carries out one request; what it changed is saved."""
        try:
            handle = self._routes.get(f"{request.method} {path.removeprefix(PREFIX)}")
            if handle is None:
                raise not_found()
            document = msgspec.to_builtins(handle(request.document()))
        except msgspec.ValidationError as exc:
            return Answer.of(refuse(str(exc)))
        except Refusal as refusal:
            return Answer.of(refusal)
        if request.method != "GET":
            self._world.save()
        return Answer({} if document is None else document)

    def _add_fault(self, body: dict[str, Any]) -> FaultRule:
        rule = msgspec.convert(body, FaultRule)
        check_rule(rule)
        self._world.state.faults.append(rule)
        return rule

    def _change_settings(self, body: dict[str, Any]) -> Settings:
        current = msgspec.to_builtins(self._world.state.settings)
        if unknown := set(body) - set(current):
            raise refuse(f"There is no setting '{min(unknown)}'")
        self._world.state.settings = msgspec.convert({**current, **body}, Settings)
        return self._world.state.settings

    def _clock(self) -> dict[str, Any]:
        return {"now": self._world.now(), "offset_seconds": self._world.state.clock_offset}

    def _advance(self, body: dict[str, Any]) -> dict[str, Any]:
        self._world.state.clock_offset += msgspec.convert(body, Advance).seconds
        return self._clock()

    def _add_token(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(body, Tokens)
        return {"id": add_token(self._world, wanted)}

    def _fill_bucket(self, body: dict[str, Any]) -> Contents:
        wanted = msgspec.convert(body, Contents)
        place = (wanted.region, wanted.bucket)
        buckets = self._world.iter("bucket", lambda one: (one.values["region"], one.values["label"]) == place)
        bucket = next(buckets, None)
        if bucket is None:
            raise not_found()
        bucket.values |= {"_objects": wanted.objects, "_size": wanted.size}
        return wanted

    def _reset(self, _: dict[str, Any]) -> None:
        tokens = self._world.state.records.get("token", {})
        self._world.state = State(settings=self._world.state.settings)
        self._world.state.records["token"] = tokens
        self._calls.clear()
        self._rates.clear()


def add_token(world: World, wanted: Tokens) -> object:
    """Makes a token known, once; its id."""
    known = next(world.iter("token", lambda one: one.values["token"] == wanted.token), None)
    if known:
        return known.id
    body = {"label": "given", "scopes": wanted.scopes, "expiry": wanted.expiry}
    record = engine.create(world, "token", body)
    record.values["token"] = wanted.token
    return record.id
