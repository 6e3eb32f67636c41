"""Time and memory of communities against the number of links.

    python -m benchmarks.network.growth [--links 10000,30000,...] [--engines nlp-zero,...] [--out FILE.md]

Planted groups of 50 nodes, ten links for each node, 7 of 10 within the group, without direction. Each run is a process
of its own, two-level, one trial, one thread. Up to a million links the links are a Python list that is made beforehand;
above, they are made one by one while the graph is built, which counts. Time is CPU seconds from the links to the
result, memory the peak above what the process held before. The plot goes to FILE.svg.
"""

import gc
import json
import subprocess
import sys
import time
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from benchmarks import measure
from benchmarks.network import graphs
from benchmarks.network.infomap import resident
from nlp_zero.drawing.svg import document, element, escaped

LISTED = 1_000_000
PURE = 300_000  # the most links for the pure engine
COLOURS = {"nlp-zero": "#2563eb", "nlp-zero python": "#0d9488", "infomap": "#dc2626"}


def child(count: int, engine: str) -> None:
    """One run, told as a line of JSON."""
    links = graphs.planted(count)
    kept = list(links) if count <= LISTED else links
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
    before, started = resident("VmRSS"), time.process_time()
    if engine == "infomap":
        import infomap

        found = infomap.run(kept, two_level=True, seed=123, silent=True, num_threads=1)
        length, modules = found.codelength, found.num_top_modules
    else:
        from nlp_zero.network.communities import communities
        from nlp_zero.network.graph import Graph

        ours = communities(Graph(kept), two_level=True)
        length, modules = ours.length.total, len(ours)
    seconds, megabytes = time.process_time() - started, resident("VmHWM") - before
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "length": length, "modules": modules}))


def run(count: int, engine: str) -> dict[str, float] | None:
    command = [sys.executable, "-m", "benchmarks.network.growth", "--child", str(count), engine]
    extra = {"NLP_ZERO_PURE": "1" if engine == "nlp-zero python" else "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=measure.environment(**extra), cwd=measure.ROOT)
    if done.returncode:
        measure.skip(f"{engine} at {count:,} links", (done.stderr.strip().splitlines() or ["no message"])[-1])
        return None
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def plot(points: dict[str, list[tuple[int, float]]]) -> str:
    """Seconds against links, both logarithmic, with a line of slope one to compare with.

    >>> picture = plot({"nlp-zero": [(10_000, 0.1), (1_000_000, 10.0)]})
    >>> picture.count("<circle"), "1,000,000" in picture
    (2, True)
    """
    from math import log10

    every = [point for row in points.values() for point in row]
    left, right = (log10(pick(count for count, _ in every)) for pick in (min, max))
    low, high = (log10(pick(max(seconds, 1e-3) for _, seconds in every)) for pick in (min, max))

    def place(count: float, seconds: float) -> tuple[float, float]:
        x = 70 + 500 * (log10(count) - left) / ((right - left) or 1)
        return x, 320 - 280 * (log10(max(seconds, 1e-3)) - low) / ((high - low) or 1)

    parts = [element("text", "CPU seconds against links", x=70, y=24, font_size=15)]
    for count in sorted({count for count, _ in every}):
        x, _ = place(count, 1)
        parts.append(element("line", x1=x, x2=x, y1=40, y2=320, stroke="#ddd"))
        parts.append(element("text", f"{count:,}", x=x, y=340, font_size=11, text_anchor="middle"))
    for power in range(int(low // 1), int(high // 1) + 1):
        if low <= power <= high:
            _, y = place(10**left, 10.0**power)
            parts.append(element("line", x1=70, x2=570, y1=y, y2=y, stroke="#ddd"))
            parts.append(element("text", f"{10.0**power:g}", x=62, y=y + 4, font_size=11, text_anchor="end"))
    for row, (name, found) in enumerate(points.items()):
        colour = COLOURS.get(name, "#444")
        where = [place(*point) for point in found]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        parts.append(element("polyline", points=line, fill="none", stroke=colour, stroke_width=2))
        parts += [element("circle", cx=x, cy=y, r=3.5, fill=colour) for x, y in where]
        parts.append(element("text", escaped(name), x=85, y=60 + 18 * row, font_size=13, fill=colour))
    return document((600, 360), "CPU seconds against links", parts) + "\n"


def rows_of(options: Namespace) -> tuple[list[list[object]], dict[str, list[tuple[int, float]]]]:
    rows: list[list[object]] = []
    points: dict[str, list[tuple[int, float]]] = {}
    for count in map(int, options.links.split(",")):
        for engine in options.engines.split(","):
            if count > {"nlp-zero python": PURE, "infomap": LISTED}.get(engine, count):
                continue
            if (result := run(count, engine)) is None:
                continue
            seconds = result["seconds"]
            points.setdefault(engine, []).append((count, seconds))
            per_link = f"{seconds / count * 1e6:.1f}"
            bits, modules = f"{result['length']:.6f}", f"{result['modules']:,}"
            rows.append([f"{count:,}", engine, bits, modules, f"{seconds:.2f}", per_link, f"{result['megabytes']:.0f}"])
    return rows, points


def main() -> None:
    parser = measure.options(__doc__.splitlines()[0])
    parser.add_argument("--links", default="10000,30000,100000,300000,1000000,10000000", help="numbers, by commas")
    parser.add_argument("--engines", default="nlp-zero,nlp-zero python,infomap", help="names, by commas")
    parser.add_argument("--child", nargs=2, metavar=("LINKS", "ENGINE"), help="one run (the script calls itself)")
    options = measure.begin(parser)
    if options.child:
        child(int(options.child[0]), options.child[1])
        return
    heading = measure.header("Communities against the number of links")
    rows, points = rows_of(options)
    table = measure.table(["links", "engine", "bits", "modules", "s", "µs a link", "MB"], rows)
    note = "Planted" + __doc__.partition("Planted")[2].rstrip()
    if options.out and points:
        picture = Path(options.out).with_suffix(".svg")
        picture.write_text(plot(points), encoding="utf-8")
        note += f"\n\n![CPU seconds against links]({picture.name})"
    measure.publish(f"{heading}\n{table}\n\n{note}", options.out)


if __name__ == "__main__":
    main()
