"""aias secrets keys backup"""

from __future__ import annotations

import typer

from aias_cli.commands.secrets.options import EnvironmentArgument, open_declared
from aias_cli.context import current


def backup(ctx: typer.Context, environment: EnvironmentArgument = None) -> None:
    """Keep the controller's keys in an age-encrypted file beside the environment; those it has already stay.

    AIAS_KUBECONFIG names the cluster. `aias secrets bootstrap` does the same after each new key.

    Example: aias secrets keys backup development
    """
    from aias_core.secrets.cluster import find_kubeconfig, open_cluster
    from aias_core.secrets.controller_keys import back_up_keys, find_backup

    context = current(ctx)
    secrets = open_declared(context, environment)
    with open_cluster(find_kubeconfig()) as cluster:
        added = back_up_keys(secrets, cluster)
    context.printer.result("aias.secrets.keys.backup/1", {"file": str(find_backup(secrets).path), "added": added})
