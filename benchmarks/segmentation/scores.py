"""Exact-span scores, and figures over several seeds; the few lines that all segmentation scripts score with."""

import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import NamedTuple


class Score(NamedTuple):
    """Exact spans: shares of the system's words and of the gold words that are right."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-12)


def spans(words: Iterable[str]) -> set[tuple[int, int]]:
    """Where the words of a line stand.

    >>> sorted(spans(["自然", "语言"]))
    [(0, 2), (2, 4)]
    """
    out, start = set(), 0
    for word in words:
        out.add((start, start + len(word)))
        start += len(word)
    return out


def score_lines(gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]]) -> Score:
    """Score lines of words; ValueError where a line holds other characters than its gold.

    >>> score_lines([["研究", "生命"]], [["研究", "生", "命"]])
    Score(precision=0.3333333333333333, recall=0.5)
    """
    right = in_gold = in_system = 0
    for number, (expected, got) in enumerate(zip_longest(gold, system), 1):
        if expected is None or got is None or "".join(expected) != "".join(got):
            raise ValueError(f"line {number}: the characters differ from those of the gold line")
        wanted, found = spans(expected), spans(got)
        right += len(wanted & found)
        in_gold += len(wanted)
        in_system += len(found)
    return Score(right / max(in_system, 1), right / max(in_gold, 1))


def segmented(path: Path) -> list[list[str]]:
    """The lines of a segmented file as words."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.split() for line in (lines[:-1] if lines and not lines[-1] else lines)]


def score(gold: Path, system: Path) -> Score:
    """Score a segmented file; ends the program where the two hold different characters."""
    try:
        return score_lines(segmented(gold), segmented(system))
    except ValueError as error:
        sys.exit(f"{system.name}: {error} ({gold.name})")


def mean(scores: Sequence[Score]) -> Score:
    """Precision and recall, each its mean over the runs."""
    return Score(fmean(one.precision for one in scores), fmean(one.recall for one in scores))


def spread(values: Sequence[float], digits: int = 4) -> str:
    """The mean, and of several values the least and the greatest.

    >>> spread([0.8336, 0.8349, 0.8331]), spread([0.7996])
    ('0.8339 (0.8331-0.8349)', '0.7996')
    """
    middle = f"{fmean(values):.{digits}f}"
    return f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})" if len(values) > 1 else middle


def seeds(text: str) -> list[int]:
    """The seeds of an option.

    >>> seeds("1,2,3")
    [1, 2, 3]
    """
    return [int(seed) for seed in text.split(",")]
