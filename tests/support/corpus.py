"""The corpus of unsafe and safe statements: what must be found, and what must not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from aias_core.migrate.lint.directory import lint_text
from aias_core.migrate.lint.finding import Finding
from support.reference import CORPUS, build_reference_outline

_HEAD = re.compile(r"--- ?(\w*) ?([\w-]*)")
_BEFORE = re.compile(r"^-- before: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A file's text, and the statements that ran in a file before it; `rule` is empty for a safe one."""

    kind: str
    rule: str
    text: str
    before: str = ""

    def lint(self) -> list[Finding]:
        return lint_text(self.text, build_reference_outline(self.before))


@cache
def read_examples(name: str) -> tuple[Example, ...]:
    """The examples of a file of the corpus; the first of each kind is the smallest."""
    examples: list[Example] = []
    kind = rule = ""
    for piece in re.split(r"(?m)^(?=---)", (CORPUS / name).read_text())[1:]:
        head, _, text = piece.partition("\n")
        match = _HEAD.fullmatch(head)
        assert match, head
        kind, rule = (match[1], match[2]) if match[1] else (kind, rule)
        examples.append(Example(kind, rule, _BEFORE.sub("", text), "\n".join(_BEFORE.findall(text))))
    return tuple(examples)
