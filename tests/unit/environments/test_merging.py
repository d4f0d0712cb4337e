from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.environments.keypath import MISSING, iter_leaves, look_up
from aias_core.environments.merging import merge

KEYS = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.one_of(st.integers(0, 9), st.text(max_size=3), st.booleans(), st.lists(st.integers(0, 3), max_size=3))


def trees(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    nested = st.recursive(values, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
    return st.dictionaries(KEYS, nested, max_size=4)


WITH_NULLS = trees(st.one_of(VALUES, st.none()))
WITHOUT_NULLS = trees(VALUES)


@settings(max_examples=60, deadline=None)
@given(WITHOUT_NULLS, WITH_NULLS)
def test_every_value_above_wins(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = merge(below, above)
    for path, value in iter_leaves(above):
        if path and value is not None and value != {}:
            assert look_up(merged, path) == value


@settings(max_examples=60, deadline=None)
@given(WITHOUT_NULLS, WITH_NULLS)
def test_a_null_takes_away_and_leaves_no_trace(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = merge(below, above)
    assert all(value is not None for _, value in iter_leaves(merged))
    for path, value in iter_leaves(above):
        if value is None:
            assert look_up(merged, path) is MISSING


@settings(max_examples=60, deadline=None)
@given(WITHOUT_NULLS, WITH_NULLS)
def test_what_above_does_not_mention_stays(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = merge(below, above)
    for path, value in iter_leaves(below):
        touched = any(look_up(above, path[:length]) is not MISSING for length in range(1, len(path) + 1))
        if path and not touched:
            assert look_up(merged, path) == value


@settings(max_examples=60, deadline=None)
@given(WITHOUT_NULLS, WITH_NULLS)
def test_a_second_time_changes_nothing(below: dict[str, Any], above: dict[str, Any]) -> None:
    once = merge(below, above)
    assert merge(once, above) == once


@settings(max_examples=60, deadline=None)
@given(WITHOUT_NULLS, WITH_NULLS)
def test_order_of_keys_never_means_anything(below: dict[str, Any], above: dict[str, Any]) -> None:
    def turn(tree: Any) -> Any:
        return {key: turn(tree[key]) for key in reversed(tree)} if isinstance(tree, dict) else tree

    assert merge(turn(below), turn(above)) == merge(below, above)


def test_lists_replace() -> None:
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}
