"""The statements inside a DO block or a function, as far as they can be read without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aias_core.migrate.nodes import constant_of, iter_nodes, kind_of, option_of
from aias_core.migrate.statements import Statement, StatementInvalid, split_statements

_ROW_TYPE = re.compile(r"[\w.\"]+%ROWTYPE", re.IGNORECASE)
_COLUMN_TYPE = re.compile(r"[\w.\"]+%TYPE", re.IGNORECASE)
_DECLARED_TYPE = re.compile(r"(\b\w+\s+(?:CONSTANT\s+)?)\w+\.\w+(?:\[\])?(?=\s*(?:;|:=|DEFAULT\b))", re.IGNORECASE)
_ARGUMENT_TYPE = re.compile(r"(\b\w+\s+)\w+\.\w+(?:\[\])?(?=\s*(?:,|\)|DEFAULT\b))", re.IGNORECASE)
_DECLARATIONS = re.compile(r"\bDECLARE\b.*?\bBEGIN\b", re.IGNORECASE | re.DOTALL)
_RETURNED_TYPE = re.compile(r"RETURNS\s+(SETOF\s+)?\w+\.\w+", re.IGNORECASE)
_DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")
_WHOLE_STATEMENT = 0
_TRANSACTION = {"PLpgSQL_stmt_commit": "COMMIT", "PLpgSQL_stmt_rollback": "ROLLBACK"}


@dataclass(frozen=True, slots=True)
class Body:
    """What a body holds: its static statements, the lines of its built ones, and why it could not be read."""

    statements: list[Statement] = field(default_factory=list)
    dynamic_lines: list[int] = field(default_factory=list)
    fault: str | None = None


def read_body(statement: Statement) -> Body:
    """The body of a DO block, a function or a procedure; empty for any other statement."""
    node = statement.node
    match kind_of(node):
        case "DoStmt":
            return _read_procedural(statement, _language_of(node.args))
        case "CreateFunctionStmt" if node.sql_body is not None:
            inner = [part for part in iter_nodes(node.sql_body) if kind_of(part).endswith("Stmt")]
            return Body(
                [Statement(statement.file, i, statement.line, statement.text, part) for i, part in enumerate(inner, 1)]
            )
        case "CreateFunctionStmt" if _language_of(node.options) == "sql":
            return _read_sql(statement, option_of(node.options, "as").arg[0].sval)
        case "CreateFunctionStmt":
            return _read_procedural(statement, _language_of(node.options))
    return Body()


def list_executed(statement: Statement) -> list[Statement]:
    """What a statement runs: those in a DO block, else itself."""
    return read_body(statement).statements if kind_of(statement.node) == "DoStmt" else [statement]


def _language_of(options: Any) -> str:
    option = option_of(options, "language")
    return option.arg.sval.lower() if option else "plpgsql"


def _read_sql(statement: Statement, text: str) -> Body:
    line = statement.line + statement.text[: max(statement.text.find(text), 0)].count("\n")
    try:
        return Body(_split(statement, text, line))
    except StatementInvalid as exc:
        return Body(fault=exc.message.partition(": ")[2])


def _read_procedural(statement: Statement, language: str) -> Body:
    if language != "plpgsql":
        return Body(fault=f"the language '{language}' cannot be read")
    from pglast import parse_plpgsql
    from pglast.parser import ParseError

    first = statement.line + statement.text[: max(statement.text.find("$"), 0)].count("\n")
    body = Body()
    try:
        for kind, item in _iter_items(parse_plpgsql(_simplify(statement.text))):
            _read_item(body, statement, (kind, item), first + item.get("lineno", 1) - 1)
    except ParseError as exc:
        return Body(fault=str(exc.args[0]))
    except StatementInvalid as exc:
        return Body(fault=exc.message.partition(": ")[2])
    return body


def _read_item(body: Body, statement: Statement, item: tuple[str, Any], line: int) -> None:
    kind, fields = item
    if kind in _TRANSACTION:
        body.statements.extend(_split(statement, _TRANSACTION[kind], line))
    for name, holder in fields.items():
        expression = holder.get("PLpgSQL_expr") if isinstance(holder, dict) else None
        if expression and (name == "dynquery" or (name == "query" and kind in _DYNAMIC)):
            _read_built(body, statement, expression["query"], line)
        elif expression and expression["parseMode"] == _WHOLE_STATEMENT:
            body.statements.extend(_split(statement, expression["query"], line))


def _read_built(body: Body, statement: Statement, expression: str, line: int) -> None:
    constant = constant_of(_split(statement, f"SELECT {expression}", line)[0].node.targetList[0].val)
    if isinstance(constant, str):
        body.statements.extend(_split(statement, constant, line))
    else:
        body.dynamic_lines.append(line)


def _simplify(text: str) -> str:
    """The parser knows no types but the built-in ones; what is in a variable does not matter here."""
    text = _COLUMN_TYPE.sub("text", _ROW_TYPE.sub("record", text))
    head, quote, body = text.partition("$")
    head = _RETURNED_TYPE.sub(lambda found: f"RETURNS {found[1] or ''}record", _ARGUMENT_TYPE.sub(r"\1text", head))
    return head + quote + _DECLARATIONS.sub(lambda found: _DECLARED_TYPE.sub(r"\1record", found[0]), body)


def _iter_items(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _iter_items(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key.startswith("PLpgSQL_stmt"):
                yield key, value
            yield from _iter_items(value)


def _split(statement: Statement, text: str, line: int) -> list[Statement]:
    found = split_statements(text, statement.file)
    return [Statement(s.file, s.ordinal, line + s.line - 1, s.text, s.node) for s in found]
