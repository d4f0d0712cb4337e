import base64
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core import clock
from aias_core.errors import InvalidInput
from aias_core.identity.access_tokens import TokenRefused, TokenSigner, TokenVerifier
from aias_core.identity.permissions import Principal
from aias_core.secret import Secret

ORG, USER = UUID(int=7), str(UUID(int=9))
Parts = tuple[dict[str, Any], dict[str, Any]]


def new_signer(env: str = "local") -> TokenSigner:
    return TokenSigner.parse(Secret(base64.b64encode(secrets.token_bytes(32)).decode()), env)


SIGNER = new_signer()
VERIFIER = TokenVerifier.parse(SIGNER.public_key(), "local")
MEMBER = Principal(USER, ORG, "billing")
TOKEN = SIGNER.sign(MEMBER)[0].reveal()


def encode(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def decode(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=="))
    return content


def resign(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> str:
    """A token of the right key whose header and claims were changed before it was signed."""
    header, claims = map(decode, SIGNER.sign(MEMBER)[0].reveal().split(".")[:2])
    change(header, claims)
    signed = f"{encode(header)}.{encode(claims)}"
    signature = base64.urlsafe_b64encode(SIGNER.key.sign(signed.encode())).rstrip(b"=").decode()
    return f"{signed}.{signature}"


@pytest.mark.parametrize("principal", [MEMBER, Principal("ana", platform_role="auditor")], ids=["member", "platform"])
def test_a_token_proves_its_principal(principal: Principal) -> None:
    token, _ = SIGNER.sign(principal)
    assert VERIFIER.verify(token.reveal()) == principal
    assert str(token) == "***"


CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "alg-none": lambda h, c: h.update(alg="none"),
    "alg-hmac": lambda h, c: h.update(alg="HS256"),
    "alg-missing": lambda h, c: h.pop("alg"),
    "typ-id-token": lambda h, c: h.update(typ="JWT"),
    "critical": lambda h, c: h.update(crit=["exp"]),
    "kid-unknown": lambda h, c: h.update(kid="0"),
    "issuer": lambda h, c: c.update(iss="urn:aias:other:identity"),
    "audience": lambda h, c: c.update(aud="else"),
    "audience-list": lambda h, c: c.update(aud=["aias"]),
    "expired": lambda h, c: c.update(exp=c["iat"] - 61, iat=c["iat"] - 3600, nbf=c["iat"] - 3600),
    "no-expiry": lambda h, c: c.pop("exp"),
    "expiry-text": lambda h, c: c.update(exp=str(c["exp"])),
    "expiry-bool": lambda h, c: c.update(exp=True),
    "not-yet": lambda h, c: c.update(nbf=c["nbf"] + 120),
    "issued-later": lambda h, c: c.update(iat=c["iat"] + 120, exp=c["exp"] + 120),
    "too-long": lambda h, c: c.update(exp=c["exp"] + 1),
    "role-unknown": lambda h, c: c.update(role="root"),
    "role-missing": lambda h, c: c.pop("role"),
    "two-roles": lambda h, c: c.update(platform_role="system_admin"),
    "platform-role-unknown": lambda h, c: (c.pop("role"), c.pop("org_id"), c.update(platform_role="owner")),
    "org-malformed": lambda h, c: c.update(org_id="acme"),
    "subject-missing": lambda h, c: c.pop("sub"),
    "developer-of-nobody": lambda h, c: c.update(role="developer", sub="somebody"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_token_that_departs_is_refused_even_with_the_right_signature(name: str) -> None:
    with pytest.raises(TokenRefused):
        VERIFIER.verify(resign(CHANGES[name]))


def test_the_signature_of_another_key_or_environment_proves_nothing() -> None:
    for signer in (new_signer(), TokenSigner(SIGNER.key, new_signer("production").issuer)):
        with pytest.raises(TokenRefused):
            VERIFIER.verify(signer.sign(MEMBER)[0].reveal())


@settings(deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        VERIFIER.verify(text)


@settings(deadline=None)
@given(st.data())
def test_a_changed_character_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 2))
    other = data.draw(st.sampled_from([c for c in "ABCDabcd0123-_" if c != TOKEN[at]]))
    with pytest.raises(TokenRefused):
        VERIFIER.verify(TOKEN[:at] + other + TOKEN[at + 1 :])


def test_a_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    token = SIGNER.sign(MEMBER, timedelta(minutes=5))[0].reveal()
    later = clock.now() + timedelta(minutes=6, seconds=1)

    def in_six_minutes() -> datetime:
        return later

    monkeypatch.setattr(clock, "now", in_six_minutes)
    with pytest.raises(TokenRefused, match="expired"):
        VERIFIER.verify(token)


@pytest.mark.parametrize(
    ("principal", "lifetime"),
    [
        (MEMBER, timedelta(hours=1, seconds=1)),
        (MEMBER, timedelta(0)),
        (Principal("a", ORG, "system_admin"), timedelta(hours=1)),
        (Principal("a", platform_role="owner"), timedelta(hours=1)),
        (Principal("a", ORG, "owner", "auditor"), timedelta(hours=1)),
        (Principal("", ORG, "owner"), timedelta(hours=1)),
        (Principal("somebody", ORG, "developer"), timedelta(hours=1)),
    ],
    ids=["too-long", "no-time", "platform-role-in-org", "org-role-without", "two-roles", "nobody", "developer"],
)
def test_what_would_not_verify_is_not_signed(principal: Principal, lifetime: timedelta) -> None:
    with pytest.raises(InvalidInput):
        SIGNER.sign(principal, lifetime)
