"""The plan for ten terabytes: what is measured on three texts, and what follows for larger ones.

    python -m benchmarks.scale.plan [--files mix1.txt,mix10.txt,mix50.txt] [--cores 16] [--shard 1] [--out FILE]

Distinct windows, the bytes of run files, the CPU time of ``count`` and of ``merge`` are measured, on one kind of text
in several sizes (of the folder ``--work``). Distinct windows grow by a power of the text that falls as the text
grows; the plan goes on with the last one, so it is too large rather than too small. Text is counted in shards, and 64
runs at a time are merged until one is left; what the merges of a round read has to travel, but for what lies there.
"""

import math
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks import measure
from nlp_zero.words.runs import FAN_IN, Run

GIGABYTE = 1_000_000_000
SIZES = (1, 100, 1_000, 10_000)  # gigabytes
HOUR = 3600


class Measured(NamedTuple):
    """One text and its run file."""

    text: int  # bytes
    symbols: int
    windows: int
    file: int  # bytes
    seconds: float


class Law(NamedTuple):
    """What a text of any size is taken to cost."""

    base: Measured
    exponent: float
    merging: float  # CPU seconds a window that is read

    def windows(self, size: float) -> float:
        """Distinct windows of so many bytes of text."""
        return self.base.windows * (size / self.base.text) ** self.exponent

    def file(self, size: float) -> float:
        """Bytes of its run file."""
        return self.windows(size) * self.base.file / self.base.windows

    def counting(self, size: float) -> float:
        """Core hours that ``count`` takes."""
        return size * self.base.seconds / self.base.text / HOUR


class Plan(NamedTuple):
    """A text counted in shards."""

    shards: int
    rounds: list[float]  # bytes that each round of merges reads
    counting: float  # core hours
    merging: float

    @property
    def hours(self) -> float:
        return self.counting + self.merging


def counted(text: Path, output: Path) -> Measured:
    """Count one text, alone."""
    command = [*measure.OURS, "count", "-q", str(text), "-o", str(output)]
    seconds = min(measure.spend(command).seconds for _ in range(2))
    with Run(output) as run:
        symbols = run.load().total(1)
        return Measured(text.stat().st_size, symbols, run.rows, run.bytes, seconds)


def merging(runs: list[Path], output: Path) -> float:
    """CPU seconds for each window that ``merge`` reads."""
    rows = 0
    for path in runs:
        with Run(path) as run:
            rows += run.rows
    return measure.spend([*measure.OURS, "merge", "-q", *map(str, runs), "-o", str(output)]).seconds / rows


def plan(law: Law, size: float, shard: float) -> Plan:
    """How so many bytes of text are counted.

    >>> law = Law(Measured(1000, 300, 100, 1000, 3600.0), 1.0, 3600.0)
    >>> plan(law, 6400.0, 100.0)
    Plan(shards=64, rounds=[6400.0], counting=6.4, merging=640.0)
    """
    shards = number = max(1, math.ceil(size / shard))
    rounds, merged, part = [], 0.0, size / shards
    while number > 1:
        rounds.append(number * law.file(part))
        merged += number * law.windows(part) * law.merging / HOUR
        number = math.ceil(number / FAN_IN)
        part = size / number
    return Plan(shards, rounds, law.counting(size), merged)


def suffices(law: Law, shard: float, core_hours: float) -> float:
    """Bytes of text that are counted and merged in so many core hours."""
    low, high = 0.0, 1e18
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if plan(law, middle, shard).hours <= core_hours else (low, middle)
    return low


def amount(size: float) -> str:
    """Bytes for a reader.

    >>> amount(2.94e12), amount(48e9), amount(1.9e6)
    ('2.9 TB', '48 GB', '1.9 MB')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB")):
        if size >= unit:
            return f"{size / unit:.{1 if size < 10 * unit else 0}f} {name}"
    return f"{size / 1e6:.1f} MB"


def growth(measured: list[Measured]) -> Iterator[list[str]]:
    """The measured rows, with the exponent from each text to the next."""
    exponents = ["", *(f"{exponent(*pair):.2f}" for pair in pairwise(measured))]
    for row, power in zip(measured, exponents, strict=True):
        yield [
            f"{row.text / 1e6:,.0f} MB",
            f"{row.symbols:,}",
            f"{row.windows:,}",
            f"{row.windows / row.symbols:.2f}",
            amount(row.file),
            f"{row.text / row.seconds / 1e6:.1f}",
            power,
        ]


def exponent(small: Measured, large: Measured) -> float:
    """By which power of the text distinct windows grow."""
    return math.log(large.windows / small.windows) / math.log(large.text / small.text)


def planned(law: Law, shard: float, cores: int) -> Iterator[list[str]]:
    """The rows of the plan."""
    for size in SIZES:
        whole = plan(law, size * GIGABYTE, shard)
        yield [
            amount(size * GIGABYTE),
            f"{law.windows(size * GIGABYTE) / 1e9:,.2f} billion",
            amount(law.file(size * GIGABYTE)),
            f"{whole.shards:,}",
            ", ".join(map(amount, whole.rounds)) or "nothing",
            f"{whole.counting:,.2f}" if whole.counting < 1 else f"{whole.counting:,.0f}",
            f"{whole.merging:,.2f}" if whole.merging < 1 else f"{whole.merging:,.0f}",
            f"{whole.hours / cores:,.1f}",
        ]


def main() -> None:
    parser = measure.options("The plan for ten terabytes.")
    parser.add_argument("--files", type=lambda text: text.split(","), default=["mix1.txt", "mix10.txt", "mix50.txt"])
    parser.add_argument("--cores", type=int, default=16, help="of the one machine")
    parser.add_argument("--shard", type=float, default=1.0, help="gigabytes of text that are counted in one piece")
    options = measure.begin(parser)
    texts = measure.needed(options.work, *options.files)
    header = measure.header("Ten terabytes, on paper", texts)
    with tempfile.TemporaryDirectory() as folder:
        runs = [Path(folder, f"{number}.run") for number in range(len(texts))]
        measured = [counted(text, run) for text, run in zip(texts, runs, strict=True)]
        law = Law(measured[-1], exponent(*measured[-2:]), merging(runs, Path(folder, "all.run")))
    shard = options.shard * GIGABYTE
    head = ["text", "symbols", "distinct windows", "a symbol", "run file", "MB a CPU s", "exponent from the row above"]
    parts = [header, measure.table(head, growth(measured)), ""]
    parts += [
        f"Merging: {1e6 * law.merging:.2f} CPU s a million windows that are read. On with {law.exponent:.2f}:",
        "",
    ]
    head = ["text", "distinct windows", "merged run", "shards", "read by each round of merges"]
    head += ["core hours, count", "core hours, merge", f"hours on {options.cores} cores"]
    parts += [measure.table(head, planned(law, shard, options.cores)), ""]
    day = suffices(law, shard, 24 * options.cores)
    whole = plan(law, day, shard)
    disk = whole.rounds[0] + law.file(day)
    parts.append(f"One machine of {options.cores} cores counts and merges {amount(day)} of text in a day, ")
    parts[-1] += f"with {amount(disk)} of disk for run files beside it."
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
