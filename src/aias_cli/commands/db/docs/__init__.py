"""aias db docs"""

from aias_cli.commands.db.docs.check import check
from aias_cli.commands.db.docs.generate import generate
from aias_cli.options import command_group

group = command_group("Documents of the schemas, made from the migrations.", check=check, generate=generate)
