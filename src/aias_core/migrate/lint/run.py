"""Lints files and directories, all of them or what has changed since a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core.errors import InvalidInput, NothingRan
from aias_core.migrate.files import NAME
from aias_core.migrate.lint.changes import Changes, find_changes
from aias_core.migrate.lint.directory import lint_directory, list_files
from aias_core.migrate.lint.finding import Finding
from aias_core.migrate.lint.rule import Rule, named_rule

RELEASED = named_rule(
    "released-file-changed", "it was released, and where it ran it will not run again", "a new file that corrects it"
)
OUT_OF_ORDER = named_rule(
    "version-out-of-order",
    "newer files were released before it, so it runs in another order elsewhere",
    "a new version",
)
KnownColumns = Callable[[Path], Set[tuple[str, str]] | None]


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings, and how many files were looked at."""

    findings: list[Finding]
    files: int

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    def as_record(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [finding.as_record() for finding in self.findings],
        }


def lint_paths(
    paths: Sequence[Path], since: str | None = None, known_columns: KnownColumns | None = None
) -> LintReport:
    """Judges files, or all files of directories; of those, with `since`, what has changed after a commit.

    `known_columns` gives the (table, column) of a directory's data policy. Raises InvalidInput for a path that is not
    there, NothingRan when there is no file, and what `find_changes` raises.
    """
    findings: list[Finding] = []
    count = 0
    for directory, only in _by_directory(paths).items():
        wanted = set(list_files(directory)) if only is None else only
        count += len(wanted)
        if since is not None:
            changes = find_changes(directory, since)
            findings += _judge_changes(changes, only)
            wanted &= changes.added | changes.edited
        known = known_columns(directory) if known_columns else None
        findings += lint_directory(directory, wanted, known) if wanted else []
    if not count:
        raise NothingRan(
            "There is no migration file to lint", hint="name files or directories of them: aias db lint PATH"
        )
    return LintReport(sorted(findings), count)


def _by_directory(paths: Sequence[Path]) -> dict[Path, set[Path] | None]:
    found: dict[Path, set[Path] | None] = {}
    for path in paths:
        if path.is_dir():
            found[path] = None
        elif not path.is_file():
            raise InvalidInput(
                f"There is no file or directory '{path}'", hint="name files or directories of migrations"
            )
        elif path.suffix != ".sql":
            raise InvalidInput(f"'{path}' is not an SQL file", hint="name migrations YYYYMMDDHHMM_slug.up.sql")
        elif (named := found.setdefault(path.parent, set())) is not None:
            named.add(path)
    return found


def _judge_changes(changes: Changes, only: set[Path] | None) -> Iterator[Finding]:
    for path in changes.edited | changes.removed:
        if (only is None or path in only) and NAME.fullmatch(path.name):
            yield _report(RELEASED, path)
    for path in changes.added:
        is_wanted = path.name.endswith(".up.sql") and (only is None or path in only)
        if is_wanted and path.name.partition("_")[0] <= changes.newest:
            yield _report(OUT_OF_ORDER, path)


def _report(rule: Rule, path: Path) -> Finding:
    return Finding(str(path), 1, rule.id, rule.why, rule.safer)
