"""The one place that prints: results on stdout as table, JSON, YAML or CSV; everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aias_core.errors import AiasError

Row = Mapping[str, Any]


class Output(StrEnum):
    """The forms of a result."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


class Printer:
    """Prints one result in the form asked for. Programs read `json`, which always has a `schema`."""

    def __init__(self, output: Output, *, quiet: bool = False) -> None:
        self.output = output
        self._quiet = quiet

    def result(
        self,
        schema: str,
        data: Mapping[str, Any],
        rows: str | Sequence[Row] | None = None,
        columns: Sequence[str] = (),
        footer: Sequence[Row] = (),
    ) -> None:
        """Prints a result. `rows` are the lines of the table, or the member of `data` that holds them.

        `columns` says what a table shows; `footer` rows, such as totals that stand elsewhere in `data`, close it.
        """
        lines = data[rows] if isinstance(rows, str) else rows
        match self.output:
            case Output.JSON:
                print(_to_json({"schema": schema, **data}, indent=2))
            case Output.YAML:
                print(_to_yaml({"schema": schema, **data}), end="")
            case Output.CSV:
                _print_csv([data] if lines is None else lines, columns)
            case Output.TABLE if lines is not None:
                self._print_table(lines, columns, footer, sys.stdout)
            case Output.TABLE:
                width = max(map(len, data), default=0)
                for key, value in data.items():
                    print(f"{_title(key):<{width}}  {_cell(value)}")

    def text(self, text: str) -> None:
        """Prints a result that is a text of its own, such as log lines."""
        print(text, flush=True)

    def note(self, text: str) -> None:
        """Says something about the run on stderr, unless quiet."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def note_table(self, title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Shows a table on stderr, unless quiet: something to look at, not the result."""
        if not self._quiet:
            print(f"\n{title}", file=sys.stderr)
            self._print_table(rows, columns, (), sys.stderr)
            print(file=sys.stderr)

    def error(self, error: AiasError) -> None:
        """Says on stderr what went wrong and which command helps; one JSON object where JSON was asked for."""
        if self.output is Output.JSON:
            fault = {
                "schema": "aias.error/1",
                "code": error.code,
                "message": error.message,
                "hint": error.hint,
                "exit_code": int(error.exit_code),
            }
            print(_to_json(fault), file=sys.stderr)
            return
        print(f"Error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"Hint: {error.hint}", file=sys.stderr)

    def _print_table(self, rows: Sequence[Row], columns: Sequence[str], footer: Sequence[Row], file: IO[str]) -> None:
        if not rows:
            self.note("Nothing to list.")
            return

        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in columns:
            numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
            table.add_column(_title(column), justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        table.add_section()
        for row in footer:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        Console(file=file, width=None if file.isatty() else 1000, markup=False, highlight=False, emoji=False).print(
            table
        )


def _title(key: str) -> str:
    return key.replace("_", " ")


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_cell, value)) or "-"
        case dict():
            return ", ".join(f"{key} {_cell(item)}" for key, item in value.items()) or "-"
        case _:
            return str(value)


def _to_json(data: Any, indent: int | None = None) -> str:
    import json

    return json.dumps(data, indent=indent, ensure_ascii=False, default=str)


def _to_yaml(data: Any) -> str:
    import json

    import yaml

    text: str = yaml.safe_dump(json.loads(_to_json(data)), sort_keys=False, allow_unicode=True)
    return text


def _print_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    import csv

    names = list(columns) or list(rows[0] if rows else ())
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if row.get(name) is None else _cell(row[name]) for name in names] for row in rows)
