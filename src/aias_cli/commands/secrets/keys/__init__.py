"""aias secrets keys"""

from aias_cli.options import command_package

group = command_package("Keys of the sealed-secrets controller: keep them, and prove it.", __name__, "backup", "verify")
