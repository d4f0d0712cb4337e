"""Secrets inside a cluster, through the Kubernetes API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core.errors import AiasError, DependencyUnreachable, InvalidInput, NotFound, PrerequisiteMissing, Refused
from aias_core.files import load_yaml
from aias_core.secret import Secret
from aias_core.settings import find_variable

KUBECONFIG_VARIABLE = "AIAS_KUBECONFIG"
CONTROLLER_NAMESPACE = "sealed-secrets"
ACTIVE_KEYS = "sealedsecrets.bitnami.com/sealed-secrets-key=active"
FIELD_MANAGER = "aias-secrets"
ENVIRONMENT = "aias.dev/environment"
APPLY = "application/apply-patch+yaml"
TIMEOUT_SECONDS = 10
_SEALED = ("bitnami.com", "v1alpha1")
_ACCESS_HINT = "get it anew: aias env kubeconfig ENV --out FILE"


def find_kubeconfig() -> Secret:
    """The content of the file that AIAS_KUBECONFIG names. Raises PrerequisiteMissing."""
    named = find_variable(KUBECONFIG_VARIABLE)
    if not named:
        raise PrerequisiteMissing(
            f"The cluster is not known: {KUBECONFIG_VARIABLE} is not set",
            hint=f"write access to a file and name it there: aias env kubeconfig ENV --out FILE; "
            f"export {KUBECONFIG_VARIABLE}=FILE",
        )
    try:
        return Secret(Path(named).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise PrerequisiteMissing(f"{KUBECONFIG_VARIABLE}: '{named}' cannot be read", hint=_ACCESS_HINT) from exc


@contextmanager
def open_cluster(kubeconfig: Secret) -> Iterator[Cluster]:
    """The cluster of a kubeconfig. Raises InvalidInput for another text."""
    import yaml
    from kubernetes import client, config
    from kubernetes.config import ConfigException

    once = client.Configuration()
    once.retries = 0
    try:
        api = config.new_client_from_config_dict(load_yaml(kubeconfig.reveal()), client_configuration=once)
    except (ConfigException, yaml.YAMLError, TypeError, AttributeError):
        raise InvalidInput("The kubeconfig is not valid", hint=_ACCESS_HINT) from None
    try:
        yield Cluster(api)
    finally:
        api.close()


@contextmanager
def maybe_cluster(say: Callable[[str], None]) -> Iterator[Cluster | None]:
    """The cluster that AIAS_KUBECONFIG names; None, said, where it names none."""
    if not find_variable(KUBECONFIG_VARIABLE):
        say(f"The cluster was not asked: {KUBECONFIG_VARIABLE} is not set.")
        yield None
        return
    with open_cluster(find_kubeconfig()) as cluster:
        yield cluster


@dataclass(frozen=True, slots=True)
class Cluster:
    """What delivery of secrets needs of a cluster.

    A method raises PrerequisiteMissing where access is refused, DependencyUnreachable for silence, else AiasError.
    """

    api: Any

    def check_environment(self, name: str) -> None:
        """Raises Refused unless `aias env up` has marked namespaces here as those of this environment."""
        marked = self.call("GET", "/api/v1/namespaces", query=[("labelSelector", ENVIRONMENT)])["items"]
        found = sorted({one["metadata"]["labels"][ENVIRONMENT] for one in marked})
        if name not in found:
            whose = f"of '{', '.join(found)}'" if found else "of no environment"
            raise Refused(
                f"The cluster is {whose}, not of '{name}'",
                hint=f"get access to the right one: aias env kubeconfig {name} --out FILE",
            )

    def find_values(self, namespace: str, name: str) -> dict[str, Secret] | None:
        """The values of a Secret by key, None where there is no such object."""
        found = self.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return None if found is None else _decode(found.get("data") or {})

    def find_sealed(self, namespace: str, name: str) -> dict[str, Any] | None:
        """A SealedSecret as it is stored."""
        return self.find(self._sealed_path(namespace, name))

    def apply_sealed(self, manifest: Mapping[str, Any]) -> None:
        """Server-side apply of a SealedSecret; its namespace must be there. Raises NotFound."""
        metadata = manifest["metadata"]
        namespace = metadata["namespace"]
        if self.find(f"/api/v1/namespaces/{namespace}") is None:
            raise NotFound(f"The cluster has no namespace '{namespace}'", hint="make it: aias env up ENV")
        self.call("PATCH", self._sealed_path(namespace, metadata["name"]), manifest, APPLY)

    def list_sealing_keys(self) -> list[dict[str, Any]]:
        """The Secrets that hold the controller's keys, the newest last. Raises NotFound when there is none."""
        path = f"/api/v1/namespaces/{CONTROLLER_NAMESPACE}/secrets"
        found = self.call("GET", path, query=[("labelSelector", ACTIVE_KEYS)])["items"]
        if not found:
            raise NotFound(
                "The cluster has no sealed-secrets key", hint="install the controller, then: aias env up ENV"
            )
        return sorted(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))

    def sealing_certificate(self) -> bytes:
        """The newest certificate of the controller, PEM."""
        return _decode(self.list_sealing_keys()[-1]["data"])["tls.crt"].reveal().encode()

    def list_private_keys(self) -> dict[str, Secret]:
        """The controller's private keys in PEM, by the names of the Secrets that hold them. Raises NotFound."""
        return {one["metadata"]["name"]: _decode(one["data"])["tls.key"] for one in self.list_sealing_keys()}

    def has_workload(self, namespace: str, name: str) -> bool:
        return self._find_workload(namespace, name) is not None

    def find_marks(self, namespace: str, name: str, annotation: str) -> tuple[str | None, str | None]:
        """The marks that `restart` and `confirm` left on a workload; None for one that is not there."""
        found = self._find_workload(namespace, name)
        if found is None:
            return None, None
        told, kept = (one.get("metadata") or {} for one in (found[1]["spec"]["template"], found[1]))
        return (told.get("annotations") or {}).get(annotation), (kept.get("annotations") or {}).get(annotation)

    def restart(self, namespace: str, name: str, annotation: str, mark: str) -> None:
        """Has a workload replace its pods, once for each new mark. Raises NotFound."""
        self._patch(namespace, name, {"spec": {"template": {"metadata": {"annotations": {annotation: mark}}}}})

    def confirm(self, namespace: str, name: str, annotation: str, mark: str) -> None:
        """Notes on a workload that its pods were seen to be replaced; it replaces none. Raises NotFound."""
        self._patch(namespace, name, {"metadata": {"annotations": {annotation: mark}}})

    def _patch(self, namespace: str, name: str, patch: dict[str, Any]) -> None:
        path, _ = self._get_workload(namespace, name)
        self.call("PATCH", path, patch, "application/merge-patch+json")

    def is_rolled_out(self, namespace: str, name: str) -> bool:
        """Whether every pod of a workload is of its present template and serves. Raises NotFound."""
        _, workload = self._get_workload(namespace, name)
        status, wanted = workload.get("status") or {}, workload["spec"].get("replicas", 1)
        is_seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
        counts = [status.get(key) or 0 for key in ("replicas", "updatedReplicas", "availableReplicas")]
        return is_seen and counts == [wanted] * 3

    def _get_workload(self, namespace: str, name: str) -> tuple[str, dict[str, Any]]:
        found = self._find_workload(namespace, name)
        if found is None:
            raise NotFound(f"The cluster has no workload '{namespace}/{name}'", hint="look with: aias env status ENV")
        return found

    def _find_workload(self, namespace: str, name: str) -> tuple[str, dict[str, Any]] | None:
        for plural in ("deployments", "statefulsets"):
            path = f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}"
            if (found := self.find(path)) is not None:
                return path, found
        return None

    @staticmethod
    def _sealed_path(namespace: str, name: str) -> str:
        return f"/apis/{'/'.join(_SEALED)}/namespaces/{namespace}/sealedsecrets/{name}"

    def find(self, path: str) -> dict[str, Any] | None:
        """An object, None where there is no such one."""
        try:
            return self.call("GET", path)
        except NotFound:
            return None

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", query: Any = ()
    ) -> dict[str, Any]:
        """The answer to one call of the Kubernetes API."""
        applied = content_type == APPLY
        asked = [*query, *((("fieldManager", FIELD_MANAGER), ("force", "true")) if applied else ())]
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if body is not None else {})
        with _translated_errors():
            answer: Any = self.api.call_api(
                path,
                method,
                query_params=asked,
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                response_types_map={200: "object", 201: "object"},
                _return_http_data_only=True,
                _request_timeout=TIMEOUT_SECONDS,
            )
        if not isinstance(answer, dict):
            raise DependencyUnreachable("The cluster answers what is no JSON", hint="look with: aias env status ENV")
        return answer


def _decode(data: Mapping[str, str]) -> dict[str, Secret]:
    try:
        return {key: Secret(base64.b64decode(value).decode()) for key, value in data.items()}
    except (binascii.Error, UnicodeDecodeError):
        raise AiasError("A Secret of the cluster is not a text") from None


@contextmanager
def _translated_errors() -> Iterator[None]:
    from kubernetes.client.rest import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as exc:
        raise _translate(exc) from exc
    except HTTPError as exc:
        raise DependencyUnreachable("The cluster does not answer", hint="look with: aias env status ENV") from exc


def _translate(exc: Any) -> AiasError:
    # What the server says may repeat the object that it was sent.
    if exc.status in (401, 403):
        return PrerequisiteMissing("The cluster refuses this access", hint=_ACCESS_HINT)
    if exc.status == 404:
        return NotFound("The cluster has no such object", hint="look with: aias env status ENV")
    if exc.status in (408, 429) or exc.status >= 500:
        return DependencyUnreachable(f"The cluster is busy: {exc.status} {exc.reason}", hint="try again in a minute")
    return AiasError(f"The cluster refused: {exc.status} {exc.reason}", hint="look with: aias secrets status ENV")
