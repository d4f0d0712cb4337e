"""aias env export"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current


class Format(StrEnum):
    """As `ExportFormat` of the core, which is not imported before it is needed."""

    ENV = "env"
    YAML = "yaml"
    JSON = "json"


def export(
    ctx: typer.Context,
    environment: Environment = None,
    form: Annotated[Format | None, typer.Option("--format", help="Form of the file [env; shown, that of -o].")] = None,
    component: Annotated[
        str | None, typer.Option("--component", metavar="NAME", help="What this service reads, instead.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there, secrets included.")] = None,
) -> None:
    """Write the variables of an environment as a file for its owner only; without --out they are shown, secrets masked.

    Example: aias env export local --out .env
    """
    from aias_core.environments.activation import export_environment
    from aias_core.environments.exporting import ExportFormat, write_export

    context = current(ctx)
    name = environment or context.chosen_env
    found = export_environment(name, context.state_dir, context.config, component)
    shown = context.output.value if out is None and context.output.value in list(ExportFormat) else "env"
    wanted = ExportFormat(form or shown)
    if out is None:
        context.printer.text(found.masked().render(wanted).rstrip())
        return
    write_export(found, wanted, out)
    written = {"environment": name, "file": str(out), "variables": len(found.variables)}
    context.printer.result("aias.env.exported/1", written)
