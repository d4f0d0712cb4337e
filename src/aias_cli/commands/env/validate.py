"""aias env validate"""

from __future__ import annotations

import typer

from aias_cli.commands.env.options import Environment, Overrides
from aias_cli.context import current

_COLUMNS = ["severity", "key", "problem", "fix", "file", "line"]


def validate(ctx: typer.Context, environment: Environment = None, overrides: Overrides = None) -> None:
    """Find everything that is wrong with a profile, each with file, line and fix. Needs no account and no network.

    Example: aias env validate staging --set cluster.pools.general.count=3
    """
    from aias_core.environments.validation import validate_environment

    context = current(ctx)
    found = validate_environment(environment or context.chosen_env, context.config, overrides or ())
    context.printer.result("aias.env.validate/1", found.as_record(), "findings", _COLUMNS)
    if found.skipped:
        context.printer.note(f"Not compared with the account: {', '.join(found.skipped)}.")
    if fault := found.find_fault():
        raise fault
