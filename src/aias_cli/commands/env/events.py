"""aias env events"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current
from aias_cli.printer import Output

_COLUMNS = ["at", "action", "kind", "label", "status", "percent", "by"]


def events(
    ctx: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENVIRONMENT]", help="Which one [--env].")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events until Ctrl-C.")] = False,
) -> None:
    """Show the Linode account's events of an environment's resources in the last seven days.

    Example: aias env events development --follow
    """
    context = current(ctx)
    reader = context.on_linode(environment).read_events()
    if not follow:
        rows = [event.as_record() for event in reader.list_events()]
        context.printer.result("aias.env.events/1", {"events": rows}, "events", _COLUMNS)
        return
    for event in reader.follow():
        context.printer.text(event.to_json() if context.output is Output.JSON else event.format())
