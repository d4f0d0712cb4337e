import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest

from aias_core.analytics.query.chart import bar, draw_chart
from aias_core.analytics.query.report import build_report

HOSTILE = '<script>alert("x")</script>'


def row(day: int, requests: int, cost: str, partial: bool = False, **keys: str) -> dict[str, Any]:
    start, end = f"2026-11-{day:02}T00:00:00Z", f"2026-11-{day + 1:02}T00:00:00Z"
    counts = {"requests": requests, "errors": 0, "input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    bucket = {"bucket_start": start, "bucket_end": end, "partial": partial, "keys": keys}
    return {**bucket, **counts, "cost": cost, "currency": "USD"}


def answer(*series: dict[str, Any]) -> dict[str, Any]:
    window = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-03T00:00:00Z", "tz": "UTC"}
    total = {key: value for key, value in row(1, 6, "3.000000000000").items() if key not in ("keys", "partial")}
    return {"granularity": "day", "window": window, "series": list(series), "totals": [total]}


def test_bars_are_in_proportion_and_anything_above_zero_shows() -> None:
    assert bar(100, 100, 10) == "█" * 10
    assert bar(50, 100, 10) == "█" * 5
    assert bar(1, 10_000, 10) == "▏"
    assert bar(0, 100, 10) == bar(5, 0, 10) == bar(-5, 100, 10) == ""


def test_a_series_without_groups_is_a_bar_a_bucket_with_exact_amounts() -> None:
    lines = draw_chart(answer(row(1, 4, "2.000000000001"), row(2, 2, "1.000000000000", partial=True)), "cost")
    assert lines[0].startswith("2026-11-01T00:00  2.000000000001  ████")
    assert lines[1].endswith("…")


def test_groups_are_lines_of_blocks_largest_first() -> None:
    series = [row(1, 1, "0", model="small"), row(1, 8, "0", model="large"), row(2, 4, "0", model="large")]
    assert draw_chart(answer(*series), "requests") == ["large  12  █▄", "small   1  ▁"]


def test_nothing_is_said_in_words() -> None:
    assert draw_chart(answer(), "cost") == ["Nothing to draw: no usage in this window."]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def report() -> str:
    series = [row(1, 4, "2.000000000000", model=HOSTILE), row(2, 2, "1.000000000000", partial=True, model="large")]
    return build_report(answer(*series), f"Usage of {HOSTILE}", "cost")


def test_a_report_loads_nothing_and_escapes_names(report: str) -> None:
    assert HOSTILE not in report
    assert "&lt;script&gt;" in report
    page = Page(report)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    assert not [attrs for _, attrs in page.tags if {"src", "href"} & set(attrs)]
    assert "http" not in report.replace("http-equiv", "")


def test_a_report_can_be_read_without_seeing_the_chart(report: str) -> None:
    page = Page(report)
    [svg] = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert (svg["role"], svg["aria-labelledby"]) == ("img", "chart-title")
    assert [attrs["scope"] for tag, attrs in page.tags if tag == "th"]
    assert ("html", {"lang": "en"}) in page.tags
    assert "prefers-color-scheme: dark" in report


def test_the_drawing_is_well_formed_and_its_bars_fit(report: str) -> None:
    svg = ET.fromstring(report[report.index("<svg") : report.index("</svg>") + 6])
    rectangles = [r for group in svg.findall("g") for r in group.findall("rect")]
    heights = [float(r.attrib["height"]) for r in rectangles]
    assert max(heights) == pytest.approx(2 * sorted(heights)[-2], abs=0.1)
    assert all(float(r.attrib["y"]) >= 0 for r in rectangles)
    assert [group.attrib["class"] for group in svg.findall("g")] == ["whole", "partial"]


def test_more_groups_than_colors_become_others() -> None:
    series = [row(1, 1, f"{n}.000000000000", model=f"m{n}") for n in range(12)]
    assert ">others</li>" in build_report(answer(*series), "t", "cost")
