"""Two catalogues compared object by object."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from aias_core.migrate.catalog.snapshot import Catalog, CatalogObject

_INSIDE_A_TABLE = ("column", "default")


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is missing, unexpected or different, as it should be and as it is."""

    kind: str
    name: str
    change: Literal["missing", "unexpected", "different"]
    expected: str | None
    found: str | None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def compare_catalogs(expected: Catalog, found: Catalog) -> list[Difference]:
    """What is not as it should be, by kind and name; a table that is missing or unexpected stands for its columns."""
    wanted, there = expected.by_key, found.by_key
    if expected.objects == found.objects:
        return []
    differences = []
    for key in [*wanted, *(key for key in there if key not in wanted)]:
        want, have = wanted.get(key), there.get(key)
        if want == have or _comes_with_table(want, have, expected, found):
            continue
        change: Literal["missing", "unexpected", "different"] = (
            "missing" if have is None else "unexpected" if want is None else "different"
        )
        expected_sql, found_sql = (item.made_by if item is not None else None for item in (want, have))
        differences.append(Difference(*key, change, expected_sql, found_sql))
    return differences


def _comes_with_table(
    want: CatalogObject | None, have: CatalogObject | None, expected: Catalog, found: Catalog
) -> bool:
    item = want or have
    if item is None or item.kind not in _INSIDE_A_TABLE or (want and have):
        return False
    table = ("table", item.table or "")
    return (table in expected.by_key) != (table in found.by_key)
