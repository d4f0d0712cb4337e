"""What the commands that remove old data share."""

from __future__ import annotations

from typing import Annotated

import typer

COLUMNS = ("database", "table", "part", "purge", "rows", "bytes", "kept", "kept_by")
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="As if it were that day or instant [now].")]
MaxSeconds = Annotated[float, typer.Option("--max-seconds", min=0, help="Stop after so long; a later run goes on.")]
