"""What of a later state is added to an older one: resources that only the later one knows."""

from __future__ import annotations

import json
from typing import Any

from aias_core.environments.linode.terraform_state import add_later, list_instances


def _state(*resources: dict[str, Any]) -> bytes:
    return json.dumps({"version": 4, "serial": 7, "lineage": "x", "resources": list(resources)}).encode()


def _resource(name: str, *ids: tuple[str | None, str], mode: str = "managed") -> dict[str, Any]:
    instances = [
        {**({} if key is None else {"index_key": key}), "attributes": {"id": identifier}} for key, identifier in ids
    ]
    return {"mode": mode, "type": "linode_domain", "name": name, "instances": instances}


def _ids(state: bytes) -> dict[str, str]:
    return {one.address: one.id for one in list_instances(json.loads(state))}


def test_what_was_made_since_is_added_and_what_was_known_stays() -> None:
    older = _state(_resource("one", (None, "1")), _resource("many", ("a", "2")))
    later = _state(
        _resource("one", (None, "9")), _resource("many", ("a", "2"), ("b", "3")), _resource("new", (None, "4"))
    )
    merged = add_later(older, later)
    assert _ids(merged) == {
        "linode_domain.one": "1",
        'linode_domain.many["a"]': "2",
        'linode_domain.many["b"]': "3",
        "linode_domain.new": "4",
    }
    assert json.loads(merged)["serial"] == 8


def test_what_is_only_read_is_not_added() -> None:
    assert _ids(add_later(_state(), _state(_resource("read", (None, "1"), mode="data")))) == {}
