"""What an author may let pass, and what is said about comments that let nothing pass."""

from __future__ import annotations

from aias_core.migrate.lint.directory import lint_text
from support.reference import build_reference_outline


def lint(text: str) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in lint_text(text, build_reference_outline())]


def test_an_allowance_with_a_reason_lets_one_statement_pass() -> None:
    text = "SELECT 1;\n-- aias:allow truncate a scratch table\nTRUNCATE legacy;\nTRUNCATE legacy;\n"
    assert lint(text) == [("truncate", 4)]


def test_several_allowances_and_comments_may_stand_before_a_statement() -> None:
    text = """-- aias:allow drop-table nobody reads it since release 12
-- Kept apart.
-- aias:allow drop-cascade its only view is listed in the ticket

DROP TABLE legacy CASCADE;
"""
    assert lint(text) == []


def test_an_allowance_holds_inside_the_block_below_it() -> None:
    assert lint("-- aias:allow truncate scratch\nDO $$\nBEGIN\n    TRUNCATE legacy;\nEND\n$$;\n") == []


def test_another_rule_is_still_reported() -> None:
    assert lint("-- aias:allow truncate scratch\nDROP TABLE legacy;\n") == [("allowance-unused", 1), ("drop-table", 2)]


def test_an_allowance_without_reason_lets_nothing_pass() -> None:
    assert lint("-- aias:allow truncate\nTRUNCATE legacy;\n") == [("allowance-without-reason", 1), ("truncate", 2)]


def test_an_allowance_of_an_unknown_rule_is_an_error() -> None:
    assert lint("-- aias:allow everything because\nSELECT 1;\n") == [("allowance-unknown", 1)]


def test_an_allowance_after_the_last_statement_is_an_error() -> None:
    assert lint("SELECT 1;\n-- aias:allow truncate why\n") == [("allowance-unused", 2)]


def test_an_allowance_in_a_string_is_none() -> None:
    assert lint("COMMENT ON TABLE legacy IS '\n-- aias:allow truncate x';\nTRUNCATE legacy;\n") == [("truncate", 3)]


def test_an_allowance_in_the_head_is_no_directive() -> None:
    assert lint("-- aias: risk = none\n-- aias:allow truncate scratch\nTRUNCATE legacy;\n") == []
