"""Errors as problem documents (RFC 9457): a code, an id to quote, a hint; never an internal detail."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from aias_core import clock
from aias_core.errors import (
    AiasError,
    Conflict,
    DependencyUnreachable,
    Gone,
    InvalidInput,
    LimitReached,
    NotFound,
    Refused,
    TimedOut,
)
from aias_services.kit.guard import Unauthenticated
from aias_services.kit.http import current_request_id

STATUS_OF: dict[type[AiasError], int] = {
    Unauthenticated: 401,
    InvalidInput: 400,
    DependencyUnreachable: 503,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    TimedOut: 504,
    LimitReached: 429,
    Gone: 410,
}
_FRAMEWORK_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
}


def problem(request: Request, status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """One problem document as the answer."""
    body = {
        "type": f"urn:aias:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": code,
        "request_id": current_request_id(),
        "timestamp": clock.format_instant(clock.now()),
        **{name: value for name, value in more.items() if value is not None},
    }
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Makes an application answer every error as a problem document."""

    @app.exception_handler(AiasError)
    def on_error(request: Request, error: AiasError) -> JSONResponse:
        kinds = (STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
        status = next(kinds, 500)
        if status == 500:
            return on_unexpected(request, error)
        errors = getattr(error, "items", None)
        return problem(request, status, error.code, error.message, hint=error.hint, errors=errors)

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"pointer": "/" + "/".join(map(str, fault["loc"][1:])), "code": fault["type"], "message": fault["msg"]}
            for fault in error.errors()
        ]
        detail = "; ".join(f"{fault['pointer'].strip('/') or 'body'}: {fault['message']}" for fault in errors)
        return problem(request, 400, "validation_failed", detail, errors=errors)

    @app.exception_handler(HTTPException)
    def on_framework_error(request: Request, error: HTTPException) -> JSONResponse:
        code = _FRAMEWORK_CODES.get(error.status_code, "request_failed")
        return problem(request, error.status_code, code, HTTPStatus(error.status_code).phrase)

    @app.exception_handler(Exception)
    def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        structlog.get_logger().error("unexpected_error", exc_info=error)
        return problem(request, 500, "internal", "Something unexpected happened; quote the request id")
