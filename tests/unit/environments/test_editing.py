"""A profile is edited by machine: the value is set, and every other character stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aias_core.environments.editing import set_value, write_values
from aias_core.environments.keypath import look_up
from aias_core.errors import InvalidInput

COUNT = ("cluster", "pools", "general", "count")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "cluster: {pools: {general: {count: 3}}}\n", id="an empty file"),
        pytest.param("# mine\n", "# mine\ncluster: {pools: {general: {count: 3}}}\n", id="a comment alone"),
        pytest.param(
            "extends: x  # why\n",
            "cluster: {pools: {general: {count: 3}}}\nextends: x  # why\n",
            id="no key on the way",
        ),
        pytest.param(
            "cluster:\n  pools:\n    general: {type: a, count: 2}  # two\n",
            "cluster:\n  pools:\n    general: {type: a, count: 3}  # two\n",
            id="a value in braces",
        ),
        pytest.param(
            "cluster:\n  pools:\n    general:\n      # how many\n      count: 2 # two\nz: 1\n",
            "cluster:\n  pools:\n    general:\n      # how many\n      count: 3 # two\nz: 1\n",
            id="a value on a line",
        ),
        pytest.param(
            "cluster:\n  pools:\n    general: {type: a}\n",
            "cluster:\n  pools:\n    general: {count: 3, type: a}\n",
            id="a key missing in braces",
        ),
        pytest.param(
            "cluster:\n  pools:\n    general:\n      type: a\n",
            "cluster:\n  pools:\n    general:\n      count: 3\n      type: a\n",
            id="a key missing among lines",
        ),
        pytest.param("cluster:\nz: 1\n", "cluster: {pools: {general: {count: 3}}}\nz: 1\n", id="an empty value"),
    ],
)
def test_a_value_is_set_and_the_rest_stays(before: str, after: str) -> None:
    assert set_value(before, COUNT, 3) == after


def test_a_value_that_stands_for_several_is_left_to_a_person() -> None:
    shared = "a: &a {count: 2}\ncluster: {pools: {general: *a}}\n"
    with pytest.raises(InvalidInput, match="cannot be edited"):
        set_value(shared, COUNT, 3)


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.integers(0, 9), lambda deeper: st.dictionaries(st.sampled_from("abc"), deeper, max_size=3)))
def test_a_value_can_be_read_back_whatever_the_file_holds(tree: object) -> None:
    content = tree if isinstance(tree, dict) else {"a": tree}
    assume(not isinstance(look_up(content, ("a", "b")), dict))
    for flow in (True, False):
        edited = yaml.safe_load(set_value(yaml.safe_dump(content, default_flow_style=flow), ("a", "b"), 7))
        assert edited["a"]["b"] == 7
        assert {key: value for key, value in edited.items() if key != "a"} == {
            key: value for key, value in content.items() if key != "a"
        }


def test_a_file_that_is_not_there_extends_what_ships(tmp_path: Path) -> None:
    path = write_values(tmp_path, "development", {COUNT: 3})
    assert path.read_text() == "cluster: {pools: {general: {count: 3}}}\nextends: development\n"
