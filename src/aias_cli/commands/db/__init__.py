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
    "erase",
    "hash",
    "hold",
    "lint",
    "migrate",
    "partitions",
    "plan",
    "rehearse",
    "repair",
    "restore",
    "restore_drill",
    "retention",
    "rollback",
    "seed",
    "status",
    "verify",
)
