"""One admitted request on its way: sent to a backend, its answer passed on, its end settled before the last byte."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from aias_core.routing.choice import ATTEMPTS, Balancer
from aias_core.routing.registry import Backend, Model
from aias_core.routing.request import InferenceRequest
from aias_core.routing.stream import DONE, StreamReader, Usage, error_event
from aias_services.kit.http import current_request_id
from aias_services.kit.openai_errors import OpenAIError
from aias_services.router.events import Outcome

if TYPE_CHECKING:
    from starlette.types import Send

CONNECT_SECONDS, IDLE_SECONDS, TOTAL_SECONDS = 1.0, 30.0, 600.0
REPEATABLE = {429, 500, 502, 503, 504}


class _Answer(msgspec.Struct):
    usage: Usage | None = None


class _Refusal(msgspec.Struct):
    class Error(msgspec.Struct):
        message: str = ""
        code: str | None = None
        param: str | None = None

    error: Error


@dataclass(slots=True)
class Relay:
    """One request and the backend's answer to it. `settle` is called once, before the last bytes leave."""

    request: InferenceRequest
    model: Model
    path: str
    balancer: Balancer
    http: aiohttp.ClientSession
    send: Send
    outcome: Outcome
    settle: Callable[[], None]
    started: float
    has_begun: bool = False

    async def run(self) -> None:
        """Passes the answer of the first backend that has one. Raises OpenAIError while nothing has been sent."""
        tried: list[str] = []
        error = no_backend(self.model.name)
        while len(tried) < ATTEMPTS and (backend := self.balancer.choose(self.model.backends, tried)):
            tried.append(backend.name)
            self.outcome.backend, self.outcome.attempts = backend.name, len(tried)
            failure = await self._attempt(backend)
            if failure is None:
                return
            error = failure
        raise error

    async def _attempt(self, backend: Backend) -> OpenAIError | None:
        """None when this backend's answer has been passed on, the error when another one may be tried."""
        self.balancer.began(backend.name)
        failure: OpenAIError | None = None
        refused = False
        try:
            async with self._post(backend) as answer:
                failure = await self._pass_on(answer)
        except aiohttp.ClientConnectorError:
            failure, refused = no_backend(self.model.name), True
        except TimeoutError:
            failure = OpenAIError(504, "backend_timeout", "The model took too long", kind="server_error", retry=True)
        except aiohttp.ClientError:
            failure = _backend_error(502)
        finally:
            self.balancer.ended(backend.name, failed=failure is not None, refused=refused)
        if failure is not None and self.has_begun:
            await self._break_off(failure)
            return None
        return failure

    def _post(self, backend: Backend) -> Any:
        self.outcome.backend_started_at = time.monotonic()
        return self.http.post(
            backend.endpoint + self.path,
            data=self.request.spliced(self.model.served_name),
            headers={"content-type": "application/json", "x-request-id": current_request_id()},
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=IDLE_SECONDS),
        )

    async def _pass_on(self, answer: aiohttp.ClientResponse) -> OpenAIError | None:
        if answer.status in REPEATABLE:
            return _backend_error(answer.status)
        if answer.status >= 400:
            raise _refusal(answer.status, await answer.read())
        if self.request.stream:
            return await self._pass_stream(answer)
        return await self._pass_whole(answer)

    async def _pass_whole(self, answer: aiohttp.ClientResponse) -> OpenAIError | None:
        body = await answer.read()
        try:
            self.outcome.usage = msgspec.json.decode(body, type=_Answer).usage
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _backend_error(502)
        self._succeed(0)
        await self._begin(answer, len(body))
        await self.send({"type": "http.response.body", "body": body})
        return None

    async def _pass_stream(self, answer: aiohttp.ClientResponse) -> OpenAIError | None:
        reader = StreamReader(pass_usage=self.request.wants_usage)
        try:
            async for data in answer.content.iter_any():
                self.outcome.first_byte_at = self.outcome.first_byte_at or time.monotonic()
                passed = reader.feed(data)
                if not self.has_begun:
                    await self._begin(answer, None)
                if passed:
                    await self.send({"type": "http.response.body", "body": passed, "more_body": True})
        finally:
            self._note_usage(reader.usage, reader.content_chunks)
        if not reader.is_done or reader.is_malformed:
            return _backend_error(502)
        self._succeed(reader.content_chunks)
        await self.send({"type": "http.response.body", "body": DONE})
        return None

    def _note_usage(self, usage: Usage | None, chunks: int) -> None:
        self.outcome.usage = usage
        if usage is None and chunks:
            self.outcome.estimate(len(self.request.body), chunks)

    def _succeed(self, chunks: int) -> None:
        if self.outcome.usage is None:
            self.outcome.estimate(len(self.request.body), chunks)
        self.outcome.status, self.outcome.http_status = "success", 200
        self.settle()

    async def _begin(self, answer: aiohttp.ClientResponse, length: int | None) -> None:
        now = time.monotonic()
        backend_ms = (now - (self.outcome.backend_started_at or now)) * 1000
        headers = {
            "content-type": answer.headers.get("content-type", "application/json"),
            "openai-processing-ms": str(int((now - self.started) * 1000)),
            "x-aias-backend": self.outcome.backend or "",
            "x-aias-attempts": str(self.outcome.attempts),
            "x-aias-decision": "failover" if self.outcome.attempts > 1 else "weighted",
            "x-aias-backend-ms": f"{backend_ms:.1f}",
            "x-aias-router-ms": f"{(now - self.started) * 1000 - backend_ms:.1f}",
            "x-aias-model-revision": str(self.model.revision),
        }
        if length is not None:
            headers["content-length"] = str(length)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.has_begun = True
        await self.send({"type": "http.response.start", "status": 200, "headers": raw})

    async def _break_off(self, error: OpenAIError) -> None:
        """After the first byte nothing is repeated: an error event, and an end without `[DONE]`."""
        self.outcome.fail("timeout" if error.status == 504 else "error", error.status, error.code)
        self.settle()
        await self.send({"type": "http.response.body", "body": error_event(error.body())})


def no_backend(model: str) -> OpenAIError:
    message = f"No backend of '{model}' can answer at the moment"
    return OpenAIError(503, "no_backend_available", message, kind="server_error", retry=True)


def _backend_error(status: int) -> OpenAIError:
    message = "The model is overloaded" if status in (429, 503) else "The model failed"
    return OpenAIError(502, "backend_error", message, kind="server_error", retry=True)


def _refusal(status: int, body: bytes) -> OpenAIError:
    """The backend's own 4xx: its judgement of the request, in OpenAI's shape."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = _Refusal.Error("The model refused the request")
    return OpenAIError(status, error.code or "backend_refused", error.message, param=error.param)
