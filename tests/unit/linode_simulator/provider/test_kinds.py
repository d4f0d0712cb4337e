"""What the stand-in keeps of a resource when what follows its creation fails, and what its deletion waits for."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from tf.utils import to_dynamic_value

from aias_services.linode_simulator.provider import schema
from aias_services.linode_simulator.provider.api import Api, Pace
from aias_services.linode_simulator.provider.kind import Incomplete
from aias_services.linode_simulator.provider.kinds import KINDS
from aias_services.linode_simulator.provider.servicer import apply_change
from support.linode import TOKEN, control, make, make_client

PLACE = {"label": "aias-development", "region": "fr-par"}


def _api(client: TestClient) -> Api:
    api = Api("http://linode.test", "v4", TOKEN, Pace(event=0, node=0, retry=0, limit=5))
    transport = httpx.MockTransport(partial(_pass_on, client))
    api._http = httpx.Client(transport=transport, base_url=api._http.base_url)
    return api


def _pass_on(client: TestClient, request: httpx.Request) -> httpx.Response:
    answer = client.request(request.method, str(request.url), content=request.content)
    return httpx.Response(answer.status_code, content=answer.content)


@pytest.mark.parametrize(
    ("name", "config", "following", "identifier"),
    [
        pytest.param(
            "linode_firewall",
            {"label": "fire", "inbound_policy": "DROP", "outbound_policy": "ACCEPT"},
            "/networking/firewalls/*/devices",
            "1001",
            id="firewall",
        ),
        pytest.param(
            "linode_object_storage_bucket",
            PLACE,
            "/object-storage/buckets/*/*/access",
            "fr-par:aias-development",
            id="bucket",
        ),
        pytest.param(
            "linode_lke_cluster",
            {
                **PLACE,
                "k8s_version": "1.34",
                "control_plane": [{"acl": [{"enabled": False}]}],
                "pool": [{"type": "g6-standard-4", "count": 1}],
            },
            "/lke/clusters/*/kubeconfig",
            "500001",
            id="cluster",
        ),
        pytest.param(
            "linode_database_postgresql_v2",
            {**PLACE, "engine_id": "postgresql/16", "type": "g6-nanode-1"},
            "/account/events",
            None,
            id="database",
        ),
    ],
)
def test_what_was_made_is_known_when_what_follows_fails(
    name: str, config: dict[str, Any], following: str, identifier: str | None
) -> None:
    client, kind = make_client(), KINDS[name]
    api = _api(client)
    control(client, "faults", {"kind": "504", "method": "GET", "path": following})
    planned = schema.plan_creation(kind.fields, schema.complete(kind.fields, config))
    with pytest.raises(Incomplete, match=r"\[504\] Gateway Timeout") as failed:
        apply_change(kind, api, None, planned)
    state = schema.complete(kind.fields, failed.value.state)
    assert to_dynamic_value(state)
    assert identifier in (None, state["id"])
    assert (kind.read(api, state) or {})["id"] == state["id"]


def test_a_database_is_deleted_with_the_answer_though_it_is_still_there() -> None:
    client, kind = make_client(), KINDS["linode_database_postgresql_v2"]
    made = make(client, kind.path, **PLACE, engine="postgresql/16", type="g6-nanode-1")
    control(client, "settings", {"linger_seconds": 60}, "PATCH")
    kind.delete(_api(client), {"id": str(made["id"])})
    assert [one["status"] for one in client.get(f"/v4{kind.path}").json()["data"]] == ["deleting"]
