"""aias db hash check-keys"""

from __future__ import annotations

import typer

from aias_cli.context import current


def check_keys(ctx: typer.Context) -> None:
    """Compare the keys that are given with those the database knows; a key that could be guessed ends with 6.

    Ends with 3 where a key is wrong, or is needed and missing.

    Example: aias db hash check-keys
    """
    from aias_core.database.connection import connect
    from aias_core.environments.data_keys import find_data_keys
    from aias_core.environments.databases import find_operational
    from aias_core.protection import data_keys

    context = current(ctx)
    environment = context.environment()
    keys, target = find_data_keys(environment), find_operational(environment)
    with connect(target.dsn, "database 'operational'") as connection:
        checks = data_keys.check_keys(connection, keys)
    rows = [check.as_record() for check in checks]
    context.printer.result("aias.db.hash.check-keys/1", {"keys": rows}, "keys", ("kid", "purpose", "status", "verdict"))
    data_keys.refuse_wrong(checks)
