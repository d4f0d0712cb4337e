"""A way to object storage that refuses what some servers refuse, and fails where a test wants it to."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from aias_core.objectstore import ObjectStore

NEWER = ("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer")


def refusal(code: str) -> tuple[int, bytes]:
    return 400, f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()


@dataclass
class StrictStorage:
    """What passed by, as `METHOD path?query`; `judge` may answer instead of the server, or raise to cut the line."""

    store: ObjectStore
    seen: list[str] = field(default_factory=list)
    judge: Callable[[str, Any], tuple[int, bytes] | None] = lambda *_: None
    alter: Callable[[str, bytes], bytes] = lambda _, body: body
    ignores_conditions: bool = False
    loses_answer_to: str | None = None

    def lose_next(self, method: str) -> None:
        """The server does what the next request of that method asks, and the answer never arrives."""
        self.loses_answer_to = method

    def parts_sent(self) -> int:
        return sum(line.startswith("PUT") and "partNumber=" in line for line in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms for the acknowledgement of its head
    strict: StrictStorage
    behind: ObjectStore
    client: Any

    def handle_one(self) -> None:
        line = f"{self.command} {self.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.strict.seen.append(line)
        if any(name.lower().startswith(NEWER) for name in self.headers):
            return self.answer(*refusal("InvalidRequest"))
        try:
            judged = self.strict.judge(line, self.headers)
        except ConnectionError:
            self.close_connection = True
            return None
        if judged is not None:
            return self.answer(*judged)
        if self.strict.ignores_conditions and "If-None-Match" in self.headers:
            return self.replace(body)
        return self.forward(line, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

    def replace(self, body: bytes) -> None:
        # A signed header cannot be left out of a signed request, so this one is made anew.
        bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        self.client.put_object(Bucket=bucket, Key=key, Body=body)
        self.answer(200, b"")

    def forward(self, line: str, body: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.behind.endpoint).netloc)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = self.strict.alter(line, response.read())
        connection.close()
        if self.strict.loses_answer_to == self.command:
            self.strict.loses_answer_to, self.close_connection = None, True
            return
        self.answer(response.status, content, response.getheaders())

    def answer(self, status: int, content: bytes, headers: Any = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def strict_storage(behind: ObjectStore) -> Iterator[StrictStorage]:
    """Refuses the newer checksum headers, as servers do that do not know them."""

    class Handler(_Handler):
        client = behind.client()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        strict = StrictStorage(replace(behind, endpoint=f"http://127.0.0.1:{server.server_address[1]}"))
        Handler.strict, Handler.behind = strict, behind
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield strict
        finally:
            server.shutdown()
