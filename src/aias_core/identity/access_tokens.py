"""Access tokens: JWT (RFC 7519, profile RFC 9068) signed with Ed25519 (RFC 8037), for at most an hour.

The algorithm is pinned: a token that names another one is refused before its signature is looked at.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock, ids
from aias_core.errors import InvalidInput
from aias_core.identity.permissions import ORGANIZATION_ROLES, PLATFORM_ROLES, Principal
from aias_core.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

AUDIENCE = "aias"
ALGORITHM, TYPE = "EdDSA", "at+jwt"
LONGEST = timedelta(hours=1)
LEEWAY_SECONDS = 60
TOKEN_BYTES_LIMIT = 4096


class TokenRefused(ValueError):
    """An access token that does not prove anything, with the reason for the log"""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs tokens of one environment."""

    key: Ed25519PrivateKey
    issuer: str

    @classmethod
    def parse(cls, seed: Secret, env: str) -> TokenSigner:
        """The signer of a key given as base64 of its 32 bytes. Raises InvalidInput."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            return cls(
                Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed.reveal(), validate=True)), issuer(env)
            )
        except ValueError as exc:
            raise InvalidInput("AIAS_TOKEN_SIGNING_KEY is not the base64 of 32 bytes") from exc

    def public_key(self) -> str:
        """What verifies its tokens, as `id:base64`."""
        raw = self.key.public_key().public_bytes_raw()
        return f"{key_id(raw)}:{base64.b64encode(raw).decode()}"

    def sign(self, principal: Principal, lifetime: timedelta = LONGEST) -> tuple[Secret, str]:
        """A token of a principal and its id. Raises InvalidInput for a lifetime or role that does not exist."""
        check_principal(principal)
        if not timedelta(0) < lifetime <= LONGEST:
            raise InvalidInput("A token lives for 1 second to 1 hour")
        now, token_id = int(clock.now().timestamp()), str(ids.new_id())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": principal.actor_id,
            "jti": token_id,
            "iat": now,
            "nbf": now,
        }
        claims["exp"] = now + int(lifetime.total_seconds())
        if principal.platform_role:
            claims["platform_role"] = principal.platform_role
        else:
            claims |= {"org_id": str(principal.org_id), "role": str(principal.org_role)}
        kid = key_id(self.key.public_key().public_bytes_raw())
        signed = f"{_encode({'alg': ALGORITHM, 'typ': TYPE, 'kid': kid})}.{_encode(claims)}"
        return Secret(f"{signed}.{_to_text(self.key.sign(signed.encode()))}"), token_id


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies tokens of one environment with the keys it publishes."""

    keys: Mapping[str, Ed25519PublicKey]
    issuer: str

    @classmethod
    def parse(cls, keys: str, env: str) -> TokenVerifier:
        """The verifier of keys given as `id:base64`, separated by commas. Raises InvalidInput."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            pairs = [part.strip().partition(":") for part in keys.split(",")]
            parsed = {kid: Ed25519PublicKey.from_public_bytes(base64.b64decode(raw)) for kid, _, raw in pairs}
        except ValueError as exc:
            raise InvalidInput("AIAS_TOKEN_PUBLIC_KEYS is not a list of id:base64") from exc
        return cls(parsed, issuer(env))

    def verify(self, token: str) -> Principal:
        """Whom a token proves. Raises TokenRefused: form, algorithm, key, signature, issuer, audience, time, role."""
        claims = self._open(token)
        now = clock.now().timestamp()
        _require(claims.get("iss") == self.issuer and claims.get("aud") == AUDIENCE, "issuer or audience")
        expires, not_before, issued = (_instant(claims, name) for name in ("exp", "nbf", "iat"))
        _require(expires > now - LEEWAY_SECONDS, "expired")
        _require(max(not_before, issued) <= now + LEEWAY_SECONDS, "not valid yet")
        _require(expires - issued <= LONGEST.total_seconds(), "lives too long")
        return _to_principal(claims)

    def _open(self, token: str) -> dict[str, Any]:
        from cryptography.exceptions import InvalidSignature

        parts = token.split(".")
        _require(len(token) <= TOKEN_BYTES_LIMIT and len(parts) == 3, "form")
        header = _decode(parts[0])
        _require(header.get("alg") == ALGORITHM and header.get("typ") == TYPE and "crit" not in header, "algorithm")
        key = self.keys.get(str(header.get("kid")))
        if key is None:
            raise TokenRefused("unknown key")
        try:
            key.verify(_to_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode())
        except InvalidSignature as exc:
            raise TokenRefused("signature") from exc
        return _decode(parts[1])


def issuer(env: str) -> str:
    """The `iss` of an environment's tokens."""
    return f"urn:aias:{env}:identity"


def key_id(public_key: bytes) -> str:
    """The short name of a key: the first 16 digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def check_principal(principal: Principal) -> None:
    """Raises InvalidInput unless it is one known role, of one organization or of the platform, with an actor."""
    is_member = principal.org_id is not None and principal.org_role in ORGANIZATION_ROLES
    is_platform = principal.platform_role in PLATFORM_ROLES
    if is_member == is_platform or (principal.org_role and principal.platform_role) or not principal.actor_id:
        known = ", ".join((*ORGANIZATION_ROLES, *PLATFORM_ROLES))
        raise InvalidInput("A token is of one role: of an organization, or of the platform", hint=f"one of: {known}")
    if principal.org_role == "developer" and principal.holder_id.int == 0:
        raise InvalidInput("A developer sees own keys only, so the token needs a user", hint="name one with: --user ID")


def _to_principal(claims: Mapping[str, Any]) -> Principal:
    subject, org_id = claims.get("sub"), claims.get("org_id")
    _require(isinstance(subject, str), "subject")
    try:
        principal = Principal(
            str(subject),
            None if org_id is None else UUID(str(org_id)),
            claims.get("role"),
            claims.get("platform_role"),
        )
        check_principal(principal)
    except (ValueError, InvalidInput, TypeError) as exc:
        raise TokenRefused("role or organization") from exc
    return principal


def _instant(claims: Mapping[str, Any], name: str) -> int:
    at = claims.get(name)
    if type(at) is not int:
        raise TokenRefused("times")
    return at


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise TokenRefused(what)


def _encode(content: Mapping[str, Any]) -> str:
    return _to_text(json.dumps(content, separators=(",", ":")).encode())


def _decode(text: str) -> dict[str, Any]:
    try:
        content = json.loads(_to_bytes(text))
    except ValueError as exc:
        raise TokenRefused("form") from exc
    if not isinstance(content, dict):
        raise TokenRefused("form")
    return content


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as exc:
        raise TokenRefused("form") from exc
