"""The secrets of an environment: random, generated once, one file each, readable by the owner only."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

from aias_core.errors import EnvironmentNotUp
from aias_core.files import write_first
from aias_core.secret import Secret, random_base62

DATABASE_ROLES = ("aias_migrator", "aias_identity", "aias_router", "aias_analytics")
BACKUP_KEY, ERASURE_KEY = "backup-key", "erasure-key"
_SUPERUSER = "postgres"


def _password() -> str:
    return random_base62(32)


def _named_key(kid: str) -> Callable[[], str]:
    return lambda: f"{kid}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


_KINDS: dict[str, Callable[[], str]] = {
    **{f"database-{role}": _password for role in (_SUPERUSER, *DATABASE_ROLES)},
    "nats-password": _password,
    "s3-access-key": lambda: random_base62(20),
    "s3-secret-key": lambda: random_base62(40),
    "service-key": lambda: random_base62(43),
    "operator-token": lambda: random_base62(43),
    "data-hash-keys": _named_key("k1"),
    "data-email-keys": _named_key("e1"),
    "data-encryption-keys": _named_key("c1"),
    "token-signing-key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    BACKUP_KEY: lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    ERASURE_KEY: lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def _ensure_file(path: Path, generate: Callable[[], str]) -> None:
    if not path.exists():
        write_first(path, generate().encode("ascii"))


class Credentials:
    """Reads the secrets of one environment from their directory, each when it is needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def ensure(self) -> None:
        """Generates what is missing; what is there stays."""
        for name, generate in _KINDS.items():
            _ensure_file(self._directory / name, generate)

    def database_password(self, role: str) -> Secret:
        return self._read(f"database-{role}")

    def database_passwords(self) -> dict[str, Secret]:
        """The passwords of the roles that services and migrations use, by role."""
        return {role: self.database_password(role) for role in DATABASE_ROLES}

    @property
    def superuser_password(self) -> Secret:
        return self.database_password(_SUPERUSER)

    @property
    def nats_password(self) -> Secret:
        return self._read("nats-password")

    @property
    def s3_access_key(self) -> str:
        return self._read("s3-access-key").reveal()

    @property
    def s3_secret_key(self) -> Secret:
        return self._read("s3-secret-key")

    @property
    def service_key(self) -> Secret:
        return self._read("service-key")

    @property
    def operator_token(self) -> Secret:
        return self._read("operator-token")

    @property
    def data_hash_keys(self) -> Secret:
        return self._read("data-hash-keys")

    @property
    def data_email_keys(self) -> Secret:
        return self._read("data-email-keys")

    @property
    def data_encryption_keys(self) -> Secret:
        return self._read("data-encryption-keys")

    def ensure_one(self, name: str, generate: Callable[[], str]) -> Secret:
        """The secret of a name that is not among the environment's own; made the first time."""
        _ensure_file(self._directory / name, generate)
        return self._read(name)

    def forget(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)

    @property
    def erasure_key(self) -> Secret:
        return self._read(ERASURE_KEY)

    @property
    def token_signing_key(self) -> Secret:
        return self._read("token-signing-key")

    def _read(self, name: str) -> Secret:
        try:
            return Secret((self._directory / name).read_text(encoding="ascii"))
        except OSError as exc:
            raise EnvironmentNotUp(
                f"The secret '{name}' cannot be read: {exc.strerror}", hint="bring the environment up: aias env up"
            ) from exc
