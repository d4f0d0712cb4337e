"""Which of many are answered: the `X-Filter` header, and pages of 25 to 500."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aias_services.linode_simulator.refusals import not_found, refuse

DEFAULT_SIZE, LEAST_SIZE, MOST_SIZE = 100, 25, 500
Row = Mapping[str, Any]
Test = Callable[[Row], bool]
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "+gt": operator.gt,
    "+gte": operator.ge,
    "+lt": operator.lt,
    "+lte": operator.le,
    "+neq": operator.ne,
    "+contains": lambda value, part: str(part).lower() in str(value).lower(),
}


def apply(rows: list[Row], header: str | None, filterable: Iterable[str]) -> list[Row]:
    """The rows that a filter lets through, in the order that it asks for. Raises Refusal for one that is not valid."""
    if not header:
        return rows
    try:
        wanted = json.loads(header)
    except ValueError:
        raise refuse("Filter not valid JSON", "X-Filter") from None
    if not isinstance(wanted, dict):
        raise refuse("Filter must be a JSON object", "X-Filter")
    names = set(filterable)
    order, way = wanted.pop("+order_by", None), wanted.pop("+order", "asc")
    if way not in ("asc", "desc"):
        raise refuse("+order must be asc or desc", "X-Filter")
    test = _build(wanted, names)
    kept = [row for row in rows if test(row)]
    if order is None:
        return kept
    _check_name(order, names)
    return sorted(kept, key=lambda row: _sortable(_value(row, order)), reverse=way == "desc")


def _build(wanted: Any, names: set[str]) -> Test:
    if not isinstance(wanted, dict):
        raise refuse("Filter must be a JSON object", "X-Filter")
    return _all([_build_term(name, value, names) for name, value in wanted.items()])


def _build_term(name: str, value: Any, names: set[str]) -> Test:
    if name in ("+and", "+or"):
        if not isinstance(value, list) or not value:
            raise refuse(f"{name} must be a list", "X-Filter")
        return (_all if name == "+and" else _any)([_build(part, names) for part in value])
    _check_name(name, names)
    if isinstance(value, list):
        raise refuse(f"{name} must be compared with a value", "X-Filter")
    if not isinstance(value, dict):
        return lambda row: _holds(operator.eq, _value(row, name), value)
    for key, bound in value.items():
        if key not in COMPARISONS:
            raise refuse(f"Unknown operator {key}", "X-Filter")
        if isinstance(bound, dict | list):
            raise refuse(f"{key} must be compared with a value", "X-Filter")
    tests = [(COMPARISONS[key], bound) for key, bound in value.items()]
    return lambda row: all(_holds(compare, _value(row, name), bound) for compare, bound in tests)


def _check_name(name: Any, names: set[str]) -> None:
    if not isinstance(name, str) or name not in names:
        raise refuse(f"Cannot filter on {name}", "X-Filter")


def _all(tests: list[Test]) -> Test:
    return lambda row: all(test(row) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda row: any(test(row) for test in tests)


def _value(row: Row, name: str) -> Any:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _holds(compare: Callable[[Any, Any], bool], value: Any, bound: Any) -> bool:
    if isinstance(value, list):
        return any(_holds(compare, item, bound) for item in value)
    try:
        return compare(value, bound)
    except TypeError:
        return False


def _sortable(value: Any) -> tuple[bool, str, Any]:
    return (value is None, type(value).__name__, value if value is not None else 0)


def paginate(rows: list[Row], query: Mapping[str, str]) -> dict[str, Any]:
    """One page in its envelope. Raises Refusal for a size out of bounds, or a page that there is not (404)."""
    page, size = _whole(query, "page", 1), _whole(query, "page_size", DEFAULT_SIZE)
    if not LEAST_SIZE <= size <= MOST_SIZE:
        raise refuse(f"Must be {LEAST_SIZE}-{MOST_SIZE}", "page_size")
    pages = max(1, -(-len(rows) // size))
    if not 1 <= page <= pages:
        raise not_found()
    return {"data": rows[(page - 1) * size : page * size], "page": page, "pages": pages, "results": len(rows)}


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal():
        raise refuse("Must be of type Integer", name)
    return int(value)
