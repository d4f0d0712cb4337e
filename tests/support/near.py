"""The fake Linode in this process: over HTTP for who needs it, and without sockets for a client of this thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import httpx
import requests
from requests.adapters import BaseAdapter

from aias_services.linode_simulator.application import Application
from aias_services.linode_simulator.exchange import Answer, Request
from aias_services.linode_simulator.server import HOST, bind, build_listener
from support.linode import make_application


@dataclass(frozen=True)
class Near:
    """A fake in this process and the address that it goes by. Nothing may be asked of it while it answers."""

    application: Application
    host: str = "linode.test"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """The answer to a call, None where a fault leaves none. `target` is path and query."""
        path, _, query = target.partition("?")
        named = {name.lower(): value for name, value in headers.items()} | {"host": self.host}
        request = Request(method, path, dict(parse_qsl(query)), named, body)
        outcome, answer = self.application.respond(request)
        return None if outcome.cut else answer


class NearAdapter(BaseAdapter):
    """Hands it what `requests` asks; what is waited for there, takes no time here."""

    def __init__(self, near: Near) -> None:
        super().__init__()
        self._near = near

    def send(self, request: Any, **_: Any) -> requests.Response:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        answer = self._near.ask(request.method, request.path_url, request.headers, body)
        if answer is None:
            raise requests.ConnectionError("cut")
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
        answer = self._near.ask(request.method, request.url.raw_path.decode(), request.headers, request.read())
        if answer is None:
            raise httpx.RemoteProtocolError("cut")
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body())


@contextmanager
def near_simulator() -> Iterator[Near]:
    """A fake in which everything takes no time, and which answers over HTTP too."""
    bound, application = bind(0), make_application()
    listener = build_listener(application)
    thread = Thread(target=lambda: asyncio.run(listener.serve(sockets=[bound])), daemon=True)
    thread.start()
    try:
        yield Near(application, f"{HOST}:{bound.getsockname()[1]}")
    finally:
        listener.should_exit = True
        thread.join()
