"""The provider of a simulation: a stand-in behind a mirror in the file system, where Terraform finds it offline."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from aias_core.files import whole_file

SOURCE = "registry.terraform.io/linode/linode"
VERSION = "3.9.0"
STAND_IN = "aias_services.linode_simulator.provider"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PYTHON, _HOME = "LINODE_STAND_IN_PYTHON", "LINODE_STAND_IN_HOME"
# The same bytes everywhere: Terraform's lock file holds their checksum, also when Python moves.
_LAUNCHER = f"""#!/bin/sh
HOME="${_HOME}" exec "${_PYTHON}" -m {STAND_IN}
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

    mirror, home = directory.resolve() / "mirror", directory.resolve() / "home"
    home.mkdir(parents=True, exist_ok=True)
    launcher = mirror / SOURCE / VERSION / _platform() / f"terraform-provider-linode_v{VERSION}"
    _write(launcher, _LAUNCHER, mode=0o700)
    configuration = directory.resolve() / "terraform.rc"
    _write(configuration, _CONFIGURATION.format(mirror=json.dumps(str(mirror)), source=SOURCE), mode=0o600)
    return {"TF_CLI_CONFIG_FILE": str(configuration), _PYTHON: sys.executable, _HOME: str(home)}


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_MACHINES.get(machine, machine)}"


def _write(path: Path, content: str, *, mode: int) -> None:
    with whole_file(path, mode=mode) as file:
        file.write(content.encode())
