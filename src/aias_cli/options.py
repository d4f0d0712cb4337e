"""The root options, accepted before and after a command's name, and the classes that make it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from aias_cli.context import CommandContext, current
from aias_cli.printer import Output
from aias_core.errors import EXIT_CODE_MEANING

EXIT_CODES = "Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in EXIT_CODE_MEANING.items())

Member = Callable[..., None] | typer.Typer
_TYPES: dict[str, Callable[[Any], Any]] = {"output": Output, "config": Path, "state_dir": Path}


def _root_options(
    named_env: Annotated[
        str | None,
        typer.Option(
            "--env", envvar="AIAS_ENV", metavar="NAME", help="Environment to work on [of `aias env activate`, local]."
        ),
    ] = None,
    output: Annotated[Output | None, typer.Option("--output", "-o", help="Form of the result [table].")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result only, no progress and no notes.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the trace of an error.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer every confirmation with yes.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask; what would ask ends with 6.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", envvar="AIAS_ENVIRONMENTS", metavar="DIR", help="Directory of your own profiles."),
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option("--state-dir", envvar="AIAS_STATE_DIR", metavar="DIR", help="Where environments live [.aias]."),
    ] = None,
) -> None:
    """Never runs: its parameters are the root options."""


@cache
def _root_parameters() -> tuple[Any, ...]:
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    holder.command()(_root_options)
    return tuple(p for p in typer.main.get_command(holder).params if p.name != "help")


def _take_root_options(ctx: Any) -> None:
    given = {f.name: ctx.params.pop(f.name, None) for f in fields(CommandContext)}
    typed = {name: _TYPES.get(name, lambda v: v)(value) for name, value in given.items() if value}
    ctx.obj = replace(current(ctx), **typed)


class Command(TyperCommand):
    """A command that also takes the root options; the ones it is given win over those before its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_root_parameters()]
        self.epilog = EXIT_CODES

    def invoke(self, ctx: Any) -> Any:
        _take_root_options(ctx)
        return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands that takes the root options before the command's name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_root_parameters()]

    def invoke(self, ctx: Any) -> Any:
        _take_root_options(ctx)
        return super().invoke(ctx)


class _Members(Mapping[str, Any]):
    """The commands of a group by name; one is found and built when it is asked for, as a run needs only one."""

    def __init__(self, names: Iterable[str], find: Callable[[str], Member]) -> None:
        self._names = {name.replace("_", "-"): name for name in names}
        self._find = find

    def __getitem__(self, name: str) -> Any:
        member = self._find(self._names[name])
        return typer.main.get_command(member if isinstance(member, typer.Typer) else hold_command(name, member))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def hold_command(name: str, command: Callable[..., None]) -> typer.Typer:
    """A Typer that is one command."""
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    holder.command(name, cls=Command)(command)
    return holder


def command_group(summary: str, **commands: Member) -> typer.Typer:
    """A Typer of commands by name; an underscore in a name is a hyphen on the command line."""
    return _build_group(summary, _Members(commands, commands.__getitem__))


def command_package(summary: str, package: str, *names: str) -> typer.Typer:
    """As `command_group`, of a package's modules: each has a command of its own name, or is a package with a group.

    Where the name is one of Python's, an underscore follows it: `list_`. Only the one that is used is imported.
    """

    def find(name: str) -> Member:
        module = import_module(f"{package}.{name}")
        member: Member = getattr(module, "group", None) or getattr(module, f"{name}_", None) or getattr(module, name)
        return member

    return _build_group(summary, _Members(names, find))


def _build_group(summary: str, members: _Members) -> typer.Typer:
    class Holder(Group):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.commands = cast("dict[str, Any]", members)

    group = typer.Typer(cls=Holder, help=summary, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    group.callback()(lambda: None)  # a group stays a group when it has one command
    return group
