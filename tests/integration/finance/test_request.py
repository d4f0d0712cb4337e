"""What the options of an export mean to the store."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from aias_cli.commands.analytics.export_request import Wanted, build_request
from aias_core.errors import Refused
from aias_core.finance.export.request import Compression, ExportRequest, Format, Kind
from aias_core.finance.months.close import Change, close_month
from aias_core.windows import Window

CLOSED = Wanted(
    *(None, None, None, None, "all", "day", (), ()), Kind.USAGE, Format.CSV, Compression.NONE, None, require_closed=True
)


def test_an_open_month_is_refused_where_a_closed_one_is_required(
    store: psycopg.Connection, month: Window, closable: Change
) -> None:
    request = ExportRequest(month)
    with pytest.raises(Refused, match="not closed"):
        build_request(store, request, CLOSED)
    assert build_request(store, request, replace(CLOSED, require_closed=False)) == request
    close_month(store, closable)
    assert build_request(store, request, CLOSED) == request
    with pytest.raises(Refused, match="not closed"):
        build_request(store, replace(request, statement=0), CLOSED)
