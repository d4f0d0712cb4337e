"""Documents of a database, from its catalogue: dictionary, entity diagrams, entities as JSON, changes by version.

No document carries a time, so equal files give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.migrate.catalog.difference import compare_catalogs
from aias_core.migrate.catalog.snapshot import Catalog, CatalogObject
from aias_core.migrate.diagram import render_svg
from aias_core.migrate.expected import read_catalogs, render_expected
from aias_core.migrate.files import CATALOG_FILE

if TYPE_CHECKING:
    from aias_core.migrate.target import Target

SCHEMA = "aias.db.entities/1"
Classes = Mapping[tuple[str, str], str]
_SHOWN = {"table", "view", "function", "index", "trigger", "policy", "constraint", "foreign_key", "column"}


def build_documents(target: Target, classes: Classes, out: Path) -> dict[Path, str]:
    """Every document of a database by its path, from the files applied to a scratch server one by one."""
    catalogs = read_catalogs(target)
    changes, before = [f"# Changes of `{target.database}`", ""], Catalog(())
    for migration, catalog in catalogs:
        changes += _describe_changes(migration.name, before, catalog)
        before = catalog
    rendered = render_documents(target.database, before, classes)
    return {
        target.files / CATALOG_FILE: render_expected(catalogs),
        **{out / name: text for name, text in rendered.items()},
        out / f"{target.database}-changes.md": "\n".join(changes).rstrip() + "\n",
    }


def render_documents(database: str, catalog: Catalog, classes: Classes) -> dict[str, str]:
    """What a catalogue alone can tell, by the name of the file: dictionary, diagrams and entities."""
    return {
        f"{database}.md": render_dictionary(database, catalog, classes),
        f"{database}.mmd": render_mermaid(catalog),
        f"{database}.svg": render_svg(catalog),
        f"{database}.json": json.dumps(describe_entities(database, catalog, classes), indent=1) + "\n",
    }


def _describe_changes(name: str, before: Catalog, after: Catalog) -> list[str]:
    words = {"missing": "gone", "unexpected": "new", "different": "changed"}
    lines: dict[str, list[str]] = {}
    for difference in compare_catalogs(before, after):
        if difference.kind in _SHOWN:
            kind = difference.kind.replace("_", " ")
            lines.setdefault(f"{words[difference.change]}, {kind}", []).append(f"`{difference.name}`")
    return [f"## {name}", "", *(f"- {what}: {', '.join(sorted(names))}" for what, names in sorted(lines.items())), ""]


def render_dictionary(database: str, catalog: Catalog, classes: Classes) -> str:
    """Every table with its purpose, columns, keys and rules, as Markdown."""
    tables = catalog.list_kind("table")
    texts = _list_comments(catalog)
    lines = [f"# Database `{database}`", "", f"{len(tables)} tables.", ""]
    for table in tables:
        lines += [f"## {table.name}", "", texts.get(f"TABLE {table.name}", ""), ""]
        lines += ["| column | type | null | default | class | meaning |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_render_column(column, catalog, texts, classes) for column in _list_columns(catalog, table.name)]
        lines += ["", *_render_rules(catalog, table.name), ""]
    return "\n".join(lines).rstrip() + "\n"


def _render_column(column: CatalogObject, catalog: Catalog, texts: Mapping[str, str], classes: Classes) -> str:
    facts = column.facts
    defaults = {item.name: item.facts["expression"] for item in catalog.list_kind("default", column.table)}
    cells = [
        f"`{facts['column']}`",
        facts["type"],
        "" if facts["not_null"] else "yes",
        defaults.get(column.name) or "",
        classes.get(_short(column), ""),
        texts.get(f"COLUMN {column.name}", ""),
    ]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _render_rules(catalog: Catalog, table: str) -> list[str]:
    rules = [*catalog.list_kind("constraint", table), *catalog.list_kind("foreign_key", table)]
    lines = [f"- `{rule.facts['constraint']}`: {rule.facts['definition']}" for rule in rules]
    lines += [f"- index `{index.name}`" for index in catalog.list_kind("index", table)]
    lines += [f"- trigger `{trigger.facts['trigger']}`" for trigger in catalog.list_kind("trigger", table)]
    return lines + [
        f"- policy `{p.facts['policy']}` for {p.facts['roles']}" for p in catalog.list_kind("policy", table)
    ]


def render_mermaid(catalog: Catalog) -> str:
    """The entity diagram in Mermaid's language (https://mermaid.js.org/syntax/entityRelationshipDiagram.html)."""
    lines = ["erDiagram"]
    for relation in _list_relationships(catalog):
        many = "|o" if relation["cardinality"] == "one to one" else "o{"
        lines.append(f'    {_bare(relation["to"])} ||--{many} {_bare(relation["from"])} : "{relation["name"]}"')
    for table in catalog.list_kind("table"):
        lines.append(f"    {_bare(table.name)} {{")
        for column in _list_columns(catalog, table.name):
            kind = column.facts["type"].split("(")[0].replace(" ", "_").replace("[]", "_array")
            lines.append(f"        {kind} {column.facts['column']}")
        lines.append("    }")
    return "\n".join(lines) + "\n"


def describe_entities(database: str, catalog: Catalog, classes: Classes) -> dict[str, Any]:
    """Tables with their columns, and the relationships between them."""
    texts = _list_comments(catalog)
    entities = [
        {
            "name": table.name,
            "purpose": texts.get(f"TABLE {table.name}"),
            "columns": [
                {
                    "name": column.facts["column"],
                    "type": column.facts["type"],
                    "nullable": not column.facts["not_null"],
                    "class": classes.get(_short(column)),
                    "meaning": texts.get(f"COLUMN {column.name}"),
                }
                for column in _list_columns(catalog, table.name)
            ],
        }
        for table in catalog.list_kind("table")
    ]
    return {
        "schema": SCHEMA,
        "database": database,
        "entities": entities,
        "relationships": _list_relationships(catalog),
    }


def _list_relationships(catalog: Catalog) -> list[dict[str, str]]:
    """A key that goes with its parent's rows is owned by it; one that is unique in its table is one to one."""
    found = []
    for key in catalog.list_kind("foreign_key"):
        columns = key.facts["columns"]
        keys = [
            rule.facts["columns"] for rule in catalog.list_kind("constraint", key.table) if rule.facts["type"] in "pu"
        ]
        found.append(
            {
                "name": key.facts["constraint"],
                "from": str(key.table),
                "to": key.facts["references"],
                "kind": "owns" if "ON DELETE CASCADE" in key.facts["definition"] else "refers_to",
                "cardinality": "one to one" if columns in keys else "many to one",
            }
        )
    return found


def _list_columns(catalog: Catalog, table: str) -> list[CatalogObject]:
    return sorted(catalog.list_kind("column", table), key=lambda column: int(column.facts["position"]))


def _list_comments(catalog: Catalog) -> dict[str, str]:
    return {item.name: item.facts["text"] for item in catalog.list_kind("comment")}


def _short(column: CatalogObject) -> tuple[str, str]:
    return _bare(str(column.table)), column.facts["column"]


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def list_stale(documents: Mapping[Path, str]) -> list[Path]:
    """The documents whose file is missing or says something else."""
    return [path for path, text in documents.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def write_documents(documents: Mapping[Path, str]) -> Iterable[Path]:
    """Writes what is stale and returns its paths."""
    stale = list_stale(documents)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(documents[path], encoding="utf-8")
    return stale
