"""Places boxes in layers, what is referred to on the left, with orthogonal lines that pass between boxes.

The layered method of Sugiyama and others (1981): ranks, lanes through layers that a line only passes, fewer crossings
by barycentres. All numbers are whole and every order is total, so that equal input gives equal output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt

BOX_GAP, LANE, TRACK, MARGIN = 26, 14, 10, 24
_SWEEPS = 8
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """From a box to the one it refers to; the offsets say how far below its top the line leaves and arrives."""

    start: str
    end: str
    start_offset: int
    end_offset: int
    beginning: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where each box has its upper left corner, and the corners of each line that was drawn."""

    width: int
    height: int
    boxes: Mapping[str, Point]
    lines: Mapping[Line, tuple[Point, ...]]

    def moved(self, x: int, y: int) -> Drawing:
        boxes = {name: (left + x, top + y) for name, (left, top) in self.boxes.items()}
        lines = {line: tuple((px + x, py + y) for px, py in points) for line, points in self.lines.items()}
        return Drawing(self.width, self.height, boxes, lines)


def lay_out(boxes: Mapping[str, Box], lines: Sequence[Line]) -> Drawing:
    """A drawing of all boxes, each group that lines connect by itself. A line that closes a circle is left out."""
    groups = _find_groups(boxes, lines)
    drawings = [_draw_group(group, boxes, [line for line in lines if line.start in group]) for group in groups]
    return _pack(sorted(drawings, key=lambda drawing: (-drawing.height, min(drawing.boxes))))


def _find_groups(names: Iterable[str], lines: Iterable[Line]) -> list[set[str]]:
    near: dict[str, set[str]] = {name: set() for name in names}
    for line in lines:
        near[line.start].add(line.end)
        near[line.end].add(line.start)
    groups, seen = [], set[str]()
    for name in sorted(near):
        if name in seen:
            continue
        group, pending = set[str](), [name]
        while pending:
            if (one := pending.pop()) not in group:
                group.add(one)
                pending += near[one]
        groups.append(group)
        seen |= group
    return groups


