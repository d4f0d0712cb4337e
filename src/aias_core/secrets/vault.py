"""Secrets of HashiCorp Vault and what speaks like it: the KV engine version 2.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aias_core.errors import DependencyUnreachable, NotFound, PrerequisiteMissing
from aias_core.secret import Secret
from aias_core.secrets.references import Reference
from aias_core.settings import find_variable

TIMEOUT_SECONDS = 10


def read_field(reference: Reference) -> Secret:
    """One field of the newest version. Raises PrerequisiteMissing, DependencyUnreachable, NotFound."""
    data = _read_version(reference).get("data")
    values = data.get("data") if isinstance(data, dict) else None
    if not isinstance(values, dict) or reference.field not in values:
        raise NotFound(f"'{reference}': there is no such field", hint=f"write it: vault kv patch {reference.path} …")
    return Secret(str(values[reference.field]))


def _read_version(reference: Reference) -> dict[str, Any]:
    import httpx

    address, token = find_variable("VAULT_ADDR"), find_variable("VAULT_TOKEN")
    if not address or not token:
        raise PrerequisiteMissing(
            f"'{reference}' needs VAULT_ADDR and VAULT_TOKEN",
            hint="set them: export VAULT_ADDR=https://HOST:8200; vault login; export VAULT_TOKEN=$(vault print token)",
        )
    mount, *path = reference.parts
    url = f"{address.rstrip('/')}/v1/{quote(mount)}/data/{quote('/'.join(path))}"
    namespace = find_variable("VAULT_NAMESPACE")
    headers = {"X-Vault-Token": token} | ({"X-Vault-Namespace": namespace} if namespace else {})
    try:
        answer = httpx.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise DependencyUnreachable(f"'{reference}': Vault does not answer", hint="check VAULT_ADDR") from exc
    return _content(answer, reference)


def _content(answer: Any, reference: Reference) -> dict[str, Any]:
    if answer.status_code == 404:
        raise NotFound(f"'{reference}': there is no such secret", hint=f"write it: vault kv put {reference.path} …")
    if answer.status_code in (401, 403):
        raise PrerequisiteMissing(f"'{reference}': Vault refuses the token", hint="get another one: vault login")
    try:
        content = answer.json() if answer.is_success else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise DependencyUnreachable(f"'{reference}': Vault answered {answer.status_code}", hint="check VAULT_ADDR")
    return content
