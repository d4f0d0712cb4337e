"""aias version"""

from __future__ import annotations

import typer

from aias_cli.context import current


def version(ctx: typer.Context) -> None:
    """Print the version of aias and of what it runs.

    Example: aias version -o json
    """
    from aias_core.versions import installed_versions

    current(ctx).printer.result("aias.version/1", installed_versions())
