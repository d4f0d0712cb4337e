"""aias db hash rotate"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current


def rotate(
    ctx: typer.Context,
    from_kid: Annotated[str, typer.Option("--from", metavar="KID", help="The key that is left.")],
    to_kid: Annotated[str, typer.Option("--to", metavar="KID", help="The key that takes its place.")],
    batch: Annotated[int, typer.Option("--batch", min=1, max=100_000, help="People in a transaction.")] = 1000,
) -> None:
    """Hash every address under a new key as well, beside running services, and make it the active one.

    A killed run goes on where it was. Both keys stay in AIAS_DATA_HASH_KEYS until the old one is retired.

    Example: aias db hash rotate --from e1 --to e2
    """
    from aias_core.database.connection import connect
    from aias_core.environments.data_keys import find_data_keys
    from aias_core.environments.databases import find_operational
    from aias_core.protection.rotation import Rotation, rotate_email_key

    context = current(ctx)
    environment = context.environment()
    keys, target = find_data_keys(environment), find_operational(environment)
    with connect(target.dsn, "database 'operational'", autocommit=True) as connection:
        done = rotate_email_key(connection, keys, Rotation(from_kid, to_kid), context.printer.note, batch)
    context.printer.result("aias.db.hash.rotate/1", done.as_record())
    context.printer.note(f"New addresses: name the key in AIAS_DATA_ACTIVE_KIDS=email:{to_kid}")
