"""Where the server programs are: they come in wheels, beside our own interpreter."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from pathlib import Path

from aias_core.errors import PrerequisiteMissing


def find_program(name: str, wheel: str) -> Path:
    """The program `name` that `wheel` installs. Raises PrerequisiteMissing naming the wheel."""
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    try:
        files = metadata.files(wheel) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name and (path := Path(str(file.locate()))).is_file():
            return path
    raise _missing(name, wheel)


def find_package_directory(package: str, wheel: str) -> Path:
    """The directory of an installed package, found without importing it. Raises PrerequisiteMissing."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(package, wheel)
    return Path(spec.submodule_search_locations[0])


def _missing(name: str, wheel: str) -> PrerequisiteMissing:
    return PrerequisiteMissing(
        f"The program '{name}' of the package '{wheel}' is missing",
        hint=f"install it with: pip install --force-reinstall {wheel}",
    )
