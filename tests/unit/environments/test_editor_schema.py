from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from aias_core.environments.assembly import SHIPPED
from aias_core.environments.editor_schema import build_schema

VALIDATOR = Draft202012Validator(build_schema())


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_fulfils_it(path: Any) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(path.read_text()))) == []


@pytest.mark.parametrize(
    ("content", "is_valid"),
    [
        ({"extends": "staging", "cluster": {"pools": {"general": {"count": 5}}}}, True),
        ({"extends": "staging", "cluster": {"pools": {"gpu": None}}}, True),
        ({"extends": "staging", "database": {"nodes": "${cluster.pools.general.count}"}}, True),
        ({"extends": "staging", "colour": "red"}, False),
        ({"extends": "staging", "database": {"nodes": 9}}, False),
        ({"extends": "staging", "account": {"token": "in-clear"}}, False),
    ],
)
def test_an_editor_accepts_what_we_accept(content: dict[str, Any], is_valid: bool) -> None:
    assert VALIDATOR.is_valid(content) is is_valid
