"""aias secrets status"""

from __future__ import annotations

import typer

from aias_cli.commands.secrets.options import EnvironmentArgument, open_declared
from aias_cli.context import current

COLUMNS = ("name", "owner", "state", "age_days", "due_on", "drift", "last_sync", "consumers", "fingerprint")


def status(ctx: typer.Context, environment: EnvironmentArgument = None) -> None:
    """Show how old each secret is, when it is due, and whether the cluster holds what its source says.

    Ends with 10 when one is overdue, missing or differs. AIAS_KUBECONFIG names the cluster; without it only the sources
    are read.

    Example: aias secrets status development
    """
    from aias_core.secrets.cluster import maybe_cluster
    from aias_core.secrets.status import find_fault, read_status

    context = current(ctx)
    secrets = open_declared(context, environment)
    with maybe_cluster(context.printer.note) as cluster:
        found = read_status(secrets, cluster)
    context.printer.result("aias.secrets.status/1", {"secrets": [one.as_record() for one in found]}, "secrets", COLUMNS)
    if fault := find_fault(found, secrets.environment):
        raise fault
