"""Word F1 on the fixed protocol: learn from raw text alone, segment PKU, MSR and UD dev, score against gold.

    python -m benchmarks.segmentation.protocol [--out FILE]                       (about 8 minutes)
    python -m benchmarks.segmentation.protocol --only nlp-zero --seeds 1          (about 2 minutes)
    python -m benchmarks.segmentation.protocol --sets pku_tail,msr_tail,uddev     (to choose settings)

The raw text holds the test texts without their labels, as in the literature. Words count when both their ends agree.
The scorer here is its own few lines; `nlp-zero eval` scores the same files and has to print the same F1. Rows are
marked by what a system knows: raw text alone, a dictionary, labelled text, or the gold word list (an upper
reference: what a perfect list of the other house's words is worth).
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from math import isnan
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import measure
from benchmarks.segmentation import peers, references
from benchmarks.segmentation.scores import Score, mean, score, seeds, spread


class Learner(NamedTuple):
    """One row: arguments of `nlp-zero learn`, and whether it draws samples, so that it is run for every seed."""

    arguments: list[str]
    sampled: bool = False


BAYES, ENTROPY = "nlp-zero bayes", "nlp-zero entropy"
LEARNERS = {
    BAYES: Learner(["--method", "bayes"], True),
    "nlp-zero bayes, no hand rules": Learner(["--method", "bayes", "--no-rules"], True),
    "nlp-zero bayes, vote of 3 chains": Learner(["--method", "bayes", "--chains", "3"]),
    ENTROPY: Learner(["--method", "entropy"]),
    "nlp-zero cohesion": Learner(["--method", "cohesion"]),
    "nlp-zero pmi": Learner(["--method", "pmi"]),
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
Row = list[str]


def printed_f1(gold: Path, system: Path) -> str:
    """F1 as `nlp-zero eval` prints it; empty when it cannot."""
    for line in measure.output([*measure.OURS, "eval", str(gold), str(system)]).split("\n"):
        name, _, value = line.partition("\t")
        if name == "f1":
            return value
    return ""


def by_line(cut: Callable[[str], Iterable[str]]) -> Cut:
    """A system that segments one line at a time in this process; what it takes is measured elsewhere."""

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


class Bench(NamedTuple):
    """Where everything stands: the options, the raw text, the gold sets, a folder for what is made."""

    options: Namespace
    text: Path
    sets: list[str]
    folder: Path

    def gold(self, part: str) -> Path:
        return Path(self.options.work / f"{part}_gold.txt")

    def cut(self, system: str, part: str) -> Path:
        """What a system made of a set."""
        return self.folder / f"{system}.{part}.txt"


def scored(bench: Bench, name: str, cut: Cut) -> tuple[list[Score], float] | None:
    """The scores of one run on every set, and the CPU seconds of cutting; None when cutting fails."""
    scores, spent = [], 0.0
    for part in bench.sets:
        cost = cut(bench.options.work / f"{part}_raw.txt", bench.cut(name, part))
        if cost.status:
            measure.skip(name, f"cutting {part} ended with status {cost.status}")
            return None
        spent += cost.seconds
        scores.append(score(bench.gold(part), bench.cut(name, part)))
    return scores, spent


def cells(runs: list[list[Score]]) -> Iterator[str]:
    """For every set: P / R / F1, each the mean over the runs, and how far F1 spreads."""
    for column in zip(*runs, strict=True):
        middle = mean(column)
        f1, *rest = spread([one.f1 for one in column]).split(" ", 1)
        yield f"{middle.precision:.4f} / {middle.recall:.4f} / **{f1}**{''.join(f' {part}' for part in rest)}"


def plain_rows(bench: Bench) -> Iterator[Row]:
    """Systems that learn nothing here and run in this process."""
    systems: dict[str, tuple[str, Cut]] = {"every character a word": ("-", by_line(list))}
    try:
        import jieba
    except ImportError:
        measure.skip("jieba", "not installed")
    else:
        jieba.setLogLevel(60)
        systems["jieba"] = (peers.DICTIONARY, by_line(jieba.lcut))
        systems["jieba, HMM off"] = (peers.DICTIONARY, by_line(lambda line: jieba.lcut(line, HMM=False)))
    for name, (knows, cut) in systems.items():
        if done := scored(bench, name, cut):
            yield [name, knows, *cells([done[0]]), "-", "-", "-"]


def peer_rows(bench: Bench, skipped: list[str]) -> Iterator[Row]:
    """The peers of the shared programs; those that cannot run go into the list, with the reason."""
    golds = {part: bench.gold(part) for part in bench.sets}
    for found in peers.rows(bench.options, bench.text, golds):
        if not isinstance(found, peers.Result):
            measure.skip(*found)
            skipped.append(f"{found[0]} ({found[1]})")
            continue
        shown = []
        for precision, recall, f1 in found.scores:
            before = "" if isnan(precision) else f"{precision / 100:.4f} / {recall / 100:.4f} / "
            shown.append(f"{before}**{f1 / 100:.4f}**")
        yield [found.name, found.knows, *shown, found.learning, "-", "-"]


def reference_rows(bench: Bench) -> Iterator[Row]:
    """Upper references, which know the words of a training text."""
    for name, cut in references.systems(bench.options.shared, bench.text):
        if done := scored(bench, name, by_line(cut)):
            yield [name, "gold words", *cells([done[0]]), "-", "-", "-"]


def our_rows(bench: Bench) -> Iterator[Row]:
    """nlp-zero through its command line: learn, cut, for sampled methods once a seed."""
    if measure.backend() == "not importable":
        measure.skip("nlp-zero", "not importable")
        return
    known = measure.output([*measure.OURS, "learn", "--help"])
    for name, learner in LEARNERS.items():
        missing = [word for word in learner.arguments if word.startswith("--") and word not in known]
        if missing:
            measure.skip(name, f"learn has no option {missing[0]}")
            continue
        commands = {name: learn_command(bench, learner.arguments)}
        if learner.sampled:
            each = {seed: [*learner.arguments, "--seed", str(seed)] for seed in seeds(bench.options.seeds)}
            commands = {f"{name}, seed {seed}": learn_command(bench, some) for seed, some in each.items()}
        yield from our_row(bench, name, commands)
    name = "nlp-zero pmi, min_proba 1e-7, min_pmi 1"
    model = str(bench.folder / "last.model")
    yield from our_row(bench, name, {name: [sys.executable, "-c", ORIGINAL, str(bench.text), model]})


def learn_command(bench: Bench, arguments: list[str]) -> list[str]:
    """`nlp-zero learn` on the raw text."""
    model = str(bench.folder / "last.model")
    return [*measure.OURS, "learn", "-q", *arguments, str(bench.text), "-o", model]


def our_row(bench: Bench, name: str, commands: dict[str, list[str]]) -> Iterator[Row]:
    """One row of the table from one or more runs of learning and cutting."""
    model, runs, costs, cutting = bench.folder / "last.model", [], [], []
    for title, command in commands.items():
        cost = measure.spend(command)
        if cost.status:
            measure.skip(title, f"learning ended with status {cost.status}")
            continue
        if done := scored(bench, title, by_model(model)):
            runs.append(done[0])
            cutting.append(done[1])
            costs.append(cost)
            for part, one in zip(bench.sets, done[0], strict=True):
                check(bench, title, part, one)
    if runs:
        learnt = f"{median(c.seconds for c in costs):.2f} s, {max(c.megabytes for c in costs):.0f} MB"
        size = f"{model.stat().st_size / 2**20:.2f} MB"
        yield [name, peers.RAW, *cells(runs), learnt, size, f"{median(cutting):.2f} s"]


def check(bench: Bench, title: str, part: str, ours: Score) -> None:
    """Say so if `nlp-zero eval` prints another F1 than the scorer here."""
    printed = printed_f1(bench.gold(part), bench.cut(title, part))
    if printed and printed != f"{ours.f1:.3f}":
        print(f"{title}, {part}: F1 {ours.f1:.4f} here, but `eval` prints {printed}", file=sys.stderr)


def tests(bench: Bench) -> Iterator[Row]:
    """`nlp-zero eval --versus`: does the first seed of `bayes` differ from others by more than the luck of lines?"""
    ours = f"{BAYES}, seed {seeds(bench.options.seeds)[0]}"
    for other in ("jieba", "jieba, HMM off", ENTROPY):
        pairs = [(bench.cut(ours, part), bench.cut(other, part)) for part in bench.sets]
        if not all(path.is_file() for pair in pairs for path in pair):
            continue
        row = [f"{ours} less {other}"]
        for part, (one, two) in zip(bench.sets, pairs, strict=True):
            command = [*measure.OURS, "eval", "--json", str(bench.gold(part)), str(one), "--versus", str(two)]
            facts = json.loads(measure.output(command) or "{}")
            low, high = facts.get("f1_difference_interval") or (float("nan"),) * 2
            difference = facts.get("f1_difference", float("nan"))
            row.append(f"{difference:+.4f} ({low:+.4f} to {high:+.4f}), p {facts.get('p_value', float('nan')):.3f}")
        yield row


def main() -> None:
    parser = measure.options("Word F1 on the fixed protocol.")
    parser.add_argument("--sets", default="pku,msr,uddev", help="gold sets, separated by commas")
    parser.add_argument("--seeds", default="1,2,3", help="of the sampled methods, separated by commas")
    parser.add_argument("--only", help="plain, nlp-zero, peers or references: this part of the table alone")
    parser.add_argument("--slow", action="store_true", help="the slow peers as well")
    parser.add_argument("--limit", type=float, default=150, help="seconds that a peer may take")
    parser.add_argument("--text", type=Path, help="learn from this text instead of protocol.txt")
    options = measure.begin(parser)
    sets = options.sets.split(",")
    (text,) = [options.text] if options.text else measure.needed(options.work, "protocol.txt")
    measure.needed(options.work, *(f"{part}_{kind}.txt" for part in sets for kind in ("gold", "raw")))
    header = measure.header("Word F1 on the fixed protocol", [text])
    skipped: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, text, sets, Path(folder))
        parts: dict[str, Callable[[], Iterator[Row]]] = {
            "plain": lambda: plain_rows(bench),
            "nlp-zero": lambda: our_rows(bench),
            "peers": lambda: peer_rows(bench, skipped),
            "references": lambda: reference_rows(bench),
        }
        rows = [row for name, part in parts.items() if options.only in (None, name) for row in part()]
        compared = list(tests(bench))
    head = ["system", "knows", *(f"{part} P / R / F1" for part in sets), "learn", "model", "cut"]
    notes = [
        f"Exact spans. Sampled methods: seeds {options.seeds}, the mean and in brackets the least and the greatest F1.",
        "learn and cut: CPU seconds of whole processes, the sets cut one after the other; learn: with peak resident",
        'memory. Peers run in the shared programs; "its lexicon": their unigram model with the peer\'s first 20,000',
        "words. gold words: the training word list of one set on all (EM: hard EM on the raw text), upper references.",
        "Settings were chosen on UD dev and on the tails of the training texts; PKU and MSR only report. What authors",
        "of peers trained on is not known here. The original nlp-zero 0.1 with its defaults: .549 / .568 (PKU / MSR).",
    ]
    blocks = [header, measure.table(head, rows), "", *notes]
    if skipped:
        blocks += ["", "Skipped: " + "; ".join(skipped) + "."]
    if compared:
        blocks += [
            "",
            "F1 differences, 95 % interval, p (`nlp-zero eval --versus`: paired bootstrap over lines):",
        ]
        blocks += ["", measure.table(["difference", *sets], compared)]
    measure.publish("\n".join(blocks), options.out)


if __name__ == "__main__":
    main()
