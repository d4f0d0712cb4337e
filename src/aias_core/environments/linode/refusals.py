"""What Linode refuses, as errors of ours."""

from __future__ import annotations

import re
from typing import Any

from aias_core.errors import AiasError, Conflict, InvalidInput, LimitReached, NotFound, PrerequisiteMissing, Refused

LIMIT = re.compile(r"account limit reached|quota|limit exceeded|may have at most", re.IGNORECASE)
OUT_OF_STOCK = re.compile(r"currently unavailable|out of stock|no capacity|insufficient capacity", re.IGNORECASE)
TAKEN = re.compile(r"must be unique|already exists|already in use|name is not available|is taken", re.IGNORECASE)
_NO_JSON = "N/A"


def explain_refusal(exc: Any, method: str, path: str) -> AiasError:
    """Our error for an `ApiError` of linode-api4."""
    reasons = _join(exc)
    match exc.status:
        case 401 | 403 if "locked" in reasons:
            return Refused(
                f"'{method} {path}' was refused: {reasons}", hint="remove the lock of the resource in the account first"
            )
        case 401 | 403:
            return _explain_access(exc, method, path, reasons)
        case 404:
            return NotFound(f"There is no '{path}' in the account")
        case 400 if LIMIT.search(reasons) or OUT_OF_STOCK.search(reasons):
            return LimitReached(f"Linode refused '{method} {path}': {reasons}", hint=limit_hint(reasons))
        case 400 if method == "POST" and TAKEN.search(reasons):
            return Conflict(f"Linode refused '{method} {path}': {reasons}", hint="see what has the name in the account")
        case _:
            return InvalidInput(f"Linode refused '{method} {path}' ({exc.status}): {reasons}")


def is_out_of_stock(error: LimitReached) -> bool:
    """Whether a plan or region had no room, rather than the account."""
    return OUT_OF_STOCK.search(error.message) is not None


def limit_hint(reasons: str) -> str:
    """What to do about a refusal for want of room."""
    if OUT_OF_STOCK.search(reasons):
        return "choose another plan or region in the profile; see what is used and needed with: aias env quota"
    return "see what is used and needed with: aias env quota, and ask for more with a support ticket"


def _explain_access(exc: Any, method: str, path: str, reasons: str) -> PrerequisiteMissing:
    headers = exc.response.headers if exc.response is not None else {}
    accepted, has = headers.get("X-Accepted-OAuth-Scopes", ""), headers.get("X-OAuth-Scopes")
    if accepted not in ("", "*") and has is not None:
        return PrerequisiteMissing(
            f"The token lacks the scope '{accepted}' for '{method} {path}'",
            hint="make a token with that scope at https://cloud.linode.com/profile/tokens",
        )
    return PrerequisiteMissing(
        f"Linode does not accept the token: {reasons}",
        hint="it may be expired or revoked; put a valid one where 'account.token' of the profile points to",
    )


def _join(exc: Any) -> str:
    errors = (exc.json or {}).get("errors") if isinstance(exc.json, dict) else None
    if not isinstance(errors, list):
        return _NO_JSON
    return "; ".join(f"{one['field']}: {one['reason']}" if one.get("field") else str(one["reason"]) for one in errors)
