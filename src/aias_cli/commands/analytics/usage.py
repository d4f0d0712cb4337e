"""aias analytics usage"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aias_cli.commands.analytics import options
from aias_cli.context import current

if TYPE_CHECKING:
    from aias_cli.context import CommandContext

COLUMNS = (
    *("requests", "successes", "errors", "rejected", "input_tokens", "output_tokens"),
    *("cost", "currency", "p50_ms", "p95_ms"),
)


class Metric(StrEnum):
    """What a chart shows."""

    COST = "cost"
    REQUESTS = "requests"
    ERRORS = "errors"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TOTAL_TOKENS = "total_tokens"


def usage(
    ctx: typer.Context,
    org: options.OrgOption = "all",
    month: options.MonthOption = None,
    period: options.PeriodOption = None,
    start: options.FromOption = None,
    end: options.ToOption = None,
    align: options.AlignOption = False,
    granularity: options.GranularityOption = None,
    model: options.ModelOption = None,
    project: options.ProjectOption = None,
    key: options.KeyOption = None,
    operation: options.OperationOption = None,
    region: options.RegionOption = None,
    group_by: options.GroupOption = None,
    fill: options.FillOption = False,
    tz: options.ZoneOption = "UTC",
    compare: options.CompareOption = False,
    top: options.TopOption = None,
    require_fresh: options.FreshOption = False,
    chart: Annotated[bool, typer.Option("--chart", help="Draw it in the terminal instead of a table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a report that opens alone.")
    ] = None,
    metric: Annotated[Metric, typer.Option("--metric", help="What a chart shows.")] = Metric.COST,
    force: Annotated[bool, typer.Option("--force", help="Replace a report that exists.")] = False,
) -> None:
    """Show requests, outcomes, tokens, cost and latency by bucket and group, with totals that are their sum.

    Example: aias analytics usage --org acme --period 7d --group-by model --chart
    """
    from aias_core.analytics.query.parameters import build_query

    question = options.build_question(
        **{"model": model, "project": project, "key": key, "operation": operation, "region": region},
        **{"start": start, "end": end, "granularity": granularity, "align": align, "tz": tz, "top": top},
        period=options.choose_period(month, period, start),
        group_by=(groups := options.choose_groups(group_by, org)),
        fill="zero" if fill else "none",
        compare="previous" if compare else None,
        percentiles=() if "key" in groups or key else (50, 95),
    )
    context, query = current(ctx), build_query(question)
    _refuse_existing(html, force=force)
    with options.asking(context, org) as (connection, scope, about):
        from aias_core.analytics.query.freshness import read_freshness
        from aias_core.analytics.query.usage import read_usage

        data = {**about, **read_usage(connection, scope, query), "freshness": read_freshness(connection, scope)}
    if html is not None:
        _write_report(html, data, metric)
    _print(context, data, groups, metric if chart else None)
    options.note_freshness(context, data["freshness"], required=require_fresh)


def _refuse_existing(html: Path | None, *, force: bool) -> None:
    from aias_core.files import refuse_existing

    if html is not None and not force:
        refuse_existing(html)


def _write_report(path: Path, data: dict[str, Any], metric: Metric) -> None:
    from aias_core.analytics.query.report import build_report
    from aias_core.files import whole_file

    with whole_file(path) as file:
        file.write(build_report(data, f"Usage of {data['org']}", metric.value).encode())
    data["report"] = str(path)


def _print(context: CommandContext, data: dict[str, Any], groups: tuple[str, ...], drawn: Metric | None) -> None:
    from aias_cli.printer import Output
    from aias_core.analytics.query.chart import draw_chart
    from aias_core.analytics.query.tables import flatten_all

    if drawn is not None and context.output is Output.TABLE:
        context.printer.text("\n".join(draw_chart(data, drawn.value)))
        return
    footer = [{**row, "bucket_start": "total"} for row in flatten_all(data["totals"])]
    columns = ("bucket_start", *groups, *COLUMNS)
    context.printer.result("aias.analytics.usage/1", data, flatten_all(data["series"]), columns, footer)
