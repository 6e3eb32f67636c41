"""Counting n-grams up to 6 as the text grows: time, memory, disk; the same bytes under any cap; beside two floors.

    python -m benchmarks.scale.counting [--kind repeated|zipf] [--sizes 10,100,1000] [--memory 512M] [--out FILE]

The texts are made on the spot in the folder for temporary files (the largest twice its size in all) and go away again.
`collections.Counter` counts the same n-grams in a loop, on the texts of ``--floor`` MB; KenLM's `count_ngrams` (set
KENLM_COUNT_NGRAMS to it) counts 6-grams alone, of characters with spaces between them, under the same cap.
"""

import hashlib
import os
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import pairwise
from math import log
from pathlib import Path

from benchmarks import measure
from benchmarks.scale import texts

COUNTER = """
import re, sys
from collections import Counter
counts, word = Counter(), re.compile("[\\u3400-\\u9fff]+")
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        for chunk in word.findall(line):
            for length in range(1, 7):
                counts.update([chunk[i : i + length] for i in range(len(chunk) - length + 1)])
"""
SPACED = 'import sys\nfor line in open(sys.argv[1], encoding="utf-8"): print(" ".join(line.replace(" ", "")), end="")'


class Row:
    """What one command on one text took."""

    def __init__(self, name: str, size: int, cost: measure.Cost, wall: float, output: Path | None = None) -> None:
        self.name, self.size, self.cost, self.wall = name, size, cost, wall
        self.bytes = output.stat().st_size if output and output.exists() else 0
        self.sha256 = digest(output) if self.bytes and output else ""

    def cells(self) -> list[object]:
        """The cells of its row."""
        status = f" (exit status {self.cost.status})" if self.cost.status else ""
        speed = self.size / self.cost.seconds
        cells = [self.name + status, f"{self.size:,}", f"{self.cost.seconds:.1f}", f"{self.wall:.0f}", f"{speed:.2f}"]
        return [*cells, f"{self.cost.megabytes:.0f}", f"{self.bytes / 1e6:.0f}", self.sha256[:12]]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def timed(name: str, size: int, command: list[str], output: Path | None = None) -> Row:
    """Run a command once."""
    started = time.monotonic()
    row = Row(name, size, measure.spend(command), time.monotonic() - started, output)
    print(" | ".join(map(str, row.cells())), file=sys.stderr, flush=True)
    return row


def ours(text: Path, size: int, folder: Path, memory: str, *more: str) -> Row:
    """Our count under a cap."""
    output = folder / "counts.run"
    command = [*measure.OURS, "count", "-q", str(text), "-o", str(output), "--memory", memory, "--tmp", str(folder)]
    return timed(" ".join(["nlp-zero count", "--memory", memory, *more]), size, [*command, *more], output)


def kenlm(text: Path, size: int, folder: Path, memory: str) -> Iterator[Row]:
    """KenLM's count under the same cap, where it was built."""
    program = os.environ.get("KENLM_COUNT_NGRAMS")
    if not program:
        measure.skip("KenLM", "KENLM_COUNT_NGRAMS is not set")
        return
    spaced, output = folder / "spaced.txt", folder / "kenlm.out"
    os.system(f'"{sys.executable}" -c \'{SPACED}\' "{text}" > "{spaced}"')
    vocabulary = f'--write_vocab_list "{folder}/vocabulary"'
    command = f'"{program}" -o 6 -S {memory} -T "{folder}/" {vocabulary} < "{spaced}" > "{output}"'
    yield timed("KenLM count_ngrams -o 6", size, ["sh", "-c", command], output)
    spaced.unlink(missing_ok=True)
    output.unlink(missing_ok=True)


