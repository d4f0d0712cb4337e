"""aias db backup"""

from aias_cli.commands.db.backup.create import create
from aias_cli.commands.db.backup.list import list_
from aias_cli.commands.db.backup.verify import verify
from aias_cli.options import command_group

group = command_group("Encrypted backups of both databases.", create=create, list=list_, verify=verify)
