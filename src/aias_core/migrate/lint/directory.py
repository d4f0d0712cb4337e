"""Judges a directory of migrations: names of files, their heads, their statements, and what they make together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from aias_core.errors import InvalidInput
from aias_core.migrate.bodies import list_executed
from aias_core.migrate.files import NAME, check_version
from aias_core.migrate.lint.allowances import Allowance, apply_allowances, find_allowances
from aias_core.migrate.lint.finding import Finding
from aias_core.migrate.lint.rule import Rule, named_rule
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.lint.statements import judge_statements
from aias_core.migrate.lint.tables import judge_tables
from aias_core.migrate.outline import Outline, Place
from aias_core.migrate.plan import Direction
from aias_core.migrate.statements import Directives, Statement, StatementInvalid, parse_directives, split_statements
from aias_core.migrate.walk import follow

GENERATED = {"schema.sql"}

_FORM = "YYYYMMDDHHMM_slug.up.sql with YYYYMMDDHHMM_slug.down.sql beside it"
FILE_NAME = named_rule("file-name", "its name says neither version nor direction", _FORM)
FILE_CALENDAR = named_rule("file-calendar", "its version is no minute of the calendar that has come", _FORM)
FILE_PAIR = named_rule("file-pair", "it cannot be reverted, or not be applied", _FORM)
FILE_VERSION = named_rule("file-version-twice", "two files have one version, so their order is chance", _FORM)
FILE_UNREADABLE = named_rule("file-unreadable", "what cannot be parsed cannot be judged", "valid SQL")
DIRECTIVE = named_rule("directive-invalid", "the runner would refuse the file", "-- aias: key = value")
RISK = named_rule("risk-missing", "whoever approves it must know what may go wrong", "-- aias: risk = <one sentence>")


@dataclass(slots=True)
class SourceFile:
    """A file of a directory, and what was found in it before anything was allowed."""

    path: Path
    name: str
    direction: Direction
    text: str = ""
    statements: list[Statement] = field(default_factory=list)
    allowances: list[Allowance] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, rule: Rule, message: str | None = None, line: int = 1) -> None:
        self.findings.append(Finding(str(self.path), line, rule.id, message or rule.why, rule.safer, rule.severity))


def lint_directory(
    directory: Path, only: Set[Path] | None = None, known_columns: Set[tuple[str, str]] | None = None
) -> list[Finding]:
    """The findings about the files of a directory, or about some of them, judged in the schema that all make.

    `known_columns` are the (table, column) of the data policy; None leaves it unchecked.
    """
    files = _read(directory)
    outline = Outline()
    for file in files:
        _judge_file(file, outline, is_wanted=only is None or file.path in only)
    by_path = {str(file.path): file for file in files}
    for finding in judge_tables(outline, known_columns):
        by_path[finding.file].findings.append(finding)
    wanted = [file for file in files if only is None or file.path in only]
    return sorted({finding for file in wanted for finding in _apply_allowances(file)})


def list_files(directory: Path) -> list[Path]:
    """The SQL files of a directory in order; what is generated beside them is none of them."""
    return sorted(path for path in directory.glob("*.sql") if path.name not in GENERATED)


def lint_text(text: str, outline: Outline, name: str = "statement.sql") -> list[Finding]:
    """The findings about the statements of a text alone, as if it were the next file of a known schema."""
    file = SourceFile(Path(name), name, "up", text)
    _judge_text(file, outline, is_wanted=True)
    return sorted(set(_apply_allowances(file)))


def _apply_allowances(file: SourceFile) -> Iterator[Finding]:
    return apply_allowances(str(file.path), file.findings, file.allowances, file.statements)


def _read(directory: Path) -> list[SourceFile]:
    """All files, each version up before down."""
    files = [_read_file(path) for path in list_files(directory)]
    files.sort(key=lambda file: (file.name, file.direction == "down"))
    ups = [file for file in files if file.direction == "up"]
    for earlier, later in pairwise(ups):
        if earlier.name.partition("_")[0] == later.name.partition("_")[0]:
            later.add(FILE_VERSION)
    parts = Counter(file.name for file in files)
    for file in files:
        if parts[file.name] != len(("up", "down")) and NAME.fullmatch(file.path.name):
            file.add(FILE_PAIR)
    return files


def _read_file(path: Path) -> SourceFile:
    match = NAME.fullmatch(path.name)
    if match is None:
        file = SourceFile(path, path.name, "up")
        file.add(FILE_NAME)
    else:
        file = SourceFile(path, f"{match[1]}_{match[2]}", "up" if match[3] == "up" else "down")
        try:
            check_version(path.name, match[1])
        except InvalidInput as exc:
            file.add(FILE_CALENDAR, exc.message)
    try:
        file.text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        file.add(FILE_UNREADABLE, f"it is not UTF-8: {exc.reason}")
    return file


def _judge_file(file: SourceFile, outline: Outline, *, is_wanted: bool) -> None:
    """Follows an unwanted file too, for those after it. A down file is judged in the schema that its up file left."""
    if file.direction == "down":
        if is_wanted:
            _judge_text(file, outline.copy(), is_wanted=True)
            _judge_risk(file)
        return
    outline.made.clear()
    _judge_text(file, outline, is_wanted=is_wanted)
    _judge_risk(file)


def _judge_text(file: SourceFile, outline: Outline, *, is_wanted: bool) -> None:
    try:
        file.statements = split_statements(file.text, str(file.path))
    except StatementInvalid as exc:
        _, line, message = exc.message.removeprefix(str(file.path)).split(":", 2)
        file.add(FILE_UNREADABLE, f"it cannot be parsed: {message.strip()}", int(line))
        return
    if not is_wanted:
        for statement in (inner for outer in file.statements for inner in list_executed(outer)):
            follow(outline, statement.node, Place(str(file.path), statement.line))
        return
    file.allowances = find_allowances(file.text, file.statements)
    directives = _read_directives(file)
    is_atomic = directives.transaction == "required"
    file.findings += judge_statements(Scene(outline, directives, file.direction, file.statements, is_atomic))


def _read_directives(file: SourceFile) -> Directives:
    try:
        return parse_directives(file.text, file.path.name)
    except InvalidInput as exc:
        file.add(DIRECTIVE, exc.message)
        return Directives()


def _judge_risk(file: SourceFile) -> None:
    has_directives = not any(finding.rule == DIRECTIVE.id for finding in file.findings)
    if has_directives and not parse_directives(file.text, file.path.name).risk:
        file.add(RISK)
