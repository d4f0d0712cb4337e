"""The state as a provisioner holds it between two answers of the state's backend."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from aias_core.environments.linode.terraform import TerraformFailed


class KeptState:
    """The state as it was pulled and changed since; `push` stores it."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._content: dict[str, Any] = {}

    def pull(self) -> None:
        answer = self._http.get("")
        empty = {"version": 4, "serial": 0, "lineage": "campaign", "resources": []}
        self._content = empty if answer.status_code == 404 else answer.json()

    def push(self) -> None:
        self._content["serial"] += 1
        answer = self._http.post("", content=self._dump())
        if answer.status_code != 200:
            raise TerraformFailed(f"the state was refused with {answer.status_code}")

    def save(self) -> bytes:
        """For a plan, which an apply begins with."""
        return self._dump()

    def take(self, saved: bytes) -> None:
        """Raises TerraformFailed where another state than the saved one is stored by now."""
        self.pull()
        begun = json.loads(saved)
        if any(begun[name] != self._content[name] for name in ("serial", "lineage")):
            raise TerraformFailed("Saved plan is stale")
        self._content = begun

    def attributes(self) -> dict[str, dict[str, Any]]:
        """Of each resource by its address."""
        return {_address(one): one["instances"][0]["attributes"] for one in self._content["resources"]}

    def is_tainted(self, address: str) -> bool:
        return self._instance(address).get("status") == "tainted"

    def mark(self, address: str, *, tainted: bool) -> None:
        instance = self._instance(address)
        if tainted:
            instance["status"] = "tainted"
        else:
            instance.pop("status", None)

    def set(self, address: str, attributes: Mapping[str, Any], *, tainted: bool = False) -> None:
        places = [_address(one) for one in self._content["resources"]]
        entry = _build_entry(address, attributes, tainted)
        if address in places:
            self._content["resources"][places.index(address)] = entry
        else:
            self._content["resources"].append(entry)

    def drop(self, address: str) -> None:
        self._content["resources"] = [one for one in self._content["resources"] if _address(one) != address]

    def rewrite(self, change: Callable[[bytes], bytes]) -> None:
        self._content = json.loads(change(self._dump()))

    def _dump(self) -> bytes:
        return json.dumps(self._content, default=str).encode()

    def _instance(self, address: str) -> dict[str, Any]:
        found = next(one for one in self._content["resources"] if _address(one) == address)
        instance: dict[str, Any] = found["instances"][0]
        return instance


def _address(entry: Mapping[str, Any]) -> str:
    key = entry["instances"][0].get("index_key")
    return f"{entry['module']}.{entry['type']}.{entry['name']}" + (f'["{key}"]' if key else "")


def _build_entry(address: str, attributes: Mapping[str, Any], tainted: bool) -> dict[str, Any]:
    plain, _, key = address.partition('["')
    module, kind, name = plain.rsplit(".", 2)
    instance: dict[str, Any] = {"attributes": dict(attributes)}
    instance |= {"index_key": key.rstrip('"]')} if key else {}
    instance |= {"status": "tainted"} if tainted else {}
    return {"module": module, "mode": "managed", "type": kind, "name": name, "instances": [instance]}
