"""The provider of a simulation: a stand-in behind a mirror in the file system, where Terraform finds it offline."""

from __future__ import annotations

import platform
import shlex
import sys
from pathlib import Path

from aias_core.files import whole_file

SOURCE = "registry.terraform.io/linode/linode"
VERSION = "3.9.0"
STAND_IN = "aias_services.linode_simulator.provider"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_LAUNCHER = """#!/bin/sh
HOME={home} exec {python} -m {module}
"""
_CONFIGURATION = """provider_installation {{
  filesystem_mirror {{
    path    = {mirror}
    include = ["{source}"]
  }}
}}
disable_checkpoint = true
"""


def make_mirror(directory: Path) -> dict[str, str]:
    """Makes the mirror; the environment that lets Terraform use it, and nothing else."""
    import json

    mirror = directory.resolve() / "mirror"
    launcher = mirror / SOURCE / VERSION / _platform() / f"terraform-provider-linode_v{VERSION}"
    home = directory.resolve() / "home"
    home.mkdir(parents=True, exist_ok=True)
    words = {"home": shlex.quote(str(home)), "python": shlex.quote(sys.executable), "module": STAND_IN}
    _write(launcher, _LAUNCHER.format(**words), mode=0o700)
    configuration = directory.resolve() / "terraform.rc"
    _write(configuration, _CONFIGURATION.format(mirror=json.dumps(str(mirror)), source=SOURCE), mode=0o600)
    return {"TF_CLI_CONFIG_FILE": str(configuration)}


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_MACHINES.get(machine, machine)}"


def _write(path: Path, content: str, *, mode: int) -> None:
    with whole_file(path, mode=mode) as file:
        file.write(content.encode())
