"""aias secrets bootstrap"""

from __future__ import annotations

import typer

from aias_cli.commands.secrets.options import EnvironmentArgument, open_declared
from aias_cli.context import current

COLUMNS = ("name", "state", "namespaces", "fingerprint")


def bootstrap(ctx: typer.Context, environment: EnvironmentArgument = None) -> None:
    """Generate what is missing, deliver each secret to its namespaces, and verify it. A second time changes nothing.

    AIAS_KUBECONFIG names the cluster. Ends with 9 when a secret has to come from outside and is not there yet.

    Example: aias secrets bootstrap development
    """
    from aias_core.secrets.bootstrap import bootstrap_secrets, find_missing
    from aias_core.secrets.cluster import find_kubeconfig, open_cluster

    context = current(ctx)
    secrets = open_declared(context, environment)
    with open_cluster(find_kubeconfig()) as cluster:
        outcomes = bootstrap_secrets(secrets, cluster, context.printer.note)
    rows = [outcome.as_record() for outcome in outcomes]
    context.printer.result("aias.secrets.bootstrap/1", {"secrets": rows}, "secrets", COLUMNS)
    if fault := find_missing(outcomes):
        raise fault
