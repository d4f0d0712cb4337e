"""aias env"""

from aias_cli.options import command_package

group = command_package(
    "Bring an environment up, look at it, take it down.",
    __name__,
    "activate",
    "components",
    "diff",
    "down",
    "explain",
    "export",
    "list",
    "logs",
    "restart",
    "schema",
    "show",
    "state",
    "status",
    "up",
    "validate",
)
