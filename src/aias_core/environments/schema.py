"""What a profile may say. Unknown keys are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Cidr = Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+/\d{1,3}$")]
SECRET_PATTERN = r"^secret://[a-z][a-z0-9-]*/\S+$"
SecretReference = Annotated[str, Field(pattern=SECRET_PATTERN, json_schema_extra={"x-secret": True})]


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


class Account(_Part):
    """The Linode account and how it is reached. `token` is a reference such as `secret://env/LINODE_TOKEN`."""

    api_url: Annotated[str, Field(pattern=r"^https?://\S+$")] = "https://api.linode.com"
    api_version: Literal["v4", "v4beta"] = "v4"
    token: SecretReference = "secret://env/LINODE_TOKEN"


class Taint(_Part):
    value: str
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class Pool(_Part):
    """A node pool. `maximum` above `minimum` lets it scale by itself, `ceiling` is the most a person may set."""

    type: str
    count: Annotated[int, Field(ge=1, le=100)]
    minimum: Annotated[int, Field(ge=1, le=100)] | None = None
    maximum: Annotated[int, Field(ge=1, le=100)] | None = None
    ceiling: Annotated[int, Field(ge=1, le=100)] | None = None
    labels: dict[str, str] = {}
    taints: dict[str, Taint] = {}
    gpu: bool = False


class ControlPlaneAcl(_Part):
    enabled: bool = False
    ipv4: list[Cidr] = []
    ipv6: list[Cidr] = []


class Cluster(_Part):
    version: Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")] = "1.34"
    tier: Literal["standard", "enterprise"] = "standard"
    ha: bool = False
    acl: ControlPlaneAcl = ControlPlaneAcl()
    pools: Annotated[dict[Name, Pool], Field(min_length=1)]


class Gpu(_Part):
    """GPU pools are part of the environment only when `enabled`."""

    enabled: bool = False


class Network(_Part):
    """`subnets` are parts of the VPC; `ingress_cidrs` may reach the edge; `egress_cidrs` are reachable from inside."""

    vpc_cidr: Cidr = "10.0.0.0/16"
    subnets: dict[Name, Cidr] = {}
    ingress_cidrs: list[Cidr] = []
    egress_cidrs: list[Cidr] = ["0.0.0.0/0", "::/0"]


class ManagedDatabase(_Part):
    type: str = "g6-dedicated-2"
    nodes: Literal[1, 2, 3] = 1
    version: str = "17"


class Bucket(_Part):
    """Object storage for one purpose; its name is `<bucket_prefix>-<environment>-<purpose>`."""

    versioned: bool = False
    expire_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class Quota(_Part):
    """What one namespace may ask for."""

    pods: Annotated[int, Field(ge=1)]
    cpu: Annotated[int, Field(ge=1)]
    memory_gib: Annotated[int, Field(ge=1)]
    volumes: Annotated[int, Field(ge=0)] = 0
    gpus: Annotated[int, Field(ge=0)] = 0


class Namespace(_Part):
    """A namespace of the cluster; `quota` names one of `quotas`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    quota: Name | None = None


class ComponentChoice(_Part):
    """Whether a component of the registry is part of the environment."""

    enabled: bool = True


class Retention(_Part):
    """How long telemetry is kept; metrics and logs for 30 days at least."""

    metrics_days: Annotated[int, Field(ge=1, le=3650)] = 30
    logs_days: Annotated[int, Field(ge=1, le=3650)] = 90
    traces_days: Annotated[int, Field(ge=1, le=3650)] = 7


class Slo(_Part):
    """Objectives in percent, over 30 days."""

    availability: Annotated[str, Field(pattern=r"^\d{2}(\.\d{1,3})?$")] = "99.5"


class Gitops(_Part):
    """The repository that says what runs in the cluster."""

    repo: Annotated[str, Field(pattern=r"^(https://|ssh://|git@)\S+$")] | None = None
    revision: Annotated[str, Field(min_length=1)] = "main"
    path: Annotated[str, Field(min_length=1)] = "clusters"


class SecretDeclaration(_Part):
    """One secret: who answers for it, how often it is renewed, what must reload when it is."""

    owner: Annotated[str, Field(min_length=1)]
    purpose: Annotated[str, Field(min_length=1)]
    source: SecretReference | None = None
    rotation_days: Annotated[int, Field(ge=1, le=3650)] = 30
    generator: Literal["password", "hex32", "ed25519", "keyring", "external"] = "password"
    consumers: list[str] = []
    namespaces: list[str] = []
    kind: Literal["internal", "confidential", "restricted"] = "confidential"


class Profile(_Part):
    """What every environment has."""

    name: str
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    approvals: Approvals = Approvals()
    finance: Finance = Finance()


class LocalProfile(Profile):
    """An environment on this machine."""

    target: Literal["local"] = "local"
    start_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    ports: Ports = Ports()
    router: Router = Router()
    mock: Mock = Mock()


class LinodeProfile(Profile):
    """An environment on Linode."""

    target: Literal["linode"] = "linode"
    region: str = "fr-par"
    domain: str | None = None
    account: Account = Account()
    cluster: Cluster
    gpu: Gpu = Gpu()
    network: Network = Network()
    database: ManagedDatabase = ManagedDatabase()
    bucket_prefix: Name = "aias"
    buckets: dict[Name, Bucket] = {}
    namespaces: dict[Name, Namespace] = {}
    components: dict[Name, ComponentChoice] = {}
    quotas: dict[Name, Quota] = {}
    secrets: dict[Name, SecretDeclaration] = {}
    retention: Retention = Retention()
    slo: Slo = Slo()
    gitops: Gitops = Gitops()
    limits: dict[str, Annotated[int, Field(ge=0)]] = {}
    tags: list[Annotated[str, Field(min_length=3, max_length=50)]] = []
    protect: bool = False
    topology: Literal["dedicated", "shared"] = "dedicated"


TARGETS: dict[str, type[LocalProfile | LinodeProfile]] = {"local": LocalProfile, "linode": LinodeProfile}


def list_keys(target: str, path: Sequence[str | int]) -> list[str]:
    """The keys that a profile of that target may have at a path; none where keys are names of the user's own."""
    model = _find_model(target, path)
    return [] if model is None else [key for key in model.model_fields if key != "name"]


def find_default(target: str, path: Sequence[str]) -> Any:
    """What a field is when nobody sets it. Raises KeyError where there is no field or no default."""
    model = _find_model(target, path[:-1])
    if model is None or path[-1] not in model.model_fields or model.model_fields[path[-1]].is_required():
        raise KeyError(path[-1])
    default = model.model_fields[path[-1]].get_default(call_default_factory=True)
    return default.model_dump() if isinstance(default, BaseModel) else default


def _find_model(target: str, path: Sequence[str | int]) -> type[BaseModel] | None:
    found: Any = TARGETS.get(target)
    for part in path:
        if isinstance(found, type) and issubclass(found, BaseModel):
            field = found.model_fields.get(str(part))
            found = None if field is None else _unwrap(field.annotation)
        else:
            found = _unwrap(get_args(found)[1]) if get_origin(found) is dict else None
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _unwrap(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _unwrap(get_args(annotation)[0])
    return annotation
