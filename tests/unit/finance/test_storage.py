from __future__ import annotations

from typing import Any

import pytest

from aias_core.finance.storage import list_buckets
from aias_core.secret import Secret
from aias_core.service_settings import AnalyticsSettings, StorageSettings
from aias_services.analytics.exports import find_storage


@pytest.mark.parametrize(
    ("named", "buckets"), [(" exports, other,", ("exports", "other")), (",exports", ("exports",)), (" , ", ())]
)
def test_a_bucket_without_a_name_is_none(named: str, buckets: tuple[str, ...]) -> None:
    assert list_buckets(StorageSettings(exports_buckets=named)) == buckets


@pytest.mark.parametrize(("named", "is_there"), [("exports", True), ("", False), (",", False)])
def test_files_go_nowhere_when_no_bucket_is_named(named: str, is_there: bool) -> None:
    secrets = dict.fromkeys(
        ("s3_secret_key", "analytics_dsn", "nats_url", "service_key", "operator_token"), Secret("x")
    )
    texts = dict.fromkeys(("s3_endpoint", "s3_access_key", "identity_url", "token_public_keys"), "http://127.0.0.1:1")
    known: dict[str, Any] = {**secrets, **texts, "exports_buckets": named}
    assert (find_storage(AnalyticsSettings.model_construct(**known)) is not None) == is_there
