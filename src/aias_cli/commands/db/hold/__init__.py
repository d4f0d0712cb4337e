"""aias db hold"""

from aias_cli.commands.db.hold.add import add
from aias_cli.commands.db.hold.list import list_
from aias_cli.commands.db.hold.release import release
from aias_cli.options import command_group

group = command_group("Legal holds: who may not be deleted or erased.", add=add, release=release, list=list_)
