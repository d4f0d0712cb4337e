"""aias analytics reliability"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.analytics import options
from aias_cli.context import current

COLUMNS = ("requests", "errors", "timeouts", "throttled", "error_rate", "throttle_rate")


def reliability(
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
    top: options.TopOption = None,
    percentile: Annotated[
        list[int] | None, typer.Option("--percentile", help="50, 90, 95 or 99; repeatable [50, 95, 99].")
    ] = None,
    require_fresh: options.FreshOption = False,
) -> None:
    """Show outcomes, error rate, throttle rate and latency by bucket and group. Percentiles are within 1 % of exact.

    Example: aias analytics reliability --org acme --period 24h --group-by model
    """
    from aias_core.analytics.query.parameters import build_query

    percents = tuple(percentile or (50, 95, 99))
    question = options.build_question(
        **{"model": model, "project": project, "key": key, "operation": operation, "region": region},
        **{"start": start, "end": end, "granularity": granularity, "align": align, "tz": tz, "top": top},
        period=options.choose_period(month, period, start),
        group_by=(groups := options.choose_groups(group_by, org)),
        fill="zero" if fill else "none",
        percentiles=percents,
    )
    context, query = current(ctx), build_query(question, money=False)
    with options.asking(context, org) as (connection, scope, about):
        from aias_core.analytics.query.freshness import read_freshness
        from aias_core.analytics.query.tables import flatten_all
        from aias_core.analytics.query.usage import read_reliability

        data = {**about, **read_reliability(connection, scope, query), "freshness": read_freshness(connection, scope)}
    columns = ("bucket_start", *groups, *COLUMNS, *(f"p{p}_ms" for p in percents), *(f"ttft_p{p}_ms" for p in percents))
    footer = [{**row, "bucket_start": "total"} for row in flatten_all(data["totals"])]
    context.printer.result("aias.analytics.reliability/1", data, flatten_all(data["series"]), columns, footer)
    options.note_freshness(context, data["freshness"], required=require_fresh)
