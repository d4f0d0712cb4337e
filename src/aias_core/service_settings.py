"""What each service reads of the process environment. Every fault is reported at once, with its variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from aias_core.errors import InvalidSettings
from aias_core.secret import Secret
from aias_core.settings import find_variable

PREFIX = "AIAS_"


def _to_secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty text")
    return Secret(value)


SecretText = Annotated[Secret, BeforeValidator(_to_secret)]
Port = Annotated[int, Field(ge=1, le=65535)]


class ServiceSettings(BaseSettings):
    """What every service reads. A field `name` is the variable `AIAS_NAME`, or `AIAS_NAME_FILE` naming a file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, arbitrary_types_allowed=True, extra="ignore")

    env: str = "local"
    http_host: str = "127.0.0.1"
    http_port: Port
    http_ops_port: Port
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class IdentitySettings(ServiceSettings):
    operational_dsn: SecretText
    service_key: SecretText
    operator_token: SecretText
    data_hash_keys: SecretText
    token_signing_key: SecretText


class RouterSettings(ServiceSettings):
    operational_dsn: SecretText
    nats_url: SecretText
    identity_url: str
    service_key: SecretText
    operator_token: SecretText
    data_hash_keys: SecretText
    router_spool_dir: Path
    router_region: str = "local"
    router_body_limit: Annotated[int, Field(ge=1024)] = 1024 * 1024


class StorageSettings(BaseSettings):
    """Object storage and the buckets that exported files go to, for services and for commands on named servers."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, arbitrary_types_allowed=True, extra="ignore")

    s3_endpoint: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: SecretText | None = None
    s3_region: str = "us-east-1"
    s3_encryption: Literal["AES256", "aws:kms"] | None = None
    exports_buckets: str = "aias-exports"


class AnalyticsSettings(ServiceSettings, StorageSettings):
    analytics_dsn: SecretText
    operational_dsn: SecretText | None = None
    nats_url: SecretText
    identity_url: str
    service_key: SecretText
    operator_token: SecretText
    token_public_keys: str
    finance_issuer: str = "aias"
    finance_service: str = "Inference"
    analytics_rollup_seconds: Annotated[float, Field(gt=0)] = 1.0
    analytics_ingest_workers: Annotated[int, Field(ge=1, le=8)] = 2
    analytics_batch_events: Annotated[int, Field(ge=1, le=10_000)] = 500


class MockModelSettings(ServiceSettings):
    mock_ttft_ms: Annotated[int, Field(ge=0)] = 100
    mock_token_ms: Annotated[int, Field(ge=0)] = 10
    mock_models: str = "mock-small,mock-large,mock-embedding"


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(kind: type[AnySettings]) -> AnySettings:
    """The settings of one service. Raises InvalidSettings naming every variable at fault."""
    from_files, faults = _read_files(kind)
    try:
        settings = kind(**from_files)
    except ValidationError as exc:
        faults += [f"{_variable(error['loc'])}: {error['msg']}" for error in exc.errors()]
    if faults:
        raise InvalidSettings("The settings are not valid: " + "; ".join(faults))
    return settings


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + str(location[0]).upper().removeprefix(PREFIX)


def _read_files(kind: type[BaseSettings]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    faults = []
    for name in kind.model_fields:
        variable = PREFIX + name.upper()
        path = find_variable(f"{variable}_FILE")
        if path is None:
            continue
        if find_variable(variable) is not None:
            faults.append(f"{variable}: given twice, as {variable} and as {variable}_FILE")
            continue
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as exc:
            faults.append(f"{variable}_FILE: cannot be read ({exc.strerror})")
    return values, faults
