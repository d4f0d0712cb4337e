"""aias env nodes"""

from aias_cli.commands.env.nodes.cordon import cordon
from aias_cli.commands.env.nodes.drain import drain
from aias_cli.commands.env.nodes.list import list_
from aias_cli.commands.env.nodes.recycle import recycle
from aias_cli.commands.env.nodes.scale import scale
from aias_cli.commands.env.nodes.upgrade import upgrade
from aias_cli.options import command_group

group = command_group(
    "The nodes of an environment on Linode, and their pools.",
    list=list_,
    scale=scale,
    cordon=cordon,
    drain=drain,
    recycle=recycle,
    upgrade=upgrade,
)
