"""aias model"""

from aias_cli.commands.model.list import list_models
from aias_cli.options import command_group

group = command_group("The models that the router serves.", list=list_models)
