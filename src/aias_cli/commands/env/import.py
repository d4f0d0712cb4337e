"""aias env import"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import CommandContext, current

if TYPE_CHECKING:
    from aias_core.environments.linode.adoption import Existing


def import_(ctx: typer.Context, environment: Environment = None) -> None:
    """Take over what bears an environment's name and tags and is in no state; print the profile that matches it.

    Ends with 10 when the profile in use says otherwise.

    Example: aias env import development
    """
    from aias_core.environments.linode.importing import import_environment

    context = current(ctx)
    imported = import_environment(context.linode(environment), lambda found: _ask(context, found), context.printer.note)
    context.printer.result("aias.env.import/1", imported.as_record(), "adopted", ["address", "label", "id"])
    if difference := imported.find_difference():
        raise difference


def _ask(context: CommandContext, found: Sequence[Existing]) -> None:
    context.printer.note_table("Found:", [one.as_record() for one in found], ["address", "label", "id"])
    context.confirm(f"Take over these {len(found)} resources?")
