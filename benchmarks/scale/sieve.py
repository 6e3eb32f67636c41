"""Counting n-grams above a threshold with a sieve and without: time, and bytes of temporary files; the same bytes out.

    python -m benchmarks.scale.sieve [--file mix50.txt] [--leasts 2,5,10,20] [--memory 64] [--rounds 3] [--out FILE]

CPU seconds are the least of some rounds, reading included, with one worker.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks import measure
from benchmarks.scale.counting import digest, numbers


class Blocks:
    """A file, as often as it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[str]:
        from nlp_zero.text.corpus import Corpus

        return Corpus(self.path).blocks()


def compare(text: Path, least: int, memory: int, rounds: int, folder: Path) -> list[str]:
    """The row of one threshold."""
    from nlp_zero.words import bounded

    spilled, written = 0, bounded.Spills._written

    def measured(self: bounded.Spills, *arguments: object) -> object:
        nonlocal spilled
        source = written(self, *arguments)  # type: ignore[arg-type]
        spilled += source.end
        return source

    seconds: dict[bool, float] = {}
    written_bytes: dict[bool, int] = {}
    results = set()
    with mock.patch.object(bounded.Spills, "_written", measured):
        for _ in range(rounds):
            for sieve in (False, True):
                spilled, started, path = 0, time.process_time(), folder / "run"
                bounded.count_text(Blocks(text), path, min_count=least, memory=memory << 20, sieve=sieve)
                seconds[sieve] = min(seconds.get(sieve, 1e9), time.process_time() - started)
                written_bytes[sieve] = spilled
                results.add(digest(path))
    return [
        str(least),
        *(f"{seconds[sieve]:.1f}" for sieve in (False, True)),
        f"{seconds[True] / seconds[False]:.2f}",
        *(f"{written_bytes[sieve] / 1e6:.0f}" for sieve in (False, True)),
        "the same bytes" if len(results) == 1 else "OTHER BYTES",
    ]


def main() -> None:
    parser = measure.options("A sieve before counting.")
    parser.add_argument("--file", default="mix50.txt", help="a file of the folder --work, or a path")
    parser.add_argument("--leasts", type=numbers, default=[2, 5, 10, 20], help="values of --min-count")
    parser.add_argument("--memory", type=int, default=64, help="MB")
    parser.add_argument("--rounds", type=int, default=3)
    options = measure.begin(parser)
    (text,) = measure.needed(options.work, options.file)
    header = measure.header(f"Counting with a sieve and without, {options.memory} MB of memory", [text])
    with tempfile.TemporaryDirectory() as name:
        rows = [compare(text, least, options.memory, options.rounds, Path(name)) for least in options.leasts]
    head = ["--min-count", "CPU s without", "with a sieve", "ratio", "MB of temporary files without", "with", "results"]
    measure.publish(f"{header}\n{measure.table(head, rows)}", options.out)


if __name__ == "__main__":
    main()
