"""aias env schema"""

from __future__ import annotations

import typer

from aias_cli.context import current


def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of profile files, with which editors complete and check them.

    Example: aias env schema > profile.schema.json
    """
    import json

    from aias_core.environments.editor_schema import build_schema

    current(ctx).printer.text(json.dumps(build_schema(), indent=2))
