"""The inference routes as one ASGI endpoint: from the first byte of a request to its settled event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp
import msgspec

from aias_core.contracts.usage import Operation, UsageEvent
from aias_core.money import Price
from aias_core.routing.books import Books
from aias_core.routing.choice import Balancer
from aias_core.routing.publisher import Publisher
from aias_core.routing.registry import Model, Snapshot
from aias_core.routing.request import InferenceRequest, InvalidBody, parse_request, shown_model_name
from aias_core.routing.spool import Spool, SpoolUnavailable
from aias_services.kit.http import current_request_id
from aias_services.kit.openai_errors import OpenAIError
from aias_services.router.access import Access, Grant
from aias_services.router.events import Outcome, client_of, close_event, open_event
from aias_services.router.relay import Relay

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SCOPE = "inference.call"
PATHS: dict[str, Operation] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
    "/v1/embeddings": "embedding",
}


@dataclass(slots=True)
class Router:
    """What all requests of one process share."""

    access: Access
    spool: Spool
    publisher: Publisher
    books: Books
    balancer: Balancer
    snapshot: Callable[[], Snapshot]
    http: Callable[[], aiohttp.ClientSession]
    hash_end_user: Callable[[str], str]
    region: str
    body_limit: int


class InferenceEndpoint:
    """One route. It authenticates by itself: the answer has OpenAI's shape."""

    checks_caller = True

    def __init__(self, router: Router, path: str) -> None:
        self._router = router
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = UUID(current_request_id())
        self._router.books.begin(request_id)
        try:
            await self._answer(request_id, scope, receive, send)
        finally:
            self._router.books.end(request_id)

    async def _answer(self, request_id: UUID, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if self._router.spool.is_full:
                raise _spool_full()
            grant = await self._router.access.authenticate(headers, self._router.http())
        except OpenAIError as error:
            await error.response()(scope, receive, send)
            return
        event = open_event(
            request_id,
            PATHS[self._path],
            grant.org_id,
            grant.api_key_id,
            client_of(headers),
            self._router.region,
        )
        admitted = Admitted(self._router, self._path, event, grant, started)
        await admitted.answer(headers, scope, receive, send)


@dataclass(slots=True)
class Admitted:
    """One request whose organization is known: whatever happens now, it becomes exactly one usage event."""

    router: Router
    path: str
    event: UsageEvent
    grant: Grant
    started: float
    model: Model | None = None
    price: Price | None = None
    settled: bool = False

    async def answer(self, headers: Mapping[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        outcome = Outcome()
        try:
            request = await self._read(headers, receive)
            relay = self._prepare(request, outcome, send)
            await _while_connected(relay.run(), receive)
        except OpenAIError as error:
            outcome.fail(_status_of(error), error.status, error.code)
            self._settle(outcome)
            await error.response()(scope, receive, send)
        finally:
            self._settle(outcome)

    async def _read(self, headers: Mapping[str, str], receive: Receive) -> InferenceRequest:
        if headers.get("content-encoding", "identity") != "identity":
            raise OpenAIError(415, "unsupported_encoding", "Send the body without a content encoding")
        body = await _read_body(receive, self.router.body_limit)
        try:
            request = parse_request(body, self.event.operation)
        except InvalidBody as exc:
            self._note(exc.model)
            raise OpenAIError(400, exc.code, exc.message, param=exc.param) from exc
        self._note(request.model, request)
        return request

    def _note(self, model: str | None, request: InferenceRequest | None = None) -> None:
        user = request.user if request else None
        self.event = msgspec.structs.replace(
            self.event,
            model_requested=shown_model_name(model),
            streamed=request is not None and request.stream,
            end_user_hash=None if user is None else self.router.hash_end_user(user),
        )

    def _prepare(self, request: InferenceRequest, outcome: Outcome, send: Send) -> Relay:
        if SCOPE not in self.grant.scopes:
            raise OpenAIError(403, "insufficient_scope", f"The key lacks the scope '{SCOPE}'", kind="permission_error")
        self.model = self._find_model(request.model)
        snapshot = self.router.snapshot()
        self.price = snapshot.find_price(self.model.model_id, self.event.operation, self.event.occurred_at)
        if self.price is None:
            message = f"'{self.model.name}' does not serve {self.event.operation} requests"
            raise OpenAIError(400, "operation_not_supported", message, param="model")
        opened = msgspec.structs.replace(self.event, model_id=self.model.model_id, model_revision=self.model.revision)
        try:
            self.router.spool.admit(opened)
        except SpoolUnavailable as exc:
            raise _spool_full() from exc
        return Relay(
            request,
            self.model,
            self.path,
            self.router.balancer,
            self.router.http(),
            send,
            outcome,
            lambda: self._settle(outcome),
            self.started,
        )

    def _find_model(self, name: str) -> Model:
        model = self.router.snapshot().models.get(name)
        allowed = self.grant.allowed_models
        if model is None or (allowed is not None and model.model_id not in allowed):
            raise OpenAIError(404, "model_not_found", f"The model '{name}' does not exist", param="model")
        return model

    def _settle(self, outcome: Outcome) -> None:
        if not self.settled:
            self.settled = True
            self.router.spool.settle(close_event(self.event, outcome, self.model, self.price, self.started))
            self.router.publisher.notice()


async def _while_connected(work: Any, receive: Receive) -> None:
    """Runs the work to its end, or cancels it when the client goes away."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_until_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise OpenAIError(499, "client_gone", "The client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > limit:
            raise OpenAIError(413, "request_too_large", f"The body is larger than {limit} bytes")
    return b"".join(parts)


def _status_of(error: OpenAIError) -> Any:
    if error.status == 499:
        return "cancelled"
    if error.status == 504:
        return "timeout"
    return "rejected" if error.status < 500 else "error"


def _spool_full() -> OpenAIError:
    message = "Usage cannot be recorded at the moment"
    return OpenAIError(503, "usage_spool_full", message, kind="server_error", retry=True)
