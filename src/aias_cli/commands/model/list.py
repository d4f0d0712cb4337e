"""aias model list"""

from __future__ import annotations

import typer

from aias_cli.context import current


def list_models(ctx: typer.Context) -> None:
    """List the models with their backends and the price in force, per million tokens.

    Example: aias model list -o json
    """
    context = current(ctx)
    listed = context.environment().endpoints().router_client().get("/admin/v1/models")
    columns = ["name", "operations", "status", "backends_ready", "backends", "input_price", "output_price", "currency"]
    context.printer.result("aias.model.list/1", listed, "data", columns)
