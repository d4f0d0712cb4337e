"""What the catalogue should be after each version, kept beside the files as `catalog.json`."""

from __future__ import annotations

import json
from pathlib import Path

CATALOG_FILE = "catalog.json"


def load_expected(directory: Path) -> dict[str, str]:
    """The fingerprint after each version; empty where none is kept."""
    path = directory / CATALOG_FILE
    if not path.is_file():
        return {}
    return {version: entry["fingerprint"] for version, entry in json.loads(path.read_bytes()).items()}
