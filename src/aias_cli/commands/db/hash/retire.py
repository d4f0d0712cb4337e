"""aias db hash retire"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def retire(
    ctx: typer.Context,
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key that is not needed any more.")],
    batch: Annotated[int, typer.Option("--batch", min=1, max=100_000, help="Digests in a transaction.")] = 1000,
) -> None:
    """Retire a hashing key that was rotated away from, and remove the digests of addresses under it.

    Refused while anything is found by it alone. A killed run goes on where it was.

    Example: aias db hash retire e1
    """
    from aias_core.database.connection import connect
    from aias_core.environments.data_keys import find_data_keys
    from aias_core.environments.databases import find_operational
    from aias_core.protection.retirement import retire_key

    context = current(ctx)
    environment = context.environment()
    keys, target = find_data_keys(environment), find_operational(environment)
    context.confirm(f"Retire the key '{kid}' of '{context.env}'?")
    with connect(target.dsn, "database 'operational'", autocommit=True) as connection:
        done = retire_key(connection, keys, kid, context.printer.note, batch)
    context.printer.result("aias.db.hash.retire/1", done.as_record())
    context.printer.note(f"Take '{kid}' out of AIAS_DATA_HASH_KEYS")
