"""The state backend that Terraform talks to: HTTP on the loopback interface, for the length of one run.

Protocol: https://developer.hashicorp.com/terraform/language/backend/http. Every write becomes a new version under the
lease of the run; Terraform's own lock is answered for as long as that lease is held.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aias_core.environments.linode.lease import Lease, LeaseLost
from aias_core.environments.linode.states import StateVersions, build_empty
from aias_core.errors import AiasError, DependencyUnreachable, Refused
from aias_core.secret import Secret, random_base62

_USER = "aias"
_LARGEST_BYTES = 256 * 1024**2

Answer = tuple[int, bytes]


class StateBackend:
    """Answers Terraform. `fault` is why a write or read was not done, which Terraform itself cannot tell."""

    def __init__(self, versions: StateVersions, lease: Lease | None = None) -> None:
        self._versions, self._lease = versions, lease
        self._password = Secret(random_base62(43))
        self._turn = Lock()
        self._terraform_lock: dict[str, Any] | None = None
        self.fault: AiasError | None = None
        self._failed_method = ""
        self.url = ""

    def variables(self) -> dict[str, str]:
        """What a Terraform process must find in its environment to use `backend "http" {}`; holds the password."""
        return {
            "TF_HTTP_ADDRESS": self.url,
            "TF_HTTP_LOCK_ADDRESS": self.url,
            "TF_HTTP_UNLOCK_ADDRESS": self.url,
            "TF_HTTP_LOCK_METHOD": "LOCK",
            "TF_HTTP_UNLOCK_METHOD": "UNLOCK",
            "TF_HTTP_USERNAME": _USER,
            "TF_HTTP_PASSWORD": self._password.reveal(),
            "TF_HTTP_RETRY_MAX": "3",
            "TF_HTTP_RETRY_WAIT_MIN": "1",
        }

    def accepts(self, authorization: str) -> bool:
        """Whether a request bears the password."""
        expected = "Basic " + base64.b64encode(f"{_USER}:{self._password.reveal()}".encode()).decode()
        return secrets.compare_digest(authorization.encode(), expected.encode())

    def answer(self, method: str, query: str, body: bytes) -> Answer:
        """Status and body for one request; one is answered at a time. What succeeds when tried again was no fault."""
        with self._turn:
            try:
                answered = self._do(method, parse_qs(query), body)
            except Exception as exc:
                fault = exc if isinstance(exc, AiasError) else _wrap_mistake(exc)
                self.fault, self._failed_method = fault, method
                return _status_of(fault), fault.message.encode()
            if method == self._failed_method and answered[0] != HTTPStatus.CONFLICT:
                self.fault = None
            return answered

    def _do(self, method: str, query: dict[str, list[str]], body: bytes) -> Answer:
        match method:
            case "GET":
                content = self._versions.read_newest()
                return (404, b"") if content is None else (200, content)
            case "POST":
                return self._write(query.get("ID", [None])[0], body)
            case "DELETE":
                return self._delete()
            case "LOCK":
                return self._lock(body)
            case "UNLOCK":
                return self._unlock(body)
        return 405, b""

    def _write(self, lock_id: str | None, body: bytes) -> Answer:
        # A Terraform that was thought dead and is not must not overwrite what its successor wrote.
        if self._is_anothers(lock_id):
            return self._refuse()
        self._versions.write(body, self._writable())
        return 200, b""

    def _delete(self) -> Answer:
        """A deletion is a version with nothing in it, so that it can be taken back."""
        content = self._versions.read_newest()
        if content is not None:
            self._versions.write(build_empty(content), self._writable())
        return 200, b""

    def _writable(self) -> Lease:
        if self._lease is None:
            raise Refused("This run holds no lease and only reads the state")
        return self._lease

    def _unlock(self, body: bytes) -> Answer:
        if self._is_anothers(_read_lock(body).get("ID")):
            return self._refuse()
        self._terraform_lock = None
        return 200, b""

    def _is_anothers(self, lock_id: str | None) -> bool:
        return self._terraform_lock is not None and lock_id != self._terraform_lock.get("ID")

    def _refuse(self) -> Answer:
        return 409, json.dumps(self._terraform_lock).encode()

    def _lock(self, body: bytes) -> Answer:
        """Grants the lock while the lease is held; that of a killed Terraform goes to the next one."""
        self._writable().check()
        self._terraform_lock = _read_lock(body)
        return 200, b""


@contextmanager
def serve_state(versions: StateVersions, lease: Lease | None = None) -> Iterator[StateBackend]:
    """A backend that answers for the length of the block, on a free port of the loopback interface.

    Without a lease it only reads; Terraform must then be told `-lock=false`.
    """
    backend = StateBackend(versions, lease)
    with _Server(("127.0.0.1", 0), _build_handler(backend)) as server:
        server.daemon_threads = True
        backend.url = f"http://127.0.0.1:{server.server_address[1]}/state"
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        try:
            yield backend
        finally:
            server.shutdown()
            serving.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a Terraform that was killed and hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _build_handler(backend: StateBackend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30
        disable_nagle_algorithm = True  # else each body waits 40 ms for the acknowledgement of its head

        def handle_request(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LARGEST_BYTES))
            if backend.accepts(self.headers.get("Authorization") or ""):
                self._send(*backend.answer(self.command, urlsplit(self.path).query, body))
            else:
                self._send(401, b"")

        do_GET = do_POST = do_DELETE = do_LOCK = do_UNLOCK = handle_request

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing: the journal says what matters."""

    return Handler


def _status_of(exc: AiasError) -> int:
    """Terraform tries again after a 5xx, which helps only where the store may come back."""
    if isinstance(exc, LeaseLost):
        return 409
    return 503 if isinstance(exc.__cause__, DependencyUnreachable) or isinstance(exc, DependencyUnreachable) else 422


def _wrap_mistake(exc: Exception) -> AiasError:
    """Names only its kind: what it says of itself may hold a part of the state."""
    fault = AiasError(f"The state backend failed with {type(exc).__name__}", hint="see the trace with: --verbose")
    fault.__cause__ = exc
    return fault


def _read_lock(body: bytes) -> dict[str, Any]:
    try:
        lock = json.loads(body)
    except ValueError:
        lock = None
    return lock if isinstance(lock, dict) else {}
