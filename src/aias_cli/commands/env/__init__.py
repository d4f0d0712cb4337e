"""aias env"""

from aias_cli.commands.env.cost import cost
from aias_cli.commands.env.down import down
from aias_cli.commands.env.logs import logs
from aias_cli.commands.env.quota import quota
from aias_cli.commands.env.restart import restart
from aias_cli.commands.env.state import group as state
from aias_cli.commands.env.status import status
from aias_cli.commands.env.up import up
from aias_cli.options import command_group

group = command_group(
    "Bring an environment up, look at it, take it down.",
    up=up,
    status=status,
    cost=cost,
    quota=quota,
    logs=logs,
    restart=restart,
    down=down,
    state=state,
)
