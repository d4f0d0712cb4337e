"""Bringing an environment up: ports first, then the stores, then databases and schema, then the services."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aias_core import clock
from aias_core.accounts import find_server_account
from aias_core.database import postgres
from aias_core.environments.components import Component, get_component, load_components, stop_levels
from aias_core.environments.endpoints import Endpoints
from aias_core.environments.health import State
from aias_core.environments.local import control, objects
from aias_core.environments.local.credentials import Credentials
from aias_core.environments.local.plan import PLAN_RECORD, PORTS_RECORD
from aias_core.environments.local.planner import Planner, build_wishes
from aias_core.environments.local.ports import Ports, choose_ports
from aias_core.environments.local.probes import read_all, send_s3
from aias_core.errors import AiasError, DependencyUnreachable, PrerequisiteMissing, TimedOut

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment, Progress

STORES = ("postgres", "nats", "objects")
CULPRIT_LINES = 20
RESTART_SECONDS = 60.0
DEGRADED_SECONDS = 10.0
DISK_NEEDED_MIB = 500
_POLL_SECONDS = 0.05
_WORKING = (State.HEALTHY, State.DEGRADED)


@dataclass(frozen=True, slots=True)
class UpResult:
    """What `up` did: the components it had to start, where each listens, and where the router is."""

    environment: str
    started: list[str]
    seconds: float
    router_url: str
    ports: Ports

    def as_record(self) -> dict[str, Any]:
        components = [
            {"name": name, "started": name in self.started, "port": ports["main"], "ports": ports}
            for name, ports in self.ports.items()
        ]
        return {
            "environment": self.environment,
            "changed": bool(self.started),
            "seconds": self.seconds,
            "router_url": self.router_url,
            "components": components,
        }


def bring_up(environment: LocalEnvironment, progress: Progress, timeout_seconds: float | None) -> UpResult:
    """See `LocalEnvironment.up`."""
    profile = environment.load_profile()
    environment.state.ensure()
    _check_disk(environment)
    with environment.state.exclusive():
        return _Start(environment, progress, timeout_seconds or profile.start_timeout_seconds).run()


def _check_disk(environment: LocalEnvironment) -> None:
    free_mib = shutil.disk_usage(environment.state.path).free // 1024**2
    if free_mib < DISK_NEEDED_MIB:
        raise PrerequisiteMissing(
            f"There are {free_mib} MiB free for '{environment.state.path}', {DISK_NEEDED_MIB} MiB are needed",
            hint="free some space, or choose another place with: --state-dir DIR",
        )


def restart_component(environment: LocalEnvironment, name: str, progress: Progress) -> None:
    """See `LocalEnvironment.restart`."""
    component = get_component(load_components(), name)
    if not (environment.state.exists() and control.is_running(environment.state)):
        raise environment.not_up()
    with environment.state.exclusive():
        start = _Start(environment, progress, RESTART_SECONDS)
        progress(f"Restarting {name}")
        control.request(environment.state, "restart", name, timeout_seconds=RESTART_SECONDS)
        start.wait_until_ready([component], environment.known_endpoints())


@dataclass(slots=True)
class _Start:
    environment: LocalEnvironment
    progress: Progress
    timeout_seconds: float
    components: dict[str, Component] = field(default_factory=load_components)
    started: list[str] = field(default_factory=list)
    _began: float = field(default_factory=clock.monotonic)

    def run(self) -> UpResult:
        running = self._find_running()
        endpoints = self._choose_ports(running)
        everything = list(self.components.values())
        if set(running) != set(self.components) or not self._all_work(everything, endpoints):
            self._converge(running, endpoints)
        return UpResult(
            environment=self.environment.name,
            started=self.started,
            seconds=round(clock.monotonic() - self._began, 2),
            router_url=endpoints.router_url,
            ports={name: dict(ports) for name, ports in endpoints.ports.items()},
        )

    def _find_running(self) -> list[str]:
        status = control.find_status(self.environment.state)
        if status is not None:
            return [c["name"] for c in status["components"] if c["state"] == "running"]
        for name in control.end_leftovers(self.environment.state):
            self.progress(f"Ended '{name}', left over from an earlier run")
        return []

    def _choose_ports(self, running: Iterable[str]) -> Endpoints:
        state, profile = self.environment.state, self.environment.load_profile()
        remembered = state.read_record(PORTS_RECORD)
        kept = {name: remembered[name] for name in running}
        wishes = [wish for wish in build_wishes(self.components, profile) if wish.component not in kept]
        chosen = {**kept, **choose_ports(wishes, remembered, self.progress)}
        ports = {name: chosen[name] for name in self.components}
        if ports != remembered:
            state.write_record(PORTS_RECORD, ports)
        return Endpoints(ports, Credentials(state.secrets))

    def _converge(self, running: Iterable[str], endpoints: Endpoints) -> None:
        endpoints.credentials.ensure()
        self._write_plan(endpoints)
        if control.find_status(self.environment.state) is None:
            control.start_supervisor(self.environment.state)
        missing = [component for component in self.components.values() if component.name not in running]
        self._start_stores([component.name for component in missing if component.name in STORES], endpoints)
        self._prepare_databases(endpoints)
        self.wait_until_ready([self.components["nats"]], endpoints)
        self._start([component.name for component in missing if component.is_service])
        self.wait_until_ready(self.components.values(), endpoints)
        self._ensure_bucket(endpoints)

    def _write_plan(self, endpoints: Endpoints) -> None:
        from aias_core.backup.wal import find_archive_command

        environment, account = self.environment, find_server_account()
        planner = Planner(
            profile=environment.load_profile(),
            state=environment.state,
            ports={name: dict(ports) for name, ports in endpoints.ports.items()},
            endpoints=endpoints,
            account=account,
            archive_command=find_archive_command(environment.state.backups / "wal", account, self.progress),
        )
        levels = {name: level for level, names in enumerate(stop_levels(self.components)) for name in names}
        plans = {name: planner.build(c, levels[name]).as_record() for name, c in self.components.items()}
        planner.write_configurations()
        environment.state.write_record(PLAN_RECORD, plans)

    def _start(self, names: list[str]) -> None:
        if names:
            self.progress(f"Starting {', '.join(names)}")
        for name in names:
            control.request(self.environment.state, "start", name)
            self.started.append(name)

    def _start_stores(self, names: list[str], endpoints: Endpoints) -> None:
        if "objects" in names:
            objects.remove_sockets(endpoints.ports["objects"])
        self._start([name for name in names if name != "postgres"])
        if "postgres" in names:
            password = endpoints.credentials.superuser_password
            account = find_server_account()
            data = postgres.ensure_data_directory(self.environment.state.pg, password, account, self.progress)
            postgres.remove_stale_lock(data)
            self._start(["postgres"])

    def _prepare_databases(self, endpoints: Endpoints) -> None:
        from aias_core.database.bootstrap import DATABASES, ensure_databases
        from aias_core.migrate.delivery import delivering
        from aias_core.migrate.runner import RunOptions, migrate
        from aias_core.migrate.target import Target

        port, credentials = endpoints.ports["postgres"]["main"], endpoints.credentials
        superuser = postgres.build_dsn(port, "postgres", postgres.SUPERUSER, credentials.superuser_password)
        while True:
            try:
                ensure_databases(superuser, credentials.database_passwords())
                break
            except DependencyUnreachable:
                self._check_progress(["postgres"])
                time.sleep(_POLL_SECONDS)
        targets = [Target(database, endpoints.dsn(database, "aias_migrator")) for database in DATABASES]
        with delivering(targets, targets[0], self.progress):
            for target in targets:
                migrate(target, RunOptions(lock_wait_seconds=self._left()), progress=self.progress)
        self._register_models(endpoints)

    def _register_models(self, endpoints: Endpoints) -> None:
        from aias_core.database.connection import connect
        from aias_core.routing.registry import register_local_models

        backends = [(name, endpoints.url(name)) for name in self.components if name.startswith("mock-model")]
        with connect(endpoints.dsn("operational", "aias_migrator"), "database 'operational'") as connection:
            register_local_models(connection, self.environment.name, backends)

    def _ensure_bucket(self, endpoints: Endpoints) -> None:
        status, _ = send_s3(endpoints, "PUT", f"/{objects.BUCKET}")
        if status not in (200, 409):
            raise AiasError(f"The bucket '{objects.BUCKET}' was refused with status {status}")

    def _all_work(self, components: Iterable[Component], endpoints: Endpoints) -> bool:
        return all(reading.state in _WORKING for reading in read_all(components, endpoints).values())

    def wait_until_ready(self, components: Iterable[Component], endpoints: Endpoints) -> None:
        """Returns when all of them are healthy, or have been degraded for a while.

        Raises AiasError when one does not stay up, TimedOut when one takes too long.
        """
        waiting = {component.name: component for component in components}
        patience_ends = clock.monotonic() + DEGRADED_SECONDS
        while True:
            enough = _WORKING if clock.monotonic() > patience_ends else (State.HEALTHY,)
            for name, reading in read_all(waiting.values(), endpoints).items():
                if reading.state in enough:
                    del waiting[name]
            if not waiting:
                return
            self._check_progress(waiting)
            time.sleep(_POLL_SECONDS)

    def _check_progress(self, names: Iterable[str]) -> None:
        status = control.find_status(self.environment.state)
        if status is None:
            raise AiasError("The supervisor has gone", hint="run the command again")
        for component in status["components"]:
            if component["name"] in names and component["state"] == "crashed":
                raise AiasError(
                    f"'{component['name']}' does not stay up: {component['last_exit']}"
                    + self._last_lines(component["name"]),
                    hint=f"read more with: aias env logs {component['name']}",
                )
        if self._left() <= 0:
            culprit = next(iter(names))
            raise TimedOut(
                f"'{culprit}' was not ready within {self.timeout_seconds:g} s" + self._last_lines(culprit),
                hint="look with: aias env status",
            )

    def _last_lines(self, name: str) -> str:
        from aias_core.environments.local.logs import LogFilter, read_lines

        lines = read_lines(self.environment.state.logs, [name], LogFilter(tail=CULPRIT_LINES))
        return "".join(f"\n  {line.format()}" for line in lines)

    def _left(self) -> float:
        return max(0.0, self._began + self.timeout_seconds - clock.monotonic())
