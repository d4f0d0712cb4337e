"""Errors in OpenAI's shape, for everything under `/v1`."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from aias_services.kit.http import current_request_id


class OpenAIError(Exception):
    """One refusal or failure as OpenAI's clients expect it; `retry` tells them whether repeating can help."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        retry: bool = False,
    ) -> None:
        self.status, self.code, self.message, self.kind = status, code, message, kind
        self.param, self.retry = param, retry
        super().__init__(message)

    def body(self) -> bytes:
        """The JSON of the answer; the request id stands in the message, where people copy it from."""
        message = f"{self.message} (request {current_request_id()})"
        error = {"message": message, "type": self.kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})

    def response(self) -> Response:
        headers = {"x-should-retry": str(self.retry).lower()}
        if self.retry:
            headers |= {"retry-after": "1", "retry-after-ms": "100"}
        return Response(self.body(), self.status, headers, media_type="application/json")


def install(app: FastAPI) -> None:
    """Makes an application answer every error in OpenAI's shape, the framework's own included."""

    @app.exception_handler(OpenAIError)
    async def on_error(_: Request, error: OpenAIError) -> Response:
        return error.response()

    @app.exception_handler(HTTPException)
    async def on_framework_error(request: Request, error: HTTPException) -> Response:
        code = "method_not_allowed" if error.status_code == 405 else "unknown_url"
        return OpenAIError(error.status_code, code, f"{request.method} {request.url.path} is not served").response()

    @app.exception_handler(Exception)
    async def on_unexpected(_: Request, error: Exception) -> Response:
        import structlog

        structlog.get_logger().error("unexpected_error", exc_info=error)
        return OpenAIError(500, "internal_error", "Something unexpected happened", kind="server_error").response()


def json_answer(content: Any) -> Response:
    """A JSON answer, encoded by msgspec."""
    return Response(msgspec.json.encode(content), media_type="application/json")
