"""Counting, cutting and tagging by two workers instead of one: how much sooner, beside what the machine has to give.

    python -m benchmarks.scale.workers [--size 100] [--rounds 6] [--memory 512M] [--verbs count,cut,tag] [--out FILE]

This is about the clock, so the machine should have nothing else to do. What two cores can give at best is measured in
the same round: two processes of one worker each, side by side. On a machine whose cores share something (memory, a
physical core, other guests) they take longer than one alone, and no program of two workers can do better. The tagger is
a perceptron, learnt on the spot from ``pku_tail_gold.txt`` of the folder ``--work``; it reads a fifth of the text.
"""

import subprocess
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from statistics import median

from benchmarks import measure
from benchmarks.scale import texts
from benchmarks.scale.counting import digest

JOBS = ("count", "cut", "tag")


def command(job: str, text: Path, output: Path, workers: int, options: Namespace) -> list[str]:
    """One of our verbs."""
    more = {"count": ["--memory", options.memory], "tag": ["-m", str(text.with_name("tagger"))]}.get(job, [])
    return [*measure.OURS, job, "-q", str(text), "-o", str(output), "--workers", str(workers), *more]


def clock(*commands: list[str]) -> float:
    """Seconds until all of these commands, started at once, have ended."""
    started = time.monotonic()
    children = [subprocess.Popen(command, env=measure.environment()) for command in commands]
    if any([child.wait() for child in children]):  # noqa: C419  # all of them
        raise SystemExit(f"a command failed: {commands}")
    return time.monotonic() - started


def compare(job: str, text: Path, megabytes: int, options: Namespace) -> list[str]:
    """The row of one verb: the medians over the rounds of times, and of ratios taken within a round."""
    outputs = [text.with_name(f"{job}-{name}") for name in ("one", "two", "side")]
    rounds = []
    for number in range(options.rounds):
        times = {}
        for workers in (1, 2) if number % 2 else (2, 1):  # each as often first, as memory is warmer then
            times[workers] = clock(command(job, text, outputs[workers - 1], workers, options))
        one, two = times[1], times[2]
        side = clock(*(command(job, text, output, 1, options) for output in outputs[::2]))
        rounds.append((one, two, side, one / two, 2 * one / side, 0.5 * side / two))
    same = len({digest(path) for path in outputs}) == 1
    for path in outputs:
        path.unlink()
    *seconds, sooner, ceiling, share = map(median, zip(*rounds, strict=True))
    least, most = min(row[3] for row in rounds), max(row[3] for row in rounds)
    return [
        f"nlp-zero {job}",
        str(megabytes),
        *(f"{median_time:.2f}" for median_time in seconds),
        f"{sooner:.2f} ({least:.2f}-{most:.2f})",
        f"{ceiling:.2f}",
        f"{share:.0%}",
        "the same bytes" if same else "OTHER BYTES",
    ]


def rows(folder: Path, options: Namespace) -> list[list[str]]:
    """The rows of all verbs."""
    shared, found = options.shared.resolve(), []
    for job in options.verbs:
        megabytes = max(1, options.size // 5) if job == "tag" else options.size
        text = folder / f"{megabytes}.txt"
        if not text.exists():
            texts.make("repeated", megabytes, text, shared)
        if job == "tag":
            (gold,) = measure.needed(options.work, "pku_tail_gold.txt")
            learn = ["train", "perceptron", "-q", str(gold), "--data", "words", "--iterations", "2"]
            clock([*measure.OURS, *learn, "-o", str(folder / "tagger")])
        found.append(compare(job, text, megabytes, options))
    return found


def main() -> None:
    parser = measure.options("One worker and two.")
    parser.add_argument("--size", type=int, default=100, help="megabytes of text")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--verbs", type=lambda text: text.split(","), default=list(JOBS), help="count,cut,tag or fewer")
    options = measure.begin(parser)
    header = measure.header(f"One worker and two: novels and laws, medians of {options.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder), options)
    head = ["verb", "MB", "one worker, s", "two workers, s", "two processes of one, s", "sooner", "at best", "of it"]
    notes = [
        "Seconds by the clock, whole processes. *Sooner*: one worker / two workers within a round, with the least and",
        "the greatest. *At best*: what two processes that know nothing of each other reach in the same round, 2 x one",
        "worker / both; 2.00 on two cores of their own. *Of it*: sooner / at best, what the program makes of the two.",
    ]
    measure.publish(f"{header}\n{measure.table([*head, 'results'], found)}\n\n" + "\n".join(notes), options.out)


if __name__ == "__main__":
    main()
