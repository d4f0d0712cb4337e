"""What the commands about nodes share."""

from __future__ import annotations

from typing import Annotated

import typer

NodeName = Annotated[str, typer.Option("--node", metavar="NAME", help="Which one, by its name or its id.")]
DrainTimeout = Annotated[
    float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to wait for the pods of a node [600].")
]
COLUMNS = ["name", "pool", "type", "ready", "cordoned", "version", "since", "instance"]
