"""The commands that messages name: each is one that there is, with options that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aias_cli.main import COMMANDS, GROUPS
from aias_cli.reference import iter_commands

SOURCES = Path(__file__).parents[2] / "src"
TREE = dict(iter_commands())
PREFIXES = {path.rsplit(" ", depth)[0] for path in TREE for depth in range(path.count(" "))}
_NAMED = re.compile(r"\Waias((?: [a-z][a-z-]*)+)([^;`']*)")
_OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")


def iter_named(file: Path) -> Iterator[tuple[str, str]]:
    """Each command that a text of a module names, as words and what follows them; a value is written `X`."""
    for text in _iter_texts(ast.parse(file.read_text(encoding="utf-8"))):
        for words, rest in _NAMED.findall(text):
            if f": aias{words}" in text or words.split()[0] in {*GROUPS, *COMMANDS}:
                yield words, rest


def _iter_texts(tree: ast.AST) -> Iterator[str]:
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def find_command(words: str) -> str:
    """The longest path of the tree that the words begin with."""
    path = "aias"
    for word in words.split():
        if f"{path} {word}" not in PREFIXES:
            break
        path = f"{path} {word}"
    return path


def list_options(command: Any) -> set[str]:
    return {"--help", *(name for option in command.params for name in (*option.opts, *option.secondary_opts))}


NAMED = sorted(
    {(str(file.relative_to(SOURCES)), *named) for file in SOURCES.rglob("*.py") for named in iter_named(file)}
)


@pytest.mark.parametrize(("file", "words", "rest"), NAMED)
def test_a_message_names_a_command_that_there_is(file: str, words: str, rest: str) -> None:
    path = find_command(words)
    assert path in TREE or path == f"aias{words}", f"{file}: there is no 'aias{words}'"
    unknown = set(_OPTION.findall(rest)) - list_options(TREE[path]) if path in TREE else set()
    assert not unknown, f"{file}: '{path}' has no {unknown}"
