"""The entry of the `aias` command; the one place that turns an error into an exit code."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Any

import typer

from aias_cli.context import CommandContext
from aias_cli.options import Group, hold_command
from aias_cli.printer import Output, Printer
from aias_core.errors import AiasError, ExitCode, InvalidInput

GROUPS = {
    "analytics": "Usage, rollups, reconciliation and exports.",
    "db": "Schema migrations of both databases.",
    "env": "Bring an environment up, look at it, take it down.",
    "key": "API keys of an organization.",
    "model": "The models that the router serves.",
    "net": "Which pod may reach which: network policies of an environment.",
    "org": "Organizations.",
    "secrets": "Secrets of an environment: seal, deliver, renew.",
    "token": "Access tokens for the management APIs.",
}
COMMANDS = {
    "demo": "Watch the whole platform do its job once, with proofs.",
    "doctor": "Check this machine, with a remedy for each finding.",
    "version": "Print the version of aias and of what it runs.",
}


class RootGroup(Group):
    """The root: knows the names and summaries of its members and imports one only when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted({**GROUPS, **COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in GROUPS and cmd_name not in COMMANDS:
            return None
        member = import_module(f"aias_cli.commands.{cmd_name}")
        is_group = cmd_name in GROUPS
        return typer.main.get_command(member.group if is_group else hold_command(cmd_name, getattr(member, cmd_name)))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**GROUPS, **COMMANDS}.items()))


app = typer.Typer(
    cls=RootGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True
)


@app.callback()
def root() -> None:
    """Inference as a service on Akamai Linode, driven from one command line.

    Start with: aias demo, or aias env up
    """


def main() -> None:
    """Runs the command line and exits with a documented code."""
    status = run(sys.argv[1:])
    gc.freeze()  # else the interpreter looks through all of it once more before it ends
    sys.exit(status)


def run(argv: list[str]) -> int:
    """Runs one command line and returns its exit code; no error leaves it as a trace unless `--verbose`."""
    verbose = "--verbose" in argv
    try:
        status = app(args=argv, prog_name="aias", standalone_mode=False, obj=CommandContext())
        return int(status or 0)
    except AiasError as error:
        return _report(error, argv, verbose)
    except typer.TyperException as error:
        return _report(_usage_error(error), argv, verbose=False)
    except (KeyboardInterrupt, typer.Abort):
        print_interrupted(argv)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.DONE
    except Exception as error:
        fault = AiasError(f"Unexpected: {type(error).__name__}: {error}", hint="see the trace with: --verbose")
        return _report(fault, argv, verbose)


def print_interrupted(argv: list[str]) -> None:
    Printer(_output_of(argv)).note("Interrupted; run the same command again to go on.")


def _usage_error(error: typer.TyperException) -> AiasError:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "aias"
    if type(error).__name__ == "NoArgsIsHelpError":
        Printer(Output.TABLE).note(error.format_message())
        return InvalidInput(f"'{path}' needs a command")
    return InvalidInput(error.format_message().rstrip("."), hint=f"see: {path} --help")


def _report(error: AiasError, argv: list[str], verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exc()
    Printer(_output_of(argv)).error(error)
    return error.exit_code


def _output_of(argv: list[str]) -> Output:
    wanted = "json" in argv or "-ojson" in argv or "--output=json" in argv
    return Output.JSON if wanted else Output.TABLE
