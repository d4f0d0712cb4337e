"""aias analytics ingest"""

from aias_cli.commands.analytics.ingest.drain import drain
from aias_cli.commands.analytics.ingest.load import load
from aias_cli.options import command_group

group = command_group("Bring usage events into the analytics database.", load=load, drain=drain)
