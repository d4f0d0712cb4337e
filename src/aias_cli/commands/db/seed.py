"""aias db seed"""

from __future__ import annotations

from typing import Annotated

import typer

from aias_cli.context import current

COLUMNS = ("database", "table", "inserted", "updated", "unchanged", "removed")


def seed(
    ctx: typer.Context,
    package: Annotated[
        str, typer.Option("--package", metavar="NAME", help="local-dev, ci, staging or bench.")
    ] = "local-dev",
    reset: Annotated[bool, typer.Option("--reset", help="Remove exactly the rows of the package; asks.")] = False,
    print_credentials: Annotated[
        bool, typer.Option("--print-credentials", help="Show the secrets of its people and keys.")
    ] = False,
    orgs: Annotated[int | None, typer.Option("--orgs", min=1, help="bench: organizations [10].")] = None,
    models: Annotated[int | None, typer.Option("--models", min=1, help="bench: models [5].")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="bench: days of usage [30].")] = None,
    events: Annotated[int | None, typer.Option("--events", min=1, help="bench: usage events [100000].")] = None,
    late_pct: Annotated[int | None, typer.Option("--late-pct", min=0, max=100, help="bench: late ones [2].")] = None,
    dup_pct: Annotated[int | None, typer.Option("--dup-pct", min=0, max=100, help="bench: copies on top [1].")] = None,
    rng_seed: Annotated[int | None, typer.Option("--rng-seed", help="bench: same number, same events [1].")] = None,
) -> None:
    """Put organizations, people, keys, models and usage into an environment. The second run changes nothing.

    Never into production. Secrets are random, made once, and kept with those of the environment.

    Example: aias db seed --package local-dev --print-credentials
    """
    from aias_core.environments.seeding import find_site
    from aias_core.seeds import run as seeds

    context = current(ctx)
    figures = {"orgs": orgs, "models": models, "days": days, "events": events}
    figures |= {"late_pct": late_pct, "dup_pct": dup_pct, "rng_seed": rng_seed}
    asked = {name: value for name, value in figures.items() if value is not None}
    site = find_site(context.environment())
    if reset:
        context.confirm(f"Remove the rows of the package '{package}' from '{context.env}'?")
    done = (seeds.reset if reset else seeds.seed)(site, package, asked, context.printer.note)
    result = done.as_record()
    if print_credentials:
        result["credentials"] = done.list_credentials()
    context.printer.result("aias.db.seed/1", result, "tables", COLUMNS)
    if print_credentials:
        context.printer.note_table("Credentials", result["credentials"], ("name", "for", "secret", "variable"))
