"""The routes of the mock model: OpenAI's on the main port, faults and captured requests on the ops port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from aias_core.service_settings import MockModelSettings
from aias_services.kit import openai_errors
from aias_services.kit.guard import PUBLIC
from aias_services.kit.openai_errors import OpenAIError, json_answer
from aias_services.kit.service import Service, create_app, create_service
from aias_services.mock_model.answers import CREATED, Answer, answer_to, count_tokens, embed, text_of
from aias_services.mock_model.faults import Captured, Control, Fault
from aias_services.mock_model.shapes import ChatShape, Shape, TextShape

BODY_LIMIT = 1024 * 1024
HANG_POLL_SECONDS = 0.05


class CutOff(Exception):
    """The connection ends in the middle of an answer"""


def build(settings: MockModelSettings) -> Service:
    """The mock with its models and delays."""
    app, control = create_app("mock-model"), Control()
    openai_errors.install(app)
    mock = Mock(settings, control)
    mock.add_routes(app)
    service = create_service("mock-model", app)
    _add_control(service.ops, control)
    return service


def _add_control(ops: FastAPI, control: Control) -> None:
    @ops.get("/control/faults", dependencies=[PUBLIC])
    async def list_faults() -> list[Fault]:
        return control.faults

    @ops.post("/control/faults", status_code=201, dependencies=[PUBLIC])
    async def add_fault(fault: Fault) -> Fault:
        control.faults.append(fault)
        return fault

    @ops.delete("/control/faults", status_code=204, dependencies=[PUBLIC])
    async def clear_faults() -> None:
        control.faults.clear()

    @ops.get("/control/requests", dependencies=[PUBLIC])
    async def list_requests() -> list[Captured]:
        return list(control.requests)


class Mock:
    """The behaviour behind the routes."""

    def __init__(self, settings: MockModelSettings, control: Control) -> None:
        self._control = control
        self._models = settings.mock_models.split(",")
        self._first_seconds = settings.mock_ttft_ms / 1000
        self._token_seconds = settings.mock_token_ms / 1000

    def add_routes(self, app: FastAPI) -> None:
        app.get("/health", dependencies=[PUBLIC])(self.read_health)
        app.get("/v1/models", dependencies=[PUBLIC])(self.list_models)
        app.post("/v1/chat/completions", dependencies=[PUBLIC])(self.chat)
        app.post("/v1/completions", dependencies=[PUBLIC])(self.complete)
        app.post("/v1/embeddings", dependencies=[PUBLIC])(self.create_embeddings)

    async def read_health(self) -> dict[str, str]:
        return {"status": "ok"}

    async def list_models(self) -> dict[str, Any]:
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "aias"} for name in self._models]
        return {"object": "list", "data": data}

    async def chat(self, request: Request) -> Response:
        body = await self._read(request, "messages")
        prompt, last = text_of(body["messages"])
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        answer = answer_to(prompt, last, limit, body.get("seed"))
        return await self._answer(request, body, answer, ChatShape(body["model"], answer))

    async def complete(self, request: Request) -> Response:
        body = await self._read(request, "prompt")
        prompt = body["prompt"] if isinstance(body["prompt"], str) else " ".join(map(str, body["prompt"]))
        answer = answer_to(prompt, prompt, body.get("max_tokens", 16), body.get("seed"))
        return await self._answer(request, body, answer, TextShape(body["model"], answer))

    async def create_embeddings(self, request: Request) -> Response:
        body = await self._read(request, "input")
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        await self._fail(request, self._control.take_fault())
        tokens = sum(count_tokens(str(text)) for text in texts)
        data = [{"object": "embedding", "index": n, "embedding": embed(str(text))} for n, text in enumerate(texts)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return json_answer({"object": "list", "model": body["model"], "data": data, "usage": usage})

    async def _read(self, request: Request, member: str) -> dict[str, Any]:
        raw = await request.body()
        if len(raw) > BODY_LIMIT:
            raise OpenAIError(413, "request_too_large", f"The body is larger than {BODY_LIMIT} bytes")
        try:
            body: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError as exc:
            raise OpenAIError(400, "invalid_json", "The body is not a JSON object") from exc
        for name in ("model", member):
            if not body.get(name):
                raise OpenAIError(400, "missing_required_parameter", f"'{name}' is missing", param=name)
        if body["model"] not in self._models:
            raise OpenAIError(404, "model_not_found", f"The model '{body['model']}' does not exist", param="model")
        seen = {"model": body["model"], "stream": bool(body.get("stream")), "body_bytes": len(raw)}
        self._control.requests.append(Captured(request_id=request.headers.get("x-request-id"), **seen))
        return body

    async def _answer(self, request: Request, body: dict[str, Any], answer: Answer, shape: Shape) -> Response:
        fault = self._control.take_fault()
        await self._fail(request, fault)
        if body.get("stream"):
            wanted = bool((body.get("stream_options") or {}).get("include_usage"))
            return StreamingResponse(self._stream(answer, shape, wanted, fault), media_type="text/event-stream")
        await asyncio.sleep(self._first_seconds + self._token_seconds * len(answer.pieces))
        whole = shape.whole()
        if fault is not None and fault.kind == "no_usage":
            del whole["usage"]
        if fault is not None and fault.kind == "bad_json":
            return Response(b'{"choices": [', media_type="application/json")
        return json_answer(whole)

    async def _fail(self, request: Request, fault: Fault | None) -> None:
        if fault is None:
            return
        while fault.kind == "hang" and not await request.is_disconnected():
            await asyncio.sleep(HANG_POLL_SECONDS)
        if fault.kind == "status":
            raise OpenAIError(fault.status, "mock_fault", "A fault on demand", kind="server_error", retry=True)

    async def _stream(self, answer: Answer, shape: Shape, wanted: bool, fault: Fault | None) -> AsyncIterator[bytes]:
        await asyncio.sleep(self._first_seconds)
        for number, chunk in enumerate(shape.chunks(with_null_usage=wanted)):
            if fault is not None and fault.kind == "cut" and number == fault.after_chunks:
                raise CutOff
            if number > 1:
                await asyncio.sleep(self._token_seconds)
            yield b"data: " + msgspec.json.encode(chunk) + b"\n\n"
        if wanted and not (fault is not None and fault.kind == "no_usage"):
            yield b"data: " + msgspec.json.encode({**shape.base(), "choices": [], "usage": answer.usage}) + b"\n\n"
        yield b"data: [DONE]\n\n"
