"""aias secrets seal"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current
from aias_core.secrets.sealing import Scope


def seal(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The Secret that the controller makes of it.")],
    namespace: Annotated[str, typer.Option("--namespace", metavar="NAME", help="The namespace of that Secret.")],
    certificate: Annotated[
        Path, typer.Option("--certificate", metavar="FILE", help="The controller's certificate, PEM.")
    ],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="The key of the value in the Secret.")] = "value",
    scope: Annotated[Scope, typer.Option("--scope", help="Where it opens.")] = Scope.STRICT,
) -> None:
    """Seal a value from stdin for the sealed-secrets controller and print the manifest, which is safe in git.

    Example: aias secrets seal --name dsn --namespace env-development --certificate cert.pem < dsn.txt
    """
    from aias_core.secret import Secret
    from aias_core.secrets.sealing import build_sealed_secret, read_certificate, refuse_placeholder

    context = current(ctx)
    given = read_certificate(certificate)
    value = Secret(context.ask_secret("Value"))
    refuse_placeholder(name, value, "send the real value on stdin")
    manifest = build_sealed_secret(namespace, name, {key: value}, given, scope=scope)
    context.printer.documents("aias.secrets.seal/1", [manifest])
