import base64
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.identity.keys import HashKeys, MalformedKey, check_form, generate_key
from aias_core.secret import Secret


def hash_keys(*kids: str) -> HashKeys:
    return HashKeys.parse(Secret(",".join(f"{k}:{base64.b64encode(secrets.token_bytes(32)).decode()}" for k in kids)))


def test_a_fresh_key_has_the_form_that_scanners_look_for() -> None:
    text = generate_key("local").reveal()
    assert re.fullmatch(r"sk-aias-[ldspy]-[0-9A-Za-z]{49}", text)
    check_form(text, "local")


@given(
    st.integers(min_value=10, max_value=58),
    st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
)
def test_every_single_character_change_is_caught_without_a_look_up(position: int, character: str) -> None:
    text = generate_key("local").reveal()
    changed = text[:position] + character + text[position + 1 :]
    if changed != text:
        with pytest.raises(MalformedKey):
            check_form(changed, "local")


def test_a_key_of_another_environment_is_refused_by_its_letter() -> None:
    with pytest.raises(MalformedKey, match="another environment"):
        check_form(generate_key("production").reveal(), "local")


@pytest.mark.parametrize("text", ["", "sk-aias-l-", "sk-proj-abc", "sk-aias-l-" + "é" * 49])
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        check_form(text, "local")


def test_a_digest_depends_on_the_whole_text_and_the_key() -> None:
    keys = hash_keys("a", "b")
    assert len({keys.digest("x", "a"), keys.digest("x", "b"), keys.digest("y", "a")}) == 3
    assert set(keys.digests("x")) == {"a", "b"}
    assert keys.active_kid == "a"
