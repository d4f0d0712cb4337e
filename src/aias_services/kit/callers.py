"""Who calls: an access token of identity, or the operator's token. Nothing else is believed, least of all a header."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from aias_core.errors import Refused
from aias_core.identity.access_tokens import TokenRefused, TokenVerifier
from aias_core.identity.permissions import Principal
from aias_core.secret import Secret
from aias_services.kit.guard import Unauthenticated

OPERATOR = Principal("operator", platform_role="system_admin")
_scheme = HTTPBearer(auto_error=False, scheme_name="access token", bearerFormat="JWT", description="aias token issue")


class PermissionDenied(Refused):
    """The role of the caller does not allow this"""

    code = "permission_denied"


def signed_in(verifier: TokenVerifier, operator_token: Secret) -> Any:
    """A guard that keeps the verified principal with the request; `Caller` hands it to the route."""

    def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)] = None
    ) -> None:
        if credentials is None:
            raise Unauthenticated(hint="send Authorization: Bearer TOKEN; get one with: aias token issue")
        token = credentials.credentials
        if secrets.compare_digest(token.encode(), operator_token.reveal().encode()):
            request.state.principal = OPERATOR
            return
        try:
            request.state.principal = verifier.verify(token)
        except TokenRefused as refused:
            structlog.get_logger().info("credential_refused", reason=str(refused))
            raise Unauthenticated(hint="get a new one with: aias token issue") from refused

    check.is_guard = True  # type: ignore[attr-defined]
    return Depends(check)


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


Caller = Annotated[Principal, Depends(_principal)]
