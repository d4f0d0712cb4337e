"""Writes the generated reference: `python -m aias_cli.reference DIR`. A test compares it with what is checked in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from aias_cli.main import app
from aias_core.errors import EXIT_CODE_MEANING

_ROOT_OPTIONS = {"named_env", "output", "quiet", "verbose", "yes", "no_input", "config", "state_dir", "help"}


def iter_commands() -> Iterator[tuple[str, Any]]:
    """Every command with its path, such as `aias env up`, in alphabetical order; groups are left out."""
    yield from _walk("aias", typer.main.get_command(app))


def render_commands() -> str:
    """The commands as Markdown: what each does, its own options, an example."""
    parts = ["# Commands", "Every command also takes the root options of `aias --help`, before or after its name."]
    for path, command in iter_commands():
        summary, _, example = command.help.partition("Example: ")
        options = [p for p in command.params if p.name not in _ROOT_OPTIONS]
        parts += [f"## {path}", " ".join(summary.split()), *_render_options(options), f"Example: `{example.strip()}`"]
    return "\n\n".join(parts) + "\n"


def render_exit_codes() -> str:
    """The exit codes as Markdown."""
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_CODE_MEANING.items()]
    return "\n".join(["# Exit codes", "", "| code | meaning |", "| --- | --- |", *rows]) + "\n"


def render_all() -> dict[str, str]:
    """Each page by its file name."""
    return {"commands.md": render_commands(), "exit-codes.md": render_exit_codes()}


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    for name in sorted(command.list_commands(None)):
        yield from _walk(f"{path} {name}", command.get_command(None, name))


def _render_options(options: list[Any]) -> list[str]:
    if not options:
        return []
    rows = [f"| `{_names(option)}` | {getattr(option, 'help', None) or ''} |" for option in options]
    return ["\n".join(["| option | meaning |", "| --- | --- |", *rows])]


def _names(option: Any) -> str:
    if option.param_type_name == "argument":
        return str(option.name).upper()
    return ", ".join(option.opts)


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in render_all().items():
        (directory / name).write_text(text, encoding="utf-8")