def _pack(drawings: Sequence[Drawing]) -> Drawing:
    """All drawings on shelves, about as wide as they are high."""
    area = sum((d.width + MARGIN) * (d.height + MARGIN) for d in drawings)
    widest = max([isqrt(area * 7 // 5), *(d.width for d in drawings)])
    x, y, shelf, right = MARGIN, MARGIN, 0, 0
    boxes: dict[str, Point] = {}
    lines: dict[Line, tuple[Point, ...]] = {}
    for drawing in drawings:
        if x > MARGIN and x + drawing.width > widest + MARGIN:
            x, y, shelf = MARGIN, y + shelf + 2 * MARGIN, 0
        placed = drawing.moved(x, y)
        boxes |= placed.boxes
        lines |= placed.lines
        x, shelf = x + drawing.width + 2 * MARGIN, max(shelf, drawing.height)
        right = max(right, x - MARGIN)
    return Drawing(right, y + shelf + MARGIN, boxes, lines)


def _draw_group(group: Collection[str], boxes: Mapping[str, Box], lines: Sequence[Line]) -> Drawing:
    parents: dict[str, list[str]] = {name: [] for name in sorted(group)}
    for line in lines:
        parents[line.start].append(line.end)
    ranks = _rank(parents)
    drawn = [line for line in lines if ranks[line.end] < ranks[line.start]]
    chains = {line: _chain(number, line, ranks) for number, line in enumerate(drawn)}
    sizes = {name: boxes[name] for name in parents}
    sizes |= {lane: Box(0, LANE) for chain in chains.values() for lane in chain[1:-1]}
    layers = _order(_fill_layers(parents, ranks, chains), chains.values())
    tops = _stack(layers, sizes)
    return _route(layers, sizes, tops, chains)


def _rank(parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The layer of each box: one to the right of all it refers to; what refers to nothing stands next to its users."""
    ranks: dict[str, int] = {}
    under_way: set[str] = set()

    def visit(name: str) -> int:
        if name not in ranks:
            under_way.add(name)
            ranks[name] = max((1 + visit(p) for p in sorted(parents[name]) if p not in under_way), default=0)
            under_way.discard(name)
        return ranks[name]

    for name in parents:
        visit(name)
    users: dict[str, list[int]] = defaultdict(list)
    for name, others in parents.items():
        for other in others:
            if ranks[other] < ranks[name]:
                users[other].append(ranks[name])
    return {name: min(users[name]) - 1 if users[name] and not rank else rank for name, rank in ranks.items()}


def _chain(number: int, line: Line, ranks: Mapping[str, int]) -> tuple[str, ...]:
    """The line's boxes with a lane in each layer between them, from right to left."""
    lanes = (f"\0{number}.{rank}" for rank in range(ranks[line.start] - 1, ranks[line.end], -1))
    return (line.start, *lanes, line.end)


def _fill_layers(
    names: Iterable[str], ranks: Mapping[str, int], chains: Mapping[Line, tuple[str, ...]]
) -> list[list[str]]:
    layers: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for name in names:
        layers[ranks[name]].append(name)
    for line, chain in chains.items():
        for step, lane in enumerate(chain[1:-1], 1):
            layers[ranks[line.start] - step].append(lane)
    return layers


def _order(layers: list[list[str]], chains: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """Each layer in the order of the middles of its neighbours, seen from the left and from the right in turn."""
    near: dict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for one, other in pairwise(chain):
            near[one].append(other)
            near[other].append(one)
    for sweep in range(_SWEEPS):
        numbers = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for number in numbers:
            beside = layers[number - 1] if sweep % 2 == 0 else layers[number + 1]
            places = {name: place for place, name in enumerate(beside)}
            layers[number] = _sort_by_neighbours(layers[number], near, places)
    return layers


def _sort_by_neighbours(
    layer: Sequence[str], near: Mapping[str, Sequence[str]], places: Mapping[str, int]
) -> list[str]:
    def middle(item: tuple[int, str]) -> tuple[float, int]:
        own, name = item
        found = [places[other] for other in near.get(name, ()) if other in places]
        return (sum(found) / len(found) if found else own * len(places) / len(layer), own)

    return [name for _, name in sorted(enumerate(layer), key=middle)]


def _stack(layers: Sequence[Sequence[str]], sizes: Mapping[str, Box]) -> dict[str, int]:
    """The top of each box and lane; layers are centred beside the highest one."""
    heights = [sum(sizes[name].height + BOX_GAP for name in layer) - BOX_GAP for layer in layers]
    tops = {}
    for layer, height in zip(layers, heights, strict=True):
        y = (max(heights) - height) // 2
        for name in layer:
            tops[name] = y
            y += sizes[name].height + BOX_GAP
    return tops


def _route(
    layers: Sequence[Sequence[str]],
    sizes: Mapping[str, Box],
    tops: Mapping[str, int],
    chains: Mapping[Line, tuple[str, ...]],
) -> Drawing:
    numbers = {name: number for number, layer in enumerate(layers) for name in layer}
    hops: list[list[tuple[int, int, Line]]] = [[] for _ in layers]
    for line, chain in chains.items():
        for one, other in pairwise(chain):
            y = tops[one] + (line.start_offset if one == line.start else LANE // 2)
            to = tops[other] + (line.end_offset if other == line.end else LANE // 2)
            hops[numbers[one]].append((y, to, line))
    tracks = [_assign_tracks(items) for items in hops]
    lefts, x = [], 0
    for number, layer in enumerate(layers):
        x += TRACK * (max(tracks[number].values(), default=0) + 3) if number else 0
        lefts.append(x)
        x += max(sizes[name].width for name in layer)
    points: dict[Line, list[Point]] = defaultdict(list)
    for number in range(len(layers) - 1, 0, -1):
        for y, to, line in hops[number]:
            track = lefts[number] - TRACK * (tracks[number][y, to, line] + 2)
            begin = lefts[number] if line.start in layers[number] else points[line][-1][0]
            points[line] += [(begin, y), (track, y), (track, to)]
    boxes = {name: (lefts[number], tops[name]) for name, number in numbers.items() if not name.startswith("\0")}
    for line, corners in points.items():
        corners.append((boxes[line.end][0] + sizes[line.end].width, corners[-1][1]))
    height = max(tops[name] + sizes[name].height for name in numbers)
    return Drawing(x, height, boxes, {line: tuple(corners) for line, corners in points.items()})


def _assign_tracks(hops: Iterable[tuple[int, int, Line]]) -> dict[tuple[int, int, Line], int]:
    """A vertical track for each hop, so that two that would touch never share one."""
    ends: list[int] = []
    tracks = {}
    for hop in sorted(
        hops, key=lambda hop: (min(hop[:2]), max(hop[:2]), hop[2].start, hop[2].end, hop[2].start_offset)
    ):
        top, bottom = min(hop[:2]), max(hop[:2])
        free = next((number for number, end in enumerate(ends) if end + LANE < top), len(ends))
        ends[free : free + 1] = [bottom]
        tracks[hop] = free
    return tracks
