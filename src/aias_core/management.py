"""The client of the management APIs: JSON in, JSON out, problem documents (RFC 9457) turned into our errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from aias_core.secret import Secret

TIMEOUT_SECONDS = 5.0
_ERRORS: dict[int, type[AiasError]] = {
    400: InvalidInput,
    401: DependencyUnreachable,
    402: LimitReached,
    403: Refused,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    428: InvalidInput,
    429: LimitReached,
    503: DependencyUnreachable,
    504: TimedOut,
}


@dataclass(frozen=True, slots=True)
class ManagementClient:
    """One service's management API, called as the operator. `name` is the service's, for error texts."""

    name: str
    url: str
    token: Secret

    def get(self, path: str) -> dict[str, Any]:
        """The answer to a GET. Raises the error that the service's problem document names."""
        return self._send("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST. Raises the error that the service's problem document names."""
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        import httpx

        headers = {"Authorization": f"Bearer {self.token.reveal()}"}
        try:
            answer = httpx.request(
                method, self.url + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
            )
        except httpx.TimeoutException as exc:
            raise TimedOut(f"The {self.name} service did not answer within {TIMEOUT_SECONDS:.0f} s") from exc
        except httpx.HTTPError as exc:
            raise DependencyUnreachable(
                f"The {self.name} service does not answer", hint="look with: aias env status"
            ) from exc
        if answer.is_success:
            content: dict[str, Any] = answer.json()
            return content
        raise _to_error(self.name, answer.status_code, _problem_of(answer))


def _problem_of(answer: Any) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _to_error(name: str, status: int, problem: Mapping[str, Any]) -> AiasError:
    message = problem.get("detail") or problem.get("title") or f"The {name} service answered with status {status}"
    if status >= 500 and problem.get("request_id"):
        message += f" (request {problem['request_id']})"
    error = _ERRORS.get(status, AiasError)(message, hint=problem.get("hint"))
    error.code = problem.get("code", error.code)
    return error
