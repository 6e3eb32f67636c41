"""The map of circles (``nlp_zero/drawing/circles.py``): nothing overlaps, everything is in the picture."""

from __future__ import annotations

import random
from math import hypot, pi
from xml.etree import ElementTree

import pytest

from nlp_zero.drawing.circles import Circle, circle_map

SVG = "{http://www.w3.org/2000/svg}"


def circles_of(drawing: str) -> list[tuple[float, float, float]]:
    found = ElementTree.fromstring(drawing).iter(f"{SVG}circle")
    return [(float(c.get("cx", "")), float(c.get("cy", "")), float(c.get("r", ""))) for c in found]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_circles_stand_clear_of_each_other_within_the_picture(count: int) -> None:
    source = random.Random(count)
    weights = sorted((source.random() ** 3 for _ in range(count)), reverse=True)
    ties = {(a, b): source.random() for a in range(count) for b in range(a) if source.random() < 0.2}
    drawing = circle_map([Circle(weight, ("茶", "5 %")) for weight in weights], ties, "a map", size=300)
    circles = circles_of(drawing)
    assert len(circles) == count
    for place, (x, y, radius) in enumerate(circles):
        assert radius - 0.1 <= x <= 300.1 - radius and radius - 0.1 <= y <= 300.1 - radius
        assert all(hypot(x - a, y - b) > radius + r for a, b, r in circles[:place])
    assert circle_map([Circle(weight, ("茶", "5 %")) for weight in weights], ties, "a map", size=300) == drawing


def test_the_area_is_the_weight() -> None:
    (*_, first), (*_, second) = circles_of(circle_map([Circle(4.0, ("a",)), Circle(1.0, ("b",))], {}, "two"))
    assert pi * first**2 / (pi * second**2) == pytest.approx(4, rel=0.01)


def test_what_is_tied_stands_closer() -> None:
    circles = [Circle(1.0, (str(n),)) for n in range(8)]
    placed = circles_of(circle_map(circles, {(3, 7): 1.0}, "eight"))
    near = hypot(placed[3][0] - placed[7][0], placed[3][1] - placed[7][1])
    assert near == min(hypot(placed[n][0] - placed[7][0], placed[n][1] - placed[7][1]) for n in range(7))
