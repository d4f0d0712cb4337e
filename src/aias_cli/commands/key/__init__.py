"""aias key"""

from aias_cli.commands.key.issue import issue
from aias_cli.commands.key.list import list_keys
from aias_cli.options import command_group

group = command_group("API keys of an organization.", issue=issue, list=list_keys)
