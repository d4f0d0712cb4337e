"""What every command knows of its surroundings: the root options, and how to ask and to print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aias_cli.printer import Output, Printer
from aias_core.errors import ConfirmationNeeded, InvalidInput, Refused

if TYPE_CHECKING:
    from aias_core.environments.linode.opening import OpenedEnvironment
    from aias_core.environments.linode.target import LinodeEnvironment
    from aias_core.environments.local.target import LocalEnvironment


@dataclass(frozen=True)
class CommandContext:
    """The root options of one run. A later `--env` replaces an earlier one, wherever it stands."""

    named_env: str | None = None
    output: Output = Output.TABLE
    quiet: bool = False
    verbose: bool = False
    yes: bool = False
    no_input: bool = False
    config: Path | None = None
    state_dir: Path = Path(".aias")

    @cached_property
    def printer(self) -> Printer:
        return Printer(self.output, quiet=self.quiet)

    @cached_property
    def chosen_env(self) -> str:
        """The environment to read about: named, else the one that `aias env activate` chose, else `local`."""
        if self.named_env:
            return self.named_env
        from aias_core.environments.choice import DEFAULT, find_choice

        stored = find_choice(self.state_dir)
        if stored is not None:
            self.printer.note(f"Working on '{stored}', chosen with: aias env activate")
        return stored or DEFAULT

    @property
    def env(self) -> str:
        """As `chosen_env`, to work on. Raises Refused for one that must be named and was not."""
        if not self.named_env:
            from aias_core.environments.choice import refuse_unnamed

            refuse_unnamed(self.chosen_env)
        return self.chosen_env

    def environment(self, name: str | None = None) -> LocalEnvironment:
        """The environment that the run is about; `name` is the command's own argument, if it has one."""
        from aias_core.environments.local.target import open_environment

        return open_environment(name or self.env, self.state_dir, self.config)

    def on_linode(self, name: str | None = None) -> OpenedEnvironment:
        """The environment on Linode that the run is about, with its account; says so when that is simulated."""
        from aias_core.environments.linode.opening import open_on_linode

        opened = open_on_linode(name or self.env, self.state_dir, self.config, on_wait=self.printer.note)
        if opened.is_simulated:
            self.printer.note(f"The environment '{opened.name}' is simulated.")
        return opened

    def is_on_linode(self, name: str | None = None) -> bool:
        """Whether the environment that the run is about is on Linode. Raises NotFound for an unknown one."""
        from aias_core.environments.profiles import read_assembly

        return read_assembly(name or self.env, self.config).target == "linode"

    def linode(self, name: str | None = None, *, simulate: bool = False) -> LinodeEnvironment:
        """The environment on Linode that the run is about, to be worked on; says so when it is simulated."""
        from aias_core.environments.linode.target import open_linode_environment

        opened = open_linode_environment(
            name or self.env, self.state_dir, self.config, simulate=simulate, on_wait=self.printer.note
        )
        if opened.opened.is_simulated:
            self.printer.note(f"The environment '{opened.name}' is simulated.")
        return opened

    def confirm_names(self, question: str, names: Iterable[str], given: Sequence[str]) -> None:
        """Has each name typed that was not `given` with `--confirm`; `--yes` does not stand for it.

        Raises ConfirmationNeeded where there is nobody to ask, Refused for another word.
        """
        for name in dict.fromkeys(names):
            if name in given:
                continue
            if self.no_input or not sys.stdin.isatty():
                raise ConfirmationNeeded(
                    f"{question} '{name}' must be confirmed by its name", hint=f"confirm it with: --confirm {name}"
                )
            if typer.prompt(f"{question} Type '{name}' to go on", err=True) != name:
                raise Refused("Not confirmed; nothing was changed")

    @property
    def own_profiles(self) -> Path:
        """The directory of the user's profiles. Raises InvalidInput where none is named."""
        if self.config is None:
            raise InvalidInput(
                "The directory of your profiles is not known", hint="name it with: --config DIR, or AIAS_ENVIRONMENTS"
            )
        return self.config

    def confirm(self, question: str) -> None:
        """Asks unless `--yes`. Raises ConfirmationNeeded where there is nobody to ask, Refused for a no."""
        if self.yes:
            return
        if self.no_input or not sys.stdin.isatty():
            raise ConfirmationNeeded(f"{question} There is no terminal to ask on", hint="say yes with: --yes")
        if not typer.confirm(question, err=True):
            raise Refused("Not confirmed; nothing was changed")

    def ask_secret(self, question: str) -> str:
        """A value that must not stand on a command line: from stdin, or asked for, unseen, on a terminal.

        What comes on stdin is taken whole, without the line end that files and programs add. Raises ConfirmationNeeded
        where it would have to ask and may not, InvalidInput when nothing comes.
        """
        if not sys.stdin.isatty():
            value = _read_stdin(question)
        elif self.no_input:
            raise ConfirmationNeeded(f"{question}: nothing came on stdin", hint="send it there: aias … < FILE")
        else:
            value = str(typer.prompt(question, hide_input=True, err=True))
        if not value:
            raise InvalidInput(f"{question}: nothing came on stdin", hint="send it there: aias … < FILE")
        return value


def _read_stdin(question: str) -> str:
    try:
        return sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError:
        raise InvalidInput(f"{question}: what came on stdin is not a text", hint="encode it first: base64") from None


def current(ctx: typer.Context) -> CommandContext:
    """The command context of a Typer context."""
    found = ctx.find_object(CommandContext)
    return found if found is not None else CommandContext()
