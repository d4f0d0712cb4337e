"""Env files: the variables of an environment, or of one of its components, as a file that is the same each time."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core import process
from aias_core.environments.components import get_component, load_components, load_registry
from aias_core.errors import Conflict, InvalidInput, PrerequisiteMissing, Refused
from aias_core.files import whole_file
from aias_core.secret import MASK

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment
    from aias_core.environments.schema import LinodeProfile

SCHEMA = "aias.env.export/1"
_TITLE = "# Variables of the environment"
YOURS, END = "# >>> yours", "# <<<"
_SECRET = re.compile(r"AIAS_(?!.*PUBLIC_KEYS$).*(_DSN|_KEYS?|_TOKEN|_PASSWORD|_SECRET|NATS_URL)")
_EDGE_HOSTS = {"AIAS_ROUTER_URL": "api", "AIAS_IDENTITY_URL": "id", "AIAS_ANALYTICS_URL": "analytics"}


class ExportFormat(StrEnum):
    """The forms of an env file."""

    ENV = "env"
    YAML = "yaml"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Export:
    """Variables by name, secrets among them; `elsewhere` are those that only the running environment knows."""

    environment: str
    variables: Mapping[str, str]
    elsewhere: tuple[str, ...] = ()

    def masked(self) -> Export:
        """The same without its secrets."""
        shown = {name: MASK if is_secret_variable(name) else value for name, value in self.variables.items()}
        return Export(self.environment, shown, self.elsewhere)

    def render(self, wanted: ExportFormat) -> str:
        """The file's text: sorted, with a header, the same for the same variables."""
        match wanted:
            case ExportFormat.ENV:
                lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(self.variables.items())]
                return "\n".join([*self._header(), *lines]) + "\n"
            case ExportFormat.YAML:
                import yaml

                text: str = yaml.safe_dump(self._as_record(), sort_keys=True, allow_unicode=True)
                return "\n".join([*self._header(), text])
            case _:
                return json.dumps(self._as_record(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _header(self) -> list[str]:
        header = [f"{_TITLE} '{self.environment}'. Write it again with: aias env export"]
        return [*header, f"# Known in the environment only: {', '.join(self.elsewhere)}"] if self.elsewhere else header

    def _as_record(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "variables": dict(self.variables),
            "elsewhere": list(self.elsewhere),
        }


def is_secret_variable(name: str) -> bool:
    """Whether the value of a variable is a secret, or an address that carries one."""
    return _SECRET.fullmatch(name) is not None


def export_local(environment: LocalEnvironment, component: str | None) -> Export:
    """The variables of an environment on this machine. Raises EnvironmentNotUp when it never was, NotFound."""
    if not environment.state.exists():
        raise environment.not_up()
    if component is not None:
        return Export(environment.name, _service_variables(environment, component))
    endpoints = environment.known_endpoints()
    credentials = endpoints.credentials
    variables = {
        "AIAS_ENV": environment.name,
        "AIAS_OPERATIONAL_DSN": endpoints.dsn("operational", "aias_migrator").reveal(),
        "AIAS_ANALYTICS_DSN": endpoints.dsn("analytics", "aias_migrator").reveal(),
        "AIAS_NATS_URL": endpoints.nats_url.reveal(),
        "AIAS_IDENTITY_URL": endpoints.identity_url,
        "AIAS_ROUTER_URL": endpoints.router_url,
        "AIAS_ANALYTICS_URL": endpoints.analytics_url,
        "AIAS_S3_ENDPOINT": endpoints.s3_endpoint,
        "AIAS_S3_ACCESS_KEY": credentials.s3_access_key,
        "AIAS_S3_SECRET_KEY": credentials.s3_secret_key.reveal(),
        "AIAS_EXPORTS_BUCKETS": endpoints.bucket,
        "AIAS_SERVICE_KEY": credentials.service_key.reveal(),
        "AIAS_OPERATOR_TOKEN": credentials.operator_token.reveal(),
    }
    return Export(environment.name, variables)


def _service_variables(environment: LocalEnvironment, name: str) -> dict[str, str]:
    from aias_core.environments.local.planner import Planner

    component = get_component(load_components(), name)
    if not component.is_service:
        raise InvalidInput(f"'{name}' is not a service of ours", hint="export the whole environment: aias env export")
    endpoints = environment.known_endpoints()
    ports = {label: dict(numbers) for label, numbers in endpoints.ports.items()}
    planner = Planner(environment.load_profile(), environment.state, ports, endpoints, account=None)
    return {key: value for key, value in planner.service_environment(component).items() if key.startswith("AIAS_")}


def export_linode(profile: LinodeProfile, component: str | None) -> Export:
    """What the profile of an environment on Linode says of its variables; the rest is named. Raises NotFound."""
    known = {"AIAS_ENV": profile.name}
    if component is None:
        hosts = _EDGE_HOSTS if profile.domain else {}
        return Export(
            profile.name,
            {**known, **{name: f"https://{host}.{profile.domain}" for name, host in hosts.items()}},
            tuple(sorted(_EDGE_HOSTS.keys() - hosts.keys())),
        )
    entry = get_component(load_registry(), component)
    values = {**known, **_cluster_values(profile)}
    ports = entry.ports_on("linode")
    variables = {
        "AIAS_HTTP_PORT": str(ports["main"]),
        **({"AIAS_HTTP_OPS_PORT": str(ports["ops"])} if "ops" in ports else {}),
        **{name: values[name] for name in ("AIAS_ENV", "AIAS_LOG_LEVEL", *entry.variables) if name in values},
    }
    return Export(profile.name, variables, tuple(sorted(set(entry.variables) - variables.keys())))


def _cluster_values(profile: LinodeProfile) -> dict[str, str]:
    identity = load_registry()["identity"]
    namespace = profile.namespaces["platform"].name if "platform" in profile.namespaces else f"env-{profile.name}"
    return {
        "AIAS_LOG_LEVEL": profile.log_level,
        "AIAS_IDENTITY_URL": f"http://identity.{namespace}.svc.cluster.local:{identity.ports['main']}",
        "AIAS_EXPORTS_BUCKETS": f"{profile.bucket_prefix}-{profile.name}-exports",
        "AIAS_FINANCE_ISSUER": profile.finance.issuer,
        "AIAS_FINANCE_SERVICE": profile.finance.service,
        "AIAS_ROUTER_REGION": profile.region,
    }


def write_export(export: Export, wanted: ExportFormat, path: Path) -> None:
    """Writes the file whole, for its owner only; the lines between the user's marks stay, once.

    Raises Refused where git would take the file, Conflict for one that we did not write, PrerequisiteMissing where it
    cannot be written.
    """
    refuse_tracked(path)
    own_lines = _list_own_lines(_read_earlier(path))
    text = export.render(wanted)
    if wanted is not ExportFormat.JSON:
        text += "\n".join([YOURS, *own_lines, END]) + "\n"
    with whole_file(path) as file:
        file.write(text.encode())


def _read_earlier(path: Path) -> str:
    """What an export wrote there before, nothing where there is no file. Raises Conflict for another file."""
    stranger = Conflict(f"'{path}' is no export of an environment", hint="name another file: --out FILE")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as exc:
        raise stranger from exc
    if text and not text.startswith(_TITLE) and f'"schema": "{SCHEMA}"' not in text:
        raise stranger
    return text


def _list_own_lines(text: str) -> list[str]:
    lines = text.splitlines()
    if YOURS not in lines:
        return []
    begin = lines.index(YOURS) + 1
    end = lines.index(END, begin) if END in lines[begin:] else len(lines)
    return lines[begin:end]


def refuse_tracked(path: Path) -> None:
    """Raises Refused when the file is inside a git repository that does not ignore it."""
    place = path.absolute()
    directory = next(parent for parent in place.parents if parent.is_dir())
    try:
        done = process.run(["git", "-C", str(directory), "check-ignore", "--quiet", str(place)])
    except PrerequisiteMissing:
        return
    if done.status == 1:
        raise Refused(
            f"git does not ignore '{path}', and it would hold secrets",
            hint=f"ignore it first: echo /{path.name} >> {directory}/.gitignore",
        )
