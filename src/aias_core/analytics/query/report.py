"""A series as one HTML file: inline SVG, light and dark, and a table of the same figures; it loads nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from aias_core.analytics.query.chart import measure, name_groups, show_value
from aias_core.analytics.query.tables import flatten, flatten_all

PALETTE = ("#3b7dd8", "#e07b39", "#4d9f5b", "#b455a0", "#c9a227", "#2a9d9d", "#8d6fd1", "#d1495b")
OTHERS, OTHERS_COLOR = "others", "#8794a3"
WIDTH, HEIGHT, BOTTOM, LEFT = 960, 300, 24, 8
COLUMNS = ("requests", "errors", "input_tokens", "output_tokens", "total_tokens", "cost", "currency", "p95_ms")


def build_report(answer: Mapping[str, Any], title: str, metric: str) -> str:
    """The file as text. Every name in it is escaped."""
    stacks, names = _stack(answer["series"], metric)
    colors = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(names)} | {OTHERS: OTHERS_COLOR}
    largest = max((sum(stack.values()) for stack in stacks.values()), default=0)
    window = answer["window"]
    rows, totals = flatten_all(answer["series"]), flatten_all(answer["totals"])
    shown = _columns(answer["series"], rows)
    freshness = answer.get("freshness", {})
    return _template().substitute(
        title=escape(title),
        subtitle=escape(f"{window['from']} to {window['to']}, by {answer['granularity']}, zone {window['tz']}"),
        figures="".join(_figure(name, total) for total in totals for name in COLUMNS if name in total),
        chart=_Chart(stacks, colors, metric, largest).draw(),
        legend="".join(f'<li style="--c:{colors[name]}">{escape(name)}</li>' for name in names if name),
        caption=escape(
            f"Pipeline {freshness.get('status', 'unknown')} as of {freshness.get('as_of', 'unknown')}. "
            "Pale bars are not complete yet."
        ),
        table_caption=escape(f"{len(rows)} rows"),
        head="".join(f'<th scope="col">{escape(_title(name))}</th>' for name in shown),
        body=_rows(rows, shown),
        foot=_rows([{**total, "bucket_start": "total"} for total in totals], shown),
    )


def _template() -> Template:
    return Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))


def _columns(series: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = list(flatten({"keys": series[0]["keys"]})) if series else []
    return ["bucket_start", *keys, *(name for name in COLUMNS if not rows or name in rows[0])]


def _figure(name: str, total: Mapping[str, Any]) -> str:
    return f"<div><dt>{escape(_title(name))}</dt><dd>{escape(_show(total[name]))}</dd></div>"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{escape(_show(row.get(name, '')))}</td>" for name in columns) + "</tr>\n" for row in rows
    )


def _show(value: Any) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _stack(
    series: Sequence[Mapping[str, Any]], metric: str
) -> tuple[dict[tuple[str, bool], dict[str, int]], list[str]]:
    sizes: dict[str, int] = defaultdict(int)
    names = name_groups(series)
    for row, name in zip(series, names, strict=True):
        sizes[name] += measure(row, metric)
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    kept = ranked if len(ranked) <= len(PALETTE) else [*ranked[: len(PALETTE)], OTHERS]
    stacks: dict[tuple[str, bool], dict[str, int]] = {}
    for row, name in zip(series, names, strict=True):
        stack = stacks.setdefault((row["bucket_start"], row["partial"]), dict.fromkeys(kept, 0))
        stack[name if name in stack else OTHERS] += measure(row, metric)
    return stacks, kept


@dataclass(frozen=True, slots=True)
class _Chart:
    stacks: Mapping[tuple[str, bool], Mapping[str, int]]
    colors: Mapping[str, str]
    metric: str
    largest: int

    @property
    def step(self) -> float:
        return (WIDTH - LEFT) / max(1, len(self.stacks))

    def draw(self) -> str:
        told = f"{_title(self.metric)} by bucket; the largest is {show_value(self.largest, self.metric)}"
        bars = "".join(self._bar(index, *bucket) for index, bucket in enumerate(self.stacks.items()))
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="chart-title">'
            f'<title id="chart-title">{escape(told)}</title>'
            f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH}" y2="{HEIGHT - BOTTOM}"/>'
            f"{bars}{_labels([start for start, _ in self.stacks], self.step)}</svg>"
        )

    def _bar(self, index: int, bucket: tuple[str, bool], stack: Mapping[str, int]) -> str:
        (start, is_partial), top, rectangles = bucket, float(HEIGHT - BOTTOM), []
        for name, value in stack.items():
            height = value * (HEIGHT - BOTTOM - 10) / self.largest if self.largest > 0 and value > 0 else 0
            top -= height
            told = " ".join(filter(None, (start, name, show_value(value, self.metric))))
            rectangles.append(
                f'<rect x="{LEFT + (index + 0.1) * self.step:.1f}" y="{top:.1f}" width="{self.step * 0.8:.1f}" '
                f'height="{height:.1f}" fill="{self.colors[name]}"><title>{escape(told)}</title></rect>'
            )
        kind = "partial" if is_partial else "whole"
        return f'<g class="{kind}">' + "".join(rectangles) + "</g>"


def _labels(starts: Sequence[str], step: float) -> str:
    every = max(1, -(-len(starts) // 8))
    return "".join(
        f'<text x="{LEFT + index * step:.1f}" y="{HEIGHT - 8}">{escape(start[:16].replace("T00:00", ""))}</text>'
        for index, start in enumerate(starts)
        if index % every == 0
    )
