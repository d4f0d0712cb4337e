"""aias analytics rollup"""

from aias_cli.commands.analytics.rollup.rebuild import rebuild
from aias_cli.commands.analytics.rollup.run import run
from aias_cli.options import command_group

group = command_group("Rollups of the usage facts.", run=run, rebuild=rebuild)
