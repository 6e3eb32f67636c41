"""Counting and cutting by two workers instead of one: how much sooner, beside what the machine itself has to give.

    python -m benchmarks.scale.workers [--size 100] [--rounds 3] [--memory 512M] [--out FILE]

This is about the clock, so the machine should have nothing else to do. What two cores can give at best is measured in
the same round: two processes of one worker each, side by side. On a machine whose cores share something (memory, a
physical core, other guests) they take longer than one alone, and no program of two workers can do better.
"""

import subprocess
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from benchmarks import measure
from benchmarks.scale import texts
from benchmarks.scale.counting import digest

JOBS = ("count", "cut")


def command(job: str, text: Path, output: Path, workers: int, options: Namespace) -> list[str]:
    """One of our verbs."""
    memory = ["--memory", options.memory] if job == "count" else []
    return [*measure.OURS, job, "-q", str(text), "-o", str(output), "--workers", str(workers), *memory]


def clock(*commands: list[str]) -> float:
    """Seconds until all of these commands, started at once, have ended."""
    started = time.monotonic()
    children = [subprocess.Popen(command, env=measure.environment()) for command in commands]
    if max(child.wait() for child in children):
        raise SystemExit(f"a command failed: {commands}")
    return time.monotonic() - started


def compare(job: str, text: Path, folder: Path, options: Namespace) -> list[str]:
    """The row of one verb: the least times of all rounds."""
    one, two, side = [], [], []
    outputs = [folder / f"{job}-{name}" for name in ("one", "two", "side")]
    for _ in range(options.rounds):
        one.append(clock(command(job, text, outputs[0], 1, options)))
        two.append(clock(command(job, text, outputs[1], 2, options)))
        side.append(clock(*(command(job, text, output, 1, options) for output in outputs[::2])))
    same = len({digest(path) for path in outputs}) == 1
    for path in outputs:
        path.unlink()
    times = [min(one), min(two), min(side)]
    ceiling = 2 * times[0] / times[2]
    return [
        f"nlp-zero {job}",
        *(f"{seconds:.2f}" for seconds in times),
        f"{times[0] / times[1]:.2f}",
        f"{ceiling:.2f}",
        "the same bytes" if same else "OTHER BYTES",
    ]


def main() -> None:
    parser = measure.options("One worker and two.")
    parser.add_argument("--size", type=int, default=100, help="megabytes of text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="512M")
    options = measure.begin(parser)
    title = f"One worker and two: {options.size} MB of novels and laws, the least of {options.rounds} rounds"
    header = measure.header(title)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        texts.make("repeated", options.size, text, options.shared.resolve())
        rows = [compare(job, text, Path(folder), options) for job in JOBS]
    head = ["verb", "one worker, s", "two workers, s", "two processes of one, s", "sooner", "at best", "results"]
    notes = [
        "Seconds by the clock, whole processes. *Sooner*: one worker / two workers. *At best*: what two processes that",
        "know nothing of each other reach in the same rounds, 2 x one worker / both; 2.00 on two cores of their own.",
    ]
    measure.publish(f"{header}\n{measure.table(head, rows)}\n\n" + "\n".join(notes), options.out)


if __name__ == "__main__":
    main()
