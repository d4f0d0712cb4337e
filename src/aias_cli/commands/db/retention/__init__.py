"""aias db retention"""

from aias_cli.commands.db.retention.plan import plan
from aias_cli.commands.db.retention.run import run
from aias_cli.options import command_group

group = command_group("What has outlived the data policy, and its removal.", plan=plan, run=run)
