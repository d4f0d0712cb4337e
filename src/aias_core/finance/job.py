"""One export from the question to the delivered files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.finance.delivery import deliver
from aias_core.finance.export import Export, Scope, export_month
from aias_core.objectstore import ObjectStore, parse_url
from aias_core.windows import Window

if TYPE_CHECKING:
    from psycopg import Connection


def run_export(
    connection: Connection, window: Window, scope: Scope, out: str, store: ObjectStore, *, force: bool = False
) -> dict[str, Any]:
    """Exports a month of one organization, or of all, to a directory or to `s3://bucket/prefix`.

    Returns the addresses of both files and the essence of the manifest.
    """
    if not out.startswith("s3:"):
        export = export_month(connection, window, scope, Path(out), force=force)
        return _summarize(export, str(export.data), str(export.manifest))
    parse_url(out)
    with tempfile.TemporaryDirectory(prefix="aias-export-") as directory:
        export = export_month(connection, window, scope, Path(directory))
        data, manifest = deliver([export.data, export.manifest], store, out)
    return _summarize(export, data, manifest)


def _summarize(export: Export, data: str, manifest: str) -> dict[str, Any]:
    named = ("row_count", "sha256", "month_status", "totals")
    return {"file": data, "manifest": manifest, **{name: export.content[name] for name in named}}
