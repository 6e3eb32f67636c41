"""SVG by hand: elements as strings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import east_asian_width

__all__ = ["SANS", "colour", "document", "element", "escaped", "number", "width"]

SANS = "'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
# What XML 1.0 cannot hold, not even as a reference.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def escaped(text: str) -> str:
    """Text for an element or an attribute; characters that XML cannot hold become U+FFFD.

    >>> escaped('a < "b"')
    'a &lt; &quot;b&quot;'
    """
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text).translate(ENTITIES)


def number(value: float) -> str:
    """A number with two decimals at most.

    >>> number(1.5), number(2.0), number(-0.001)
    ('1.5', '2', '0')
    """
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def element(name: str, *inside: str, **attributes: str | float) -> str:
    """An element; ``inside`` is markup already, an underline in the name of an attribute stands for a hyphen.

    >>> element("text", escaped("茶 & 水"), x=1.25, font_size=12)
    '<text x="1.25" font-size="12">茶 &amp; 水</text>'
    """
    parts = [name]
    for key, value in attributes.items():
        shown = escaped(value) if isinstance(value, str) else number(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{shown}"')
    head = " ".join(parts)
    return f"<{head}>{''.join(inside)}</{name}>" if inside else f"<{head}/>"


def document(size: tuple[float, float], title: str, inside: Iterable[str]) -> str:
    """A whole drawing of a width and a height in pixels, with a title that is read aloud."""
    wide, high = map(number, size)
    return element(
        "svg",
        element("title", escaped(title)),
        element("rect", width=wide, height=high, fill="white"),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {wide} {high}",
        width=wide,
        height=high,
        role="img",
        font_family=SANS,
    )


def width(text: str, size: float) -> float:
    """About how many pixels a text takes at a font size: wide signs one em, others 0.55.

    >>> width("茶a", 10)
    15.5
    """
    return sum(size if east_asian_width(sign) in "WF" else 0.55 * size for sign in text)


def colour(place: int, lightness: float = 85.0) -> str:
    """Colours that differ for neighbouring places: steps of the golden angle around the wheel.

    >>> colour(0), colour(1)
    ('hsl(205 55% 85%)', 'hsl(342 55% 85%)')
    """
    return f"hsl({(205 + 137 * place) % 360} 55% {number(lightness)}%)"
