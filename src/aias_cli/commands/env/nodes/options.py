"""What the commands about nodes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aias_cli.context import CommandContext
    from aias_core.environments.linode.upgrading import Upgrade

NodeName = Annotated[str, typer.Option("--node", metavar="NAME", help="Which one, by its name or its id.")]
DrainTimeout = Annotated[
    float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to wait for the pods of a node [600].")
]
COLUMNS = ["name", "pool", "type", "ready", "cordoned", "version", "since", "instance"]


def ask_to_upgrade(context: CommandContext) -> Callable[[Upgrade], None]:
    """Shows the nodes that would be replaced, and asks."""

    def consent(upgrade: Upgrade) -> None:
        rows = [one.as_record() for one in upgrade.nodes]
        if rows:
            title = f"Will be replaced in '{upgrade.environment}':"
            context.printer.note_table(title, rows, ["pool", "name", "version"])
        is_begun = upgrade.before == upgrade.version
        moves = "Go on" if is_begun else f"Bring the control plane from {upgrade.before}"
        nodes = f", and replace these {len(rows)} nodes" if rows else ""
        context.confirm(f"{moves} to {upgrade.version}{nodes}?")

    return consent
