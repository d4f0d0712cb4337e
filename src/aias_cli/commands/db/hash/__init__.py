"""aias db hash"""

from aias_cli.commands.db.hash.check_keys import check_keys
from aias_cli.commands.db.hash.email import email
from aias_cli.commands.db.hash.retire import retire
from aias_cli.commands.db.hash.rotate import rotate
from aias_cli.options import command_group

group = command_group(
    "Hashing of personal data and its keys.", check_keys=check_keys, email=email, retire=retire, rotate=rotate
)
