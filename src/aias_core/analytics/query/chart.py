"""A series as a chart of text: one bar a bucket, or one line of blocks a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aias_core.money import format_pico, parse_amount

METRICS = ("cost", "requests", "errors", "input_tokens", "output_tokens", "total_tokens")
WIDTH = 48
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = " ▁▂▃▄▅▆▇█"


def draw_chart(answer: Mapping[str, Any], metric: str) -> list[str]:
    """The lines of a chart of one metric. Amounts are scaled as whole numbers and shown exactly."""
    series = answer["series"]
    if not series:
        return ["Nothing to draw: no usage in this window."]
    return _draw_groups(series, metric) if any(row["keys"] for row in series) else _draw_buckets(series, metric)


def measure(row: Mapping[str, Any], metric: str) -> int:
    """The value of a metric of a row as a whole number; money in pico-units."""
    return parse_amount(row["cost"]) if metric == "cost" else int(row[metric])


def show_value(value: int, metric: str) -> str:
    """A value of a metric as people read it."""
    return format_pico(value).rstrip("0").rstrip(".") if metric == "cost" else f"{value:,}"


def name_groups(series: Sequence[Mapping[str, Any]]) -> list[str]:
    """The group of each row: the names of its keys, and its currency where there are several: they are never added."""
    is_mixed = len({row.get("currency") for row in series}) > 1
    return [_name_group(row, row.get("currency") if is_mixed else None) for row in series]


def bar(value: int, largest: int, width: int = WIDTH) -> str:
    """A bar of eighths of a character; anything above zero shows."""
    eighths = 0 if largest <= 0 or value <= 0 else max(1, value * width * 8 // largest)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _name_group(row: Mapping[str, Any], currency: str | None) -> str:
    names = [str(value) for name, value in row["keys"].items() if not name.endswith("_id")]
    return " / ".join([*names, *filter(None, [currency])])


def _draw_buckets(series: Sequence[Mapping[str, Any]], metric: str) -> list[str]:
    values = [measure(row, metric) for row in series]
    shown = [show_value(value, metric) for value in values]
    width = max(map(len, shown))
    return [
        f"{row['bucket_start'][:16]}  {text:>{width}}  {bar(value, max(values))}{_mark(row)}".rstrip()
        for row, value, text in zip(series, values, shown, strict=True)
    ]


def _mark(row: Mapping[str, Any]) -> str:
    return " …" if row["partial"] else ""


def _draw_groups(series: Sequence[Mapping[str, Any]], metric: str) -> list[str]:
    buckets = sorted({row["bucket_start"] for row in series})
    lines: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(buckets, 0))
    for row, name in zip(series, name_groups(series), strict=True):
        lines[name][row["bucket_start"]] += measure(row, metric)
    largest = max(max(line.values()) for line in lines.values())
    ranked = sorted(lines.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    names, totals = max(map(len, lines)), [show_value(sum(line.values()), metric) for _, line in ranked]
    width = max(map(len, totals))
    return [
        f"{name:<{names}}  {total:>{width}}  {''.join(_block(value, largest) for value in line.values())}".rstrip()
        for (name, line), total in zip(ranked, totals, strict=True)
    ]


def _block(value: int, largest: int) -> str:
    return _HEIGHTS[0 if largest <= 0 or value <= 0 else max(1, value * 8 // largest)]
