"""aias analytics"""

from aias_cli.commands.analytics.export import export
from aias_cli.commands.analytics.forecast import forecast
from aias_cli.commands.analytics.freshness import freshness
from aias_cli.commands.analytics.reconcile import reconcile
from aias_cli.commands.analytics.reliability import reliability
from aias_cli.commands.analytics.rollup import group as rollup
from aias_cli.commands.analytics.sources import group as sources
from aias_cli.commands.analytics.status import status
from aias_cli.commands.analytics.usage import usage
from aias_cli.options import command_group

group = command_group(
    "Usage, rollups, reconciliation and exports.",
    export=export,
    forecast=forecast,
    freshness=freshness,
    reconcile=reconcile,
    reliability=reliability,
    rollup=rollup,
    sources=sources,
    status=status,
    usage=usage,
)
