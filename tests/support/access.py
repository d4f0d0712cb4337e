"""Access tokens for tests, and the settings of a service that believes them."""

from __future__ import annotations

import base64
import secrets
from typing import Any
from uuid import UUID

from aias_core.identity.access_tokens import TokenSigner
from aias_core.identity.permissions import Principal
from aias_core.secret import Secret

ENV = "local"
OPERATOR_TOKEN, SERVICE_KEY = secrets.token_hex(16), secrets.token_hex(16)
TOKEN_SIGNING_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
SIGNER = TokenSigner.parse(Secret(TOKEN_SIGNING_KEY), ENV)
ACCESS_VARIABLES = {
    "AIAS_IDENTITY_URL": "http://127.0.0.1:9",
    "AIAS_SERVICE_KEY": SERVICE_KEY,
    "AIAS_OPERATOR_TOKEN": OPERATOR_TOKEN,
    "AIAS_TOKEN_PUBLIC_KEYS": SIGNER.public_key(),
}


def token_of(role: str, org: UUID | None = None, actor: str = "somebody") -> str:
    """A token of a role: of an organization where one is named, else of the platform."""
    principal = Principal(actor, org, role) if org else Principal(actor, platform_role=role)
    return SIGNER.sign(principal)[0].reveal()


def bearer(token: str) -> dict[str, Any]:
    return {"Authorization": f"Bearer {token}"}
