"""`-- aias:allow <rule> <reason>` before a statement: what its author has looked at and lets pass."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aias_core.migrate.lint.finding import Finding
from aias_core.migrate.lint.rule import RULES, Rule, named_rule
from aias_core.migrate.statements import Statement

_ALLOW = re.compile(r"--\s*aias:allow\b[ \t]*(\S*)[ \t]*(.*)")

UNUSED = named_rule("allowance-unused", "the statement below it breaks no such rule", "the comment removed")
UNKNOWN = named_rule("allowance-unknown", "there is no such rule", "a rule that findings name")
WITHOUT_REASON = named_rule(
    "allowance-without-reason", "nobody can tell later why it was let pass", "-- aias:allow <rule> <reason>"
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One comment, and the line on which the statement begins that it stands before."""

    line: int
    rule: str
    reason: str
    statement_line: int | None


def find_allowances(text: str, statements: list[Statement]) -> list[Allowance]:
    """The allowances of a file; what only looks like one, in a string or a body, is none."""
    if "aias:allow" not in text:
        return []
    from pglast.parser import scan

    starts = [statement.line for statement in statements]
    comments = (token for token in scan(text) if token.name == "SQL_COMMENT")
    found = []
    for token in comments:
        if match := _ALLOW.fullmatch(text[token.start : token.end + 1].rstrip()):
            line = text[: token.start].count("\n") + 1
            following = next((start for start in starts if start > line), None)
            found.append(Allowance(line, match[1], match[2].strip(), following))
    return found


def apply_allowances(
    file: str, findings: Iterable[Finding], allowances: list[Allowance], statements: list[Statement]
) -> Iterator[Finding]:
    """The findings that no allowance lets pass, and those about the allowances themselves."""
    starts = [statement.line for statement in statements]
    used: set[tuple[str, int]] = set()
    granted = {(item.rule, item.statement_line) for item in allowances if item.reason and item.rule in RULES}
    for finding in findings:
        position = bisect_right(starts, finding.line)
        key = (finding.rule, starts[position - 1] if position else 0)
        if key in granted:
            used.add(key)
        else:
            yield finding
    for item in allowances:
        if fault := _find_fault(item, used):
            yield Finding(file, item.line, fault.id, f"'{item.rule}': {fault.why}", fault.safer)


def _find_fault(allowance: Allowance, used: set[tuple[str, int]]) -> Rule | None:
    if allowance.rule not in RULES:
        return UNKNOWN
    if not allowance.reason:
        return WITHOUT_REASON
    return None if (allowance.rule, allowance.statement_line) in used else UNUSED
