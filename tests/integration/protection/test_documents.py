"""The documents of the schemas are what the migrations give now."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aias_core.migrate.documents import build_documents, list_stale, write_documents
from aias_core.migrate.target import Target
from aias_core.protection.documents import build_all
from support.documents import ROOT
from support.migrations import write_migration


def test_the_documents_of_the_repository_are_current() -> None:
    assert list_stale(build_all("all", ROOT / "docs/schema")) == [], "write them again with: aias db docs generate"


def test_a_changed_comment_makes_them_stale_and_writing_twice_changes_nothing(target: Target, tmp_path: Path) -> None:
    assert len(list(write_documents(build_documents(target, {}, tmp_path)))) == 6
    assert list(write_documents(build_documents(target, {}, tmp_path))) == []
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", "COMMENT ON TABLE one IS 'First';", "SELECT 1;")
    stale = {path.name for path in list_stale(build_documents(target, {}, tmp_path))}
    assert stale == {"catalog.json", "x.md", "x.json", "x-changes.md"}


@pytest.fixture
def related(target: Target, tmp_path: Path) -> dict[str, str]:
    up = """CREATE TABLE parents (parent_id bigint PRIMARY KEY);
CREATE TABLE children (child_id bigint PRIMARY KEY REFERENCES parents ON DELETE CASCADE, note text DEFAULT 'a|b');
CREATE TABLE friends (friend_id bigint PRIMARY KEY, child_id bigint NOT NULL REFERENCES children);
COMMENT ON COLUMN children.note IS 'What is said';"""
    assert target.directory is not None
    write_migration(target.directory, "202610010002", "three", up, "DROP TABLE friends, children, parents;")
    documents = build_documents(target, {("children", "note"): "confidential"}, tmp_path)
    return {path.name: text for path, text in documents.items()}


def test_entities_say_who_owns_and_who_refers_to_whom(related: dict[str, str]) -> None:
    entities = json.loads(related["x.json"])
    assert [(r["from"], r["to"], r["kind"], r["cardinality"]) for r in entities["relationships"]] == [
        ("public.children", "public.parents", "owns", "one to one"),
        ("public.friends", "public.children", "refers_to", "many to one"),
    ]
    children = next(entity for entity in entities["entities"] if entity["name"] == "public.children")
    assert children["columns"][1] == {
        "name": "note",
        "type": "text",
        "nullable": True,
        "class": "confidential",
        "meaning": "What is said",
    }


def test_the_dictionary_and_the_diagram_show_each_column_and_key(related: dict[str, str]) -> None:
    assert "| `note` | text | yes | 'a&#124;b'::text | confidential | What is said |" in related["x.md"]
    assert 'parents ||--|o children : "children_child_id_fkey"' in related["x.mmd"]
    assert 'children ||--o{ friends : "friends_child_id_fkey"' in related["x.mmd"]
    assert re.search(r"children \{\n +bigint child_id\n +text note\n", related["x.mmd"])


def test_the_drawing_shows_each_table_and_a_line_for_each_key(related: dict[str, str]) -> None:
    drawing = ElementTree.fromstring(related["x.svg"])
    tables = [title.text for title in drawing.iter("{http://www.w3.org/2000/svg}title")]
    assert {"parents", "children", "friends"} <= set(tables)
    lines = list(drawing.iter("{http://www.w3.org/2000/svg}polyline"))
    assert sorted(line.attrib["marker-start"] for line in lines) == ["url(#many)", "url(#one)"]
    assert not any(word in related["x.svg"] for word in ("href", "@import", "<script"))
