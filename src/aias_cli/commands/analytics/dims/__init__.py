"""aias analytics dims"""

from aias_cli.commands.analytics.dims.sync import sync
from aias_cli.options import command_group

group = command_group("Names and prices in the analytics database.", sync=sync)
