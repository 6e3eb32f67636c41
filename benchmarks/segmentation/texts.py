"""Parts of the protocol's raw text: the test sets in it, what is left without them, and random blocks of lines."""

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from nlp_zero.words.symbols import SymbolText

TESTS = ("pku", "msr", "uddev")
"""The gold sets whose raw text ends protocol.txt, in this order."""

CHUNKS = 200
"""Of a block: consecutive lines that hold so many stretches between known boundaries."""


def lines(path: Path) -> list[str]:
    """The lines of a text, split at line feeds alone."""
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def protocol(work: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The raw text of the protocol: what stands before the test sets, and the lines of each test set."""
    text = lines(work / "protocol.txt")
    tests = {name: lines(work / f"{name}_raw.txt") for name in TESTS}
    size = sum(map(len, tests.values()))
    if text[-size:] != [line for part in tests.values() for line in part]:
        sys.exit("protocol.txt does not end with the test texts; build it again with: python -m benchmarks.data")
    return text[:-size], tests


def blocks(source: list[str], seed: int, chunks: int = CHUNKS) -> Iterator[list[str]]:
    """All lines in blocks of about ``chunks`` stretches each, the blocks in an order drawn by the seed.

    >>> list(blocks(["今天，下雨。", "明天？", "后天！"], 1, 2))
    [['明天？', '后天！'], ['今天，下雨。']]
    """
    out: list[list[str]] = [[]]
    held = 0
    for line in source:
        if held >= chunks:
            out.append([])
            held = 0
        out[-1].append(line)
        held += len(re.findall(r"\w+", line))
    random.Random(seed).shuffle(out)
    return iter(out)


def filled(start: list[str], source: list[str], symbols: int, seed: int) -> list[str]:
    """``start``, before it random blocks of the source until there are ``symbols`` symbols of words in all.

    A symbol is a character, a number or a Latin word; the last block is taken whole.

    >>> len(filled(["今天下雨。"], ["明天呢？"] * 9, 20, seed=1))
    10
    """
    text = SymbolText(start)
    added: list[str] = []
    for block in blocks(source, seed):
        if text.size >= symbols:
            break
        text.extend(block)
        added += block
    return added + start
