"""aias secrets keys verify"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.secrets.options import open_declared
from aias_cli.context import current


def verify(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Whose keys.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of sealed secrets, as git has them.")],
) -> None:
    """Open every sealed secret of these files with the backup of the keys; ends with 10 when one stays closed.

    Example: aias secrets keys verify development clusters/development/secrets/dsn.yaml
    """
    from aias_core.secrets.controller_keys import check_files, find_unopened

    context = current(ctx)
    checked = check_files(open_declared(context, environment), files)
    rows = [one.as_record() for one in checked]
    context.printer.result("aias.secrets.keys.verify/1", {"secrets": rows}, "secrets", ("file", "secret", "opens"))
    if fault := find_unopened(checked):
        raise fault
