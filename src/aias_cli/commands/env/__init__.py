"""aias env"""

from aias_cli.options import command_package

group = command_package(
    "Bring an environment up, look at it, take it down.",
    __name__,
    "activate",
    "approve",
    "components",
    "cost",
    "diff",
    "down",
    "drift",
    "events",
    "explain",
    "export",
    "kubeconfig",
    "list",
    "logs",
    "maintenance",
    "nodes",
    "orphans",
    "plan",
    "quota",
    "restart",
    "rollback",
    "schema",
    "show",
    "state",
    "status",
    "up",
    "validate",
)
