"""aias db partitions"""

from aias_cli.commands.db.partitions.drop_expired import drop_expired
from aias_cli.commands.db.partitions.ensure import ensure
from aias_cli.commands.db.partitions.list import list_
from aias_cli.options import command_group

group = command_group("The months of the analytics database.", list=list_, ensure=ensure, drop_expired=drop_expired)
