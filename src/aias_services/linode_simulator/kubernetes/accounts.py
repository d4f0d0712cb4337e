"""Service accounts: tokens that end, and what the roles bound to an account let it do.

Of the roles that every cluster has, `cluster-admin`, `edit` and `view` are known; other ones count by their rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aias_services.linode_simulator.access import written
from aias_services.linode_simulator.kubernetes.kinds import KINDS, Kind
from aias_services.linode_simulator.kubernetes.objects import Document, Objects
from aias_services.linode_simulator.kubernetes.status import Status, invalid
from aias_services.linode_simulator.world import World

TOKENS = "tokens"
LEAST_SECONDS, USUAL_SECONDS = 600, 3_600
ACCOUNTS = KINDS["v1", "serviceaccounts"]
_RBAC = "rbac.authorization.k8s.io/v1"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}
_READ = ("get", "list", "watch")


def issue_token(world: World, objects: Objects, place: tuple[str, str], request: Document) -> Document:
    """The answer to a TokenRequest. Raises Status: 404 without the account, 422 for less than ten minutes."""
    account = objects.get(ACCOUNTS, *place)
    seconds = request.get("spec", {}).get("expirationSeconds") or USUAL_SECONDS
    if not isinstance(seconds, int) or seconds < LEAST_SECONDS:
        text = "spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes"
        raise invalid(ACCOUNTS, place[1], text)
    token = world.token("account", *place, account["metadata"]["uid"], world.next_id("token", 1), length=64)
    ends = world.now() + seconds
    objects.remember(TOKENS, token, {"namespace": place[0], "name": place[1], "ends": ends, **_uid(account)})
    status = {"token": token, "expirationTimestamp": f"{written(ends)}Z"}
    head = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"name": place[1]}}
    return {**head, "spec": {"expirationSeconds": seconds}, "status": status}


def find_account(world: World, objects: Objects, token: str) -> Document | None:
    """The account of a token that has not ended and whose account is still the one that it was given to."""
    found = objects.recall(TOKENS).get(token)
    if found is None or found["ends"] <= world.now():
        return None
    named = objects.list_all(ACCOUNTS, found["namespace"])
    return next((one for one in named if one["metadata"]["name"] == found["name"] and _uid(one) == _uid(found)), None)


def authorize(objects: Objects, account: Document, method: str, kind: Kind, namespace: str) -> None:
    """Raises Status (403) for what no role of the account allows."""
    verb = _VERBS.get(method, method.lower())
    if not any(_allows(rules, verb, kind) for rules in _iter_rules(objects, account, namespace)):
        who = f"system:serviceaccount:{account['metadata']['namespace']}:{account['metadata']['name']}"
        raise Status(403, "Forbidden", f'{kind.plural} is forbidden: User "{who}" cannot {verb} resource')


def _uid(document: Document) -> dict[str, str]:
    return {"uid": str(document.get("uid") or document["metadata"]["uid"])}


def _iter_rules(objects: Objects, account: Document, namespace: str) -> Iterator[list[dict[str, Any]]]:
    bound = objects.list_all(KINDS[_RBAC, "clusterrolebindings"], "")
    if namespace:
        bound = [*bound, *objects.list_all(KINDS[_RBAC, "rolebindings"], namespace)]
    for binding in bound:
        if any(_is_of(subject, account) for subject in binding.get("subjects") or ()):
            yield _rules_of(objects, binding)


def _is_of(subject: dict[str, Any], account: Document) -> bool:
    metadata = account["metadata"]
    told = (subject["kind"], subject["name"], subject.get("namespace"))
    return told == ("ServiceAccount", metadata["name"], metadata["namespace"])


def _rules_of(objects: Objects, binding: Document) -> list[dict[str, Any]]:
    reference = binding["roleRef"]
    if reference["name"] in GIVEN:
        return GIVEN[reference["name"]]
    plural = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
    space = binding["metadata"].get("namespace", "") if plural == "roles" else ""
    found = objects.list_all(KINDS[_RBAC, plural], space)
    return next((one.get("rules") or [] for one in found if one["metadata"]["name"] == reference["name"]), [])


def _allows(rules: list[dict[str, Any]], verb: str, kind: Kind) -> bool:
    return any(
        {verb, "*"} & set(rule["verbs"])
        and {kind.group, "*"} & set(rule.get("apiGroups") or ())
        and {kind.plural, "*"} & set(rule.get("resources") or ())
        for rule in rules
    )


def _build_rules(verbs: list[str], without: tuple[str, ...]) -> list[dict[str, Any]]:
    kinds = [
        kind for kind in KINDS.values() if kind.plural not in without and kind.group != "rbac.authorization.k8s.io"
    ]
    return [{"apiGroups": [kind.group], "resources": [kind.plural], "verbs": verbs} for kind in kinds]


_WHOLE = tuple(kind.plural for kind in KINDS.values() if not kind.namespaced)
GIVEN: dict[str, list[dict[str, Any]]] = {
    "cluster-admin": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    "edit": _build_rules(["*"], (*_WHOLE, "resourcequotas", "limitranges")),
    "view": _build_rules(list(_READ), ("secrets", *(name for name in _WHOLE if name != "namespaces"))),
}
