"""What the documentation says is checked against the program and the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aias_cli.reference import iter_commands
from support.documents import ROOT, blocks, pages

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = {path for path, _ in iter_commands()}
MAKE_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_named_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in re.findall(r"(?:`|^|\n|  )aias ((?:[a-z][a-z-]* ?)+)", text):
        path = "aias " + words.strip()
        known = any(path == c or path.startswith(c + " ") or c.startswith(path + " ") for c in COMMANDS)
        assert known, path
    for target in re.findall(r"`make ([a-z]+)`", text):
        assert target in MAKE_TARGETS, target


def test_at_most_one_block_in_ten_is_not_run() -> None:
    counts = [(len(run), skipped) for run, skipped in map(blocks, pages())]
    assert sum(skipped for _, skipped in counts) <= max(3, sum(run for run, _ in counts) // 10)


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs/decisions/index.md").read_text()
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        assert page.name in listed


def test_the_lock_names_no_index_and_pins_every_file() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    entries = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    assert lock.count("--hash=sha256:") >= len(entries)


def test_make_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    assert {"demo", "install", "check", "fix", "test", "bench", "docs", "clean", "help"} <= MAKE_TARGETS
    assert all(re.search(rf"^{target}:.*## ", text, re.MULTILINE) for target in MAKE_TARGETS)
