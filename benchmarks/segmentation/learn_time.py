"""What learning costs: `nlp-zero learn --method bayes` from start to exit, beside sentencepiece in the same rounds.

    python -m benchmarks.segmentation.learn_time [--rounds 3] [--out FILE]          (about 7 minutes)

sentencepiece trains its unigram model (32,000 pieces) exactly as the shared bench_discover.py does, by its own
function. Seconds are CPU seconds, user and system; rounds take turns, and a ratio is taken within a round. The rows of
several chains also give the elapsed time: two workers are worth nothing where only one core is free.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import measure
from benchmarks.data import cut
from benchmarks.segmentation.texts import lines

SENTENCEPIECE = """
import sys
sys.path.insert(0, sys.argv[1])
import bench_discover
bench_discover.sentencepiece(sys.argv[2])
"""
SIZES = (1.0, 3.3, 10.0, 30.0)
SAMPLE = 60_000
GOALS = (
    "Goals: at most 0.9 of sentencepiece, 18 s on a quiet core, 300 MB; two workers faster than one; 60 s in Python."
)


def learning(text: Path, model: Path, *arguments: str) -> list[str]:
    """The command."""
    return [*measure.OURS, "learn", "-q", "--method", "bayes", *arguments, str(text), "-o", str(model)]


def beside(text: Path, folder: Path, shared: Path, rounds: int) -> Iterator[list[str]]:
    """Ours and sentencepiece in turn; with the C engine."""
    ours = learning(text, folder / "ours.model")
    theirs = [sys.executable, "-c", SENTENCEPIECE, str(shared.resolve() / "bench"), str(text)]
    commands = {"nlp-zero bayes, one chain": ours, "sentencepiece unigram": theirs}
    if not measure.installed("sentencepiece"):
        measure.skip("sentencepiece", "not installed")
        del commands["sentencepiece unigram"]
    costs: dict[str, dict[int, measure.Cost]] = {name: {} for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            cost = measure.spend(command)
            if cost.status:
                measure.skip(name, f"ended with status {cost.status}")
            else:
                costs[name][turn] = cost
    for name, some in costs.items():
        if not some:
            continue
        seconds = [cost.seconds for cost in some.values()]
        other = costs.get("sentencepiece unigram", {})
        share = measure.ratio(*({turn: one.seconds for turn, one in table.items()} for table in (some, other)))
        yield [
            name,
            f"{median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})",
            f"{max(cost.megabytes for cost in some.values()):.0f} MB",
            "-" if share is None else f"{share:.2f}",
        ]


def growing(text: Path, folder: Path, sizes: list[float]) -> Iterator[list[str]]:
    """The same learning on longer and longer beginnings of one mixed text."""
    whole = lines(text)
    for size in sizes:
        part = cut(whole, round(size * 1e6))
        path = folder / "part.txt"
        path.write_text("\n".join(part) + "\n", encoding="utf-8")
        characters = sum(map(len, part))
        cost = measure.spend(learning(path, folder / "part.model"))
        if cost.status:
            measure.skip(f"{size:g} MB", f"ended with status {cost.status}")
            continue
        each = f"{1e6 * cost.seconds / characters:.2f} s"
        yield [f"{size:g} MB", f"{characters:,}", f"{cost.seconds:.2f} s", each, f"{cost.megabytes:.0f} MB"]


def chains(text: Path, folder: Path) -> Iterator[list[str]]:
    """Three chains and their vote, by one worker and by two."""
    known = measure.output([*measure.OURS, "learn", "--help"])
    for workers in ("1", "2"):
        arguments = ["--chains", "3", "--workers", workers]
        if any(word not in known for word in arguments[::2]):
            measure.skip("three chains", "learn has no options --chains and --workers")
            return
        start = perf_counter()
        cost = measure.spend(learning(text, folder / "chains.model", *arguments))
        elapsed = perf_counter() - start
        yield [f"three chains, {workers} worker{'s'[workers == '1' :]}", f"{elapsed:.1f} s", f"{cost.seconds:.1f} s"]


def pure(corpora: Path, folder: Path) -> Iterator[list[str]]:
    """Both engines on a sample of the texts in corpora/; the same bytes have to come out."""
    files = sorted(path for path in corpora.glob("*.txt") if not path.name.endswith(".seg.txt"))
    text, size = [], 0
    for line in (line for path in files for line in lines(path) if line):
        if size + len(line) > SAMPLE:
            break
        text.append(line)
        size += len(line)
    path = folder / "sample.txt"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    for engine, wish in (("Python", "1"), ("C", "0")):
        model = folder / f"{engine}.model"
        cost = measure.spend(learning(path, model), NLP_ZERO_PURE=wish)
        if cost.status:
            measure.skip(f"engine {engine}", f"ended with status {cost.status}")
            continue
        digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        yield [engine, f"{size:,}", f"{cost.seconds:.2f} s", f"{cost.megabytes:.0f} MB", f"`{digest}`"]


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(f"{size:g}" for size in SIZES), help="megabytes of mix50.txt")
    parser.add_argument("--text", type=Path, help="another text than protocol.txt beside sentencepiece")
    options = measure.begin(parser)
    protocol, mixed = measure.needed(options.work, "protocol.txt", "mix50.txt")
    text = options.text or protocol
    header = measure.header("What learning costs", [text, mixed])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        side = list(beside(text, folder, options.shared, options.rounds))
        longer = list(growing(mixed, folder, [float(size) for size in options.sizes.split(",")]))
        several = list(chains(text, folder))
        engines = list(pure(measure.ROOT / "corpora", folder))
    parts = [
        f"{header}\nOne chain on `{text.name}`, {options.rounds} rounds in turn, median (least-greatest):\n",
        measure.table(["program", "CPU", "peak memory", "times sentencepiece"], side),
        "\nLonger and longer beginnings of `mix50.txt`, one run each:\n",
        measure.table(["text", "characters", "CPU", "CPU a million characters", "peak memory"], longer),
        f"\nA sample of `corpora/` of {SAMPLE:,} characters:\n",
        measure.table(["engine", "characters", "CPU", "peak memory", "SHA-256 of the model"], engines),
    ]
    if several:
        parts += [f"\nThree chains on `{text.name}`:\n", measure.table(["run", "elapsed", "CPU"], several)]
    measure.publish("\n".join([*parts, "", GOALS]), options.out)


if __name__ == "__main__":
    main()
