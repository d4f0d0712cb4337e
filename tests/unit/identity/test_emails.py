from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.identity.emails import InvalidEmail, normalise_email


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.org", "ana@example.org"),
        ("  Ana@Example.ORG\n", "ana@example.org"),
        ("ＡＮＡ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ana@example.org"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("ana@example.org.", "ana@example.org"),
        ("Straße@example.org", "strasse@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("ana+tag@example.org", "ana+tag@example.org"),
        ("e\u0301va@example.org", "\u00e9va@example.org"),
    ],
)
def test_spellings_of_one_address_have_one_form(text: str, expected: str) -> None:
    assert normalise_email(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "ana", "@example.org", "ana@", "ana@localhost", "a b@example.org", "ana@exa mple.org", "ana@-x.org"),
        *("ana@" + "x" * 64 + ".org", "a" * 65 + "@example.org", "ana\x00@example.org"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidEmail) as caught:
        normalise_email(text)
    assert not text or text not in str(caught.value)


@given(st.from_regex(r"\A[^\s@\x00-\x1f\x7f]{1,12}@[a-zà-ÿ]{1,12}\.[a-z]{2,6}\Z"))
def test_the_form_of_a_form_is_itself(text: str) -> None:
    try:
        once = normalise_email(text)
    except InvalidEmail:
        return
    assert normalise_email(once) == once
