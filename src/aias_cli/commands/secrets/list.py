"""aias secrets list"""

from __future__ import annotations

import typer

from aias_cli.commands.secrets.options import EnvironmentArgument, open_declared
from aias_cli.context import current

COLUMNS = ("name", "kind", "owner", "rotation_days", "purpose", "namespaces", "consumers", "source")


def list(ctx: typer.Context, environment: EnvironmentArgument = None) -> None:  # noqa: A001
    """List the secrets that an environment declares; nothing is asked and no value is read.

    Example: aias secrets list development
    """
    from aias_core.secrets.declared import list_declared

    context = current(ctx)
    rows = list_declared(open_declared(context, environment))
    context.printer.result("aias.secrets.list/1", {"secrets": rows}, "secrets", COLUMNS)
