"""What the commands about profiles share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from aias_core.errors import InvalidInput

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


def refuse_options(ctx: typer.Context, names: Iterable[str], where: str) -> None:
    """Raises InvalidInput when options of these names were given, which mean nothing for an environment there."""
    if given := [f"'--{name.replace('_', '-')}'" for name in names if ctx.params.get(name)]:
        raise InvalidInput(f"An environment {where} takes no {', '.join(given)}", hint="leave it out")
