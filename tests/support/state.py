"""Stores, leases and states of Terraform for tests."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

from aias_core.environments.linode.holder import Holder, describe_self
from aias_core.environments.linode.journal import Fence, Journal, JournalShelf
from aias_core.environments.linode.lease import Lease, LeaseShelf
from aias_core.environments.linode.states import StateVersions
from aias_core.environments.linode.store import DirectoryStore, StateStore
from aias_core.errors import AiasError

ENVIRONMENT = "development"
KEY = secrets.token_bytes(32)


class KeepingStore(DirectoryStore):
    """A store that lets nothing be removed."""

    def delete(self, key: str) -> None:
        raise AiasError(f"'{key}' stays")


def build_state(serial: int = 1, lineage: str = "one", **attributes: Any) -> bytes:
    """A state of Terraform with one resource of these attributes."""
    instance = {"schema_version": 0, "attributes": {"label": "aias-development", **attributes}}
    resource = {"mode": "managed", "type": "linode_lke_cluster", "name": "main", "instances": [instance]}
    state = {"version": 4, "serial": serial, "lineage": lineage, "outputs": {}, "resources": [resource]}
    return json.dumps(state).encode()


def take_lease(store: StateStore, environment: str = ENVIRONMENT) -> Lease:
    lease = LeaseShelf(store, environment).take_next(describe_self("test"))
    assert lease is not None
    return lease


def open_versions(store: StateStore, key: bytes = KEY) -> StateVersions:
    return StateVersions(store, ENVIRONMENT, lambda: key)


def elsewhere(holder: Holder) -> Holder:
    """The same holder as if it ran on another host."""
    return replace(holder, host="elsewhere", place="elsewhere")


def open_journal(shelf: JournalShelf, run_id: str, lease: Fence) -> Journal:
    """The journal of one run."""
    return next(one for one in shelf.iter_begun(lease) if one.run_id == run_id)
