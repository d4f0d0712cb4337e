from __future__ import annotations

import uuid

import pytest

from aias_core.errors import AiasError, InvalidSettings, PrerequisiteMissing
from aias_core.keyring import UnknownKey
from aias_core.protection.data_keys import DataKeys, list_email_digests
from support.keys import make_data_keys, make_setting


@pytest.mark.parametrize(
    ("active", "error"),
    [
        ("email:e9", UnknownKey),
        ("mail:e1", InvalidSettings),
        ("email", InvalidSettings),
        ("email:e1,api_key:e1", InvalidSettings),
        ("encryption:e1", UnknownKey),
    ],
)
def test_an_active_key_is_a_given_one_with_a_purpose_of_its_own(active: str, error: type[AiasError]) -> None:
    with pytest.raises(error):
        DataKeys.parse(make_setting("k1", "e1"), make_setting("c1"), active)


def test_a_purpose_without_a_key_says_which_variable_names_one() -> None:
    keys = DataKeys.parse(make_setting("k1"), make_setting("c1"), "api_key:k1")
    with pytest.raises(PrerequisiteMissing, match="'email'") as caught:
        keys.hash_email("ana@example.org")
    assert "AIAS_DATA_ACTIVE_KIDS=email:KID" in str(caught.value.hint)


def test_the_digest_of_an_address_is_that_of_its_form_under_the_key_for_addresses() -> None:
    keys = make_data_keys("e2")
    assert keys.hash_email(" Ana@Example.org") == keys.hash_email("ana@example.org")
    assert keys.hash_email("ana@example.org")[0] == "e1"
    digests = list_email_digests(keys, "ana@example.org")
    assert [(row["kid"], row["active"]) for row in digests] == [("e1", True), ("e2", False)]
    assert len({row["hex"] for row in digests}) == 2


def test_a_sealed_address_keeps_its_spelling_and_its_row() -> None:
    keys, row_id = make_data_keys(), uuid.uuid4()
    kid, sealed = keys.seal_email(" Ana@Example.org ", row_id)
    assert keys.encryption.unseal(sealed, kid, row_id.bytes) == "Ana@Example.org"
