"""The health of the embedded environment: what the supervisor knows, and what the probes find."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from aias_core import clock
from aias_core.environments.components import Component, load_components
from aias_core.environments.health import ComponentHealth, Health, State, with_causes
from aias_core.environments.local import control
from aias_core.environments.local.probes import Reading, read_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aias_core.environments.local.target import LocalEnvironment

STARTING_SECONDS = 10.0


def read_health(environment: LocalEnvironment) -> Health:
    """See `LocalEnvironment.status`."""
    components = load_components()
    status = control.find_status(environment.state) if environment.state.exists() else None
    known = {entry["name"]: entry for entry in (status or {"components": []})["components"]}
    running = [c for c in components.values() if known.get(c.name, {}).get("state") == "running"]
    endpoints = environment.known_endpoints()
    readings = read_all(running, endpoints)
    found = [
        _combine(component, known.get(component.name), readings.get(component.name), endpoints.ports)
        for component in components.values()
    ]
    dependencies = {component.name: component.depends_on for component in components.values()}
    return Health(environment.name, clock.now(), with_causes(found, dependencies))


def _combine(
    component: Component,
    entry: Mapping[str, Any] | None,
    reading: Reading | None,
    ports: Mapping[str, Mapping[str, int]],
) -> ComponentHealth:
    if entry is None:
        return ComponentHealth(component.name, State.STOPPED)
    found = reading or Reading(*_judge_unstarted(entry))
    state = found.state
    if state is State.UNHEALTHY and _ran_seconds(entry) < STARTING_SECONDS:
        state = State.STARTING
    return ComponentHealth(
        name=component.name,
        state=state,
        latency_ms=found.latency_ms,
        since=entry["since"],
        version=found.version,
        detail=found.detail,
        ports=ports.get(component.name, {}),
        pid=entry["pid"],
        restarts=entry["restarts"],
        memory_mib=_measure_memory(entry["pid"]),
        timed_out=found.timed_out,
    )


def _judge_unstarted(entry: Mapping[str, Any]) -> tuple[State, str]:
    match entry["state"]:
        case "crashed":
            return State.CRASHED, f"ended too often, last by {entry['last_exit']}"
        case "waiting":
            return State.STARTING, f"is started again after {entry['last_exit']}"
        case _:
            return State.STOPPED, ""


def _ran_seconds(entry: Mapping[str, Any]) -> float:
    return (clock.now() - clock.parse_instant(entry["since"])).total_seconds()


def _measure_memory(pid: int | None) -> int | None:
    """MiB of a process and its children; memory that they share is counted once where the system tells."""
    if pid is None:
        return None
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for member in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                total += _resident_bytes(member)
    return round(total / 1024**2)


def _resident_bytes(member: psutil.Process) -> int:
    try:
        full = member.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(member.memory_info().rss)
