"""The one place that prints: results on stdout as table, JSON, YAML or CSV; everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

    def documents(self, schema: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Prints manifests: a stream of YAML as `kubectl apply -f -` takes it, or one JSON object that holds them."""
        if self.output is Output.JSON:
            print(_to_json({"schema": schema, "documents": documents}, indent=2))
            return
        print("---\n".join(map(_to_yaml, documents)), end="")

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

        texts = [[_cell(row.get(column)) for column in columns] for row in (*rows, *footer)]
        is_number = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]
        table = Cells([_title(column) for column in columns], is_number, texts, len(rows))
        if file.isatty() or not table.is_plain:
            print_fitted(table, file)
        else:
            print("\n".join(table.iter_lines()), file=file)


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as text; after so many rows comes the footer. Its lines are those of `print_fitted`, made sooner."""

    titles: Sequence[str]
    is_number: Sequence[bool]
    texts: Sequence[Sequence[str]]
    row_count: int

    @property
    def is_plain(self) -> bool:
        """Whether each cell is one line whose letters are all one wide."""
        return all(cell.isascii() and cell.isprintable() for row in self.texts for cell in row)

    def iter_lines(self) -> Iterator[str]:
        widths = [max(map(len, column)) for column in zip(self.titles, *self.texts, strict=True)]
        yield self._join(self.titles, widths)
        yield "─" * (sum(widths) + 3 * (len(widths) - 1))
        for number, row in enumerate(self.texts):
            if number == self.row_count:
                yield ""
            yield self._join(row, widths)

    def _join(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        items = zip(cells, widths, self.is_number, strict=True)
        return "   ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in items).rstrip()


def print_fitted(table: Cells, file: IO[str]) -> None:
    """Prints a table as wide as the terminal lets it be; what does not fit is folded."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    fitted = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title, is_number in zip(table.titles, table.is_number, strict=True):
        fitted.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for number, row in enumerate(table.texts):
        if number == table.row_count:
            fitted.add_section()
        fitted.add_row(*row)
    width = None if file.isatty() else 1000
    Console(file=file, width=width, markup=False, highlight=False, emoji=False).print(fitted)


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
