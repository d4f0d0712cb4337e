"""A look at a database through the driver's libpq alone: loading all of the driver takes longer than most looks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aias_core.secret import Secret

Rows = list[tuple[str | None, ...]]
Look = Callable[[str], Rows | None]
CONNECT_SECONDS = "2"
SETTINGS = "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=2000"
_CONNECTED, _HAS_ROWS = 0, 2
_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_FUNCTIONS = {
    "PQconnectdbParams": (_POINTER, [ctypes.POINTER(_TEXT), ctypes.POINTER(_TEXT), _INT]),
    "PQstatus": (_INT, [_POINTER]),
    "PQfinish": (None, [_POINTER]),
    "PQexec": (_POINTER, [_POINTER, _TEXT]),
    "PQresultStatus": (_INT, [_POINTER]),
    "PQntuples": (_INT, [_POINTER]),
    "PQnfields": (_INT, [_POINTER]),
    "PQgetisnull": (_INT, [_POINTER, _INT, _INT]),
    "PQgetvalue": (_TEXT, [_POINTER, _INT, _INT]),
    "PQclear": (None, [_POINTER]),
}


@contextmanager
def glance(dsn: Secret) -> Iterator[Look | None]:
    """What gives the rows of a query as text, in UTC, and None for one that the server refuses.

    None where there is no libpq in the driver's wheel, or no connection: the driver is to be asked, and says why.
    """
    library = _load_library()
    if library is None:
        yield None
        return
    given = {"dbname": dsn.reveal(), "connect_timeout": CONNECT_SECONDS, "options": SETTINGS}
    connection = library.PQconnectdbParams(_to_array(*given), _to_array(*given.values()), 1)
    try:
        is_open = library.PQstatus(connection) == _CONNECTED
        yield (lambda query: _read(library, connection, query)) if is_open else None
    finally:
        library.PQfinish(connection)


def _read(library: ctypes.CDLL, connection: int, query: str) -> Rows | None:
    result = library.PQexec(connection, query.encode())
    try:
        if library.PQresultStatus(result) != _HAS_ROWS:
            return None
        columns = range(library.PQnfields(result))
        return [tuple(_cell(library, result, r, c) for c in columns) for r in range(library.PQntuples(result))]
    finally:
        library.PQclear(result)


def _cell(library: ctypes.CDLL, result: int, row: int, column: int) -> str | None:
    if library.PQgetisnull(result, row, column):
        return None
    text: bytes = library.PQgetvalue(result, row, column)
    return text.decode()


@cache
def _load_library() -> ctypes.CDLL | None:
    """The libpq inside the driver's wheel, so that both speak to a server in the same way; None without that wheel."""
    spec = find_spec("psycopg_binary")
    if spec is None or spec.origin is None:
        return None
    beside = Path(spec.origin).parent.with_suffix(".libs")
    path = next(iter(beside.glob("libpq-*")), None)
    if path is None:
        return None
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _to_array(*texts: str) -> ctypes.Array[ctypes.c_char_p]:
    return (_TEXT * (len(texts) + 1))(*(text.encode() for text in texts))
