"""aias analytics sources"""

from aias_cli.commands.analytics.sources.list import list_sources
from aias_cli.commands.analytics.sources.retire import retire
from aias_cli.options import command_group

group = command_group("Routers that send usage, and what of it is missing.", list=list_sources, retire=retire)
