"""aias analytics dead-letters"""

from aias_cli.commands.analytics.dead_letters.drop import drop
from aias_cli.commands.analytics.dead_letters.list import list_dead_letters
from aias_cli.commands.analytics.dead_letters.replay import replay
from aias_cli.commands.analytics.dead_letters.show import show
from aias_cli.options import command_group

group = command_group(
    "Events that were refused, kept until they are replayed or dropped.",
    list=list_dead_letters,
    show=show,
    replay=replay,
    drop=drop,
)
