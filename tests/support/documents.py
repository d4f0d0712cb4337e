"""The commands that the documentation shows, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(?P<skip><!-- not run: [^\n]+ -->\n)?```sh\n(?P<text>.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """Every hand-written page that shows commands."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    return sorted(page for page in found if "```sh" in page.read_text(encoding="utf-8"))


def blocks(page: Path) -> tuple[list[str], int]:
    """The blocks of a page that run, in order, and how many are marked as not run."""
    found = list(_BLOCK.finditer(page.read_text(encoding="utf-8")))
    return [match["text"] for match in found if not match["skip"]], sum(bool(match["skip"]) for match in found)
