"""Which migration files have changed since a commit, asked of git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aias_core import process
from aias_core.errors import InvalidInput, PrerequisiteMissing


@dataclass(frozen=True, slots=True)
class Changes:
    """The files of a directory that are new since a commit, and those that were there and are not the same now."""

    added: frozenset[Path]
    edited: frozenset[Path]
    removed: frozenset[Path]
    newest: str


def find_changes(directory: Path, since: str) -> Changes:
    """The changes of a directory's SQL files since a commit, those not yet committed too.

    Raises PrerequisiteMissing without git or outside a repository, InvalidInput for a commit that is not there.
    """
    _git(directory, "rev-parse", "--git-dir")
    _check_commit(directory, since)
    diff = ["diff", "--name-status", "--no-renames", "--relative", "-z", since, "--", "*.sql"]
    words = [word for word in _git(directory, *diff).split("\0") if word]
    states = {directory / name: state for state, name in zip(words[::2], words[1::2], strict=True)}
    untracked = _git(directory, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.sql").split("\0")
    before = _git(directory, "ls-tree", "--name-only", "-z", since, "--", ".").split("\0")
    return Changes(
        added=frozenset([p for p, state in states.items() if state == "A"] + [directory / n for n in untracked if n]),
        edited=frozenset(path for path, state in states.items() if state not in "AD"),
        removed=frozenset(path for path, state in states.items() if state == "D"),
        newest=max((name.partition("_")[0] for name in before if name.endswith(".up.sql")), default=""),
    )


def _check_commit(directory: Path, since: str) -> None:
    argv = ["git", "-C", str(directory), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}"]
    if process.run(argv).status != 0:
        raise InvalidInput(f"There is no commit '{since}'", hint="list commits with: git log --oneline")


def _git(directory: Path, *arguments: str) -> str:
    done = process.run(["git", "-C", str(directory), *arguments])
    if done.status != 0:
        reason = done.stderr.strip().splitlines()
        raise PrerequisiteMissing(f"git cannot read '{directory}': {reason[0] if reason else 'it failed'}")
    return done.stdout
