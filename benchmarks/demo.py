"""The main job on the sample texts in corpora/: learn, the best words, a few segmented lines, the score.

Runs the command line's own verbs, shows each as one would type it, and leaves nothing behind. Nothing but raw text
goes into the model; travel.seg.txt, segmented by hand, is read only to score the result.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from itertools import islice
from pathlib import Path

from nlp_zero.cli import main

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ROOT / "corpora"


def run(*arguments: str | Path) -> None:
    """Show the command, run it, and stop with its status if it fails."""
    print("\n$", shlex.join(["nlp-zero", *map(shown, arguments)]), flush=True)
    if status := main([str(argument) for argument in arguments]):
        sys.exit(status)


def shown(argument: str | Path) -> str:
    """The argument as one would type it in the folder of the project."""
    if isinstance(argument, str):
        return argument
    return str(argument.relative_to(ROOT)) if argument.is_relative_to(ROOT) else argument.name


def demo() -> None:
    texts = sorted(path for path in CORPORA.glob("*.txt") if not path.name.endswith(".seg.txt"))
    with tempfile.TemporaryDirectory() as folder:
        model, raw, cut = (Path(folder, name) for name in ("demo.model", "travel.raw.txt", "travel.cut.txt"))
        run("--version")
        run("learn", *texts, "-o", model, "--show", "20")
        # The gold text without its spaces is what the model has to cut.
        run("corpus", "make", "--unsegment", CORPORA / "travel.seg.txt", "-o", raw)
        run("cut", "-m", model, raw, "-o", cut)
        with cut.open(encoding="utf-8") as lines:
            for line in islice(lines, 3):
                print(line, end="")
        run("explain", "-m", model, "我们在火车站的候车室里碰头。")
        run("eval", CORPORA / "travel.seg.txt", cut)


if __name__ == "__main__":
    demo()
