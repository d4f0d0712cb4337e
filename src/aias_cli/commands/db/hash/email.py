"""aias db hash email"""

from __future__ import annotations

import typer

from aias_cli.context import current


def email(ctx: typer.Context) -> None:
    """Print the digest that an e-mail address is found by, under each hashing key. The address comes from stdin.

    Example: aias db hash email < address.txt
    """
    from aias_core.environments.data_keys import find_data_keys
    from aias_core.protection.data_keys import list_email_digests

    context = current(ctx)
    keys = find_data_keys(context.environment())
    digests = list_email_digests(keys, context.ask_secret("E-mail address"))
    context.printer.result("aias.db.hash.email/1", {"digests": digests}, "digests", ("kid", "active", "hex"))
