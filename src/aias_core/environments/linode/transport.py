"""What stands between linode-api4 and the network: every call is paced, retried where that is safe, and told of."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectionError as Unconnected
from requests.exceptions import ConnectTimeout, RequestException

from aias_core.environments.linode.pacing import Pace, Tell, Timing, classify
from aias_core.errors import DependencyUnreachable, Partial

OnWait = Callable[[str], None]

BASE_SECONDS, LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS = 1.0, 60.0, 600.0
TRIES_TO_CONNECT = 3
_TOLD_EVERY_SECONDS = 5.0
_TIMEOUT_SECONDS = (10.0, 60.0)
_REPEATABLE = ("GET", "PUT", "DELETE")


class AnswerLost(Exception):
    """A call that must not be repeated blindly has no clear answer; it may have taken effect."""

    def __init__(self, cause: str, retry_after: float) -> None:
        self.cause, self.retry_after = cause, retry_after
        super().__init__(cause)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try does not count, and how long Linode wants us to wait."""

    cause: str
    wait_seconds: float = 0.0


@dataclass(slots=True)
class Patience:
    """The pauses of one call that has to be tried again: full jitter, and ten minutes in all.

    Where `first_try_counts` is not set, they are ten minutes from its first failure: it may well take longer itself.
    `tell` hears for how many seconds each one is, and why.
    """

    timing: Timing
    first_try_counts: bool = True
    tell: Tell | None = None
    tries: int = 0
    paused_seconds: float = 0.0
    began_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_at = self.timing.now()

    @property
    def spent_seconds(self) -> float:
        """Since the call began: the tries themselves may take long as well."""
        return max(self.paused_seconds, self.timing.now() - self.began_at)

    def pause(self, cause: str, at_least: float = 0.0) -> None:
        """Waits before the next try. Raises Partial when it would take too long."""
        if not (self.tries or self.first_try_counts):
            self.began_at = self.timing.now()
        longest = min(LONGEST_PAUSE_SECONDS, BASE_SECONDS * 2**self.tries)
        wait = max(at_least, random.uniform(0, longest))  # noqa: S311
        if self.spent_seconds + wait > PATIENCE_SECONDS:
            raise Partial(
                f"Linode did not do it in {PATIENCE_SECONDS / 60:.0f} minutes and {self.tries + 1} tries: {cause}",
                hint="look at https://status.linode.com and run the same command again; it goes on where it stopped",
            )
        self.tries += 1
        self.paused_seconds += wait
        if self.tell:
            self.tell(wait, f"which did not do it: {cause}")
        self.timing.sleep(wait)


class Transport(BaseAdapter):
    """An adapter of requests. GET, PUT and DELETE are repeated after 408, 429, 5xx, a lost or a garbled answer.

    A POST is sent once: what has no clear answer raises AnswerLost. Raises DependencyUnreachable when Linode was never
    reached, Partial after ten minutes. `on_wait` hears of pauses each time that another five seconds went into them.
    """

    def __init__(self, timing: Timing, on_wait: OnWait | None, below: BaseAdapter | None) -> None:
        super().__init__()
        self._timing, self._on_wait, self._below = timing, on_wait, below or HTTPAdapter(max_retries=0)
        self._pace, self._was_reached, self._failed_connections = Pace(timing, self._tell), False, 0
        self._shared: Patience | None = None
        self._waited_seconds = self._told_seconds = 0.0
        self.last_headers: Mapping[str, str] = {}

    @contextmanager
    def one_patience(self) -> Iterator[Patience]:
        """For several calls that are one thing to the caller: together they get ten minutes, not each of them."""
        self._shared = self._new_patience()
        try:
            yield self._shared
        finally:
            self._shared = None

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        patience = self._shared or self._new_patience()
        while isinstance(result := self._try(request, kwargs), Failure):
            if request.method not in _REPEATABLE:
                raise AnswerLost(result.cause, result.wait_seconds)
            patience.pause(result.cause, result.wait_seconds)
        return result

    def close(self) -> None:
        self._below.close()

    def _new_patience(self) -> Patience:
        return Patience(self._timing, tell=self._tell)

    def _try(self, request: PreparedRequest, options: dict[str, Any]) -> Response | Failure:
        method, path = str(request.method), _unversioned(str(request.url))
        kind = classify(method, path, is_list=method == "GET" and "page_size=" in str(request.url))
        self._pace.wait_for_turn(kind)
        try:
            response = self._below.send(request, **{**options, "timeout": _TIMEOUT_SECONDS})
            _ = response.content
        except RequestException as exc:
            self._check_reached(exc)
            return Failure(_explain(exc))
        self._was_reached = True
        self._pace.learn(kind, response.headers)
        self.last_headers = response.headers
        cause = _find_cause(response)
        return Failure(cause, _retry_after(response)) if cause else response

    def _check_reached(self, exc: RequestException) -> None:
        """A wrong address or no network is said soon; a connection that once worked may come back."""
        if self._was_reached or not isinstance(exc, ConnectTimeout | Unconnected) or not _never_connected(exc):
            return
        self._failed_connections += 1
        if self._failed_connections >= TRIES_TO_CONNECT:
            raise DependencyUnreachable(
                f"Linode's API cannot be reached: {_explain(exc)}", hint="check the network and 'account.api_url'"
            ) from exc

    def _tell(self, seconds: float, why: str) -> None:
        self._waited_seconds += seconds
        if self._on_wait and self._waited_seconds - self._told_seconds >= _TOLD_EVERY_SECONDS:
            self._told_seconds = self._waited_seconds
            self._on_wait(f"Waiting for Linode, {why}; {self._waited_seconds:.0f} s in all…")


def _unversioned(url: str) -> str:
    return re.sub(r"^/v4(beta)?(?=/)", "", urlsplit(url).path)


def _find_cause(response: Response) -> str | None:
    """Why an answer does not count, None when it does."""
    status = response.status_code
    if status in (408, 429) or status >= 500:
        return f"{status} {response.reason or ''}".strip()
    if status == 204 or not response.content:
        return None
    try:
        response.json()
    except ValueError:
        return f"{status} with a body that is no JSON"
    return None


def _retry_after(response: Response) -> float:
    text = response.headers.get("Retry-After", "")
    wanted = response.status_code in (408, 429, 503) and text.isdecimal()
    return min(float(text), LONGEST_PAUSE_SECONDS) if wanted else 0.0


def _never_connected(exc: RequestException) -> bool:
    return isinstance(exc, ConnectTimeout) or "NewConnectionError" in repr(exc) or "NameResolution" in repr(exc)


def _explain(exc: RequestException) -> str:
    reason = getattr(exc.args[0], "reason", exc.args[0]) if exc.args else exc
    return f"{type(exc).__name__} ({type(reason).__name__})"
