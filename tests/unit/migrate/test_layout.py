from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from aias_core.migrate.layout import Box, Drawing, Line, lay_out


def make(seed: int) -> tuple[dict[str, Box], list[Line]]:
    chance = random.Random(seed)
    count = chance.randint(1, 40)
    boxes = {f"t{n}": Box(chance.randint(60, 300), chance.randint(40, 400)) for n in range(count)}
    ends = {(f"t{chance.randrange(count)}", f"t{chance.randrange(count)}") for _ in range(chance.randint(0, 60))}
    lines = [Line(a, b, chance.randrange(boxes[a].height), 12) for a, b in sorted(ends) if a != b]
    return boxes, lines


def rectangle(name: str, boxes: dict[str, Box], drawing: Drawing) -> tuple[int, int, int, int]:
    x, y = drawing.boxes[name]
    return x, y, x + boxes[name].width, y + boxes[name].height


@pytest.mark.parametrize("seed", range(60))
def test_no_box_covers_another_and_no_line_passes_through_one(seed: int) -> None:
    boxes, lines = make(seed)
    drawing = lay_out(boxes, lines)
    places = {name: rectangle(name, boxes, drawing) for name in boxes}
    for (left, top, right, bottom), other in combinations(places.values(), 2):
        assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    for left, top, right, bottom in places.values():
        assert min(left, top) >= 0
        assert right <= drawing.width
        assert bottom <= drawing.height
        for corners in drawing.lines.values():
            for (x1, y1), (x2, y2) in pairwise(corners):
                assert x1 == x2 or y1 == y2, "a line is horizontal or vertical"
                assert max(x1, x2) <= left or min(x1, x2) >= right or max(y1, y2) < top or min(y1, y2) > bottom


@pytest.mark.parametrize("seed", range(10))
def test_a_line_leads_from_its_box_to_the_one_it_refers_to(seed: int) -> None:
    boxes, lines = make(seed)
    drawing = lay_out(boxes, lines)
    for line, corners in drawing.lines.items():
        x, y = drawing.boxes[line.start]
        assert corners[0] == (x, y + line.start_offset)
        x, y = drawing.boxes[line.end]
        assert corners[-1] == (x + boxes[line.end].width, y + line.end_offset)


def test_equal_input_gives_an_equal_drawing_in_whatever_order_lines_come() -> None:
    boxes, lines = make(7)
    assert lay_out(boxes, lines) == lay_out(dict(reversed(boxes.items())), lines)


def test_only_a_line_that_closes_a_circle_is_left_out() -> None:
    boxes = dict.fromkeys("abc", Box(60, 40))
    circle = [Line("a", "b", 10, 10), Line("b", "c", 10, 10), Line("c", "a", 10, 10)]
    assert len(lay_out(boxes, circle).lines) == 2
    assert len(lay_out(boxes, circle[:2]).lines) == 2


def test_nothing_gives_an_empty_drawing() -> None:
    assert lay_out({}, []).boxes == {}
