"""Paths and verbs of the Kubernetes API, under `/kubernetes/{cluster}`."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from aias_core.files import load_yaml
from aias_services.linode_simulator.addresses import NETWORKS
from aias_services.linode_simulator.exchange import Answer, Request
from aias_services.linode_simulator.kubernetes.accounts import authorize, find_account, issue_token
from aias_services.linode_simulator.kubernetes.eviction import evict
from aias_services.linode_simulator.kubernetes.kinds import KINDS, Kind
from aias_services.linode_simulator.kubernetes.objects import NAMESPACES, Document, Objects
from aias_services.linode_simulator.kubernetes.status import Status
from aias_services.linode_simulator.refusals import Refusal
from aias_services.linode_simulator.resource import dig
from aias_services.linode_simulator.resources.kubernetes_actions import bearer_token
from aias_services.linode_simulator.world import Record, World

_CLUSTER = re.compile(r"/kubernetes/(\d+)(/.*)?")
_OBJECTS = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<named>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>status|scale|eviction|token))?"
)


class KubernetesApi:
    """The control planes of all clusters."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request; None where the access list does not let the caller through."""
        match = _CLUSTER.fullmatch(request.path)
        cluster = self._world.find_lasting("lke_cluster", match[1]) if match else None
        if match is None or cluster is None or not self._world.is_settled(cluster) or not self._is_let_in(cluster):
            return None
        try:
            account = self._authenticate(request, cluster)
            return _serve(self._world, cluster, request, match[2] or "/", account)
        except Status as status:
            return Answer(status.document(), status.code)

    def _is_let_in(self, cluster: Record) -> bool:
        acl = dig(cluster.values, "control_plane.acl") or {}
        if not acl.get("enabled"):
            return True
        caller = ipaddress.ip_address(self._world.state.settings.client_address)
        listed = (one for family in NETWORKS for one in dig(acl, f"addresses.{family}") or ())
        return any(caller in ipaddress.ip_network(one, strict=False) for one in listed)

    def _authenticate(self, request: Request, cluster: Record) -> Document | None:
        """The service account that asks; None for the administrator."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == bearer_token(self._world, cluster):
            return None
        account = find_account(self._world, Objects(self._world, cluster), token)
        if account is None:
            raise Status(401, "Unauthorized", "Unauthorized")
        return account


def failed(refusal: Refusal) -> Answer:
    """A scripted failure as the Kubernetes API answers it."""
    return Answer(Status(refusal.status, "Failure", str(refusal)).document(), refusal.status)


def _serve(world: World, cluster: Record, request: Request, path: str, account: Document | None) -> Answer:
    discovered = _discover(cluster, path)
    if discovered is not None:
        return Answer(discovered)
    match = _OBJECTS.fullmatch(path)
    if match is None:
        raise Status(404, "NotFound", "the server could not find the requested resource")
    kind, namespace, name = _target(match)
    objects = Objects(world, cluster, dry="dryRun" in request.query)
    if account is not None:
        authorize(objects, account, request.method, kind, name if kind is NAMESPACES else namespace)
    if request.method == "POST" and match["part"] == "token":
        return Answer(issue_token(world, objects, (namespace, name), _document(request)), 201)
    if request.method == "POST" and match["part"] == "eviction":
        return Answer(evict(objects, namespace, name), 201)
    if request.method == "GET":
        return _read(objects, kind, namespace, name, request.query)
    return _write(objects, kind, namespace, name, request)


def _target(match: re.Match[str]) -> tuple[Kind, str, str]:
    """The kind, namespace and name of a path: `/api/v1/namespaces/x` is a namespace itself."""
    api_version, plural, name = match["core"] or match["named"], match["plural"], match["name"] or ""
    kind = KINDS.get((api_version, plural))
    if kind is None:
        raise Status(404, "NotFound", "the server could not find the requested resource")
    return kind, match["namespace"] or "", name


def _discover(cluster: Record, path: str) -> Any:
    number = cluster.values["k8s_version"].lstrip("v")
    major, minor = number.split(".")[:2]
    if path == "/version":
        return {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.1", "platform": "linux/amd64"}
    if path in ("/healthz", "/livez", "/readyz"):
        return b"ok"
    versions = list(dict.fromkeys(api_version for api_version, _ in KINDS))
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(one) for one in versions if "/" in one]}
    one = path.removeprefix("/apis/").removeprefix("/api/")
    if one not in versions:
        return None
    resources = [kind.document() for (api_version, _), kind in KINDS.items() if api_version == one]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": one, "resources": resources}


def _group(api_version: str) -> dict[str, Any]:
    group, _, version = api_version.partition("/")
    entry = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _read(objects: Objects, kind: Kind, namespace: str, name: str, query: Mapping[str, str]) -> Answer:
    if name:
        return Answer(objects.get(kind, namespace, name))
    found = [one for one in objects.list_all(kind, namespace) if _is_selected(one, query)]
    if query.get("watch") in ("true", "1"):
        lines = (json.dumps({"type": "ADDED", "object": one}) + "\n" for one in found)
        return Answer("".join(lines).encode())
    version = max((int(one["metadata"]["resourceVersion"]) for one in found), default=1)
    head = {"apiVersion": kind.api_version, "kind": f"{kind.name}List", "metadata": {"resourceVersion": str(version)}}
    return Answer({**head, "items": found})


def _is_selected(document: Document, query: Mapping[str, str]) -> bool:
    labels, fields = document["metadata"].get("labels", {}), {"metadata.name": document["metadata"]["name"]}
    fields["spec.nodeName"] = document.get("spec", {}).get("nodeName", "")
    return _match(labels, query.get("labelSelector", "")) and _match(fields, query.get("fieldSelector", ""))


def _match(values: Mapping[str, str], selector: str) -> bool:
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        name, operator, wanted = re.fullmatch(r"!?([^=!\s]+)\s*(==|=|!=|notin|in)?\s*(.*)", term.strip()).groups()  # type: ignore[union-attr]
        options = {part.strip() for part in wanted.strip("()").split(",")}
        if operator is None:
            holds = (name in values) != term.strip().startswith("!")
        else:
            holds = (values.get(name) in options) == (operator in ("=", "==", "in"))
        if not holds:
            return False
    return True


def _write(objects: Objects, kind: Kind, namespace: str, name: str, request: Request) -> Answer:
    if request.method == "DELETE" and name:
        objects.delete(kind, namespace, name)
        return Answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
    document = _document(request)
    if request.method == "POST" and not name:
        return Answer(objects.create(kind, namespace, document), 201)
    if request.method == "PUT" and name:
        return Answer(objects.replace(kind, namespace, name, document))
    if request.method == "PATCH" and name:
        return Answer(_patch(objects, kind, (namespace, name), document, request))
    raise Status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def _patch(objects: Objects, kind: Kind, place: tuple[str, str], document: Document, request: Request) -> Document:
    content = request.headers.get("content-type", "").partition(";")[0]
    if content == "application/apply-patch+yaml":
        manager = request.query.get("fieldManager")
        if not manager:
            raise Status(422, "Invalid", "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value")
        return objects.apply(kind, *place, document, manager, force=request.query.get("force") in ("true", "1", "True"))
    if content in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
        return objects.patch(kind, *place, document)
    raise Status(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {content}")


def _document(request: Request) -> Document:
    import yaml

    try:
        document = load_yaml(request.body) if request.body else {}
    except yaml.YAMLError as exc:
        raise Status(400, "BadRequest", f"the object cannot be read: {exc}") from exc
    if not isinstance(document, dict):
        raise Status(400, "BadRequest", "the object is no map")
    return document
