"""SVG by hand (``nlp_zero/drawing/svg.py``): well-formed whatever the text."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.drawing.svg import document, element, escaped, number, width


@given(st.text(), st.floats(-1e6, 1e6))
def test_any_text_is_well_formed(text: str, value: float) -> None:
    drawing = document((10, 20.5), text, [element("text", escaped(text), x=value, class_=text)])
    root = ElementTree.fromstring(drawing)
    inner = root.find("{http://www.w3.org/2000/svg}text")
    assert inner is not None and abs(float(inner.get("x", "nan")) - value) <= 0.00501
    if text.isprintable():
        assert (inner.text or "") == text and inner.get("class") == text


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.0, -0.004, 10.0, 3.14159, 1e6)] == ["0", "0", "10", "3.14", "1000000"]


def test_wide_signs_are_wide() -> None:
    assert width("茶水", 10) == 20 > width("ab", 10)
