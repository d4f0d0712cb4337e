"""aias analytics"""

from aias_cli.options import command_package

group = command_package(
    "Usage, rollups, reconciliation and exports.",
    __name__,
    "adjust",
    "approve",
    "close",
    "dead_letters",
    "diff",
    "dims",
    "export",
    "exports",
    "forecast",
    "freshness",
    "ingest",
    "months",
    "reconcile",
    "reliability",
    "restate",
    "rollup",
    "sources",
    "status",
    "usage",
    "validate",
)
