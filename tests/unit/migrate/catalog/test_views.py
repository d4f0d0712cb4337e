from __future__ import annotations

import pytest

from aias_core.migrate.catalog.views import unqualify

CASES = {
    "one-relation": (
        "SELECT users.user_id, users.name AS n FROM a.users WHERE users.ok",
        "SELECT user_id, name AS n FROM a.users WHERE ok",
    ),
    "quoted": ('SELECT "Us.er".id FROM "Us.er"', 'SELECT id FROM "Us.er"'),
    "not-in-a-text": ("SELECT t.id, 't.id'::text AS x FROM t", "SELECT id, 't.id'::text AS x FROM t"),
    "beside-letters-of-several-bytes": ("SELECT 'é'::text AS x, t.id FROM t", "SELECT 'é'::text AS x, id FROM t"),
    "a-subquery-keeps-its-own": (
        "SELECT t.id FROM t WHERE EXISTS (SELECT u.id FROM u WHERE u.id = t.id)",
        "SELECT id FROM t WHERE EXISTS (SELECT u.id FROM u WHERE u.id = t.id)",
    ),
    "from-a-subquery": ("SELECT s.id FROM (SELECT t.id FROM t) s", "SELECT id FROM (SELECT t.id FROM t) s"),
    "whole-row": ("SELECT t.*::t AS x FROM t", "SELECT t.*::t AS x FROM t"),
    "join": ("SELECT t.id FROM t JOIN u ON u.id = t.id", "SELECT t.id FROM t JOIN u ON u.id = t.id"),
    "two-relations": ("SELECT t.id FROM t, u", "SELECT t.id FROM t, u"),
    "union": ("SELECT t.id FROM t UNION SELECT u.id FROM u", "SELECT t.id FROM t UNION SELECT u.id FROM u"),
    "no-relation": ("SELECT 1 AS one", "SELECT 1 AS one"),
}


@pytest.mark.parametrize("head", ["CREATE VIEW v AS\n ", "CREATE MATERIALIZED VIEW v AS\n "], ids=["view", "matview"])
@pytest.mark.parametrize(("written", "wanted"), CASES.values(), ids=CASES)
def test_a_view_is_written_as_newer_servers_write_it(head: str, written: str, wanted: str) -> None:
    assert unqualify(head + written) == head + wanted
    assert unqualify(head + wanted) == head + wanted
