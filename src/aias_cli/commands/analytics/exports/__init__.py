"""aias analytics exports"""

from aias_cli.commands.analytics.exports.cancel import cancel
from aias_cli.commands.analytics.exports.download import download
from aias_cli.commands.analytics.exports.list import list_
from aias_cli.commands.analytics.exports.retry import retry
from aias_cli.commands.analytics.exports.show import show
from aias_cli.commands.analytics.exports.sweep import sweep
from aias_cli.commands.analytics.exports.verify import verify
from aias_cli.options import command_group

group = command_group(
    "Export jobs and their files.",
    cancel=cancel,
    download=download,
    list=list_,
    retry=retry,
    show=show,
    sweep=sweep,
    verify=verify,
)
