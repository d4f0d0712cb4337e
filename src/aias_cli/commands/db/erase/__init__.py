"""aias db erase"""

from aias_cli.commands.db.erase.org import org
from aias_cli.commands.db.erase.user import user
from aias_cli.commands.db.erase.verify import verify
from aias_cli.options import command_group

group = command_group("Erase a person or an organization, and prove it.", org=org, user=user, verify=verify)
