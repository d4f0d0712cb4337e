"""Programs that die: by SIGKILL, at a chosen call to the database server."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg


def run_and_die(work: Callable[[], object], at_call: int) -> bool:
    """Works in a child that ends by SIGKILL before its n-th call to the server; True when it came that far."""
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(work, at_call))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _die_at(work: Callable[[], object], at_call: int) -> None:
    calls = 0
    execute = psycopg.Connection.execute

    def counted(connection: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(connection, *args, **kwargs)

    psycopg.Connection.execute = counted  # type: ignore[method-assign]
    work()
    os._exit(0)
