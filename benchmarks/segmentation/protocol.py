"""Word F1 on the fixed protocol: learn from raw text alone, segment PKU, MSR and UD dev, score against gold.

    python -m benchmarks.segmentation.protocol [--out FILE]
    python -m benchmarks.segmentation.protocol --sets pku_tail,msr_tail,uddev     (to choose settings)

The raw text holds the test texts without their labels, as in the literature. Words count when both their ends agree.
The scorer here is its own few lines; `nlp-zero eval` scores the same files and has to print the same F1.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import measure

METHODS: dict[str, list[str]] = {
    "nlp-zero entropy": ["--method", "entropy"],
    "nlp-zero bayes": ["--method", "bayes"],
    "nlp-zero cohesion": ["--method", "cohesion"],
    "nlp-zero pmi": ["--method", "pmi"],
}
# The thresholds of nlp-zero 0.1 have no option on the command line.
ORIGINAL = """
import sys
from nlp_zero import WordFinder
from nlp_zero.text.corpus import Corpus
finder = WordFinder("pmi", min_proba=1e-7, min_pmi=1.0).train(Corpus(sys.argv[1]))
finder.tokenizer().save(sys.argv[2])
"""

Cut = Callable[[Path, Path], measure.Cost]


class Score(NamedTuple):
    """Exact spans: shares of the system's words and of the gold words that are right."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-12)


def spans(words: Iterable[str]) -> set[tuple[int, int]]:
    """Where the words of a line stand.

    >>> sorted(spans(["自然", "语言"]))
    [(0, 2), (2, 4)]
    """
    out, start = set(), 0
    for word in words:
        out.add((start, start + len(word)))
        start += len(word)
    return out


def score(gold: Path, system: Path) -> Score:
    """Score a segmented file; both must hold the same characters on the same lines."""
    right = in_gold = in_system = 0
    pairs = zip(gold.open(encoding="utf-8"), system.open(encoding="utf-8"), strict=True)
    for number, (expected, got) in enumerate(pairs, 1):
        if "".join(expected.split()) != "".join(got.split()):
            sys.exit(f"{system.name}: line {number}: the characters differ from those of {gold.name}")
        wanted, found = spans(expected.split()), spans(got.split())
        right += len(wanted & found)
        in_gold += len(wanted)
        in_system += len(found)
    return Score(right / in_system, right / in_gold)


def printed_f1(gold: Path, system: Path) -> str:
    """F1 as `nlp-zero eval` prints it; empty when it cannot."""
    for line in measure.output([*measure.OURS, "eval", str(gold), str(system)]).split("\n"):
        name, _, value = line.partition("\t")
        if name == "f1":
            return value
    return ""


def by_line(cut: Callable[[str], Iterable[str]]) -> Cut:
    """A peer that segments one line at a time in this process; what it takes is measured elsewhere."""

    def run(source: Path, target: Path) -> measure.Cost:
        lines = source.read_text(encoding="utf-8").split("\n")
        target.write_text("\n".join(" ".join(cut(line)) for line in lines), encoding="utf-8")
        return measure.Cost(0.0, 0.0, 0)

    return run


def by_model(model: Path) -> Cut:
    """Our command line with a model."""

    def run(source: Path, target: Path) -> measure.Cost:
        return measure.spend([*measure.OURS, "cut", "-q", "-m", str(model), str(source), "-o", str(target)])

    return run


def peers() -> Iterator[tuple[str, Cut]]:
    """Systems that learn nothing from the raw text."""
    yield "every character a word", by_line(list)
    try:
        import jieba
    except ImportError:
        measure.skip("jieba", "not installed")
        return
    jieba.setLogLevel(60)
    yield f"jieba {jieba.__version__}", by_line(jieba.lcut)
    yield f"jieba {jieba.__version__}, HMM off", by_line(lambda line: jieba.lcut(line, HMM=False))


def learners(text: Path, folder: Path) -> Iterator[tuple[str, list[str], Path]]:
    """How each method learns: its name, the command, the model it writes."""
    if measure.backend() == "not importable":
        measure.skip("nlp-zero", "not importable")
        return
    for index, (name, arguments) in enumerate(METHODS.items()):
        model = folder / f"{index}.model"
        yield name, [*measure.OURS, "learn", "-q", *arguments, str(text), "-o", str(model)], model
    model = folder / "original.model"
    yield "nlp-zero pmi, min_proba 1e-7, min_pmi 1", [sys.executable, "-c", ORIGINAL, str(text), str(model)], model


def row(name: str, learnt: list[str], cut: Cut, work: Path, sets: list[str]) -> list[str]:
    """One row of the table: P/R/F1 of each set, what learning took, what cutting took."""
    cells, seconds = [name], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for part in sets:
            gold, system = work / f"{part}_gold.txt", Path(folder, f"{part}.txt")
            cost = cut(work / f"{part}_raw.txt", system)
            if cost.status:
                cells.append(f"failed ({cost.status})")
                continue
            seconds += cost.seconds
            result = score(gold, system)
            cell = f"{result.precision:.4f} / {result.recall:.4f} / **{result.f1:.4f}**"
            printed = printed_f1(gold, system)
            if printed and printed != f"{result.f1:.3f}":
                cell += f" (eval prints {printed})"
            cells.append(cell)
    return [*cells, *learnt, f"{seconds:.2f} s" if seconds else "-"]


def main() -> None:
    parser = measure.options("Word F1 on the fixed protocol.")
    parser.add_argument("--sets", default="pku,msr,uddev", help="gold sets, separated by commas")
    options = measure.begin(parser)
    sets = options.sets.split(",")
    (text,) = measure.needed(options.work, "protocol.txt")
    measure.needed(options.work, *(f"{part}_{kind}.txt" for part in sets for kind in ("gold", "raw")))
    header = measure.header("Word F1 on the fixed protocol", [text])
    rows = [row(name, ["-", "-"], cut, options.work, sets) for name, cut in peers()]
    with tempfile.TemporaryDirectory() as folder:
        for name, command, model in learners(text, Path(folder)):
            cost = measure.spend(command)
            if cost.status:
                measure.skip(name, f"learning ended with status {cost.status}")
                continue
            learnt = [f"{cost.seconds:.2f} s, {cost.megabytes:.0f} MB", f"{model.stat().st_size / 2**20:.2f} MB"]
            rows.append(row(name, learnt, by_model(model), options.work, sets))
    head = ["system", *(f"{part} P / R / F1" for part in sets), "learn", "model", "cut"]
    notes = "\n".join([
        "Exact spans. learn and cut: CPU seconds of whole processes, the three sets cut one after the other;",
        "learn: with peak resident memory. The original nlp-zero 0.1 with its defaults: .549 / .568 (PKU / MSR F1).",
    ])  # fmt: skip
    measure.publish(f"{header}\n{measure.table(head, rows)}\n\n{notes}", options.out)


if __name__ == "__main__":
    main()
