"""aias env nodes upgrade"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.env.nodes.options import DrainTimeout, ask_to_upgrade
from aias_cli.commands.env.options import DuringMaintenance, Environment
from aias_cli.context import current


def upgrade(
    ctx: typer.Context,
    environment: Environment = None,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="To which version [the next].")] = None,
    max_unavailable: Annotated[
        int, typer.Option("--max-unavailable", min=1, metavar="N", help="Nodes of a pool to replace at a time [1].")
    ] = 1,
    timeout: DrainTimeout = 600,
    during_maintenance: DuringMaintenance = False,
) -> None:
    """Upgrade Kubernetes by one minor version: the control plane, then the nodes of each pool, one at a time.

    The version is written into your profile. It stops at the first failure; the same command goes on.

    Example: aias env nodes upgrade development --to 1.35
    """
    from aias_core.environments.linode.upgrading import UpgradeOptions, upgrade_nodes

    context = current(ctx)
    upgraded = upgrade_nodes(
        lambda: context.linode(environment),
        context.own_profiles,
        UpgradeOptions(to, max_unavailable, timeout, during_maintenance),
        ask_to_upgrade(context),
        context.printer.note,
    )
    context.printer.result("aias.env.nodes.upgrade/1", upgraded.as_record())
