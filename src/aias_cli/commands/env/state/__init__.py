"""aias env state"""

from aias_cli.commands.env.state.backup import backup
from aias_cli.commands.env.state.diff import diff
from aias_cli.commands.env.state.list import list_
from aias_cli.commands.env.state.lock import lock
from aias_cli.commands.env.state.restore import restore
from aias_cli.commands.env.state.unlock import unlock
from aias_cli.options import command_group

group = command_group(
    "The state of an environment on Linode: its versions, and who may change it.",
    list=list_,
    diff=diff,
    backup=backup,
    restore=restore,
    lock=lock,
    unlock=unlock,
)
