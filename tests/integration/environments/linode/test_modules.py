"""The Terraform modules by themselves: their own tests, their format, both roots against the provider's schemas."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aias_core.environments.linode.attached import attach_stand_in
from aias_core.environments.linode.mirror import make_mirror
from aias_core.environments.linode.terraform import Terraform
from aias_core.environments.linode.terraform_program import copy_configuration, find_configuration, find_terraform
from aias_core.settings import inherited_environment

MODULES = sorted(path.name for path in (find_configuration() / "modules").iterdir())


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("terraform")
    shutil.copytree(find_configuration(), directory / "terraform")
    return directory


@pytest.fixture(scope="module")
def provider(copied: Path) -> Iterator[dict[str, str]]:
    with attach_stand_in({}) as attached:
        yield attached


@pytest.mark.parametrize("root", ["environment", "workspace"])
def test_a_root_is_valid_for_the_provider(root: str, tmp_path: Path) -> None:
    terraform = Terraform(copy_configuration(root, tmp_path / "terraform"), make_mirror(tmp_path / "mirror"))
    terraform.init(backend=False)
    terraform.validate()


def test_every_file_is_formatted() -> None:
    argv = [*find_terraform(), "fmt", "-check", "-recursive", "-list=true", str(find_configuration())]
    done = subprocess.run(argv, env=inherited_environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), f"run: terraform fmt -recursive terraform\n{done.stdout}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_passes_its_own_tests(module: str, copied: Path, provider: dict[str, str]) -> None:
    environment = {**inherited_environment(), **provider, "CHECKPOINT_DISABLE": "1"}
    there = f"-chdir={copied / 'terraform' / 'modules' / module}"
    for command in (["init", "-input=false"], ["test"]):
        argv = [*find_terraform(), there, *command, "-no-color"]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
