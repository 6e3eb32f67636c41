"""Counting n-grams above a threshold with a sieve and without: time, and bytes of temporary files; the same bytes out.

python -m benchmarks.scale.sieve [--file mix50.txt] [--least 5] [--memory 512] [--out FILE]
"""

import tempfile
import time
from pathlib import Path
from unittest import mock

from benchmarks import measure
from benchmarks.scale.counting import digest


def main() -> None:
    parser = measure.options("A sieve before counting.")
    parser.add_argument("--file", default="mix50.txt", help="a file of the folder --work")
    parser.add_argument("--least", type=int, default=5)
    parser.add_argument("--memory", type=int, default=512, help="MB")
    options = measure.begin(parser)
    (text,) = measure.needed(options.work, options.file)
    header = measure.header(f"Counting n-grams of {options.least} occurrences and more, {options.memory} MB", [text])
    from nlp_zero.text.corpus import Corpus
    from nlp_zero.words import bounded

    lines = list(Corpus(text).blocks())
    spilled, rows, results = 0, [], set()
    written = bounded.Spills._written

    def measured(self: bounded.Spills, *arguments: object) -> object:
        nonlocal spilled
        source = written(self, *arguments)  # type: ignore[arg-type]
        spilled += source.end
        return source

    with tempfile.TemporaryDirectory() as name, mock.patch.object(bounded.Spills, "_written", measured):
        for sieve in (False, True):
            spilled, started, path = 0, time.process_time(), Path(name, "run")
            bounded.count_text(lines, path, min_count=options.least, memory=options.memory << 20, sieve=sieve)
            seconds = time.process_time() - started
            rows.append(["with a sieve" if sieve else "without", f"{seconds:.1f}", f"{spilled / 1e6:.0f}"])
            results.add(digest(path))
    note = "The two files are the same, to the byte." if len(results) == 1 else "THE FILES DIFFER."
    table = measure.table(["", "CPU s", "MB of temporary files"], rows)
    measure.publish(f"{header}\n{table}\n\n{note}", options.out)


if __name__ == "__main__":
    main()