def run(options: Namespace, folder: Path) -> Iterator[tuple[str, Row]]:
    """All rows, each with the part of the report it belongs to."""
    text = folder / "text.txt"
    for size in options.sizes:
        texts.make(options.kind, size, text, options.shared)
        yield "growth", ours(text, size, folder, options.memory)
        if size == options.equal:
            for memory, *more in (["64M"], ["8G", "--workers", "2"]):
                yield "equal", ours(text, size, folder, memory, *more)
            yield "less", ours(text, size, folder, options.memory, "--min-count", "5")
        if size in options.peers:
            for row in kenlm(text, size, folder, options.memory):
                yield "floor", row
        if size in options.floor:
            yield "floor", timed("collections.Counter", size, [sys.executable, "-c", COUNTER, str(text)])


def growth(rows: list[Row]) -> Iterator[list[str]]:
    """How time, memory and the file grow from one size to the next, as exponents."""
    for small, large in pairwise(rows):
        step = log(large.size / small.size)
        pairs = [
            (small.cost.seconds, large.cost.seconds),
            (small.cost.megabytes, large.cost.megabytes),
            (small.bytes, large.bytes),
        ]
        yield [
            f"{small.size:,} to {large.size:,} MB",
            *(f"{log(after / before) / step:.2f}" for before, after in pairs),
        ]


def verdicts(parts: dict[str, list[Row]], cap: float) -> Iterator[str]:
    """What the figures say, in sentences."""
    largest = parts["growth"][-1]
    peak = f"peak {largest.cost.megabytes:.0f} MB of {1.15 * cap + 30:.0f} allowed"
    yield f"{largest.size:,} MB under {cap:.0f} MB: {peak}."
    for row in parts.get("equal", []):
        base = next(other for other in parts["growth"] if other.size == row.size)
        yield f"`{row.name}`: {'the same bytes' if row.sha256 == base.sha256 else 'OTHER BYTES'} on {row.size:,} MB."
    for row in parts.get("floor", []):
        base = next(other for other in parts["growth"] if other.size == row.size)
        yield (
            f"{row.name}, {row.size:,} MB: {row.cost.seconds / base.cost.seconds:.1f} times our CPU time, "
            f"{row.cost.megabytes / base.cost.megabytes:.1f} times our memory."
        )


def numbers(text: str) -> list[int]:
    """Sizes, separated by commas."""
    return [int(part) for part in text.split(",") if part]


def main() -> None:
    parser = measure.options("Counting as the text grows.")
    parser.add_argument("--kind", choices=("repeated", "zipf"), default="repeated")
    parser.add_argument("--sizes", type=numbers, default=[10, 100, 1000])
    parser.add_argument("--floor", type=numbers, default=[10, 100], help="sizes on which Counter runs as well")
    parser.add_argument("--peers", type=numbers, default=[10], help="sizes on which KenLM runs as well")
    parser.add_argument("--equal", type=int, default=100, help="the size on which other caps must give the same bytes")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--folder", help="where texts and temporary files go")
    options = measure.begin(parser)
    options.shared = options.shared.resolve()
    header = measure.header(f"Counting n-grams up to 6 ({options.kind} text)")
    parts: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for part, row in run(options, Path(folder)):
            parts.setdefault(part, []).append(row)
            parts[part].sort(key=lambda row: row.size)
            if options.out is not None:  # what is known so far: the largest text takes long
                options.out.write_text(report(header, parts, options.memory) + "\n", encoding="utf-8")
    measure.publish(report(header, parts, options.memory), options.out)


def report(header: str, parts: dict[str, list[Row]], memory: str) -> str:
    """The tables and what they say."""
    head = ["command", "MB of text", "CPU s", "wall s", "MB a CPU s", "peak MB", "file MB", "SHA-256"]
    rows = [row.cells() for part in ("growth", "equal", "less", "floor") for row in parts.get(part, [])]
    lines = [header, measure.table(head, rows), ""]
    lines += [f"- {verdict}" for verdict in verdicts(parts, float(memory.rstrip("M")))]
    lines += ["", "Exponents of growth (1: as the text grows):", ""]
    lines.append(measure.table(["from, to", "CPU time", "peak memory", "file"], growth(parts["growth"])))
    lines += ["", "One run each, whole processes; CPU seconds (user + system), on a machine shared with other work."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
