"""One export from the question to the delivered files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aias_core.finance.delivery import (
    ALWAYS,
    Permit,
    Place,
    open_upload,
    put_object,
    refuse_existing_objects,
    verify_object,
)
from aias_core.finance.export.request import ExportRequest
from aias_core.finance.export.run import encode_manifest, export_to_path, manifest_name, write_export
from aias_core.finance.export.source import one_snapshot, open_source
from aias_core.objectstore import ObjectStore, parse_url

if TYPE_CHECKING:
    from psycopg import Connection

_ESSENCE = ("row_count", "bytes", "sha256", "content_sha256", "month_status", "statement_version", "complete_through")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a file goes: a file, a directory or `s3://bucket/prefix`; who asked; what may be there already."""

    out: str
    store: ObjectStore
    requested_by: str = ""
    force: bool = False


def run_export(connection: Connection, request: ExportRequest, delivery: Delivery) -> dict[str, Any]:
    """Exports, and returns the addresses of both files with the essence of the manifest.

    Raises Conflict for a file that exists where `force` is not given.
    """
    with one_snapshot(connection):
        source = open_source(connection, request)
        if not delivery.out.startswith("s3:"):
            out, who = Path(delivery.out), delivery.requested_by
            export = export_to_path(connection, source, out, who, force=delivery.force)
            return _summarize(export.content, str(export.data), str(export.manifest))
        bucket, prefix = parse_url(delivery.out)
        name = request.file_name(source.version)
        store = delivery.store
        place = Place(store.client(), bucket, f"{prefix}/{name}".lstrip("/"), store.encryption)
        manifest = place.at(manifest_name(place.key))
        if not delivery.force:
            refuse_existing_objects(place, manifest)
        content = export_to_store(connection, request, place, {"file": name, "requested_by": delivery.requested_by})
        return _summarize(content, place.url, manifest.url)


def export_to_store(
    connection: Connection,
    request: ExportRequest,
    place: Place,
    facts: Mapping[str, Any],
    permit: Permit = ALWAYS,
) -> dict[str, Any]:
    """Streams a file to object storage, reads it back, then stores its manifest; returns what that says.

    Where the permit is refused everything stays as it is for whoever goes on.
    Raises DifferenceFound when the file does not add up or read back, and then nothing is there.
    """
    tags = {"org": request.scope.slug if request.scope else "all", "period": request.period, "schema": "usage-1"}
    with open_upload(place, tags | {key: str(facts[key]) for key in ("job",) if key in facts}, permit) as upload:
        export = write_export(connection, request, upload)
    verify_object(place, export.written.size, export.written.sha256, permit)
    content = export.manifest(**facts)
    encoded = encode_manifest(content)
    with permit.during():
        put_object(place.at(manifest_name(place.key)), encoded)
    return content


def stream_export(connection: Connection, request: ExportRequest, output: IO[bytes]) -> None:
    """Writes the data alone, without a manifest, for a pipe."""
    write_export(connection, request, output)
    output.flush()


def _summarize(content: Mapping[str, Any], data: str, manifest: str) -> dict[str, Any]:
    essence = {name: content[name] for name in (*_ESSENCE, "reconciliation", "totals")}
    return {"file": data, "manifest": manifest, **essence}
