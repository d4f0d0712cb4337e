"""The policies of environments as they ship, and of any topology."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aias_core.environments.linode.network import build_topology, open_network
from aias_core.environments.linode.profile import load_linode_profile
from aias_core.errors import AiasError, NotFound, Refused
from aias_core.network.lint import lint_policies, refuse_faults
from aias_core.network.policies import render_policies
from aias_core.network.simulator import Endpoint, judge
from aias_core.network.topology import Outside, Topology, Workload
from aias_core.network.verification import find_unexpected, verify_paths

ENVIRONMENTS = ("development", "staging", "production", "system")
NETWORKS = {name: open_network(name, None) for name in ENVIRONMENTS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_policy_is_one_that_kubernetes_takes(name: str) -> None:
    policies = [*yaml.safe_load_all(yaml.safe_dump_all(NETWORKS[name][1]))]
    for policy in policies:
        kubernetes_validate.validate(policy, "1.34", strict=True)
    named = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in policies]
    assert len(set(named)) == len(named)
    assert policies == open_network(name, None)[1]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_is_declared_is_open_and_nothing_else(name: str) -> None:
    paths = verify_paths(*NETWORKS[name])
    assert find_unexpected(paths) is None
    assert any(path.verdict.is_open for path in paths)


def reachable(name: str, *, source: str | None = None, target: str | None = None) -> set[tuple[str, str, int]]:
    paths = verify_paths(*NETWORKS[name], source, target)
    return {(path.source, path.target, path.port) for path in paths if path.verdict.is_open}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_model_is_reached_by_the_router_only_on_one_port(name: str) -> None:
    models = [one.name for one in NETWORKS[name][0].workloads.values() if one.is_model]
    for model in models:
        assert reachable(name, target=model) == {("router", model, 8000)}
        assert (model, "internet", 443) in reachable(name, source=model)
    assert set(models) == {"development": {"mock-model"}, "staging": {"mock-model"}, "production": set()}.get(
        name, {"mock-model", "vllm"}
    )


def test_the_edge_is_open_to_callers_and_the_services_are_not() -> None:
    assert reachable("production", source="internet") == {("internet", "gateway", port) for port in (10080, 10443)}
    assert reachable("development", source="internet") == set()
    assert reachable("production", source="another-environment") == set()
    assert ("gateway", "router", 8080) in reachable("production", source="gateway")
    assert ("gateway", "router", 9080) not in reachable("production", source="gateway")


def test_dns_metrics_and_telemetry_pass() -> None:
    topology, policies = NETWORKS["development"]
    dns = Endpoint("dns", "10.2.0.9", "kube-system", {"k8s-app": "kube-dns"})
    for workload in topology.workloads.values():
        pod = Endpoint(workload.name, "10.2.0.3", workload.namespace, {"app.kubernetes.io/name": workload.name})
        assert judge(policies, pod, dns, "UDP", 53).is_open
        assert not judge(policies, pod, dns, "TCP", 8443).is_open
    assert reachable("development", source="prometheus", target="router") == {("prometheus", "router", 9080)}
    assert reachable("development", source="router", target="otel-collector") == {
        ("router", "otel-collector", port) for port in (4317, 4318)
    }


def test_addresses_outside_are_never_those_of_pods_and_nodes() -> None:
    _, policies = NETWORKS["production"]
    model = Endpoint("mock-model", "10.2.0.3", "env-production", {"app.kubernetes.io/name": "analytics"})
    for address in ("10.2.0.4", "192.168.140.7", "169.254.169.254", "fd00::1"):
        assert not judge(policies, model, Endpoint("x", address), "TCP", 443).is_open
    assert judge(policies, model, Endpoint("x", "8.8.8.8"), "TCP", 443).is_open


def test_what_a_profile_allows_is_what_the_policies_allow() -> None:
    profile = load_linode_profile("development", None)
    network = profile.network.model_copy(update={"egress_cidrs": ["203.0.113.0/24"], "ingress_cidrs": ["192.0.2.0/24"]})
    topology = build_topology(profile.model_copy(update={"network": network}))
    policies = render_policies(topology)
    analytics = Endpoint("a", "10.2.0.3", "env-development", {"app.kubernetes.io/name": "analytics"})
    gateway = Endpoint("g", "10.2.0.4", "gateway", {})
    assert judge(policies, analytics, Endpoint("x", "203.0.113.9"), "TCP", 443).is_open
    assert not judge(policies, analytics, Endpoint("x", "198.51.100.9"), "TCP", 443).is_open
    assert judge(policies, Endpoint("x", "192.0.2.9"), gateway, "TCP", 10443).is_open
    assert not judge(policies, Endpoint("x", "192.0.3.9"), gateway, "TCP", 10443).is_open


def policy(name: str = "default-deny", **spec: Any) -> dict[str, Any]:
    given = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec}
    return {"metadata": {"name": name, "namespace": "env"}, "spec": given}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        pytest.param({"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, "allows '0.0.0.0/0'", id="all of v4"),
        pytest.param({"ingress": [{"from": [{"ipBlock": {"cidr": "::/0"}}]}]}, "allows '::/0'", id="all of v6"),
        pytest.param({"ingress": [{}]}, "allows everything", id="a rule without peers"),
        pytest.param({"egress": [{"to": [{"podSelector": {}}]}]}, "allows pods", id="pods"),
        pytest.param({"policyTypes": ["Ingress"]}, "leaves a direction open", id="one direction"),
        pytest.param({"policyTypes": []}, "no policy type", id="no direction"),
    ],
)
def test_a_denial_that_allows_fails_the_lint(spec: dict[str, Any], fault: str) -> None:
    with pytest.raises(AiasError, match=fault):
        refuse_faults([policy(**spec)], ["env"])


def test_a_sound_denial_passes_and_a_namespace_without_one_does_not() -> None:
    assert lint_policies([policy()], ["env"]) == []
    assert [one.fault for one in lint_policies([policy()], ["env", "other"])] == ["nothing denies by default"]
    partial = policy(podSelector={"matchLabels": {"a": "b"}})
    assert [one.fault for one in lint_policies([partial], ["env"])] == ["nothing denies by default"]


def test_a_policy_that_opens_more_than_is_declared_is_found_and_so_is_one_that_is_missing() -> None:
    topology, policies = NETWORKS["development"]
    wide = policy("wide", policyTypes=["Ingress"], ingress=[{}])
    wide["metadata"]["namespace"] = "env-development-models"
    out = policy("out", policyTypes=["Egress"], egress=[{}])
    out["metadata"]["namespace"] = "env-development"
    fault = find_unexpected(verify_paths(topology, [*policies, wide, out]))
    assert fault is not None
    assert (int(fault.exit_code), "mock-model" in fault.message) == (1, True)
    without = [one for one in policies if one["metadata"]["name"] != "nats-from-router"]
    fault = find_unexpected(verify_paths(topology, without))
    assert fault is not None
    assert "router to nats:4222" in fault.message


def test_a_network_around_the_pods_is_found_because_it_opens_other_environments() -> None:
    profile = load_linode_profile("development", None)
    network = profile.network.model_copy(update={"egress_cidrs": [AROUND_PODS]})
    topology = build_topology(profile.model_copy(update={"network": network}))
    fault = find_unexpected(verify_paths(topology, render_policies(topology)))
    assert fault is not None
    assert "another-environment:443" in fault.message


def test_an_end_that_is_not_there_is_named_and_a_local_environment_refused() -> None:
    with pytest.raises(NotFound, match="'nope'"):
        verify_paths(*NETWORKS["development"], "nope", None)
    with pytest.raises(Refused):
        open_network("local", None)


def run(tmp_path: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "aias_cli", *argv], cwd=tmp_path, capture_output=True, text=True)


def test_the_commands_answer_without_account_or_network(tmp_path: Path) -> None:
    rendered = [*yaml.safe_load_all(run(tmp_path, "net", "render", "development").stdout)]
    assert rendered == NETWORKS["development"][1]
    verified = run(tmp_path, "net", "verify", "development", "--from", "analytics", "--to", "mock-model", "-o", "json")
    assert (verified.returncode, {row["reachable"] for row in json.loads(verified.stdout)["paths"]}) == (0, {False})
    explained = run(tmp_path, "net", "explain", "development", "--from", "router", "--to", "nats", "-o", "json")
    assert json.loads(explained.stdout)["paths"][0]["ingress"] == ["env-development/nats-from-router"]
    assert run(tmp_path, "net", "explain", "development", "--from", "router", "--to", "nope").returncode == 4
    assert list(tmp_path.iterdir()) == []


NAMES = ("a", "b", "c", "d")
ADDRESSES = ("10.2.0.7", "10.9.0.1", "192.0.2.5", "203.0.113.9", "2001:db8::1")
AROUND_PODS = "10.0.0.0/8"
CIDRS = ("0.0.0.0/0", "192.0.2.0/24", AROUND_PODS, "10.9.0.0/16", "203.0.113.9/32", "::/0", "2001:db8::/32")


@st.composite
def topologies(draw: st.DrawFn, cidrs: tuple[str, ...] = CIDRS) -> Topology:
    names = [*NAMES, "otel-collector", "prometheus", "router", "gateway"]
    outside = {
        one: Outside(one, tuple(draw(st.lists(st.sampled_from(cidrs), min_size=1, max_size=3))), (draw(PORTS),))
        for one in ("x", "y")
    }
    workloads = {}
    for name in draw(st.lists(st.sampled_from(names), min_size=2, unique=True)):
        ports = {"main": draw(PORTS), "http": draw(PORTS)} | ({"cluster": draw(PORTS)} if draw(st.booleans()) else {})
        needs = tuple(draw(st.lists(st.sampled_from([*names, *outside]), max_size=3, unique=True)))
        workloads[name] = Workload(
            name,
            draw(st.sampled_from(("one", "two"))),
            ports,
            needs,
            draw(st.none() | PORTS),
            is_model=draw(st.booleans()),
            is_whole=draw(st.booleans()),
        )
    reaches = dict.fromkeys(draw(st.lists(st.sampled_from([*workloads]), unique=True)), ("x",))
    callers = draw(st.none() | st.just(Outside("callers", ("192.0.2.0/24",), (8443,))))
    return Topology("env", ("one", "two"), workloads, outside, ("a", "b"), reaches, callers)


PORTS = st.sampled_from((80, 443, 8000, 9000))
ENDS = st.one_of(
    st.builds(lambda address: Endpoint("out", address), st.sampled_from(ADDRESSES)),
    st.builds(
        lambda name, namespace, address: Endpoint(name, address, namespace, {"app.kubernetes.io/name": name}),
        st.sampled_from([*NAMES, "router", "gateway", "prometheus"]),
        st.sampled_from(("one", "two", "three")),
        st.sampled_from(ADDRESSES[:2]),
    ),
)


@settings(max_examples=40, deadline=None)
@given(topologies(), st.lists(st.tuples(ENDS, ENDS, st.sampled_from(("TCP", "UDP")), PORTS), min_size=5, max_size=15))
def test_the_simulator_says_what_a_plain_reading_of_the_text_says(
    topology: Topology, connections: list[tuple[Endpoint, Endpoint, str, int]]
) -> None:
    text = yaml.dump_all(render_policies(topology), Dumper=yaml.CSafeDumper)
    policies = [*yaml.load_all(text, Loader=yaml.CSafeLoader)]
    for connection in connections:
        assert judge(policies, *connection).is_open == read_plainly(policies, *connection), connection


@settings(max_examples=40, deadline=None)
@given(topologies(tuple(cidr for cidr in CIDRS if cidr != AROUND_PODS)))
def test_of_any_topology_exactly_what_is_declared_is_open(topology: Topology) -> None:
    policies = render_policies(topology)
    assert lint_policies(policies, topology.namespaces) == []
    paths = verify_paths(topology, policies)
    assert find_unexpected(paths) is None
    mixed = {one.namespace for one in topology.workloads.values() if one.is_whole}
    models = {one.name: one for one in topology.workloads.values() if one.is_model and one.namespace not in mixed}
    router = topology.workloads.get("router")
    as_router = {"router"} | {
        one.name
        for one in topology.workloads.values()
        if router is not None and router.is_whole and one.namespace == router.namespace
    }
    for path in paths:
        if path.target in models and path.verdict.is_open and path.source != path.target:
            assert path.source in as_router
            assert path.port == models[path.target].main_port


def read_plainly(policies: list[dict[str, Any]], source: Endpoint, target: Endpoint, protocol: str, port: int) -> bool:
    """Written apart from the simulator: expands each policy into all it lets through and looks the connection up."""
    open_out, open_in = True, True
    let_out = let_in = False
    for document in policies:
        spec, where = document["spec"], document["metadata"]["namespace"]
        app = spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        for end, other, kind, rules, side in (
            (source, target, "Egress", spec.get("egress", []), "to"),
            (target, source, "Ingress", spec.get("ingress", []), "from"),
        ):
            if end.namespace != where or kind not in spec["policyTypes"]:
                continue
            if app is not None and (end.labels or {}).get("app.kubernetes.io/name") != app:
                continue
            passes = False
            for rule in rules:
                numbers = [(one["protocol"], one["port"]) for one in rule.get("ports", [])]
                if numbers and (protocol, port) not in numbers:
                    continue
                for peer in rule[side]:
                    passes = passes or is_that_peer(peer, other)
            if kind == "Egress":
                open_out, let_out = False, let_out or passes
            else:
                open_in, let_in = False, let_in or passes
    return (open_out or let_out) and (open_in or let_in)


def is_that_peer(peer: dict[str, Any], end: Endpoint) -> bool:
    if "ipBlock" in peer:
        number = int(ipaddress.ip_address(end.address))
        version = ipaddress.ip_address(end.address).version

        def covers(cidr: str) -> bool:
            network = ipaddress.ip_network(cidr)
            first, last = int(network.network_address), int(network.broadcast_address)
            return network.version == version and first <= number <= last

        return covers(peer["ipBlock"]["cidr"]) and not any(map(covers, peer["ipBlock"].get("except", [])))
    if peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] != end.namespace:
        return False
    wanted = peer["podSelector"].get("matchLabels", {})
    return all((end.labels or {}).get(key) == value for key, value in wanted.items())
