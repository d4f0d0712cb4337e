"""aias net"""

from aias_cli.options import command_package

group = command_package(
    "Which pod may reach which: network policies of an environment.", __name__, "render", "verify", "explain"
)
