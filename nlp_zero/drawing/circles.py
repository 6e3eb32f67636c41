"""A map of circles: their area is their weight, lines join what belongs together, and stands close together.

Circles are placed one after the other, the heaviest first, each where it touches one that stands and is nearest to
those it is tied to. O(n^3) for n circles, so a map shows some dozens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, hypot, pi, sin, sqrt
from typing import NamedTuple

from .svg import colour, document, element, escaped, width

__all__ = ["Circle", "circle_map"]

ANGLES = 24  # places tried around each circle that stands
GAP = 0.4  # between circles, in radii of the mean circle
MARGIN, CAPTION, FONT = 8.0, 26.0, 13.0


class Circle(NamedTuple):
    """A circle: its weight, its lines of text, and what is shown where a pointer rests on it."""

    weight: float
    lines: tuple[str, ...]
    hint: str = ""


class _Place(NamedTuple):
    x: float
    y: float
    radius: float


def circle_map(
    circles: Sequence[Circle], ties: Mapping[tuple[int, int], float], caption: str, *, size: float = 640.0
) -> str:
    """An SVG drawing of circles (heaviest first) and of ties between them, by their places in ``circles``.

    >>> drawing = circle_map([Circle(2.0, ("茶",)), Circle(1.0, ("马",), "马 车")], {(0, 1): 0.5}, "two modules")
    >>> drawing.count("<circle"), drawing.count("<line"), "<title>马 车</title>" in drawing
    (2, 1, True)
    """
    places = _fitted(_placed([sqrt(max(circle.weight, 0.0)) for circle in circles], ties), size)
    most = max(ties.values(), default=1.0) or 1.0
    lines = [
        element(
            "line",
            x1=places[a].x,
            y1=places[a].y,
            x2=places[b].x,
            y2=places[b].y,
            stroke="#557",
            stroke_opacity=0.35,
            stroke_width=1 + 7 * sqrt(max(tie, 0.0) / most),
        )
        for (a, b), tie in sorted(ties.items())
        if a != b
    ]
    shapes = [_shape(circle, place, rank) for rank, (circle, place) in enumerate(zip(circles, places, strict=True))]
    font = min(FONT, (size - 2 * MARGIN) / max(width(caption, 1.0), 1.0))
    note = element("text", escaped(caption), x=MARGIN, y=size + CAPTION - 9, font_size=font, fill="#333")
    return document((size, size + CAPTION), caption, [*lines, *shapes, note])


def _shape(circle: Circle, place: _Place, rank: int) -> str:
    parts = [element("title", escaped(circle.hint or " ".join(circle.lines)))]
    parts.append(
        element("circle", cx=place.x, cy=place.y, r=place.radius, fill=colour(rank), stroke=colour(rank, 45.0))
    )
    font = _font(circle.lines, place.radius)
    if font >= 5:
        first = place.y - (len(circle.lines) - 1) * 0.6 * font + 0.35 * font
        parts += [
            element(
                "text",
                escaped(line),
                x=place.x,
                y=first + 1.2 * font * row,
                font_size=font,
                text_anchor="middle",
                fill="#111",
            )
            for row, line in enumerate(circle.lines)
        ]
    return element("g", *parts)


def _font(lines: Sequence[str], radius: float) -> float:
    """The largest font, 18 pixels at most, in which the lines fit a circle."""
    if not lines:
        return 0.0
    widest = max(hypot(width(line, 1.0), 1.2 * len(lines)) for line in lines)
    return min(18.0, 1.9 * radius / widest) if widest else 0.0


def _placed(radii: Sequence[float], ties: Mapping[tuple[int, int], float]) -> list[_Place]:
    pull: list[dict[int, float]] = [{} for _ in radii]
    for (a, b), tie in ties.items():
        pull[a][b] = pull[a].get(b, 0.0) + tie
        pull[b][a] = pull[b].get(a, 0.0) + tie
    least = 0.02 * max(radii, default=0.0) or 1.0
    gap = GAP * (sum(radii) / len(radii) if radii else 1.0)
    places: list[_Place] = []
    for rank, radius in enumerate(max(radius, least) for radius in radii):
        places.append(_best_place(places, radius, gap, pull[rank]))
    return places


def _best_place(places: Sequence[_Place], radius: float, gap: float, pull: Mapping[int, float]) -> _Place:
    """Beside a circle that stands, clear of all others, nearest to those it is tied to and then to the middle."""
    if not places:
        return _Place(0.0, 0.0, radius)
    tied = [(places[other], tie) for other, tie in pull.items() if other < len(places)]
    whole = sum(tie for _, tie in tied) or 1.0
    best, least = _Place(max(p.x + p.radius for p in places) + gap + radius, 0.0, radius), float("inf")
    for stands in places:
        reach = stands.radius + radius + gap
        for step in range(ANGLES):
            angle = 2 * pi * step / ANGLES
            x, y = stands.x + reach * cos(angle), stands.y + reach * sin(angle)
            if any(hypot(x - o.x, y - o.y) < (o.radius + radius + gap) * 0.999 for o in places):
                continue
            cost = sum(tie * hypot(x - o.x, y - o.y) for o, tie in tied) / whole + 0.5 * hypot(x, y)
            if cost < least - 1e-9:
                best, least = _Place(x, y, radius), cost
    return best


def _fitted(places: Sequence[_Place], size: float) -> list[_Place]:
    """The places scaled and shifted into a square."""
    if not places:
        return []
    left, top = min(p.x - p.radius for p in places), min(p.y - p.radius for p in places)
    right, bottom = max(p.x + p.radius for p in places), max(p.y + p.radius for p in places)
    scale = (size - 2 * MARGIN) / max(right - left, bottom - top)
    x0 = (size - scale * (right - left)) / 2 - scale * left
    y0 = (size - scale * (bottom - top)) / 2 - scale * top
    return [_Place(x0 + scale * p.x, y0 + scale * p.y, scale * p.radius) for p in places]
