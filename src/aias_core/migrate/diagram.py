"""The entity diagram of a catalogue as SVG: one file that needs nothing else and is the same for the same catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from aias_core.migrate.layout import Box, Drawing, Line, lay_out

if TYPE_CHECKING:
    from aias_core.migrate.catalog.snapshot import Catalog

ROW, HEAD, PAD, LETTER = 17, 24, 10, 7.3
# A line from everywhere to one table tells less than it hides: such a reference is named in its row only.
MOST_LINES = 8
_STYLE = """
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1f2933; }
.name { font-weight: bold; fill: #ffffff; } .type { fill: #7b8794; } .key { font-weight: bold; } .to { fill: #2b6cb0; }
.box { fill: #ffffff; stroke: #52606d; } .head { fill: #334e68; } .line { fill: none; stroke: #829ab1; }
"""
_ENDS = """<marker id="many" viewBox="0 0 10 10" refX="0" refY="5" markerWidth="10" markerHeight="10" orient="auto">
<path d="M0,0 L10,5 L0,10" class="line"/></marker>
<marker id="one" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="10" markerHeight="10" orient="auto-start-reverse">
<path d="M4,0 L4,10" class="line"/></marker>"""


def render_svg(catalog: Catalog) -> str:
    """Every table with its columns; a line leads from a key to the table it refers to."""
    tables = {table.name: _Table(catalog, table.name) for table in catalog.list_kind("table")}
    drawing = lay_out({name: table.box for name, table in tables.items()}, _list_lines(catalog, tables))
    size = f'width="{drawing.width}" height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<style>{_STYLE}</style>",
        f"<defs>{_ENDS}</defs>",
        f'<rect width="{drawing.width}" height="{drawing.height}" fill="#f5f7fa"/>',
        *_render_lines(drawing),
        *(part for name, table in tables.items() for part in table.render(*drawing.boxes[name])),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _list_lines(catalog: Catalog, tables: Mapping[str, _Table]) -> list[Line]:
    keys = [key for key in catalog.list_kind("foreign_key") if key.facts["references"] in tables]
    users = Counter(key.facts["references"] for key in keys)
    lines = []
    for key in keys:
        start, end = str(key.table), key.facts["references"]
        if start != end and users[end] <= MOST_LINES:
            beginning = "one" if key.facts["columns"] in tables[start].keys else "many"
            lines.append(Line(start, end, tables[start].offset_of(key.facts["columns"][0]), HEAD // 2, beginning))
    return lines


def _render_lines(drawing: Drawing) -> Iterator[str]:
    for line, corners in drawing.lines.items():
        points = " ".join(f"{x},{y}" for x, y in corners)
        markers = f'marker-start="url(#{line.beginning})" marker-end="url(#one)"'
        yield f'<polyline class="line" points="{points}" {markers}/>'


class _Table:
    """The rows of a table: each column with its type, and where its key leads."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._name = name.rpartition(".")[2]
        keys = catalog.list_kind("foreign_key", name)
        leads = {column: key.facts["references"] for key in keys for column in key.facts["columns"]}
        rules = catalog.list_kind("constraint", name)
        self.keys = [rule.facts["columns"] for rule in rules if rule.facts["type"] in "pu"]
        self._primary = {column for rule in rules if rule.facts["type"] == "p" for column in rule.facts["columns"]}
        columns = sorted(catalog.list_kind("column", name), key=lambda column: int(column.facts["position"]))
        self._rows = [(c.facts["column"], c.facts["type"], _bare(leads.get(c.facts["column"]))) for c in columns]

    @property
    def box(self) -> Box:
        letters = max([len(self._name), *(len("  ".join(row).rstrip()) for row in self._rows)])
        return Box(round(letters * LETTER) + 2 * PAD, HEAD + ROW * len(self._rows) + PAD // 2)

    def offset_of(self, column: str) -> int:
        """How far below the top of the box the middle of a column's row is."""
        return HEAD + ROW * [row[0] for row in self._rows].index(column) + ROW // 2

    def render(self, x: int, y: int) -> Iterator[str]:
        box = self.box
        yield f'<g transform="translate({x},{y})"><title>{escape(self._name)}</title>'
        yield f'<rect class="box" width="{box.width}" height="{box.height}"/>'
        yield f'<rect class="head" width="{box.width}" height="{HEAD}"/>'
        yield f'<text class="name" x="{PAD}" y="{HEAD - 8}">{escape(self._name)}</text>'
        for number, (column, kind, leads) in enumerate(self._rows):
            style = "key" if column in self._primary else "column"
            spans = f'<tspan class="{style}">{escape(column)}</tspan>  <tspan class="type">{escape(kind)}</tspan>'
            spans += f'  <tspan class="to">{escape(leads)}</tspan>' if leads else ""
            yield f'<text x="{PAD}" y="{HEAD + ROW * number + 13}" xml:space="preserve">{spans}</text>'
        yield "</g>"


def _bare(name: str | None) -> str:
    return f"→ {name.rpartition('.')[2]}" if name else ""
