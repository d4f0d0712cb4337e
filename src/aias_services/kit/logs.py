"""structlog, one JSON object a line on stderr; every value passes the redaction."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from aias_core import __version__
from aias_core.secret import MASK, Secret, redact

_SECRET_SEGMENTS = re.compile(r"(^|[_-])(password|secret|token|key|credential|authorization|cookie)([_-]|$)", re.I)
_ALLOWED = {"api_key_id", "input_tokens", "output_tokens", "token_source"}


def configure(service: str, environment: str, level: str) -> None:
    """Sets logging up for the process; call it before anything else."""
    fixed = {"service": service, "environment": environment, "version": __version__}

    def add_fixed(_: Any, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**fixed, **record}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            add_fixed,
            _redact_record,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redact_record(_: Any, __: str, record: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: _redact_value(key, value) for key, value in record.items()}


def _redact_value(key: str, value: Any) -> Any:
    if isinstance(value, Secret) or (key not in _ALLOWED and _SECRET_SEGMENTS.search(key)):
        return MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {inner: _redact_value(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(key, item) for item in value]
    return value
