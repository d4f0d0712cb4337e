"""Judges the statements of one file, one after the other, each in the schema that those before it left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aias_core.migrate.bodies import Body, read_body
from aias_core.migrate.lint import rules
from aias_core.migrate.lint.finding import Finding
from aias_core.migrate.lint.parts import Part, iter_parts
from aias_core.migrate.lint.rule import RULES_BY_KIND, Rule
from aias_core.migrate.lint.rules.transactions import (
    BODY_UNREADABLE,
    DESTRUCTIVE_IN_EXPAND,
    DYNAMIC_SQL,
    SEVERAL_RELATIONS,
)
from aias_core.migrate.lint.scene import Scene
from aias_core.migrate.lock_modes import BLOCKING_MODES
from aias_core.migrate.locks import classify_statement
from aias_core.migrate.nodes import kind_of, list_functions
from aias_core.migrate.outline import Place
from aias_core.migrate.statements import Statement
from aias_core.migrate.walk import follow

__all__ = ["judge_statements", "rules"]

_LONGEST_NAME = 63
_MAY_BE_LONG = re.compile(r'\w{22,}|"[^"]{22,}"')


def judge_statements(scene: Scene) -> Iterator[Finding]:
    """The findings of a file's statements. The outline of the scene is left as the file leaves the schema."""
    bodies: dict[str, Body] = {}
    for statement in scene.statements:
        yield from _judge(statement, scene)
        body = read_body(statement)
        yield from _judge_body(statement, body, scene)
        if kind_of(statement.node) == "CreateFunctionStmt":
            bodies[statement.node.funcname[-1].sval] = body
        for name in _list_called(statement, bodies):
            for inner in bodies[name].statements:
                yield from _judge(inner, scene)


def _judge(statement: Statement, scene: Scene) -> Iterator[Finding]:
    scene.work = classify_statement(statement, scene.outline)
    scene.has_long_name = _has_long_name(statement.text)
    found = [
        report(rule, statement, part.subject)
        for part in iter_parts(statement)
        for rule in RULES_BY_KIND.get(part.kind, ())
        if rule.holds(part, scene)
    ]
    if not found and kind_of(statement.node) != "DoStmt" and _destroys_too_early(scene):
        found.append(report(DESTRUCTIVE_IN_EXPAND, statement))
    yield from found
    yield from _judge_relations(statement, scene)
    scene.remember(statement)
    follow(scene.outline, statement.node, Place(statement.file, statement.line))


def report(rule: Rule, statement: Statement, subject: str = "") -> Finding:
    """The finding of a rule about an object that a statement changes."""
    message = f"'{subject}': {rule.why}" if subject else rule.why
    return Finding(statement.file, statement.line, rule.id, message, rule.safer, rule.severity)


def _destroys_too_early(scene: Scene) -> bool:
    in_expand = scene.direction == "up" and scene.directives.phase == "expand"
    return in_expand and scene.work.risk == "destructive"


def _judge_relations(statement: Statement, scene: Scene) -> Iterator[Finding]:
    """A foreign key's second table does not count: it is locked for a moment, and no other way exists."""
    if not scene.in_transaction:
        return
    blocked = {lock.relation for lock in scene.work.relations if lock.mode in BLOCKING_MODES}
    named = {part.target for part in iter_parts(statement) if part.target} & blocked
    if scene.touched and named - scene.touched:
        yield report(SEVERAL_RELATIONS, statement, ", ".join(sorted(named - scene.touched)))
    scene.touched |= named


def _judge_body(statement: Statement, body: Body, scene: Scene) -> Iterator[Finding]:
    """A block runs, so all holds for it; a function only waits to be called."""
    if body.fault is not None:
        yield report(BODY_UNREADABLE, statement, body.fault)
    for line in body.dynamic_lines:
        yield report(DYNAMIC_SQL, Statement(statement.file, 0, line, "", None))
    for inner in body.statements:
        if kind_of(statement.node) == "DoStmt":
            yield from _judge(inner, scene)
        else:
            parts: list[Part] = list(iter_parts(inner))
            held = ((r, p) for p in parts for r in RULES_BY_KIND.get(p.kind, ()) if r.reach == "bodies")
            yield from (report(rule, inner, part.subject) for rule, part in held if rule.holds(part, scene))


def _list_called(statement: Statement, bodies: dict[str, Body]) -> list[str]:
    if not bodies or kind_of(statement.node) not in ("SelectStmt", "CallStmt"):
        return []
    called = {name.rpartition(".")[2] for name in list_functions(statement.node)}
    return sorted(called & bodies.keys())


def _has_long_name(text: str) -> bool:
    if not any(len(found[0].strip('"').encode()) > _LONGEST_NAME for found in _MAY_BE_LONG.finditer(text)):
        return False
    from pglast.parser import scan

    names = (text[token.start : token.end + 1] for token in scan(text) if token.name in ("IDENT", "UIDENT"))
    return any(len(name.strip('"').replace('""', '"').encode()) > _LONGEST_NAME for name in names)
