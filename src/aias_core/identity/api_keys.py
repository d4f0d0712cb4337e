"""API keys of an organization: issued once in clear, kept as a keyed hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from aias_core import clock, ids
from aias_core.database.queries import load_queries
from aias_core.errors import Conflict, InvalidInput, Refused
from aias_core.identity.keys import PREFIX_LENGTH, HashKeys, generate_key
from aias_core.identity.organizations import get_organization
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

SCOPES = ("inference.call", "model.read", "usage.read")
DEFAULT_SCOPES = ("inference.call", "model.read")
DEFAULT_DAYS, LONGEST_DAYS = 180, 365

_queries = load_queries(__file__)


class KeyNameTaken(Conflict):
    """An active key of the organization has this name"""

    code = "name_taken"


def issue_key(
    connection: Connection,
    hash_keys: HashKeys,
    environment: str,
    org: str,
    name: str,
    *,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    expires_in_days: int = DEFAULT_DAYS,
) -> tuple[dict[str, Any], Secret]:
    """A new key and its text, which exists nowhere else and is never shown again.

    Raises NotFound for an unknown organization, Refused when it is not active, KeyNameTaken, InvalidInput.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"Unknown scope: {', '.join(unknown) or 'none given'}", hint=f"scopes: {', '.join(SCOPES)}")
    if not 1 <= len(name) <= 64:
        raise InvalidInput("A key name has 1 to 64 characters")
    if not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidInput(f"A key lives 1 to {LONGEST_DAYS} days, not {expires_in_days}")
    organization = get_organization(connection, org)
    if organization["status"] != "active":
        raise Refused(f"The organization '{org}' is {organization['status']}; it gets no new keys")
    text = generate_key(environment)
    kid = hash_keys.active_kid
    values = {
        "api_key_id": ids.new_id(),
        "org_id": organization["org_id"],
        "name": name,
        "prefix": text.reveal()[:PREFIX_LENGTH],
        "last4": text.reveal()[-4:],
        "secret_hash": hash_keys.digest(text.reveal(), kid),
        "hash_kid": kid,
        "scopes": list(scopes),
        "expires_at": clock.now() + timedelta(days=expires_in_days),
    }
    return _insert(connection, values, org), text


def _insert(connection: Connection, values: Mapping[str, Any], org: str) -> dict[str, Any]:
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_queries["insert_key"], values).fetchone() or {}
    except psycopg.errors.UniqueViolation as exc:
        raise KeyNameTaken(
            f"'{org}' has an active key '{values['name']}'", hint=f"choose another name, see: aias key list --org {org}"
        ) from exc


def list_keys(connection: Connection, org: str) -> list[dict[str, Any]]:
    """The keys of an organization, newest first, without anything that could be used as one."""
    organization = get_organization(connection, org)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_queries["list_keys"], {"org_id": organization["org_id"]}).fetchall()


def resolve_key(connection: Connection, digests: Mapping[str, bytes]) -> dict[str, Any] | None:
    """What a key may do, by its digest under any live hashing key; None for unknown, revoked and expired alike."""
    with connection.cursor(row_factory=dict_row) as cursor:
        for kid, digest in digests.items():
            row = cursor.execute(_queries["resolve_key"], {"hash_kid": kid, "secret_hash": digest}).fetchone()
            if row is not None:
                return row
    return None
