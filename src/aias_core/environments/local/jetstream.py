"""Two questions to JetStream in NATS's own text protocol: a whole client takes longer to load than to answer them.

https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from __future__ import annotations

import json
import socket
from typing import Any, BinaryIO

from aias_core.contracts.transport import INGEST_CONSUMER, USAGE_STREAM
from aias_core.environments.local.nats import USER
from aias_core.errors import DependencyUnreachable
from aias_core.secret import Secret

_INBOX = "_INBOX.aias-status"
_QUESTIONS = ("$JS.API.INFO", f"$JS.API.CONSUMER.INFO.{USAGE_STREAM}.{INGEST_CONSUMER}")


def read_jetstream(port: int, password: Secret, timeout_seconds: float) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The server's version, the account's JetStream information, and that of the ingest consumer.

    An answer with an `error` member says that JetStream refused. Raises OSError or DependencyUnreachable.
    """
    with (
        socket.create_connection(("127.0.0.1", port), timeout_seconds) as connection,
        connection.makefile("rb") as lines,
    ):
        greeting = _expect(lines, b"INFO ")
        login = {"user": USER, "pass": password.reveal(), "verbose": False, "pedantic": False, "lang": "aias"}
        ask = f"CONNECT {json.dumps(login)}\r\n"
        for number, subject in enumerate(_QUESTIONS):
            ask += f"SUB {_INBOX}.{number} {number}\r\nPUB {subject} {_INBOX}.{number} 0\r\n\r\n"
        connection.sendall(ask.encode())
        answers = dict(_read_message(lines) for _ in _QUESTIONS)
    return json.loads(greeting)["version"], answers[0], answers[1]


def _read_message(lines: BinaryIO) -> tuple[int, dict[str, Any]]:
    head = _expect(lines, b"MSG ").split()
    body = lines.read(int(head[-1]) + 2)
    return int(head[1]), json.loads(body)


def _expect(lines: BinaryIO, word: bytes) -> bytes:
    while line := lines.readline():
        if line.startswith(word):
            return line.removeprefix(word)
        if line.startswith(b"-ERR"):
            raise DependencyUnreachable(f"NATS refuses: {line.decode().strip()}")
    raise ConnectionResetError("NATS closed the connection")
