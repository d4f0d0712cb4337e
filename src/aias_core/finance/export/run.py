"""One export from the question to a file and its manifest.

The file is written under a temporary name, synced and renamed; the manifest comes last and means a whole file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.errors import DifferenceFound
from aias_core.files import refuse_existing, whole_file
from aias_core.finance.export.content import ContentHash
from aias_core.finance.export.corrections import read_corrections
from aias_core.finance.export.focus import FocusBuilder
from aias_core.finance.export.lines import LineBuilder
from aias_core.finance.export.manifest import Written, describe
from aias_core.finance.export.names import Names
from aias_core.finance.export.prices import Prices, read_prices
from aias_core.finance.export.request import ExportRequest, Kind
from aias_core.finance.export.sinks import HashingTarget, Target, open_sink
from aias_core.finance.export.source import (
    OrganizationTotal,
    Source,
    find_watermark,
    one_snapshot,
    open_source,
    queries,
    read_labels,
    read_names,
    read_totals,
)
from aias_core.finance.export.stream import stream_lines
from aias_core.finance.export.tally import Tally
from aias_core.windows import Grain

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Export:
    """A written file: what the manifest says but for what its caller knows."""

    source: Source
    written: Written
    names: Names
    prices: Prices
    facts: Mapping[str, Any] = field(default_factory=dict)

    def manifest(self, **facts: Any) -> dict[str, Any]:
        """The manifest; `facts` are what the caller knows: the file's name, who asked, the job."""
        used = self.prices.describe_used()
        return describe(self.source, self.written, self.names, used, {**facts, **self.facts})


def write_export(connection: Connection, request: ExportRequest, target: Target) -> Export:
    """Writes the data of a request in one snapshot of the database, in memory that does not grow with it.

    Raises NotFound for a statement that there is not, DifferenceFound when the file does not add up to the store.
    """
    with one_snapshot(connection):
        return write_source(connection, open_source(connection, request), target)


class Nowhere:
    """Forgets what is written to it: only its hash is wanted."""

    def write(self, _: Any, /) -> None:
        pass


def write_source(
    connection: Connection, source: Source, target: Target, observe: Callable[[pa.RecordBatch], object] | None = None
) -> Export:
    """Writes the lines of an open source, and shows each batch to `observe`; the caller holds the snapshot."""
    totals, names, prices = read_totals(connection, source), read_names(connection, source), read_prices(connection)
    request, tally, output, rows = source.request, Tally(totals.words), HashingTarget(target), 0
    lines_of = LineBuilder(request.granularity, source.segments, names, totals.words)
    builder = _choose_builder(connection, source, lines_of, prices)
    schema = builder.schema()
    content = ContentHash(schema)
    with (
        open_sink(output, schema, request.format, request.compression) as write,
        closing(stream_lines(connection, source, totals)) as lines,
    ):
        for records, cents in lines:
            tally.add(records)
            prices.note_used(records)
            batch = builder.build(records, cents)
            content.update(batch)
            write(batch)
            if observe is not None:
                observe(batch)
            rows += len(batch)
    _compare(totals.by_organization, tally.totals)
    written = Written(rows, output.size, output.hexdigest(), content.hexdigest(), tally.totals, schema)
    state = _read_state(connection, source) | _compare_with_statement(connection, source, tally)
    return Export(source, written, names, prices, state)


def _choose_builder(
    connection: Connection, source: Source, lines: LineBuilder, prices: Prices
) -> LineBuilder | FocusBuilder:
    if source.request.kind is Kind.USAGE:
        return lines
    labels = read_labels(connection, source)
    return FocusBuilder(lines, prices, labels, source.request.issuer, read_corrections(connection, source))


def _compare(
    stored: Mapping[tuple[bytes, str], OrganizationTotal], written: Mapping[tuple[bytes, str], OrganizationTotal]
) -> None:
    """Lines of organizations without usage are no part of the store; everything else must be equal."""
    idle = OrganizationTotal(rows=1)
    added = {key: total for key, total in written.items() if key in stored or total != idle}
    if dict(stored) != added:
        raise DifferenceFound("The file does not add up to the store", hint="look with: aias analytics reconcile")


def _read_state(connection: Connection, source: Source) -> dict[str, Any]:
    """How complete the store was: the watermark, buckets to be recomputed, the last comparison of the whole window."""
    through = find_watermark(connection)
    row = connection.execute(queries["count_open_buckets"], source.parameters).fetchone()
    last = connection.execute(queries["find_reconciliation"], source.parameters).fetchone()
    return {
        "complete_through": None if through is None else clock.format_instant(through),
        "reconciliation": {
            "file_and_store": "equal",
            "open_buckets": row[0] if row else 0,
            "last_run": None if last is None else _describe_run(*last),
        },
    }


def _compare_with_statement(connection: Connection, source: Source, tally: Tally) -> dict[str, Any]:
    """Whether hours of a closed month still add up to its statement; nothing is said of other files."""
    segment, request = source.segments[0], source.request
    if request.granularity is not Grain.HOUR or not segment.is_frozen or not request.is_whole_month:
        return {}
    if request.is_filtered:
        return {}
    key = {"month": segment.month, "version": segment.version}
    rows = connection.execute(queries["sum_statement"], source.parameters | key)
    frozen = {(org_id.bytes, currency): int(amount) for org_id, currency, amount in rows if amount}
    written = {key: total.cost + total.adjustment for key, total in tally.totals.items()}
    return {"adds_up_to_statement": frozen == {key: amount for key, amount in written.items() if amount}}


def _describe_run(run_id: UUID, at: datetime, differences: int, open_buckets: int) -> dict[str, Any]:
    return {
        "run_id": str(run_id),
        "at": clock.format_instant(at),
        "differences": differences,
        "open_buckets": open_buckets,
    }


@dataclass(frozen=True, slots=True)
class LocalExport:
    """A file and its manifest on this machine."""

    data: Path
    manifest: Path
    content: dict[str, Any]


def export_to_path(
    connection: Connection, source: Source, out: Path, requested_by: str, *, force: bool = False
) -> LocalExport:
    """Writes a file into a directory under its own name, or to a path that has the file's ending.

    Raises Conflict when the file is there and `force` is not, PrerequisiteMissing when it cannot be written; nothing
    half-written stays behind.
    """
    data = find_path(source, out)
    manifest = data.with_name(manifest_name(data.name))
    if not force:
        refuse_existing(data, manifest)
    with whole_file(data) as file:
        export = write_source(connection, source, file)
    content = export.manifest(file=data.name, requested_by=requested_by)
    with whole_file(manifest) as file:
        file.write(encode_manifest(content))
    return LocalExport(data, manifest, content)


def find_path(source: Source, out: Path) -> Path:
    """Where the file goes: `out` itself when it is named like a file of this form, else the file's name within it."""
    name = source.request.file_name(source.version)
    ending = name[name.index(f".{source.request.format}") :]
    return out if out.name.endswith(ending) else out / name


def manifest_name(name: str) -> str:
    """The name of the manifest that belongs to a file."""
    return f"{name}.manifest.json"


def encode_manifest(content: Mapping[str, Any]) -> bytes:
    """A manifest as it is stored."""
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
