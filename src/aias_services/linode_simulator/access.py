"""Tokens and scopes, as OAuth scopes of Linode: `lke:read_write linodes:read_only`, or `*`."""

from __future__ import annotations

from datetime import UTC, datetime

from aias_core import clock
from aias_services.linode_simulator.refusals import refuse
from aias_services.linode_simulator.world import Record, World

KIND = "token"
LEVELS = {"read_only": 1, "read_write": 2}
SCOPES = (
    "account",
    "databases",
    "domains",
    "events",
    "firewall",
    "images",
    "ips",
    "linodes",
    "lke",
    "longview",
    "monitor",
    "nodebalancers",
    "object_storage",
    "stackscripts",
    "volumes",
    "vpc",
)


def authenticate(world: World, header: str) -> Record:
    """The token of a call. Raises Refusal (401) when it is missing, unknown, revoked or expired."""
    token = _find(world, header)
    if token is None or token.gone_at or _is_expired(world, token):
        raise refuse("Invalid Token", status=401)
    return token


def revoke(world: World, header: str) -> None:
    """Ends the token of a call, as its owner would elsewhere."""
    if token := _find(world, header):
        world.remove(token)


def _find(world: World, header: str) -> Record | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return next(world.iter(KIND, lambda record: record.values["token"] == value), None)


def authorize(token: Record, scope: str, level: str) -> None:
    """Raises Refusal (401) when the token does not reach this scope at this level."""
    scopes = parse(token.values["scopes"])
    granted = max(scopes.get("*", 0), scopes.get(scope, 0))
    if scope != "*" and granted < LEVELS[level]:
        raise refuse("Your OAuth token is not authorized to use this endpoint.", status=401)


def parse(scopes: str) -> dict[str, int]:
    """The level of each scope. Raises Refusal for one that there is not."""
    levels: dict[str, int] = {}
    for scope in scopes.replace(",", " ").split():
        name, _, level = scope.partition(":")
        if scope != "*" and (name not in SCOPES or level not in LEVELS):
            raise refuse(f"Invalid OAuth scope: {scope}", "scopes")
        levels[name] = LEVELS.get(level, max(LEVELS.values()))
    return levels


def _is_expired(world: World, token: Record) -> bool:
    expiry = token.values.get("expiry")
    return expiry is not None and instant_of(expiry) <= world.now()


def instant_of(text: str) -> float:
    """Seconds since 1970 of an instant as Linode writes it, in UTC. Raises ValueError for another text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def written(at: float) -> str:
    """An instant as Linode writes it, in UTC without a zone."""
    return clock.format_second(datetime.fromtimestamp(at, UTC)).removesuffix("Z")
