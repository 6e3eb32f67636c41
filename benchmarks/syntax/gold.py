"""Bracketed lines from dependency trees: the gold of `nlp-zero eval --trees`.

    python -m benchmarks.syntax.gold TREEBANK.conllu[.xz] [--longest 40] [--words] > gold.txt

A bracket is the span of a head with all its dependants, where that span is unbroken once punctuation (words without a
letter, a digit or a Han character) is taken out. Sentences of 2 to 40 words besides punctuation. With `--words` the
same sentences as plain words, to be parsed: `nlp-zero parse --segmented --format brackets`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nlp_zero.syntax.stretches import is_sign
from nlp_zero.syntax.tree import Tree

LONGEST = 40
OPENERS = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}


class Sentence(NamedTuple):
    words: list[str]
    brackets: list[tuple[int, int]]


def rows(path: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Words and heads (from 0; -1 the root) of every sentence; ranges such as 3-4 and empty nodes are no words."""
    words: list[str] = []
    heads: list[int] = []
    with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in [*file.read().split("\n"), ""]:
            columns = line.rstrip("\r").split("\t")
            if len(columns) == 10 and columns[0].isdigit():
                words.append(columns[1].replace(" ", "").replace("\u3000", ""))
                heads.append(int(columns[6]) - 1)
            elif words and not line.strip():
                yield words, heads
                words, heads = [], []


def brackets(words: Sequence[str], heads: Sequence[int]) -> list[tuple[int, int]]:
    """The spans of heads with their dependants, two words or more, punctuation at their ends left out.

    >>> brackets(["我", "的", "苹果", "，", "好", "吃"], [2, 0, 5, 5, 5, -1])
    [(0, 2), (0, 3), (0, 6)]
    """
    counted = [not is_sign(word) for word in words]
    members: list[set[int]] = [{place} for place in range(len(words))]
    for place in range(len(words)):
        head, steps = heads[place], 0
        while head >= 0 and steps <= len(words):
            members[head].add(place)
            head, steps = heads[head], steps + 1
    found = set()
    for dependants in members:
        places = sorted(place for place in dependants if counted[place])
        if len(places) > 1 and len(places) == sum(counted[places[0] : places[-1] + 1]):
            found.add((places[0], places[-1] + 1))
    return sorted(found)


def sentences(path: Path, longest: int = LONGEST) -> Iterator[Sentence]:
    """The sentences of 2 to ``longest`` words besides punctuation, with their brackets."""
    for words, heads in rows(path):
        if 2 <= sum(not is_sign(word) for word in words) <= longest:
            yield Sentence(words, brackets(words, heads))


def main() -> None:
    parser = ArgumentParser(description="Bracketed lines from dependency trees.")
    parser.add_argument("treebank", type=Path)
    parser.add_argument("--longest", type=int, default=LONGEST, help="words besides punctuation (default: 40)")
    parser.add_argument("--words", action="store_true", help="the words alone")
    options = parser.parse_args()
    for words, spans in sentences(options.treebank, options.longest):
        sys.stdout.write((" ".join(words) if options.words else Tree.from_spans(words, spans).brackets()) + "\n")


if __name__ == "__main__":
    main()
