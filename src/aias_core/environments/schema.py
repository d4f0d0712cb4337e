"""What a profile may say. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ports(_Part):
    """`fixed` maps a component, or `component.port`, to its number; what is not fixed is chosen free and remembered."""

    prefer_defaults: bool = True
    fixed: dict[str, Port] = {}


class Router(_Part):
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "local"


class Mock(_Part):
    """The mock models: delay to the first token and between tokens, and the names they answer to."""

    ttft_ms: Milliseconds = 100
    token_ms: Milliseconds = 10
    models: Annotated[list[str], Field(min_length=1)] = ["mock-small", "mock-large"]


class Approvals(_Part):
    """Whose consent changes need. `approvers` maps a name to its public key, `ssh-ed25519 …`."""

    migrations: Literal["optional", "required"] = "optional"
    months: Literal["optional", "required"] = "optional"
    approvers: dict[str, Annotated[str, Field(pattern=r"^ssh-ed25519 \S+")]] = {}


class Finance(_Part):
    """How the issuer of invoices and the service are called in files of FOCUS."""

    issuer: Annotated[str, Field(min_length=1, max_length=64)] = "aias"
    service: Annotated[str, Field(min_length=1, max_length=64)] = "Inference"


class Profile(_Part):
    """One environment."""

    name: str
    target: Literal["local"] = "local"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    start_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    ports: Ports = Ports()
    router: Router = Router()
    mock: Mock = Mock()
    approvals: Approvals = Approvals()
    finance: Finance = Finance()
