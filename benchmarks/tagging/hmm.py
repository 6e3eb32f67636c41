"""Hidden Markov models: seconds per million characters beside hmmlearn, and how well words are cut.

    python -m benchmarks.tagging.hmm [--rounds 7] [--jobs speed,quality,lexicons] [--out FILE]

Speed: every engine cuts the raw MSR test text by a model of the MSR training tail; the engines take turns, in one
process on one thread, and the least CPU seconds of all rounds are shown. Ours go from `str` lines to lists of words;
hmmlearn and the yardsticks (the plain loops of `bench/bench_hmm.py` in the shared folder: their own, without any
library) go from numbers to numbers, and say so. The figures that were asked for were set on a machine where hmmlearn's
Viterbi takes 0.15 s per million characters; so each stands beside hmmlearn's of the same run, and what was asked beside
those 0.15 s, and the two shares can be compared on any machine.

Quality: trained on the training tails of PKU and MSR and on UD train, tested on UD dev, which settings were chosen on.
"""

import importlib.util
import lzma
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import measure

Sentences = list[list[str]]


def read(path: Path) -> Sentences:
    """Segmented lines."""
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    return [words for line in data.decode("utf-8").splitlines() if (words := line.split())]


def raw(sentences: Sentences) -> list[str]:
    return ["".join(words) for words in sentences]


# ---- speed -----------------------------------------------------------------------------------------------------------


def yardsticks(shared: Path) -> ModuleType | None:
    """The plain loops; None where they are not."""
    path = shared / "bench" / "bench_hmm.py"
    spec = importlib.util.spec_from_file_location("bench_hmm", path)
    if not path.is_file() or spec is None or spec.loader is None:
        measure.skip("yardsticks", f"{path} is missing")
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Encoded:
    """Counts of the training text as the yardsticks make them, and the test text in numbers."""

    def __init__(self, bench: ModuleType, train: Sentences, lines: list[str]) -> None:
        self.bench = bench
        self.ids, self.start, self.moves, self.emissions = bench.count(train)
        self.lines = lines
        self.numbers = [[self.ids.get(character, len(self.ids)) for character in line] for line in lines]
        self.logs = [bench.lg(share) for share in self.start]
        rows = [[bench.lg(share) for share in row] for row in self.moves]
        b, m, e, s = range(4)
        pairs = ((b, m), (b, e), (m, m), (m, e), (e, b), (e, s), (s, b), (s, s))
        self.eight = tuple(rows[before][after] for before, after in pairs)
        self.columns = [[bench.lg(share) for share in row] for row in self.emissions]

    def plain(self) -> None:
        for numbers in self.numbers:
            self.bench.py_decode(numbers, self.logs, self.eight, self.columns)

    def plain_with_encoding(self) -> None:
        unknown = len(self.ids)
        for line in self.lines:
            numbers = [self.ids.get(character, unknown) for character in line]
            self.bench.py_decode(numbers, self.logs, self.eight, self.columns)


def of_hmmlearn(encoded: Encoded) -> dict[str, Callable[[], Any]]:
    """hmmlearn with the same parameters."""
    if not measure.installed("hmmlearn"):
        measure.skip("hmmlearn", "not installed")
        return {}
    import numpy
    from hmmlearn import hmm

    def model(implementation: str) -> Any:
        made = hmm.CategoricalHMM(
            4,
            n_iter=1,
            tol=-1e9,
            params="ste",
            init_params="",
            implementation=implementation,
            n_features=len(encoded.ids) + 1,
        )
        made.startprob_, made.transmat_ = numpy.array(encoded.start), numpy.array(encoded.moves)
        made.emissionprob_ = numpy.array(encoded.emissions)
        return made

    numbers = numpy.fromiter(chain.from_iterable(encoded.numbers), dtype=numpy.int64)[:, None]
    lengths = [len(line) for line in encoded.numbers]
    return {
        "hmmlearn, Viterbi, encoded": lambda: model("log").predict(numbers, lengths),
        "hmmlearn, Baum-Welch (scaling), a step": lambda: model("scaling").fit(numbers, lengths),
        "hmmlearn, Baum-Welch (log), a step": lambda: model("log").fit(numbers, lengths),
    }


