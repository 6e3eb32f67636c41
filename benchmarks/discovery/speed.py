"""Cost of discovery as the text grows: whole processes, text file in, ranked words out, over 1, 10 and 50 MB.

    python -m benchmarks.discovery.speed [--rounds 3] [--out FILE]

Rounds are interleaved (A B C A B C ...), slow programs run once and on the smaller texts. An exponent of 1 means
that time grows as the text does: log(t2/t1) / log(characters2/characters1). The floor is the bare counting of 1-4-grams
from text in memory by the C radix sort of the shared bench_ngram.py. For the KenLM recipe set KENLM_COUNT_NGRAMS.
"""

import os
import re
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import measure

SIZES = (1, 10, 50)
FLOOR = "C, radix sort of 4-gram keys"
BASE = "nlp-zero entropy, C"

Costs = dict[int, measure.Cost]


class Program(NamedTuple):
    """A program to be measured: its arguments before and after the text, the texts (MB), the most rounds."""

    name: str
    before: list[str]
    after: list[str]
    sizes: tuple[int, ...] = SIZES
    rounds: int = 99
    extra: Mapping[str, str] = {}


def ours(folder: Path) -> Iterator[Program]:
    """Our program in both engines."""
    words = [*measure.OURS, "words", "-q", "--method", "entropy"]
    target = ["-o", str(folder / "words.tsv")]
    if measure.backend() == "c":
        yield Program(BASE, words, target, extra={"NLP_ZERO_PURE": "0"})
    else:
        measure.skip(BASE, f"backend is {measure.backend()}")
    if measure.backend(pure=True) == "python":
        yield Program("nlp-zero entropy, Python", words, target, sizes=(1, 10), rounds=1, extra={"NLP_ZERO_PURE": "1"})


def peers(shared: Path) -> Iterator[Program]:
    """The peers that are installed, each in its own process of the shared program."""
    worker = [sys.executable, str(shared / "bench" / "bench_discover.py"), "--worker"]
    if os.environ.get("KENLM_COUNT_NGRAMS"):
        call = "KenLM recipe=benchmarks.discovery.kenlm_recipe:discover"
        yield Program("KenLM recipe", [*worker, call, "--text"], [])
    else:
        measure.skip("KenLM recipe", "KENLM_COUNT_NGRAMS is not set")
    if measure.installed("sentencepiece"):
        yield Program("sentencepiece BPE", [*worker, "sentencepiece BPE", "--text"], [])
    else:
        measure.skip("sentencepiece BPE", "not installed")
    if measure.installed("eleve"):
        yield Program("eleve (nVBE)", [*worker, "eleve (nVBE)", "--text"], [], sizes=(1, 10), rounds=1)
    else:
        measure.skip("eleve (nVBE)", "not installed")


def run(programs: list[Program], options: Namespace) -> dict[tuple[str, int], Costs]:
    """Interleaved rounds over all programs and texts; a program that fails on a text is not tried on it again."""
    costs: dict[tuple[str, int], Costs] = {}
    failed = set()
    for turn in range(options.rounds):
        for size in SIZES:
            for program in programs:
                key = (program.name, size)
                if size not in program.sizes or turn >= program.rounds or key in failed:
                    continue
                text = str(options.work / f"mix{size}.txt")
                cost = measure.spend([*program.before, text, *program.after], **program.extra)
                if cost.status:
                    failed.add(key)
                    measure.skip(f"{program.name} on {size} MB", f"exit status {cost.status}")
                    continue
                costs.setdefault(key, {})[turn] = cost
                print(f"round {turn} {size} MB {program.name}: {cost.seconds:.2f} s", file=sys.stderr, flush=True)
    return costs


def seconds(costs: Costs) -> dict[int, float]:
    """CPU seconds by round."""
    return {turn: cost.seconds for turn, cost in costs.items()}


def rows(programs: list[Program], costs: dict[tuple[str, int], Costs], lengths: dict[int, int]) -> Iterator[list[str]]:
    """One row a program: a cell for each text, its time over ours, and how its time grows."""
    for program in programs:
        cells, times = [program.name], {}
        for size in SIZES:
            got = costs.get((program.name, size), {})
            if got:
                times[size] = median(cost.seconds for cost in got.values())
                peak = median(cost.megabytes for cost in got.values())
                cells.append(f"{times[size]:.2f} s, {peak:.0f} MB")
            else:
                cells.append("not run")
        for size in SIZES[1:]:
            base = costs.get((BASE, size), {})
            times_ours = measure.ratio(seconds(costs.get((program.name, size), {})), seconds(base))
            cells.append(f"{times_ours:.1f}" if times_ours is not None else "-")
        for small, large in pairwise(SIZES):
            grown = small in times and large in times
            power = log(times[large] / times[small]) / log(lengths[large] / lengths[small]) if grown else 0.0
            cells.append(f"{power:.2f}" if grown else "-")
        yield cells


def floor(options: Namespace, length: int) -> tuple[str, float | None]:
    """The table of bare counting on 50 MB, and the seconds that the radix sort would take for `length` characters."""
    program = str(options.shared / "bench" / "bench_ngram.py")
    names = FLOOR + (";KenLM count_ngrams (4-grams only)" if os.environ.get("KENLM_COUNT_NGRAMS") else "")
    printed = measure.output([sys.executable, program, "--text", str(options.work / "mix50.txt"), "--peers", names])
    found = re.search(rf"\| {re.escape(FLOOR)} \| ([\d.]+) \|", printed)
    return printed, length / float(found[1]) / 1e6 if found else None


def main() -> None:
    parser = measure.options("Time and memory of discovery.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="run only programs whose name holds this")
    options = measure.begin(parser)
    options.work, options.shared = options.work.resolve(), options.shared.resolve()
    texts = measure.needed(options.work, *(f"mix{size}.txt" for size in SIZES))
    header = measure.header("Speed of word discovery", texts)
    lengths = {size: len(text.read_text(encoding="utf-8")) for size, text in zip(SIZES, texts, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        programs = [*ours(Path(folder)), *peers(options.shared)]
        programs = [program for program in programs if not options.only or options.only in program.name]
        costs = run(programs, options)
    head = ["program", *(f"{size} MB" for size in SIZES), "10 MB, times ours", "50 MB, times ours"]
    head += ["exponent 1-10", "exponent 10-50"]
    counting, least = floor(options, lengths[50])
    lines = [header, measure.table(head, rows(programs, costs, lengths)), ""]
    lines.append(f"CPU seconds and peak resident memory of whole processes, medians of up to {options.rounds} rounds.")
    lines += ["", "## The floor: counting 1-4-grams of the 50 MB text, already in memory", "", counting]
    whole = costs.get((BASE, 50))
    if least and whole:
        times = median(cost.seconds for cost in whole.values()) / least
        lines += ["", f"Counting alone takes {least:.2f} s; {BASE} takes {times:.1f} times that, whole process."]
    measure.publish("\n".join(lines), options.out)


if __name__ == "__main__":
    main()
