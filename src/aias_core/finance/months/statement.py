"""Freezing a month: the lines as an export would show them now, kept for good."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from psycopg import sql

from aias_core.database.queries import load_queries
from aias_core.errors import DifferenceFound
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.export.run import Export, Nowhere, write_source
from aias_core.finance.export.source import Segment, Source
from aias_core.finance.export.text import plain_csv_lines
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection

_READ_BYTES = 1024 * 1024
_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that is not stored yet: what it would say, and its lines in a file."""

    window: Window
    version: int
    status: Literal["closed", "restated"]
    export: Export
    lines: IO[bytes]

    @property
    def content_sha256(self) -> str:
        return self.export.written.content_sha256

    @property
    def key(self) -> dict[str, Any]:
        return {"month": self.window.start.date(), "version": self.version}


def draft_statement(connection: Connection, window: Window, version: int) -> Draft:
    """The lines of all organizations as the rollups have them. The caller holds the snapshot and closes `lines`."""
    status: Literal["closed", "restated"] = "closed" if version == 1 else "restated"
    source = Source(ExportRequest(window), (Segment(window, status, version, is_live=True),), {})
    lines = tempfile.TemporaryFile(prefix="aias-statement-")  # noqa: SIM115
    try:
        export = write_source(connection, source, Nowhere(), lambda batch: lines.write(plain_csv_lines(batch)))
    except BaseException:
        lines.close()
        raise
    return Draft(window, version, status, export, lines)


def freeze_lines(connection: Connection, draft: Draft) -> None:
    """Stores the lines of a draft whose row in `month_closes` is there already, and reads them back.

    Raises DifferenceFound when an export of the stored lines does not say what the draft said.
    """
    connection.execute(_queries["create_staging"])
    draft.lines.seek(0)
    with connection.cursor().copy(_queries["copy_staging"]) as copy:
        while content := draft.lines.read(_READ_BYTES):
            copy.write(content)
    freeze = sql.SQL(_queries["freeze_lines"]).format(corrections=draft.export.source.corrections())
    connection.execute(freeze, draft.export.source.parameters | draft.key)
    source = Source(ExportRequest(draft.window), (Segment(draft.window, draft.status, draft.version),), {})
    stored = write_source(connection, source, Nowhere()).written.content_sha256
    if stored != draft.content_sha256:
        raise DifferenceFound("The frozen lines do not read back as they were; nothing was closed")
