"""What the commands about profiles share."""

from __future__ import annotations

from typing import Annotated

import typer

Environment = Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="A value that wins over every file; once for each."),
]
