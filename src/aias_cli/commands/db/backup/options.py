"""Options that commands about backups share."""

from __future__ import annotations

from typing import Annotated

import typer

From = Annotated[
    str | None,
    typer.Option("--from", metavar="DIR|s3://BUCKET/PREFIX", help="Where the backups are [the environment's own]."),
]
