from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.errors import InvalidInput
from aias_core.protection.policy import ColumnPolicy, load_policy


def test_the_shipped_policy_is_read_with_its_protections() -> None:
    policy = load_policy()
    key = policy.tables("operational")["api_keys"]
    assert key.columns["secret_hash"] == ColumnPolicy(data_class="restricted", protection="hash")
    assert key.columns["org_id"] == ColumnPolicy(data_class="internal", protection="none")
    assert policy.tables("analytics")["usage_facts"].retention.days == 400


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("operational: {}", "analytics"),
        ("{operational: {}, analytics: {}, other: {}}", "other"),
        (
            "{operational: {t: {retention: {days: 1, purge: delete}, columns: {a: secret}}}, analytics: {}}",
            "operational.t.columns.a.data_class",
        ),
        (
            "{operational: {t: {retention: {days: -1, purge: delete}, columns: {}}}, analytics: {}}",
            "operational.t.retention.days",
        ),
    ],
    ids=["missing-database", "unknown-database", "unknown-class", "negative-days"],
)
def test_a_file_that_is_no_policy_names_the_entry(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "data-policy.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=f"'data-policy.yaml' is not a data policy: {place}"):
        load_policy(path)