def ours(engine: str, train: Sentences, lines: list[str]) -> dict[str, Callable[[], Any]]:
    """Our jobs on one engine."""
    from array import array

    from nlp_zero import kernels
    from nlp_zero.tagging.hmm import HMM

    kernels.use(engine)
    first, second = HMM.train(train), HMM.train(train, order=2)
    rows, lengths = array("I"), array("I", map(len, lines))
    for line in lines:
        rows.extend(first.encode(line))

    def use(job: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            kernels.use(engine)
            return job()

        return run

    jobs = {
        "order 1, text to words": lambda: first.tokenize_lines(lines),
        "order 2, text to words": lambda: second.tokenize_lines(lines),
        "Baum-Welch, a step": lambda: kernels.hmm_expect(rows, lengths, *first.tables),
    }
    if engine == "python":
        del jobs["Baum-Welch, a step"]
    return {f"nlp-zero ({engine}), {name}": use(job) for name, job in jobs.items()}


# What was asked of ours, in s per million characters, and what hmmlearn's Viterbi took on the machine of that figure.
ASKED = {
    "nlp-zero (c), order 1, text to words": 0.05,
    "nlp-zero (python), order 1, text to words": 0.35,
    "nlp-zero (c), order 2, text to words": 0.3,
    "nlp-zero (python), order 2, text to words": 3.0,
    "nlp-zero (c), Baum-Welch, a step": 0.2,
}
PEER, PEER_THEN = "hmmlearn, Viterbi, encoded", 0.15


def speed(work: Path, shared: Path, rounds: int) -> str:
    """Seconds per million characters."""
    train_path, gold_path = measure.needed(work, "msr_tail_gold.txt", "msr_gold.txt")
    train, lines = read(train_path), raw(read(gold_path))
    from nlp_zero import kernels

    jobs: dict[str, Callable[[], Any]] = {}
    for engine in kernels.available():
        jobs |= ours(engine, train, lines)
    bench = yardsticks(shared)
    if bench is not None:
        encoded = Encoded(bench, train, lines)
        jobs |= of_hmmlearn(encoded)
        jobs["yardstick: plain Python, encoded"] = encoded.plain
        jobs["yardstick: plain Python, with encoding"] = encoded.plain_with_encoding
    characters = sum(map(len, lines))
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            seconds[name].append(time.process_time() - start)
    least = {name: min(times) / characters * 1e6 for name, times in seconds.items()}
    base = least.get(PEER)
    rows = []
    for name, value in least.items():
        asked = ASKED.get(name)
        share = f"{value / base:.2f}" if base else "-"
        goal = ["", ""] if asked is None else [f"{asked:.2f}", f"{asked / PEER_THEN:.2f}"]
        rows.append([name, f"{value:.3f}", share, *goal])
    head = ["job", "s per million characters", "of hmmlearn's Viterbi", "asked: s", "asked: of hmmlearn's"]
    return f"{characters:,} characters, {rounds} rounds.\n\n" + measure.table(head, rows)


# ---- quality ---------------------------------------------------------------------------------------------------------


def quality(work: Path, shared: Path) -> str:
    """F1 and OOV recall on UD dev."""
    from nlp_zero.evaluation import segmentation_scores
    from nlp_zero.tagging.hmm import HMM

    pku, msr, dev_path = measure.needed(work, "pku_tail_gold.txt", "msr_tail_gold.txt", "uddev_gold.txt")
    sets = {"PKU tail": read(pku), "MSR tail": read(msr), "UD train": read(ud_train(shared))}
    dev = read(dev_path)
    lines = raw(dev)
    rows = []
    for name, train in sets.items():
        words = Counter(chain.from_iterable(train))
        by_lexicon = HMM.from_lexicon(words)
        makers: dict[str, Callable[[], Any]] = {
            "order 1": lambda train=train: HMM.train(train),
            "order 2": lambda train=train: HMM.train(train, order=2),
            "order 1, word list alone": lambda words=words: HMM.from_lexicon(words),
            "the same, 5 steps of Baum-Welch on the raw text": lambda train=train, start=by_lexicon: HMM.fit(
                raw(train), init=start, iterations=5
            ),
        }
        for kind, make in makers.items():
            start = time.process_time()
            model = make()
            trained = time.process_time()
            found = model.tokenize_lines(lines)
            tagged = time.process_time()
            scores = segmentation_scores(dev, found, words)
            rows.append(
                [
                    *(name, kind, f"{scores.f1:.4f}", f"{scores.oov_recall:.3f}", f"{trained - start:.2f}"),
                    *(f"{tagged - trained:.4f}", f"{size_of(model):,}"),
                ]
            )
    head = ["trained on", "model", "F1 on UD dev", "OOV recall", "train s", "tag s", "bytes"]
    return f"UD dev: {sum(map(len, lines)):,} characters.\n\n" + measure.table(head, rows)


def ud_train(shared: Path) -> Path:
    return shared / "data" / "ud" / "gsd_v1_simplified_train.seg.txt.xz"


def size_of(model: Any) -> int:
    """Bytes of the model's file."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return (Path(folder) / "model").stat().st_size


def lexicons(work: Path, shared: Path) -> str:
    """A lexicon alone, and with a tagger for what it leaves in single characters."""
    from nlp_zero.evaluation import segmentation_scores
    from nlp_zero.tagging.hmm import HMM
    from nlp_zero.words.symbols import is_shape
    from nlp_zero.words.tokenizer import Tokenizer, builtin

    names = {"UD dev": "uddev_gold.txt", "PKU tail": "pku_tail_gold.txt", "MSR tail": "msr_tail_gold.txt"}
    golds = dict(zip(names, map(read, measure.needed(work, *names.values())), strict=True))
    words = Counter(chain.from_iterable(read(ud_train(shared))))
    learnt = {entry.word: entry.count for entry in builtin().lexicon.entries() if not is_shape(entry.word)}
    rows = []
    for name, tokenizer, lexicon in (
        ("word list of UD train", Tokenizer(dict(words)), words),
        ("built-in model", builtin(), learnt),
    ):
        hmm = HMM.from_lexicon(lexicon)
        for kind, cut in (("alone", None), ("with the HMM of its own words", hmm.tokenize_lines)):
            cells = []
            for gold in golds.values():
                found = tokenizer.tokenize_lines(raw(gold), unexplained=cut)
                cells.append(f"{segmentation_scores(gold, found).f1:.4f}")
            rows.append([name, kind, *cells])
    return measure.table(["lexicon", "", *(f"F1 on {name}" for name in golds)], rows)


def main() -> None:
    parser = measure.options(str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the speed job")
    parser.add_argument("--jobs", default="speed,quality,lexicons", help="which tables, by name")
    options = measure.begin(parser)
    tables: dict[str, Callable[[], str]] = {
        "speed": lambda: speed(options.work, options.shared, options.rounds),
        "quality": lambda: quality(options.work, options.shared),
        "lexicons": lambda: lexicons(options.work, options.shared),
    }
    strange = sorted(set(options.jobs.split(",")) - set(tables))
    if strange:
        sys.exit(f"--jobs: expected names of {', '.join(tables)}, got {strange[0]!r}")
    parts = [measure.header("Hidden Markov models")]
    for name in options.jobs.split(","):
        parts.append(f"## {name.capitalize()}\n\n{tables[name]()}\n")
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
