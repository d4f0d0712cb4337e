"""What the commands about profiles share."""

from __future__ import annotations

from typing import Annotated

import typer

Environment = Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="A value that wins over every file; once for each."),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Give a new environment a simulated account on this machine.")
]
Confirm = Annotated[
    list[str] | None,
    typer.Option("--confirm", metavar="NAME", help="What is in danger and may be lost, by name; once for each."),
]
LockWait = Annotated[
    float, typer.Option("--lock-wait", min=0, metavar="SECONDS", help="How long to wait for who holds the lease [0].")
]
DuringMaintenance = Annotated[
    bool, typer.Option("--during-maintenance", help="It is part of the maintenance that is under way.")
]
