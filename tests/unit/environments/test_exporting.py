from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import get_type_hints

import pytest

from aias_core import service_settings
from aias_core.environments.activation import activate, export_environment
from aias_core.environments.choice import find_choice
from aias_core.environments.components import load_registry
from aias_core.environments.exporting import Export, ExportFormat, is_secret_variable, write_export
from aias_core.environments.local.credentials import Credentials
from aias_core.environments.local.plan import PORTS_RECORD
from aias_core.environments.local.state import StateDirectory
from aias_core.errors import Conflict, EnvironmentNotUp, InvalidInput, NotFound, Refused
from aias_core.secret import Secret
from aias_core.service_settings import ServiceSettings

PORTS = {
    "postgres": {"main": 5433},
    "nats": {"main": 4222, "monitor": 8222},
    "objects": {"main": 8333},
    "identity": {"main": 8081, "ops": 9081},
    "analytics": {"main": 8084, "ops": 9084},
    "router": {"main": 8080, "ops": 9080},
}
EXPORT = Export("local", {"AIAS_ROUTER_URL": "http://127.0.0.1:8080", "AIAS_SERVICE_KEY": "a 'quoted' $value"})


@pytest.fixture
def state_root(tmp_path: Path) -> Path:
    """The state of an environment that was up once."""
    state = StateDirectory(tmp_path / ".aias" / "local")
    state.ensure()
    Credentials(state.secrets).ensure()
    state.write_record(PORTS_RECORD, PORTS)
    return tmp_path / ".aias"


@pytest.mark.parametrize("form", ExportFormat)
def test_two_exports_have_the_same_bytes_and_belong_to_the_owner(tmp_path: Path, form: ExportFormat) -> None:
    path = tmp_path / "out"
    write_export(EXPORT, form, path)
    first = path.read_bytes()
    write_export(Export("local", dict(reversed(EXPORT.variables.items()))), form, path)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_shell_reads_the_file_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    write_export(EXPORT, ExportFormat.ENV, path)
    script = f'set -a; . {path}; printf %s "$AIAS_SERVICE_KEY"'
    assert subprocess.check_output(["sh", "-c", script], text=True) == EXPORT.variables["AIAS_SERVICE_KEY"]


def test_own_lines_stay_once(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    write_export(EXPORT, ExportFormat.ENV, path)
    path.write_text(path.read_text().replace("# >>> yours\n", "# >>> yours\nMINE=1\n"))
    for _ in range(2):
        write_export(Export("local", {"AIAS_ENV": "local"}), ExportFormat.ENV, path)
    text = path.read_text()
    assert text.count("MINE=1") == text.count("# >>> yours") == text.count("# <<<") == 1
    assert "AIAS_SERVICE_KEY" not in text


@pytest.mark.parametrize("content", [b"DATABASE_URL=postgres://mine\n", b"\xff\xfe", b'{"mine": 1}'])
@pytest.mark.parametrize("form", ExportFormat)
def test_a_file_that_is_no_export_is_not_replaced(tmp_path: Path, form: ExportFormat, content: bytes) -> None:
    path = tmp_path / ".env"
    path.write_bytes(content)
    with pytest.raises(Conflict, match="no export"):
        write_export(EXPORT, form, path)
    assert path.read_bytes() == content


def test_a_path_that_git_would_take_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(Refused, match="does not ignore"):
        write_export(EXPORT, ExportFormat.ENV, tmp_path / "out.env")
    assert not (tmp_path / "out.env").exists()
    (tmp_path / ".gitignore").write_text("out.env\n")
    write_export(EXPORT, ExportFormat.ENV, tmp_path / "out.env")


def test_secrets_are_masked_unless_they_go_into_a_file() -> None:
    shown = EXPORT.masked().render(ExportFormat.ENV)
    assert "AIAS_SERVICE_KEY='***'" in shown
    assert "8080" in shown


def test_every_secret_of_a_service_is_known_as_one() -> None:
    models = [m for m in vars(service_settings).values() if isinstance(m, type) and issubclass(m, ServiceSettings)]
    for model in models:
        for name, hint in get_type_hints(model).items():
            if hint is Secret or Secret in getattr(hint, "__args__", ()):
                assert is_secret_variable(f"AIAS_{name.upper()}"), name


def test_what_a_service_is_started_with_is_exported(state_root: Path) -> None:
    found = export_environment("local", state_root, None, "router").variables
    assert set(load_registry()["router"].variables) <= set(found)
    assert (found["AIAS_HTTP_PORT"], found["AIAS_IDENTITY_URL"]) == ("8080", "http://127.0.0.1:8081")


def test_the_addresses_of_an_environment_are_exported(state_root: Path) -> None:
    found = export_environment("local", state_root, None)
    assert found.variables["AIAS_ROUTER_URL"] == "http://127.0.0.1:8080"
    password = Credentials(state_root / "local" / "secrets").database_password("aias_migrator").reveal()
    assert password in found.variables["AIAS_OPERATIONAL_DSN"]
    assert password not in str(found.masked())


def test_an_environment_that_never_was_up_has_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotUp):
        export_environment("local", tmp_path, None)


@pytest.mark.parametrize(("component", "error"), [("redis", NotFound), ("nats", InvalidInput)])
def test_only_services_have_variables(state_root: Path, component: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        export_environment("local", state_root, None, component)


def test_a_profile_on_linode_tells_what_it_knows(tmp_path: Path) -> None:
    (tmp_path / "development.yaml").write_text("domain: dev.example.com\n")
    found = export_environment("development", tmp_path, tmp_path)
    assert found.variables["AIAS_ROUTER_URL"] == "https://api.dev.example.com"
    router = export_environment("development", tmp_path, tmp_path, "router")
    assert router.variables["AIAS_IDENTITY_URL"] == "http://identity.env-development.svc.cluster.local:8081"
    assert "AIAS_OPERATIONAL_DSN" in router.elsewhere


def test_activation_stores_the_choice_and_writes_the_env_file(state_root: Path) -> None:
    done = activate("local", state_root, None)
    assert find_choice(state_root) == "local"
    assert done.env_file == str(state_root / "current.env")
    assert "AIAS_ROUTER_URL" in (state_root / "current.env").read_text()
    assert (state_root / ".gitignore").read_text() == "*\n"


def test_no_env_file_of_another_environment_is_left(state_root: Path) -> None:
    activate("local", state_root, None)
    assert activate("demo", state_root, None).env_file is None
    assert not (state_root / "current.env").exists()


def test_a_profile_with_errors_is_not_chosen(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("extends: local\ncolour: red\n")
    activate("demo", tmp_path / ".aias", None)
    with pytest.raises(InvalidInput):
        activate("bad", tmp_path / ".aias", tmp_path)
    assert find_choice(tmp_path / ".aias") == "demo"


def test_json_is_one_document() -> None:
    assert json.loads(EXPORT.render(ExportFormat.JSON))["variables"] == dict(EXPORT.variables)
