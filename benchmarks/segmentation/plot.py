"""A small line plot as SVG, with nothing but the standard library."""

from collections.abc import Iterable, Mapping, Sequence
from math import log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 28, 48
COLOURS = ("#1b6ca8", "#c1440e", "#3a7d44", "#7a5195")
BARS = "▁▂▃▄▅▆▇█"

Points = Sequence[tuple[float, float]]


def sparkline(values: Sequence[float]) -> str:
    """The values as bars, the least the lowest.

    >>> sparkline([0.78, 0.81, 0.82, 0.835])
    '▁▅▆█'
    """
    low, high = min(values), max(values)
    return "".join(BARS[round((value - low) / ((high - low) or 1) * (len(BARS) - 1))] for value in values)


class Frame:
    """Where a point of the data lies in the picture: x by its logarithm, y straight."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        places = list(points)
        self.low_x, self.high_x = (log10(pick(x for x, _ in places)) for pick in (min, max))
        step = 0.02
        self.low = step * int(min(y for _, y in places) / step)
        self.high = step * (int(max(y for _, y in places) / step) + 1)
        self.ticks = [self.low + step * number for number in range(round((self.high - self.low) / step) + 1)]

    def x(self, value: float) -> float:
        share = (log10(value) - self.low_x) / ((self.high_x - self.low_x) or 1)
        return round(LEFT + 12 + share * (WIDTH - LEFT - RIGHT - 24), 1)

    def y(self, value: float) -> float:
        return round(TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM), 1)


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def mark(group: int, x: float, y: float, colour: str) -> str:
    """An open circle, or an open square, around a point."""
    look = f'fill="#fff" stroke="{colour}" stroke-width="1.5"'
    if group % 2:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" {look}/>'
    return f'<circle cx="{x}" cy="{y}" r="4.5" {look}/>'


def apart(frame: Frame, labels: Sequence[float]) -> list[float]:
    """Those labels of the x axis, from the greatest down, that do not run into one another."""
    kept: list[float] = []
    for label in sorted(labels, reverse=True):
        if not kept or frame.x(kept[-1]) - frame.x(label) >= 36:
            kept.append(label)
    return kept


def svg(
    title: str, x_name: str, lines: Mapping[str, Points], marks: Mapping[str, Points], labels: Sequence[float]
) -> str:
    """A plot of named lines, and of named groups of points in their colours; ``labels`` go below the x axis.

    >>> picture = svg("F1", "symbols", {"PKU": [(1e6, 0.80), (3e6, 0.83)]}, {}, [1e6, 3e6])
    >>> picture.startswith("<svg"), picture.count("<circle"), "PKU" in picture
    (True, 2, True)
    """
    frame = Frame([point for points in (*lines.values(), *marks.values()) for point in points])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 18, title, colour="#000"),
    ]
    right = WIDTH - RIGHT
    for tick in frame.ticks:
        parts.append(f'<path d="M{LEFT} {frame.y(tick)}H{right}" stroke="#ddd"/>')
        parts.append(text(LEFT - 6, frame.y(tick) + 4, f"{tick:.2f}", "end"))
    for label in apart(frame, labels):
        shown = f"{label / 1e6:.2g} M" if label < 1e7 else f"{label / 1e6:.0f} M"
        parts.append(text(frame.x(label), HEIGHT - BOTTOM + 18, shown, "middle"))
    parts.append(text((LEFT + right) / 2, HEIGHT - 10, x_name, "middle"))
    ends = sorted((frame.y(points[-1][1]), name) for name, points in lines.items())
    place = 0.0
    spots = {}
    for height, name in ends:  # names do not lie over each other
        place = max(height + 4, place + 15)
        spots[name] = place
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="4 3"' if number >= len(COLOURS) else ""
        way = "L".join(f"{frame.x(x)} {frame.y(y)}" for x, y in points)
        parts.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{frame.x(x)}" cy="{frame.y(y)}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(text(frame.x(points[-1][0]) + 8, spots[name], name, colour=colour))
    for group, (name, points) in enumerate(marks.items()):
        for number, (x, y) in enumerate(points):
            parts.append(mark(group, frame.x(x), frame.y(y), COLOURS[number % len(COLOURS)]))
        legend = HEIGHT - BOTTOM - 8 - 18 * (len(marks) - 1 - group)
        parts += [mark(group, right + 14, legend - 4, "#333"), text(right + 24, legend, name)]
    return "\n".join([*parts, "</svg>", ""])
