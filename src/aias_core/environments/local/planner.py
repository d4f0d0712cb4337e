"""What each component runs: argument list, variables and directory, built from profile and ports."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aias_core import settings
from aias_core.accounts import Account
from aias_core.database import postgres
from aias_core.environments.components import Component
from aias_core.environments.local import nats, objects
from aias_core.environments.local.plan import Liveness, ProcessPlan
from aias_core.environments.local.ports import Ports, PortWish
from aias_core.environments.local.state import StateDirectory
from aias_core.errors import InvalidInput
from aias_core.identity.access_tokens import TokenSigner

if TYPE_CHECKING:
    from aias_core.environments.endpoints import Endpoints
    from aias_core.environments.schema import LocalProfile


def build_wishes(components: Mapping[str, Component], profile: LocalProfile) -> list[PortWish]:
    """The ports that the components want. A variable wins over the profile. Raises InvalidInput for an unknown one."""
    fixed = dict(profile.ports.fixed)
    wishes = []
    for component in components.values():
        for name, preferred in component.ports.items():
            wish = PortWish(component.name, name, component.port_variable(name))
            of_profile = fixed.pop(wish.label, None)
            number = _read_variable(wish.variable) or of_profile
            liked = preferred if profile.ports.prefer_defaults else None
            wishes.append(PortWish(wish.component, wish.name, wish.variable, liked, number))
    if fixed:
        raise InvalidInput(f"The profile '{profile.name}' fixes ports of unknown components: {', '.join(fixed)}")
    return wishes


def _read_variable(variable: str) -> int | None:
    text = settings.find_variable(variable)
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise InvalidInput(f"{variable} is '{text}', which is not a port from 1 to 65535")
    return int(text)


@dataclass(frozen=True)
class Planner:
    """Builds the plan of every component of one environment. Pure but for finding the programs."""

    profile: LocalProfile
    state: StateDirectory
    ports: Ports
    endpoints: Endpoints
    account: Account | None
    archive_command: str | None = None

    def build(self, component: Component, stop_level: int) -> ProcessPlan:
        argv, env, cwd = self._program(component)
        return ProcessPlan(
            name=component.name,
            argv=argv,
            env={**settings.inherited_environment(), **env},
            cwd=str(cwd),
            log_format=component.log_format,
            stop_signal=int(signal.Signals[component.stop_signal]),
            stop_seconds=component.stop_seconds,
            stop_level=stop_level,
            liveness=self._liveness(component),
            account=self.account if component.name == "postgres" else None,
        )

    def _program(self, component: Component) -> tuple[list[str], dict[str, str], Path]:
        ports = self.ports[component.name]
        match component.name:
            case "postgres":
                argv = postgres.build_server_argv(
                    postgres.find_program("postgres"), self.state.pg / "data", ports["main"], self.archive_command
                )
                return argv, {"LC_ALL": "C.UTF-8", "TZ": "UTC"}, self.state.pg
            case "nats":
                return nats.build_server_argv(nats.find_server(), self.nats_configuration), {}, self.state.nats
            case "objects":
                argv = objects.build_server_argv(objects.find_server(), self.s3_configuration, ports)
                return argv, {**objects.MEMORY_SETTINGS, "HOME": str(self.state.objects)}, self.state.objects
            case _:
                argv = [sys.executable, "-P", "-m", str(component.module)]
                return argv, self.service_environment(component), self.state.run

    @property
    def nats_configuration(self) -> Path:
        return self.state.run / "nats.conf"

    @property
    def s3_configuration(self) -> Path:
        return self.state.run / "s3.json"

    def service_environment(self, component: Component) -> dict[str, str]:
        """The variables that one of our services is started with, secrets among them."""
        values = self._values(component)
        ports = self.ports[component.name]
        return {
            "AIAS_ENV": self.profile.name,
            "AIAS_HTTP_PORT": str(ports["main"]),
            "AIAS_HTTP_OPS_PORT": str(ports["ops"]),
            "AIAS_LOG_LEVEL": self.profile.log_level,
            "PYTHONUNBUFFERED": "1",
            **{name: values[name] for name in component.variables},
        }

    def _values(self, component: Component) -> dict[str, str]:
        credentials, mock, role = self.endpoints.credentials, self.profile.mock, component.database_role
        dsns = {} if role is None else {name: self.endpoints.dsn(name, role) for name in ("operational", "analytics")}
        return {
            **{f"AIAS_{name.upper()}_DSN": dsn.reveal() for name, dsn in dsns.items()},
            "AIAS_NATS_URL": self.endpoints.nats_url.reveal(),
            "AIAS_IDENTITY_URL": self.endpoints.identity_url,
            "AIAS_SERVICE_KEY": credentials.service_key.reveal(),
            "AIAS_OPERATOR_TOKEN": credentials.operator_token.reveal(),
            "AIAS_DATA_HASH_KEYS": credentials.data_hash_keys.reveal(),
            "AIAS_TOKEN_SIGNING_KEY": credentials.token_signing_key.reveal(),
            "AIAS_TOKEN_PUBLIC_KEYS": TokenSigner.parse(credentials.token_signing_key, "").public_key(),
            "AIAS_S3_ENDPOINT": self.endpoints.s3_endpoint,
            "AIAS_S3_ACCESS_KEY": credentials.s3_access_key,
            "AIAS_S3_SECRET_KEY": credentials.s3_secret_key.reveal(),
            "AIAS_EXPORTS_BUCKETS": self.endpoints.bucket,
            "AIAS_FINANCE_ISSUER": self.profile.finance.issuer,
            "AIAS_FINANCE_SERVICE": self.profile.finance.service,
            "AIAS_ROUTER_SPOOL_DIR": str(self.state.spool),
            "AIAS_ROUTER_REGION": self.profile.router.region,
            "AIAS_MOCK_TTFT_MS": str(mock.ttft_ms),
            "AIAS_MOCK_TOKEN_MS": str(mock.token_ms),
            "AIAS_MOCK_MODELS": ",".join(mock.models),
        }

    def _liveness(self, component: Component) -> Liveness:
        ports = self.ports[component.name]
        if isinstance(component.liveness, str):
            return Liveness(ports["main"])
        return Liveness(ports[component.liveness["port"]], component.liveness["path"])

    def write_configurations(self) -> None:
        """Writes the files that NATS and SeaweedFS read; they hold secrets and belong to the owner only."""
        from aias_core.files import whole_file

        credentials, ports = self.endpoints.credentials, self.ports["nats"]
        nats_text = nats.build_configuration(
            self.state.nats, ports["main"], ports["monitor"], credentials.nats_password
        )
        s3_text = objects.build_configuration(credentials.s3_access_key, credentials.s3_secret_key)
        for path, text in ((self.nats_configuration, nats_text), (self.s3_configuration, s3_text)):
            with whole_file(path) as file:
                file.write(text.encode())
