from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from aias_core.errors import Conflict, InvalidInput, NotFound
from aias_core.identity.access_tokens import TokenVerifier
from aias_core.identity.keys import HashKeys
from aias_core.management import ManagementClient
from aias_core.secret import Secret
from support import servers
from support.access import SIGNER, TOKEN_SIGNING_KEY

if TYPE_CHECKING:
    from support.servers import PostgresServer, RunningService

HASH_KEYS = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
OPERATOR, SERVICE = secrets.token_hex(16), secrets.token_hex(16)


@pytest.fixture(scope="module")
def identity(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    database = postgres_server.clone("operational")
    variables = {
        "AIAS_OPERATIONAL_DSN": postgres_server.dsn(database, "aias_identity").reveal(),
        "AIAS_SERVICE_KEY": SERVICE,
        "AIAS_OPERATOR_TOKEN": OPERATOR,
        "AIAS_DATA_HASH_KEYS": HASH_KEYS,
        "AIAS_TOKEN_SIGNING_KEY": TOKEN_SIGNING_KEY,
    }
    with servers.service("identity", tmp_path_factory.mktemp("identity"), variables) as running:
        yield running


@pytest.fixture
def operator(identity: RunningService) -> ManagementClient:
    return ManagementClient("identity", identity.url, Secret(OPERATOR))


def test_an_operator_enrols_an_organization_and_the_router_resolves_its_key(
    operator: ManagementClient, identity: RunningService
) -> None:
    operator.post("/api/v1/orgs", {"slug": "acme"})
    key = operator.post("/api/v1/orgs/acme/keys", {"name": "laptop"})
    digests = {kid: d.hex() for kid, d in HashKeys.parse(Secret(HASH_KEYS)).digests(key["secret"]).items()}
    router = ManagementClient("identity", identity.url, Secret(SERVICE))
    grant = router.post("/internal/v1/keys/resolve", {"digests": digests})
    assert (grant["org_slug"], grant["api_key_id"]) == ("acme", key["api_key_id"])
    with pytest.raises(NotFound):
        router.post("/internal/v1/keys/resolve", {"digests": {"k1": "00" * 32}})
    assert key["secret"] not in str(operator.get("/api/v1/orgs/acme/keys"))
    assert key["secret"] not in identity.log.read_text()


@pytest.mark.parametrize(
    ("body", "kind"),
    [({"slug": "Bad Slug"}, InvalidInput), ({}, InvalidInput), ({"slug": "ok", "x": 1}, InvalidInput)],
    ids=["slug", "missing", "unknown-field"],
)
def test_bad_input_is_a_problem_with_its_field(
    operator: ManagementClient, body: dict[str, object], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        operator.post("/api/v1/orgs", body)


def test_a_taken_slug_and_an_unknown_organization_have_their_codes(operator: ManagementClient) -> None:
    operator.post("/api/v1/orgs", {"slug": "twice"})
    with pytest.raises(Conflict) as caught:
        operator.post("/api/v1/orgs", {"slug": "twice"})
    assert caught.value.code == "slug_taken"
    with pytest.raises(NotFound):
        operator.get("/api/v1/orgs/nobody/keys")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/orgs"),
        ("GET", "/api/v1/orgs"),
        ("POST", "/api/v1/orgs/acme/keys"),
        ("GET", "/api/v1/orgs/acme/keys"),
        ("POST", "/internal/v1/keys/resolve"),
        ("POST", "/internal/v1/audit-records"),
        ("POST", "/api/v1/access-tokens"),
    ],
)
@pytest.mark.parametrize("token", ["", "Bearer wrong", "Basic abc"], ids=["none", "wrong", "scheme"])
def test_no_route_answers_without_its_credential(identity: RunningService, method: str, path: str, token: str) -> None:
    answer = httpx.request(method, identity.url + path, headers={"Authorization": token}, json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("asked", "role"),
    [({"org": "tokens", "role": "viewer"}, "viewer"), ({"role": "auditor", "subject": "ana"}, "auditor")],
    ids=["organization", "platform"],
)
def test_the_operator_issues_a_token_that_verifies_elsewhere_and_is_in_the_audit(
    operator: ManagementClient, identity: RunningService, asked: dict[str, str], role: str
) -> None:
    if "org" in asked:
        operator.post("/api/v1/orgs", {"slug": "tokens"})
    issued = operator.post("/api/v1/access-tokens", asked)
    principal = TokenVerifier.parse(SIGNER.public_key(), "local").verify(issued["access_token"])
    assert (principal.role, principal.actor_id) == (role, issued["subject"])
    assert principal.org_id == (UUID(issued["org_id"]) if issued["org_id"] else None)
    assert issued["access_token"] not in identity.log.read_text()


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"role": "owner"}, InvalidInput),
        ({"role": "operator", "org": "acme"}, InvalidInput),
        ({"role": "viewer", "org": "nobody"}, NotFound),
        ({"role": "auditor", "expires_in_seconds": 3601}, InvalidInput),
    ],
    ids=["no-org", "platform-in-org", "unknown-org", "too-long"],
)
def test_a_token_that_could_not_be_is_refused(
    operator: ManagementClient, asked: dict[str, object], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        operator.post("/api/v1/access-tokens", asked)


def test_the_operators_token_does_not_resolve_keys(identity: RunningService) -> None:
    answer = httpx.post(
        f"{identity.url}/internal/v1/keys/resolve", headers={"Authorization": f"Bearer {OPERATOR}"}, json={}
    )
    assert answer.status_code == 401


def test_framework_errors_are_problems_too(identity: RunningService) -> None:
    assert httpx.get(f"{identity.url}/nowhere").json()["code"] == "not_found"
    assert httpx.delete(f"{identity.url}/api/v1/orgs").json()["code"] == "method_not_allowed"


def test_health_tells_each_dependency_with_its_latency(identity: RunningService) -> None:
    ready = httpx.get(f"{identity.ops_url}/readyz").json()
    assert ready["status"] == "ok"
    assert ready["checks"]["postgres"]["ok"] is True
    assert httpx.get(f"{identity.url}/readyz").json() == {"status": "ok"}
    assert httpx.get(f"{identity.url}/metrics").status_code == 404
    assert "aias_http_requests_total" in httpx.get(f"{identity.ops_url}/metrics").text


def test_a_missing_setting_ends_with_2_and_names_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "aias_services.identity"], env={"PATH": "/usr/bin"}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "AIAS_OPERATIONAL_DSN" in done.stderr
    assert "Traceback" not in done.stderr
