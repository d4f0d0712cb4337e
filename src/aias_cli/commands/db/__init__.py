"""aias db"""

from aias_cli.options import command_package

group = command_package(
    "Schema migrations of both databases.",
    __name__,
    "approve",
    "audit",
    "backup",
    "classify",
    "diff",
    "docs",
    "hash",
    "lint",
    "migrate",
    "plan",
    "rehearse",
    "repair",
    "restore",
    "restore_drill",
    "rollback",
    "seed",
    "status",
    "verify",
)
