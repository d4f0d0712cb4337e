"""The fake Linode in this process: over HTTP for who needs it, and without sockets for a client of this thread.

Nothing is waited for: simulated time passes instead, and a client that would not wait so long is told as it would be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import parse_qsl

import httpx
import requests
import urllib3
from requests.adapters import BaseAdapter

from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.exchange import Answer, Request, cut, read_request, send_answer
from aias_services.linode_simulator.server import HOST, bind, build_listener
from support.linode import make_application

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# Of who asks over HTTP, it is not known how long it waits.
PATIENCE_SECONDS = 10.0


class Late(Exception):
    """The caller did not wait for the answer."""


@dataclass(frozen=True)
class Near:
    """A fake in this process and the address that it goes by. Nothing may be asked of it while it answers."""

    application: Application
    host: str = "linode.test"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def seconds(self) -> float:
        """How far simulated time is ahead."""
        return self.application.world.state.clock_offset

    def advance(self, seconds: float) -> None:
        self.application.world.state.clock_offset += seconds

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes, patience: Any = None) -> Answer:
        """The answer to a call; `target` is path and query. Raises as `answer`."""
        path, _, query = target.partition("?")
        named = {name.lower(): value for name, value in headers.items()} | {"host": self.host}
        return self.answer(Request(method, path, dict(parse_qsl(query)), named, body), patience)

    def answer(self, request: Request, patience: float | None) -> Answer:
        """The answer. Raises Late after `patience` seconds, and ConnectionResetError where a fault leaves none."""
        outcome, answer = self.application.respond(request)
        is_late = patience is not None and outcome.seconds > patience
        self.advance(patience if patience is not None and is_late else outcome.seconds)
        if is_late:
            raise Late(f"no answer in {patience} s")
        if outcome.cut:
            raise ConnectionResetError("cut")
        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same as an ASGI application."""
        try:
            answer = self.answer(await read_request(scope, receive), PATIENCE_SECONDS)
        except (Late, ConnectionResetError):
            cut(scope)
        else:
            await send_answer(send, answer)


class NearAdapter(BaseAdapter):
    """Hands it what `requests` asks."""

    def __init__(self, near: Near) -> None:
        super().__init__()
        self._near = near

    def send(self, request: Any, timeout: Any = None, **_: Any) -> requests.Response:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        try:
            answer = self._near.ask(request.method, request.path_url, request.headers, body, patience)
        except Late as exc:
            raise requests.ReadTimeout(exc) from exc
        except ConnectionResetError as exc:
            raise requests.ConnectionError(exc) from exc
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status, request, request.url
        response.headers.update(answer.headers)
        response._content = answer.body()
        return response

    def close(self) -> None:
        pass


class NearTransport(httpx.BaseTransport):
    """Hands it what `httpx` asks."""

    def __init__(self, near: Near) -> None:
        self._near = near

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target, patience = request.url.raw_path.decode(), request.extensions["timeout"]["read"]
        try:
            answer = self._near.ask(request.method, target, request.headers, request.read(), patience)
        except Late as exc:
            raise httpx.ReadTimeout(str(exc)) from exc
        except ConnectionResetError as exc:
            raise httpx.RemoteProtocolError(str(exc)) from exc
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body())


class NearPool(urllib3.HTTPConnectionPool):
    """Hands it what the client of Kubernetes asks."""

    near: Near

    def urlopen(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> Any:  # type: ignore[override]
        if f"{self.host}:{self.port}" != self.near.host:
            return super().urlopen(method, url, body, headers, **more)
        sent = body.encode() if isinstance(body, str) else body or b""
        try:
            answer = self.near.ask(method, url, headers or {}, sent, more["timeout"].total)
        except Late as exc:
            raise urllib3.exceptions.ReadTimeoutError(self, url, str(exc)) from exc
        except ConnectionResetError as exc:
            raise urllib3.exceptions.ProtocolError(str(exc)) from exc
        return urllib3.HTTPResponse(BytesIO(answer.body()), answer.headers, answer.status)


@contextmanager
def near_clusters(near: Near) -> Iterator[None]:
    """The clusters of a fake need no sockets either, for the length of the block."""
    pool = type("Pool", (NearPool,), {"near": near})
    with mock.patch.dict(urllib3.poolmanager.pool_classes_by_scheme, http=pool):
        yield


@contextmanager
def near_simulator() -> Iterator[Near]:
    """A fake in which everything takes no time, and which answers over HTTP too."""
    bound, application = bind(0), make_application()
    near = Near(application, f"{HOST}:{bound.getsockname()[1]}")
    listener = build_listener(near)
    thread = Thread(target=lambda: asyncio.run(listener.serve(sockets=[bound])), daemon=True)
    thread.start()
    try:
        yield near
    finally:
        listener.should_exit = True
        thread.join()
