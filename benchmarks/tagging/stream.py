"""Tagging streams of any length: memory as a stream grows, and the time that a second worker saves.

    python -m benchmarks.tagging.stream [--lines 100000,1000000] [--pure] [--jobs memory,workers] [--out FILE]

A perceptron, five passes over the first 3,000 lines of the MSR training tail, cuts the raw MSR test text, its lines
broken at 20 characters and repeated as often as it takes. Memory is the peak of the process that tags, from a file to
a file; it should not follow the lines. Workers are timed by the clock, which wants an idle machine, the better of two
runs; the outputs are compared byte by byte. --pure times the workers of the pure engine as well, with a text of a
twentieth of the length.
"""

import filecmp
import subprocess
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from benchmarks.measure import OURS, begin, environment, header, needed, options, publish, spend, table

WIDTH = 20
WORKER_LINES = 400_000


def sentences(path: Path) -> Iterator[str]:
    """The lines of a text, broken, again and again."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return cycle([line[at : at + WIDTH] for line in lines for at in range(0, len(line), WIDTH)])


def written(path: Path, raw: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in islice(sentences(raw), count))
    return path


def tag(model: Path, text: Path, out: Path, workers: int = 1) -> list[str]:
    return [*OURS, "tag", "-q", "-m", str(model), str(text), "-o", str(out), "--workers", str(workers)]


def memory(chosen: Namespace, raw: Path, model: Path, folder: Path) -> str:
    rows = []
    for count in map(int, chosen.lines.split(",")):
        text = written(folder / "text", raw, count)
        cost = spend(tag(model, text, folder / "out"))
        rows.append([f"{count:,}", f"{text.stat().st_size:,}", f"{cost.seconds:.1f}", f"{cost.megabytes:.0f}"])
    return "## Memory\n\n" + table(["lines", "bytes", "CPU s", "peak MB"], rows) + "\n"


def clock(command: list[str], pure: bool) -> float:
    extra = {"NLP_ZERO_PURE": "1"} if pure else {}
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment(**extra))
    return time.perf_counter() - began


def workers(chosen: Namespace, raw: Path, model: Path, folder: Path) -> str:
    rows = []
    for pure in (False, True)[: 1 + chosen.pure]:
        text = written(folder / "text", raw, WORKER_LINES // (20 if pure else 1))
        outs = folder / "one", folder / "two"
        best = [1e9, 1e9]
        for _ in range(2):
            for number, out in enumerate(outs):
                best[number] = min(best[number], clock(tag(model, text, out, number + 1), pure))
        same = "yes" if filecmp.cmp(*outs, shallow=False) else "NO"
        engine = "python" if pure else "c"
        rows.append([engine, f"{best[0]:.2f}", f"{best[1]:.2f}", f"{best[0] / best[1]:.2f}", same])
    head = ["engine", "one worker, s by the clock", "two workers", "times as fast", "same bytes"]
    return "## Workers\n\n" + table(head, rows) + "\n"


def main() -> None:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--lines", default="100000,1000000")
    parser.add_argument("--pure", action="store_true", help="the workers of the pure engine as well")
    parser.add_argument("--jobs", default="memory,workers")
    chosen = begin(parser)
    gold, raw = needed(chosen.work, "msr_tail_gold.txt", "msr_raw.txt")
    parts = [header("Tagging streams")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = gold.read_text(encoding="utf-8").split("\n")[:3000]
        (folder / "gold").write_text("\n".join(first) + "\n", encoding="utf-8")
        model = folder / "model"
        train = [*OURS, "train", "perceptron", str(folder / "gold"), "--iterations", "5", "-q", "-o", str(model)]
        subprocess.run(train, check=True, env=environment())
        for job in chosen.jobs.split(","):
            parts.append({"memory": memory, "workers": workers}[job](chosen, raw, model, folder))
    publish("\n".join(parts), chosen.out)


if __name__ == "__main__":
    main()
