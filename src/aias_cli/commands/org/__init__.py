"""aias org"""

from aias_cli.commands.org.create import create
from aias_cli.commands.org.list import list_organizations
from aias_cli.options import command_group

group = command_group("Organizations.", create=create, list=list_organizations)
