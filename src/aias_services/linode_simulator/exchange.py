"""One request and its answer, apart from any server; and how a connection is cut without an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aias_services.linode_simulator.refusals import Refusal, refuse

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CUT = "aias.cut"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was read whole. Its path is still quoted: an id may hold a slash."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def base_url(self) -> str:
        return f"http://{self.headers.get('host', 'localhost')}"

    def document(self) -> dict[str, Any]:
        """The JSON object of the body, empty without a body. Raises Refusal for anything else."""
        try:
            document = json.loads(self.body) if self.body.strip() else {}
        except ValueError:
            raise refuse("Invalid JSON") from None
        if not isinstance(document, dict):
            raise refuse("JSON body must be an object")
        return document


@dataclass(slots=True)
class Answer:
    """A status, a document and headers."""

    document: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @classmethod
    def of(cls, refusal: Refusal) -> Answer:
        return cls(refusal.document(), refusal.status)

    def body(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Reads a request to its end."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    return Request(scope["method"], path, query, headers, body)


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends an answer, whole."""
    body = answer.body()
    pairs = {**answer.headers, "Content-Type": answer.content_type, "Content-Length": str(len(body))}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def wait(receive: Receive, seconds: float) -> None:
    """Waits so long, or until the caller has gone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def cut(scope: Scope) -> None:
    """Closes the connection of a request without an answer. Raises ConnectionResetError where there is none."""
    extension = scope["extensions"].get(CUT)
    if extension is None:
        raise ConnectionResetError("the connection was cut")
    extension["close"]()
