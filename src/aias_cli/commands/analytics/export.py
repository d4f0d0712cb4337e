"""aias analytics export"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.context import current

BIG_BYTES = 1_000_000_000


class Kind(StrEnum):
    """The columns of the file."""

    USAGE = "usage"
    FOCUS = "focus"


class Granularity(StrEnum):
    """The length of the period of a line, by either of its names."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"

    @property
    def grain(self) -> str:
        return {"hourly": "hour", "daily": "day", "monthly": "month"}.get(self.value, self.value)


class Format(StrEnum):
    """The form of the file."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    """How the file is compressed."""

    NONE = "none"
    GZIP = "gz"
    ZSTD = "zst"


def export(
    ctx: typer.Context,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM|last|current", help="Which month.")] = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="24h, 7d, 30d, mtd, last-month or YYYY-MM.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First day or instant, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="First day or instant after it.")] = None,
    org: Annotated[str, typer.Option("--org", help="Slug or id of the organization, or 'all'.")] = "all",
    granularity: Annotated[Granularity, typer.Option("--granularity", help="Period of a line.")] = Granularity.DAY,
    model: Annotated[list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")] = None,
    project: Annotated[list[str] | None, typer.Option("--project", help="Only this project; may be repeated.")] = None,
    kind: Annotated[Kind, typer.Option("--kind", help="Our own columns, or FOCUS 1.2.")] = Kind.USAGE,
    form: Annotated[Format, typer.Option("--format", help="Form of the file.")] = Format.CSV,
    compress: Annotated[Compression, typer.Option("--compress", help="Compression of CSV and JSONL.")] = (
        Compression.NONE
    ),
    statement: Annotated[
        int | None, typer.Option("--statement", metavar="N", help="Version of a closed month [the latest].")
    ] = None,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE|DIR|-|s3://BUCKET/PREFIX", help="Where the file goes.")
    ] = ".",
    to_bucket: Annotated[
        str | None, typer.Option("--to-bucket", metavar="NAME", help="Leave it to the service, as a job.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the job.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for the job.")] = 600,
    require_closed: Annotated[bool, typer.Option("--require-closed", help="Refuse a month that is open.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Write usage and cost as a file with a manifest that proves it. Equal data gives equal bytes.

    Example: aias analytics export --month 2026-10 --org all --out exports
    """
    from aias_cli.commands.analytics.export_request import Wanted, build_request
    from aias_core.accounts import own_name
    from aias_core.finance.job import Delivery, run_export, stream_export
    from aias_core.finance.jobs.wait import run_as_job

    context = current(ctx)
    wanted = Wanted(
        *(month, period, start, end, org, granularity.grain, tuple(model or ()), tuple(project or ())),
        *(kind.value, form.value, compress.value, statement),
    )
    plain = wanted.plain(context)
    endpoints = context.environment().endpoints()
    with endpoints.analytics_connection() as connection:
        request = build_request(connection, plain, wanted)
        if out == "-":
            return stream_export(connection, request, sys.stdout.buffer)
        if to_bucket is not None:
            job = run_as_job(connection, request, own_name(), to_bucket, wait_seconds=0 if no_wait else timeout)
            return context.printer.result("aias.analytics.export-job/1", job.as_record())
        delivery = Delivery(out, endpoints.object_store(), own_name(), force, require_closed)
        result = run_export(connection, request, delivery)
    if result["bytes"] > BIG_BYTES:
        context.printer.note(f"The file has {result['bytes'] / BIG_BYTES:.1f} GB; --compress zst makes it smaller")
    context.printer.result("aias.analytics.export/1", result)
    return None
