"""aias env maintenance"""

from aias_cli.commands.env.maintenance.off import off
from aias_cli.commands.env.maintenance.on import on
from aias_cli.commands.env.maintenance.show import show
from aias_cli.options import command_group

group = command_group("Maintenance of an environment on Linode: it ends by itself.", on=on, off=off, show=show)
