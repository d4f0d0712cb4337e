"""aias analytics export"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aias_cli.commands.analytics import options
from aias_cli.context import current
from aias_core.finance.export.request import Compression, Format, Kind

BIG_BYTES = 1_000_000_000


def export(
    ctx: typer.Context,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM|last|current", help="Which month.")] = None,
    period: options.PeriodOption = None,
    start: options.FromOption = None,
    end: options.ToOption = None,
    org: options.OrgOption = "all",
    granularity: options.GranularityOption = None,
    model: options.ModelOption = None,
    project: options.ProjectOption = None,
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
        *(month, period, start, end, org, granularity or "day", tuple(model or ()), tuple(project or ())),
        *(kind, form, compress, statement, require_closed),
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
        delivery = Delivery(out, endpoints.object_store(), own_name(), force)
        result = run_export(connection, request, delivery)
    if result["bytes"] > BIG_BYTES:
        context.printer.note(f"The file has {result['bytes'] / BIG_BYTES:.1f} GB; --compress zst makes it smaller")
    context.printer.result("aias.analytics.export/1", result)
    return None
