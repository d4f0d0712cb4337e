"""Roles and databases of a server: what must exist before the first migration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, LiteralString

from aias_core.database.queries import load_queries
from aias_core.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection

DATABASES = ("operational", "analytics")
LOGIN_ROLES = ("aias_migrator", "aias_identity", "aias_router", "aias_analytics")
GROUP_ROLES = ("aias_owner", "aias_reader", "aias_readonly", "aias_exporter", "aias_retention", "aias_lookup")
MEMBERSHIPS = (
    ("aias_owner", "aias_migrator"),
    ("aias_lookup", "aias_owner"),
    ("aias_reader", "aias_identity"),
    ("aias_reader", "aias_analytics"),
    ("aias_exporter", "aias_analytics"),
    ("aias_readonly", "aias_migrator"),
    ("aias_retention", "aias_migrator"),
)

_queries = load_queries(__file__)


def ensure_databases(superuser: Secret, passwords: Mapping[str, Secret]) -> None:
    """Creates the roles and both databases where they are missing and sets the passwords; repeatable.

    `passwords` holds one for each login role. They reach the server as SCRAM verifiers, never as text.
    """
    from psycopg import sql

    from aias_core.database.connection import connect

    ensure_roles(superuser)
    with connect(superuser, autocommit=True) as connection:
        for role in LOGIN_ROLES:
            verifier = connection.pgconn.encrypt_password(passwords[role].reveal().encode(), role.encode())
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier.decode()))
            )
        for database in DATABASES:
            ensure_database(connection, database)


def ensure_roles(superuser: Secret) -> None:
    """Creates the roles of the platform where they are missing, without passwords, and who may act as whom."""
    from psycopg import sql

    from aias_core.database.connection import connect

    with connect(superuser, autocommit=True) as connection:
        for role in GROUP_ROLES:
            _ensure_role(connection, role, "NOLOGIN")
        for role in LOGIN_ROLES:
            _ensure_role(connection, role, "LOGIN")
        for group, member in MEMBERSHIPS:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member)))


def _ensure_role(connection: Connection, role: str, login: LiteralString) -> None:
    from psycopg import sql

    if connection.execute(_queries["find_role"], [role]).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE ROLE {} {} NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(role), sql.SQL(login))
        )


def ensure_database(connection: Connection, database: str) -> None:
    """Creates a database of the platform where it is missing; the public has no rights on it, the roles may connect."""
    from psycopg import sql

    name = sql.Identifier(database)
    if connection.execute(_queries["find_database"], [database]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER aias_owner").format(name))
    roles = sql.SQL(", ").join(map(sql.Identifier, LOGIN_ROLES))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, roles))
