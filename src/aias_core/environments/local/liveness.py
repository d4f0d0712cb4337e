"""Whether a component still answers at all; cheap, and without credentials."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

from aias_core.environments.local.plan import Liveness

TIMEOUT_SECONDS = 2.0
# PostgreSQL protocol, "SSLRequest": answered by one byte, S or N, before any authentication.
_SSL_REQUEST = struct.pack("!II", 8, 80877103)


async def is_alive(liveness: Liveness) -> bool:
    """Whether the component answers within two seconds, with whatever but a server error."""
    with suppress(OSError, TimeoutError, ValueError, IndexError):
        return await asyncio.wait_for(_ask(liveness), TIMEOUT_SECONDS)
    return False


async def _ask(liveness: Liveness) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", liveness.port)
    try:
        if liveness.path is None:
            writer.write(_SSL_REQUEST)
            return await reader.readexactly(1) in (b"N", b"S")
        writer.write(f"GET {liveness.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        status_line = await reader.readline()
        return int(status_line.split()[1]) < 500
    finally:
        writer.close()
