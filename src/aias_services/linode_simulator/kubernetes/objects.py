"""The objects of one cluster: create, replace, patch and delete, each with its version."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aias_services.linode_simulator.access import written
from aias_services.linode_simulator.kubernetes import apply, controllers, schema, workloads
from aias_services.linode_simulator.kubernetes.kinds import KINDS, Kind
from aias_services.linode_simulator.kubernetes.nodes import DELETED, list_nodes
from aias_services.linode_simulator.kubernetes.status import Status, conflict, missing, taken
from aias_services.linode_simulator.resource import dig
from aias_services.linode_simulator.world import Record, World

Document = dict[str, Any]
GIVEN_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
NAMESPACES, NODES = KINDS["v1", "namespaces"], KINDS["v1", "nodes"]
PODS, CLAIMS = KINDS["v1", "pods"], KINDS["v1", "persistentvolumeclaims"]
CLASSES, VOLUMES = KINDS["storage.k8s.io/v1", "storageclasses"], KINDS["v1", "persistentvolumes"]
OWNERS, CLASSES_GIVEN = "owners", "storage classes given"


class Objects:
    """What a cluster holds. Every change is dropped again when `dry` is set."""

    def __init__(self, world: World, cluster: Record, *, dry: bool = False) -> None:
        kept = world.state.objects.setdefault(str(cluster.id), {})
        self._world, self._cluster = world, cluster
        self._kept, self._dry = copy.deepcopy(kept) if dry else kept, dry
        for name in GIVEN_NAMESPACES:
            if _key(NAMESPACES, "", name) not in self._kept:
                self._store(NAMESPACES, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for name, reclaim in workloads.STORAGE_CLASSES.items():
            if CLASSES_GIVEN not in self._kept:
                self._store(CLASSES, "", workloads.storage_class(name, reclaim))
        self._kept.setdefault(CLASSES_GIVEN, {})

    def list_all(self, kind: Kind, namespace: str) -> list[Document]:
        """The objects of a kind, in one namespace or, without one, in all."""
        if kind is NODES:
            return list_nodes(self._world, self._cluster, self._kept.get("nodes", {}))
        prefix = _key(kind, namespace, "")
        keys = [
            key for key in self._kept if key.startswith(prefix if namespace or not kind.namespaced else _prefix(kind))
        ]
        return [self._kept[key] for key in sorted(keys)]

    def get(self, kind: Kind, namespace: str, name: str) -> Document:
        """One object. Raises Status (404)."""
        found = self._find(kind, namespace, name)
        if found is None:
            raise missing(kind, name)
        return found

    def create(self, kind: Kind, namespace: str, document: Document) -> Document:
        """A new object. Raises Status: 404 without its namespace, 409 when there is one, 422 for its schema."""
        self._check(kind, namespace, document)
        name = document["metadata"]["name"]
        if self._find(kind, namespace, name):
            raise taken(kind, name)
        return self._store(kind, namespace, document)

    def replace(self, kind: Kind, namespace: str, name: str, document: Document) -> Document:
        """The object anew. Raises Status (409) when a version is named that is not the present one."""
        current = self.get(kind, namespace, name)
        version = document.get("metadata", {}).get("resourceVersion")
        if version and version != current["metadata"]["resourceVersion"]:
            raise conflict(kind, name, "the object has been modified; please apply your changes to the latest version")
        self._check(kind, namespace, document)
        return self._store(kind, namespace, document, current)

    def patch(self, kind: Kind, namespace: str, name: str, patch: Document) -> Document:
        """The object with a merge patch; of nodes only what a client may change."""
        current = self.get(kind, namespace, name)
        if kind is NODES:
            changes = self._kept.setdefault("nodes", {})
            changes[name] = apply.merge(changes.get(name, {}), patch)
            return self.get(kind, namespace, name)
        return self.replace(kind, namespace, name, apply.merge(current, patch))

    def apply(self, kind: Kind, namespace: str, name: str, wanted: Document, manager: str, *, force: bool) -> Document:
        """Server-side apply. Raises Status (409) for fields of another manager, unless forced."""
        current = self._find(kind, namespace, name)
        owners = self._kept.setdefault(OWNERS, {}).setdefault(_key(kind, namespace, name), {})
        owned = {owner: [tuple(path) for path in paths] for owner, paths in owners.items()}
        clashes = apply.find_conflicts(current or {}, wanted, owned, manager)
        if clashes and not force:
            raise conflict(kind, name, f"Apply failed with {len(clashes)} conflict: {', '.join(clashes)}")
        result = apply.apply(_settable(current or {}), wanted, owned, manager)
        self._check(kind, namespace, result)
        owners.update(owned)
        return self._store(kind, namespace, result, current)

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Removes an object, a namespace with everything in it; a claim once no pod uses it any more.

        Raises Status (404, or 403 for what must stay).
        """
        found = self.get(kind, namespace, name)
        if kind is NAMESPACES and name in GIVEN_NAMESPACES:
            raise Status(403, "Forbidden", f'namespaces "{name}" is forbidden: this namespace may not be deleted')
        if kind is NODES:
            self._kept.setdefault("nodes", {})[name] = {DELETED: True}
            return
        if kind is CLAIMS and self._is_used(found):
            found["metadata"].setdefault("deletionTimestamp", f"{written(self._world.now())}Z")
            return
        for key in [_key(kind, namespace, name), *(self._keys_of(name) if kind is NAMESPACES else ())]:
            document = self._kept.pop(key, None)
            self._kept.get(OWNERS, {}).pop(key, None)
            if document and not self._dry:
                self._withdraw(document)
        if kind is PODS:
            self._finish_claims(namespace)

    def remember(self, part: str, name: str, value: dict[str, Any]) -> None:
        """Keeps something of the cluster that is no object."""
        self._kept.setdefault(part, {})[name] = value

    def recall(self, part: str) -> dict[str, Any]:
        """What is kept so, by name."""
        return dict(self._kept.get(part, {}))

    def put(self, plural: str, namespace: str, document: Document) -> None:
        """What a controller writes into the core group: a new object, or one anew."""
        kind, name = KINDS["v1", plural], document["metadata"]["name"]
        document["metadata"]["namespace"] = namespace
        self._store(kind, namespace, document, self._find(kind, namespace, name))

    def list_named(self, plural: str, namespace: str) -> list[Document]:
        """The objects of a plural of the core group."""
        return self.list_all(KINDS["v1", plural], namespace)

    def _is_used(self, claim: Document) -> bool:
        """Whether a pod holds a claim, as the finalizer `kubernetes.io/pvc-protection` has it."""
        pods = self.list_all(PODS, claim["metadata"]["namespace"])
        uses = (dig(one, "persistentVolumeClaim.claimName") for pod in pods for one in dig(pod, "spec.volumes") or ())
        return claim["metadata"]["name"] in uses

    def _finish_claims(self, namespace: str) -> None:
        for claim in self.list_all(CLAIMS, namespace):
            if "deletionTimestamp" in claim["metadata"] and not self._is_used(claim):
                self.delete(CLAIMS, namespace, claim["metadata"]["name"])

    def _keys_of(self, namespace: str) -> Iterator[str]:
        yield from [key for key in self._kept if key.split("|")[2:3] == [namespace]]

    def _find(self, kind: Kind, namespace: str, name: str) -> Document | None:
        if kind is NODES:
            nodes = self.list_all(kind, "")
            return next((node for node in nodes if node["metadata"]["name"] == name), None)
        return self._kept.get(_key(kind, namespace, name))

    def _check(self, kind: Kind, namespace: str, document: Document) -> None:
        if kind.namespaced:
            document.setdefault("metadata", {}).setdefault("namespace", namespace)
            if document["metadata"]["namespace"] != namespace:
                raise Status(400, "BadRequest", "the namespace of the object is not the one of the request")
            if self._find(NAMESPACES, "", namespace) is None:
                raise missing(NAMESPACES, namespace)
        schema.check(kind, _settable(document), self._cluster.values["k8s_version"].lstrip("v")[:4])

    def _store(self, kind: Kind, namespace: str, document: Document, before: Document | None = None) -> Document:
        name = document["metadata"]["name"]
        key, old = _key(kind, namespace, name), (before or {}).get("metadata", {})
        if before and _settable(before) == _settable(document):
            return before
        number = self._world.next_id("kubernetes", 1)
        stored = copy.deepcopy(document)
        if before and "status" in before:
            stored.setdefault("status", before["status"])
        stored["metadata"] |= {
            "uid": old.get("uid") or self._world.token("object", self._cluster.id, key, number, length=32),
            "creationTimestamp": old.get("creationTimestamp") or f"{written(self._world.now())}Z",
            "resourceVersion": str(number),
            "generation": old.get("generation", 0) + 1,
        }
        if kind is NAMESPACES:
            stored["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
            stored |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        self._kept[key] = _encode_secret(stored) if kind.name == "Secret" else stored
        if not self._dry:
            self._provide(self._kept[key])
            controllers.react(self, kind, self._kept[key])
        return self._kept[key]

    def _provide(self, document: Document) -> None:
        """Makes on the account what an object stands for."""
        if document["kind"] == "Service":
            workloads.ensure_balancer(self._world, self._cluster, document)
        elif document["kind"] == "PersistentVolumeClaim":
            named = document["spec"].get("storageClassName", workloads.DEFAULT_CLASS)
            volume = workloads.bind(self._world, self._cluster, document, self._find(CLASSES, "", named))
            if volume:
                self._store(VOLUMES, "", volume)

    def _withdraw(self, document: Document) -> None:
        """Takes from the account what a deleted object stood for."""
        if document["kind"] == "Service":
            workloads.drop_balancer(self._world, document)
        elif document["kind"] == "PersistentVolumeClaim":
            volume = self._find(VOLUMES, "", document["spec"].get("volumeName", ""))
            if volume and workloads.unbind(self._world, volume):
                self._kept.pop(_key(VOLUMES, "", volume["metadata"]["name"]))


def _encode_secret(document: Document) -> Document:
    import base64

    texts = document.pop("stringData", None) or {}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in texts.items()}
    return {"type": "Opaque", **document, "data": {**document.get("data", {}), **data}}


def _settable(document: Document) -> Document:
    """An object without what the server writes."""
    metadata = {
        name: value
        for name, value in document.get("metadata", {}).items()
        if name not in ("uid", "creationTimestamp", "resourceVersion", "generation", "managedFields")
    }
    return {**{name: value for name, value in document.items() if name != "status"}, "metadata": metadata}


def _prefix(kind: Kind) -> str:
    return f"{kind.api_version}|{kind.plural}|"


def _key(kind: Kind, namespace: str, name: str) -> str:
    return f"{_prefix(kind)}{namespace if kind.namespaced else ''}|{name}"
