from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aias_core.environments.linode.terraform_plan import TerraformPlan, read_plan


def _entry(actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    outer = {name: more.pop(name) for name in ("index", "action_reason") if name in more}
    change = {"actions": actions, "before": before, "after": after, **more}
    return {
        "address": "module.lke.linode_lke_cluster.this",
        "type": "linode_lke_cluster",
        "name": "this",
        "module_address": "module.lke",
        "change": change,
        **outer,
    }


def _read(*entries: dict[str, Any], **more: Any) -> TerraformPlan:
    return read_plan({"resource_changes": list(entries), **more}, Path("plan"))


def test_what_is_sensitive_is_masked_at_any_depth() -> None:
    marks = {"password": True, "pool": [{"secret": True}]}
    values = {"password": "one", "pool": [{"secret": "two", "type": "x"}], "label": "aias"}
    (change,) = _read(_entry(["delete"], values, None, before_sensitive=marks)).changes
    assert change.before == {"password": "***", "pool": [{"secret": "***", "type": "x"}], "label": "aias"}
    assert change.after is None


def test_a_sensitive_output_is_masked() -> None:
    change = {"actions": ["create"], "before": None, "after": "secret", "after_sensitive": True}
    assert _read(output_changes={"kubeconfig": change}).outputs == {"kubeconfig": "***"}


def test_what_is_not_known_yet_says_so() -> None:
    unknown = {"id": True, "pool": [{"nodes": True}]}
    (change,) = _read(_entry(["create"], None, {"pool": [{"type": "x"}]}, after_unknown=unknown)).changes
    later = "(known after apply)"
    assert change.after == {"id": later, "pool": [{"nodes": later, "type": "x"}]}


@pytest.mark.parametrize(
    ("more", "reasons"),
    [
        ({"replace_paths": [["type"], ["pool", 0, "disk_encryption"]]}, ("type", "pool.0.disk_encryption")),
        ({"action_reason": "replace_because_tainted"}, ("tainted",)),
        ({}, ()),
    ],
    ids=["attributes", "tainted", "none"],
)
def test_a_replacement_tells_why(more: dict[str, Any], reasons: tuple[str, ...]) -> None:
    (change,) = _read(_entry(["delete", "create"], {"type": "a"}, {"type": "b"}, **more)).changes
    assert (change.is_replacement, change.is_destruction, change.replace_reasons) == (True, True, reasons)
    assert change.changed_attributes == ("type",)


def test_effects_are_counted_apart() -> None:
    value = {"label": "a"}
    plan = _read(
        _entry(["create"], None, value),
        _entry(["update"], value, {"label": "b"}),
        _entry(["delete"], value, None),
        _entry(["create", "delete"], value, value),
        _entry(["no-op"], value, value),
        _entry(["read"], None, value),
    )
    assert plan.count() == {"create": 1, "update": 1, "replace": 1, "delete": 1}
    assert not plan.is_empty


@pytest.mark.parametrize(
    ("plan", "is_empty"),
    [
        (_read(_entry(["no-op"], {}, {}), _entry(["read"], None, {})), True),
        (_read(output_changes={"a": {"actions": ["no-op"]}}), True),
        (_read(output_changes={"a": {"actions": ["update"], "after": 1}}), False),
    ],
    ids=["reads", "same outputs", "another output"],
)
def test_a_plan_is_empty_when_nothing_moves(plan: TerraformPlan, is_empty: bool) -> None:
    assert plan.is_empty is is_empty
