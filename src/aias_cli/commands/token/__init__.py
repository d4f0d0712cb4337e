"""aias token"""

from aias_cli.commands.token.issue import issue
from aias_cli.options import command_group

group = command_group("Access tokens for the management APIs.", issue=issue)
