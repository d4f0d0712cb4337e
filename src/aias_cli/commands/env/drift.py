"""aias env drift"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aias_cli.commands.env.options import Environment
from aias_cli.context import current

_COLUMNS = ["severity", "change", "kind", "resource", "revert"]


class FailOn(StrEnum):
    """The severity from which on drift is a failure."""

    MINOR = "minor"
    MAJOR = "major"


def drift(
    ctx: typer.Context,
    environment: Environment = None,
    details: Annotated[
        bool, typer.Option("--details", help="Explain each, and say what the profile must say to keep it.")
    ] = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="From which severity on to end with 10 [minor].")
    ] = FailOn.MINOR,
) -> None:
    """Show what was changed outside of aias, in the account and in the cluster. Changes nothing and takes no lease.

    Example: aias env drift development --details
    """
    context = current(ctx)
    report = context.linode(environment).drift()
    columns = [*_COLUMNS[:-1], "explanation", "revert", "accept"] if details else _COLUMNS
    context.printer.result("aias.drift/1", report.as_record(), "findings", columns)
    if fault := report.find_fault(fail_on.value):
        raise fault
