"""aias db classify"""

from aias_cli.commands.db.classify.check import check
from aias_cli.options import command_group

group = command_group("The data policy: what each column is and how long it lives.", check=check)
