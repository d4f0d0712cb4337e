"""Calls of Linode's API, repeated as the real provider's client repeats them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.errors import AiasError, TimedOut

if TYPE_CHECKING:
    import httpx

# retries.go of linodego; 500 is repeated where linode/helper/retry.go of the real provider says so.
REPEATED = frozenset({408, 429, 503})
REPEATED_500 = re.compile(
    r"/databases/[a-z]+/instances/\d|/linode/instances/\d+/ips|/images/upload|/object-storage/(keys|buckets)"
)
# errors.go of linodego: the code of what failed in Go instead of being answered.
FROM_ERROR = 2
TRIES = 10
PAGE_SIZE = 500
REQUEST_SECONDS = 30


class ApiFault(Exception):
    """A call was refused, or did not get through; written as linodego writes it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"[{status:03}] {reason}")
        self.status = status


def is_absent(fault: ApiFault) -> bool:
    return fault.status == 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to pause between looks, and how long to wait for anything, in seconds."""

    event: float = 4
    node: float = 3
    retry: float = 1
    limit: float = 900


class Interrupted(AiasError):
    """Terraform asked to stop"""


class Api:
    """One account. Raises ApiFault, and Interrupted while it waits after `stop`."""

    def __init__(
        self,
        url: str,
        version: str,
        token: str,
        pace: Pace,
        *,
        empties_buckets: bool = False,
        below: httpx.BaseTransport | None = None,
    ) -> None:
        # Terraform starts a provider several times per command, mostly for its schemas only.
        import httpx

        self.pace, self.empties_buckets, self._stopping = pace, empties_buckets, Event()
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "aias-stand-in"}
        base = f"{url.rstrip('/').removesuffix('/' + version)}/{version}"
        # Certificates of authorities take 30 ms to read, and the simulated account has none.
        is_safe = base.startswith("https://")
        self._http = httpx.Client(
            base_url=base,
            headers=headers,
            timeout=REQUEST_SECONDS,
            trust_env=False,
            verify=is_safe,
            transport=below,
        )

    def stop(self) -> None:
        """Ends every wait; a call that is under way is still answered."""
        self._stopping.set()

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._call("POST", path, body or {})

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("PUT", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        return self._call("DELETE", path)

    def list(self, path: str) -> list[dict[str, Any]]:
        """The rows of every page."""
        rows: list[dict[str, Any]] = []
        page = pages = 1
        while page <= pages:
            answer = self.get(f"{path}?page={page}&page_size={PAGE_SIZE}")
            rows += answer["data"]
            page, pages = page + 1, answer["pages"]
        return rows

    def looks(self, pause: float, what: str) -> Iterator[None]:
        """Turns of a loop that looks until something is so. Raises TimedOut when it never is."""
        deadline = self._now() + self.pace.limit
        while True:
            yield
            if self._now() > deadline:
                raise TimedOut(f"Gave up waiting for {what} after {self.pace.limit:g} s")
            self._sleep(pause)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        for left in range(TRIES - 1, -1, -1):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.HTTPError as exc:
                url = f"{self._http.base_url}{path.removeprefix('/')}"
                raise ApiFault(FROM_ERROR, f'{method.capitalize()} "{url}": {_cause(exc)}') from exc
            if not (left and _is_repeated(path, answer.status_code)):
                break
            self._sleep(self._pause(answer))
        if answer.is_success:
            return _document(answer)
        raise ApiFault(answer.status_code, _reason(answer))

    def _now(self) -> float:
        return clock.monotonic()

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Interrupted

    def _pause(self, answer: httpx.Response) -> float:
        asked = answer.headers.get("Retry-After", "")
        return float(asked) if asked.isdecimal() else self.pace.retry


def _is_repeated(path: str, status: int) -> bool:
    return status in REPEATED or (status == 500 and REPEATED_500.match(path) is not None)


def _cause(exc: httpx.HTTPError) -> str:
    """What Go's client says of the same failure."""
    import httpx

    if isinstance(exc, httpx.ConnectError):
        return f"dial tcp: {exc}"
    if isinstance(exc, httpx.TimeoutException):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return "EOF"


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except ValueError as exc:
        raise ApiFault(FROM_ERROR, "invalid character '<' looking for beginning of value") from exc


def _reason(answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
    return "; ".join((f"[{one['field']}] " if one.get("field") else "") + f"{one['reason']}" for one in errors)
