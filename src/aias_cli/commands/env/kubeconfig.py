"""aias env kubeconfig"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current
from aias_core.clock import parse_span
from aias_core.environments.linode.kubeconfig import Bundle


def kubeconfig(
    ctx: typer.Context,
    environment: Environment = None,
    bundle: Annotated[
        Bundle, typer.Option("--bundle", help="What it may do: everything, deploy, or only look [operator].")
    ] = Bundle.OPERATOR,
    expires: Annotated[
        timedelta | None, typer.Option("--expires", parser=parse_span, metavar="8h", help="How long it lasts [8h].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it [below the state directory].")
    ] = None,
) -> None:
    """Write a kubeconfig of your own that ends by itself, readable for you alone.

    Example: aias env kubeconfig development --expires 8h --out kubeconfig.yaml
    """
    from aias_core.environments.linode.kubeconfig import USUAL, issue_access, write_access

    context = current(ctx)
    chosen = context.linode(environment)
    file = out or chosen.directory / "kubeconfig.yaml"
    access = issue_access(chosen, bundle, expires or USUAL)
    write_access(access, file)
    context.printer.result("aias.env.kubeconfig/1", access.as_record(file))
    context.printer.note(f"Use it with: export KUBECONFIG={file}")
