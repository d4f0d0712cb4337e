"""aias secrets"""

from aias_cli.options import command_package

group = command_package(
    "Secrets of an environment: seal, deliver, renew.",
    __name__,
    "list",
    "status",
    "bootstrap",
    "rotate",
    "seal",
    "keys",
)
