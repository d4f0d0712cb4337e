"""What the stand-in keeps of a resource that was made when what follows its creation fails."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tf.utils import to_dynamic_value

from aias_services.linode_simulator.provider import schema
from aias_services.linode_simulator.provider.api import Api, Pace
from aias_services.linode_simulator.provider.kind import Incomplete
from aias_services.linode_simulator.provider.kinds import KINDS
from aias_services.linode_simulator.provider.servicer import apply_change
from support.linode import TOKEN, control, make_client

PLACE = {"label": "aias-development", "region": "fr-par"}


@pytest.mark.parametrize(
    ("name", "config", "following", "identifier"),
    [
        pytest.param(
            "linode_firewall",
            {"label": "fire", "inbound_policy": "DROP", "outbound_policy": "ACCEPT"},
            "/networking/firewalls/*/devices",
            "1",
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
    api = Api("http://linode.test", "v4", TOKEN, Pace(event=0, node=0, retry=0, limit=5))
    api._http = httpx.Client(transport=client._transport, base_url=api._http.base_url, headers=api._http.headers)
    control(client, "faults", {"kind": "504", "method": "GET", "path": following})
    planned = schema.plan_creation(kind.fields, schema.complete(kind.fields, config))
    with pytest.raises(Incomplete, match=r"\[504\] Gateway Timeout") as failed:
        apply_change(kind, api, None, planned)
    state = schema.complete(kind.fields, failed.value.state)
    assert to_dynamic_value(state)
    assert identifier in (None, state["id"])
    assert (kind.read(api, state) or {})["id"] == state["id"]
