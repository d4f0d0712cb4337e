"""The addresses of an environment that is up, and ready-made clients for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aias_core.database import postgres
from aias_core.environments.local import nats, objects
from aias_core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg import Connection

    from aias_core.environments.local.credentials import Credentials
    from aias_core.management import ManagementClient
    from aias_core.objectstore import ObjectStore


@dataclass(frozen=True)
class Endpoints:
    """Where everything listens. Addresses that carry credentials are secrets."""

    ports: Mapping[str, Mapping[str, int]]
    credentials: Credentials

    @property
    def identity_url(self) -> str:
        return self.url("identity")

    @property
    def router_url(self) -> str:
        return self.url("router")

    @property
    def router_admin_url(self) -> str:
        return self.url("router", "ops")

    @property
    def analytics_url(self) -> str:
        return self.url("analytics")

    @property
    def analytics_admin_url(self) -> str:
        return self.url("analytics", "ops")

    @property
    def nats_url(self) -> Secret:
        return nats.build_url(self.ports["nats"]["main"], self.credentials.nats_password)

    @property
    def s3_endpoint(self) -> str:
        return self.url("objects")

    @property
    def bucket(self) -> str:
        return objects.BUCKET

    @property
    def operator_token(self) -> Secret:
        return self.credentials.operator_token

    def url(self, component: str, port: str = "main") -> str:
        """The HTTP address of a component's port, without a slash at its end."""
        return f"http://127.0.0.1:{self.ports[component][port]}"

    def dsn(self, database: str, role: str) -> Secret:
        """The address of a database for one of the roles."""
        password = self.credentials.database_password(role)
        return postgres.build_dsn(self.ports["postgres"]["main"], database, role, password)

    def identity_client(self) -> ManagementClient:
        """The management API of identity, called as the operator."""
        from aias_core.management import ManagementClient

        return ManagementClient("identity", self.identity_url, self.operator_token)

    def analytics_client(self) -> ManagementClient:
        """The query API of analytics, called as the operator."""
        from aias_core.management import ManagementClient

        return ManagementClient("analytics", self.analytics_url, self.operator_token)

    def router_client(self) -> ManagementClient:
        """The management API of the router, on its ops port, called as the operator."""
        from aias_core.management import ManagementClient

        return ManagementClient("router", self.router_admin_url, self.operator_token)

    @contextmanager
    def analytics_connection(self) -> Iterator[Connection]:
        """A connection to the analytics database, names and prices brought up to date; each statement commits."""
        from aias_core.analytics.dimensions import sync_dimensions
        from aias_core.database.connection import connect

        with connect(self.dsn("analytics", "aias_analytics"), "database 'analytics'", autocommit=True) as analytics:
            with connect(self.dsn("operational", "aias_analytics"), "database 'operational'") as operational:
                sync_dimensions(operational, analytics)
            yield analytics

    def object_store(self) -> ObjectStore:
        """The S3 server and the keys to it."""
        from aias_core.objectstore import ObjectStore

        return ObjectStore(
            self.s3_endpoint, self.credentials.s3_access_key, self.credentials.s3_secret_key, objects.REGION
        )
