"""aias secrets rotate"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.commands.secrets.options import open_declared
from aias_cli.context import current

COLUMNS = ("name", "fingerprint", "retired", "consumers")


def rotate(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Whose secret.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which secret.")] = None,
    due: Annotated[bool, typer.Option("--due", help="All that are overdue.")] = False,
    sealing_key: Annotated[bool, typer.Option("--sealing-key", help="Seal all anew under the newest key.")] = False,
) -> None:
    """Renew a secret with two keys: both valid, consumers reload, use is proven, the old one is retired.

    AIAS_KUBECONFIG names the cluster. A failure ends with 9 and says which values are valid; the same command goes on.

    Example: aias secrets rotate development nats-password
    """
    from aias_core.secrets.cluster import find_kubeconfig, open_cluster
    from aias_core.secrets.rotation import Rotation, check_choice, describe_choice

    check_choice(name, due, sealing_key)
    context = current(ctx)
    secrets = open_declared(context, environment)
    context.confirm(describe_choice(environment, name, sealing_key))
    with open_cluster(find_kubeconfig()) as cluster:
        rotated = Rotation(secrets, cluster, context.printer.note).rotate_chosen(name, sealing_key=sealing_key)
    rows = [one.as_record() for one in rotated]
    context.printer.result("aias.secrets.rotate/1", {"secrets": rows}, "secrets", COLUMNS)
