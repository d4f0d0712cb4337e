from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.environments.health import ComponentHealth, Health, State, with_causes
from aias_core.errors import ExitCode

AT = datetime(2026, 11, 22, 21, 50, 4, tzinfo=UTC)
DEPENDENCIES = {"identity": ["postgres"], "analytics": ["postgres", "nats"], "router": ["postgres", "nats", "identity"]}


def health(**states: State) -> Health:
    found = [ComponentHealth(name, state) for name, state in states.items()]
    return Health("local", AT, with_causes(found, DEPENDENCIES))


@given(st.lists(st.sampled_from(list(State)), min_size=1))
def test_summary_is_the_worst_and_only_healthy_has_no_fault(states: list[State]) -> None:
    found = Health("local", AT, [ComponentHealth(f"c{n}", state) for n, state in enumerate(states)])
    assert found.state == max(states, key=list(State).index)
    assert (found.find_fault() is None) == (set(states) == {State.HEALTHY})


def test_broken_database_is_reported_once() -> None:
    found = health(
        postgres=State.UNHEALTHY,
        nats=State.HEALTHY,
        identity=State.UNHEALTHY,
        analytics=State.DEGRADED,
        router=State.UNHEALTHY,
    )
    causes = {component.name: component.causes for component in found.components}
    assert causes == {
        "postgres": (),
        "nats": (),
        "identity": ("postgres",),
        "analytics": ("postgres",),
        "router": ("postgres",),
    }
    assert found.as_record()["summary"]["unhealthy"] == ["postgres"]
    assert "identity" not in str(found.find_fault())


@pytest.mark.parametrize(
    ("component", "code"),
    [
        (ComponentHealth("nats", State.UNHEALTHY), ExitCode.FAILED),
        (ComponentHealth("nats", State.UNHEALTHY, timed_out=True), ExitCode.TIMED_OUT),
        (ComponentHealth("nats", State.STOPPED), ExitCode.FAILED),
        (ComponentHealth("nats", State.DEGRADED), ExitCode.FAILED),
    ],
    ids=["fails", "does not answer", "is down", "is slow"],
)
def test_fault_has_the_documented_exit_code(component: ComponentHealth, code: ExitCode) -> None:
    fault = Health("local", AT, [component]).find_fault()
    assert fault is not None
    assert fault.exit_code == code


def test_record_has_the_members_of_the_contract() -> None:
    record = health(postgres=State.HEALTHY).as_record()
    assert record.keys() >= {"environment", "mode", "workspace", "at", "components", "summary", "warnings"}
    assert record["components"][0].keys() >= {
        "name", "state", "latency_ms", "since", "version", "managed", "detail", "causes",
    }  # fmt: skip
    assert record["summary"] == {"state": "healthy", "latency_p95_ms": None, "unhealthy": [], "degraded": []}
