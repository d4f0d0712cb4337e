"""aias env logs"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current
from aias_cli.printer import Output


def logs(
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="Whose lines [of all].")
    ] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="How many of the newest lines [100, all with --since].")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    since: Annotated[str | None, typer.Option("--since", metavar="10m|TIME", help="Lines since then.")] = None,
    level: Annotated[str | None, typer.Option("--level", help="Lines of this level and above.")] = None,
    grep: Annotated[str | None, typer.Option("--grep", metavar="REGEX", help="Lines in which this occurs.")] = None,
) -> None:
    """Show the logs of components, merged by time. With -o json the lines are passed through, one object each.

    Example: aias env logs router analytics --since 10m --level error
    """
    from aias_core.environments.local.logs import build_filter

    context = current(ctx)
    wanted = build_filter(tail, since, level, grep)
    for line in context.environment().logs(components or [], wanted, follow=follow):
        context.printer.text(line.text if context.output is Output.JSON else line.format())
