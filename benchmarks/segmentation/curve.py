"""F1 against the size of the raw text, as a table and as a plot.

    python -m benchmarks.segmentation.curve [--out FILE.md]          (about 4 minutes; the plot goes to FILE.svg)

The smallest text is little more than the three test texts; then random blocks of the protocol's other text are added
(about 200 stretches between known boundaries each) up to 1.2 and 2.6 million symbols and all of it; then, on all of
it, 8 million symbols of laws or of novels. The test texts are in every one of the texts, their labels in none.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import data, measure
from benchmarks.segmentation.inner import learn
from benchmarks.segmentation.plot import sparkline, svg
from benchmarks.segmentation.scores import score_lines, segmented
from benchmarks.segmentation.texts import TESTS, filled, protocol
from nlp_zero.words.symbols import SymbolText

SIZES = (350_000, 1_200_000, 2_600_000)
ADDED = {"laws": "domain-law/laws", "novels": "raw-novels/novels"}
NAMES = {"pku": "PKU", "msr": "MSR", "uddev": "UD dev"}


class Point(NamedTuple):
    """One text: its name, its symbols, F1 on each set by method, CPU seconds of learning with `bayes`."""

    name: str
    symbols: int
    f1: dict[str, dict[str, float]]
    seconds: float


def measured(name: str, text: list[str], golds: dict[str, list[list[str]]], methods: list[str], seed: int) -> Point:
    """Learn by each method and score."""
    f1: dict[str, dict[str, float]] = {}
    seconds = 0.0
    for method in methods:
        learnt = learn(text, method, seed=seed)
        seconds = learnt.seconds if method == methods[0] else seconds
        for part, gold in golds.items():
            cut = learnt.tokenizer.tokenize_lines(["".join(words) for words in gold])
            f1.setdefault(method, {})[part] = score_lines(gold, cut).f1
    print(f"{name} done", file=sys.stderr, flush=True)
    return Point(name, SymbolText(text, numerals=True).size, f1, seconds)


def plotted(points: list[Point], extra: list[Point], method: str) -> str:
    """The plot: one line a set; what laws and novels make of it as open marks."""
    lines = {name: [(point.symbols, point.f1[method][part]) for point in points] for part, name in NAMES.items()}
    more = (extra[0].symbols - points[-1].symbols) / 1e6 if extra else 0
    marks = {
        f"+ {more:.0f} M of {point.name}": [(point.symbols, point.f1[method][part]) for part in TESTS]
        for point in extra
    }
    title = f"Word F1 of method {method} by the size of the raw text"
    labels = [point.symbols for point in (*points, *extra[:1])]
    return svg(title, "symbols of raw text (logarithmic)", lines, marks, labels)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="symbols, separated by commas")
    parser.add_argument("--added", type=float, default=8.0, help="million symbols of laws or novels; 0: none")
    parser.add_argument("--methods", default="bayes,entropy", help="the first is plotted")
    parser.add_argument("--seed", type=int, default=1)
    options = measure.begin(parser)
    paths = measure.needed(options.work, *(f"{name}_gold.txt" for name in TESTS))
    golds = {name: segmented(path) for name, path in zip(TESTS, paths, strict=True)}
    rest, tests = protocol(options.work)
    inside = [line for part in tests.values() for line in part]
    methods, whole = options.methods.split(","), rest + inside
    points = [
        measured(f"{size / 1e6:g} M", filled(inside, rest, size, options.seed), golds, methods, options.seed)
        for size in map(int, options.sizes.split(","))
    ]
    points.append(measured("the whole text", whole, golds, methods, options.seed))
    extra = []
    for name, path in ADDED.items() if options.added else ():
        source = data.lines(options.shared / "data" / f"{path}.txt.xz")
        size = points[-1].symbols + round(1e6 * options.added)
        extra.append(measured(name, filled(whole, source, size, options.seed), golds, methods, options.seed))
    rows = []
    for point in (*points, *extra):
        for method in methods:
            cells = (f"{point.f1[method][part]:.4f}" for part in TESTS)
            title = f"with {options.added:g} M symbols of {point.name}" if point in extra else point.name
            taken = f"{point.seconds:.1f} s" if method == methods[0] else ""
            rows.append([title, f"{point.symbols:,}", method, *cells, taken])
    shapes = ", ".join(f"{NAMES[part]} {sparkline([point.f1[methods[0]][part] for point in points])}" for part in TESTS)
    notes = [f"{methods[0]}, from the smallest text to the whole one: {shapes}. One seed ({options.seed})."]
    if options.out:
        picture = Path(options.out).with_suffix(".svg")
        picture.write_text(plotted(points, extra, methods[0]), encoding="utf-8")
        notes.append(f"\n![F1 by the size of the raw text]({picture.name})")
    head = ["raw text", "symbols", "method", *(f"{NAMES[part]} F1" for part in TESTS), "learn"]
    header = measure.header("F1 by the size of the raw text", [options.work / "protocol.txt"])
    measure.publish("\n".join([header, measure.table(head, rows), "", *notes]), options.out)


if __name__ == "__main__":
    main()
