"""aias db erase verify"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aias_cli.context import current


def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The certificate.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Public key it must be signed by; without a database.")
    ] = None,
) -> None:
    """Check the signature of a certificate, and in its environment that nothing of it came back; 10 if it did.

    Example: aias db erase verify certificate.json --key environment.pub
    """
    from aias_core.environments.stores import find_public_key, find_stores
    from aias_core.retention.erasure.certificate import read_certificate, read_public_key
    from aias_core.retention.erasure.verify import verify_erasure

    context = current(ctx)
    environment = context.environment()
    certificate = read_certificate(file, read_public_key(key) if key else find_public_key(environment))
    if key is None:
        verify_erasure(find_stores(environment), certificate)
    names = ("request_id", "ticket", "subject_kind", "completed_at")
    verdicts = {"signature": "valid", "databases": "not asked" if key else "nothing came back"}
    result = {"file": str(file), **{name: certificate[name] for name in names}, **verdicts}
    context.printer.result("aias.db.erase.verify/1", result)
