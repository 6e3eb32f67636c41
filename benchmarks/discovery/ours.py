"""nlp-zero as the shared benchmark programs want it: a function from the path of a text to ranked words."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import OURS, environment


def ranked(path: Path) -> Iterator[str]:
    """The first column of a written lexicon, best first; lines of the header are passed over."""
    rows = (line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#"))
    next(rows, None)
    for row in rows:
        yield row.split("\t", 1)[0]


def words(path: str, method: str) -> list[str]:
    """Words found by the command line, as a user would call it."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "words.tsv"
        subprocess.run([*OURS, "words", "--method", method, path, "-o", str(target)], check=True, env=environment())
        return list(ranked(target))


def entropy(path: str) -> list[str]:
    """Method `entropy`."""
    return words(path, "entropy")


def pmi(path: str) -> list[str]:
    """Method `pmi`."""
    return words(path, "pmi")


def bayes(path: str) -> list[str]:
    """Method `bayes`."""
    return words(path, "bayes")


def cohesion(path: str) -> list[str]:
    """Method `cohesion`."""
    return words(path, "cohesion")
