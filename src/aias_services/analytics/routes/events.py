"""The single requests behind a line, whether an event would be accepted, and events of producers outside."""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import asdict
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aias_core import clock
from aias_core.analytics.ingest.batch import prepare
from aias_core.analytics.ingest.load import list_refused
from aias_core.analytics.ingest.store import Origin, ensure_partitions, store_batch
from aias_core.analytics.query.events import EventQuery, get_event, list_events
from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.periods import parse_window
from aias_core.contracts import usage
from aias_core.contracts.transport import MESSAGE_EVENTS_LIMIT
from aias_core.contracts.usage import EventRejected
from aias_core.identity.permissions import Principal
from aias_core.windows import Grain
from aias_services.analytics.parameters import EventsAsked, ReasonAsked
from aias_services.analytics.reads import ReadsOf, answer_json
from aias_services.analytics.routes import BASE
from aias_services.kit.callers import Caller

EVENTS, EVENT, STORED = "aias.analytics.events/1", "aias.analytics.event/1", "aias.analytics.stored/1"
router = APIRouter(prefix=BASE, tags=["events"])


class InvalidEvents(InvalidQuery):
    """Events that the contract refuses"""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        super().__init__("invalid_event", "", f"{len(items)} of the events would be refused")
        self.items = items


@router.get("/orgs/{org}/events", summary="The events of a window of at most 7 days, newest first")
def get_events(request: Request, org: str, asked: EventsAsked, caller: Caller, reads: ReadsOf) -> Response:
    _check_reason(caller, asked.reason)
    access = reads.open_organization(caller, org, "usage.events", **asked.asked())
    window = parse_window(asked.start, asked.end, asked.period, Grain.HOUR, ZoneInfo("UTC"))
    query = EventQuery(window, asked.filters(), asked.limit, asked.cursor)
    with reads.connection("events") as connection:
        page = list_events(connection, access.scope, query, money=access.money)
    return answer_json(request, EVENTS, page)


@router.get("/orgs/{org}/events/{event_id}", summary="One event by its id, which is the request id")
def get_one_event(
    request: Request, org: str, event_id: UUID, asked: ReasonAsked, caller: Caller, reads: ReadsOf
) -> Response:
    _check_reason(caller, asked.reason)
    access = reads.open_organization(caller, org, "usage.events", event_id=str(event_id), **asked.asked())
    with reads.connection("event") as connection:
        event = get_event(connection, access.scope, event_id, money=access.money)
    return answer_json(request, EVENT, event)


@router.post("/events/validate", status_code=204, summary="Whether events would be accepted: one, or NDJSON")
async def validate_events(request: Request, caller: Caller) -> Response:
    del caller  # anybody who is signed in may ask
    lines = await _read_lines(request)
    faults = [fault for number, line in enumerate(lines, 1) if (fault := _find_fault(number, line))]
    if faults:
        raise InvalidEvents(faults)
    return Response(status_code=204)


@router.post("/events", summary="Store events of a producer outside, each exactly once: one, or NDJSON")
async def store_events(request: Request, caller: Caller, reads: ReadsOf) -> Response:
    """Answers after the commit, so what fails or is lost may be sent again; refused lines are dead letters, and listed.

    While the database is away or busy the answer is 503 with Retry-After: the producer keeps its events.
    """
    lines = await _read_lines(request)

    def store() -> dict[str, Any]:
        reads.open_platform(caller, [], "pipeline.operate", events=len(lines))
        origin, batch = Origin(f"http/{caller.actor_id}"), prepare(lines, clock.now())
        with reads.connection("ingest") as connection:
            ensure_partitions(connection, batch.received_at)
            result = store_batch(connection, batch, origin)
            rejects = list_refused(connection, origin, batch, lines) if result.rejected else []
        return {**asdict(result), "rejects": rejects}

    return answer_json(request, STORED, await to_thread(store))


async def _read_lines(request: Request) -> list[bytes]:
    lines = [line for line in (await _read_body(request)).splitlines() if line.strip()]
    if not 1 <= len(lines) <= MESSAGE_EVENTS_LIMIT:
        raise InvalidQuery("invalid_count", "", f"{len(lines)} events; a request holds 1 to {MESSAGE_EVENTS_LIMIT}")
    return lines


async def _read_body(request: Request) -> bytes:
    body, limit = b"", MESSAGE_EVENTS_LIMIT * (usage.EVENT_BYTES_LIMIT + 1)
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise InvalidQuery("too_large", "", f"The body has more than {limit:,} bytes")
    return body


def _find_fault(number: int, line: bytes) -> dict[str, Any] | None:
    try:
        usage.decode(line, clock.now())
    except EventRejected as rejected:
        pointer = f"/{number}/{rejected.field}" if rejected.field else f"/{number}"
        return {
            "pointer": pointer,
            "line": number,
            "field": rejected.field,
            "code": str(rejected.reason),
            "message": rejected.detail,
        }
    return None


def _check_reason(caller: Principal, reason: str | None) -> None:
    if caller.platform_role and not reason:
        raise InvalidQuery(
            "reason_required",
            "reason",
            "Single events of an organization are read for a reason",
            hint="say it in reason",
        )
