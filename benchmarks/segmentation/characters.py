"""A character trigram model with interpolated Kneser-Ney smoothing: what text costs without any words.

The reference that word models have to beat, as minimum entropy demands (Kneser & Ney 1995; the interpolated form of
Chen & Goodman 1999, one discount an order, n1 / (n1 + 2 n2)). Lines are independent; two marks stand before the first
character; the end of a line is not predicted, as the word models do not predict it either.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import log

ALPHABET = 20_992
"""The characters that a new one may be: as many as the main block of Han has share what the lowest order leaves."""

START = "\n"


class Trigrams:
    """Characters by the two before them.

    >>> model = Trigrams(["今天天气好", "今天下雨"])
    >>> round(model.bits("今天天气好") / 5, 2) < round(model.bits("雨下气今天") / 5, 2)
    True
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Counts of trigrams, and for lower orders of the distinct characters before; O(characters)."""
        threes: Counter[str] = Counter()
        for line in lines:
            padded = START * 2 + line
            threes.update(padded[place : place + 3] for place in range(len(line)))
        twos = Counter(three[1:] for three in threes)
        ones = Counter(two[1:] for two in twos)
        self.counts: tuple[Counter[str], ...] = (ones, twos, threes)
        self.discounts = [discount(table) for table in self.counts]
        self.totals: list[Counter[str]] = []
        self.kinds: list[Counter[str]] = []
        for table in self.counts:
            total: Counter[str] = Counter()
            kinds: Counter[str] = Counter()
            for gram, count in table.items():
                total[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            self.totals.append(total)
            self.kinds.append(kinds)

    def probability(self, gram: str) -> float:
        """p(last character | those before); at most three characters."""
        chance = 1 / ALPHABET
        for order, (table, less) in enumerate(zip(self.counts, self.discounts, strict=True)):
            part = gram[len(gram) - order - 1 :]
            total = self.totals[order][part[:-1]]
            if total:
                seen = max(table[part] - less, 0.0) / total
                chance = seen + less * self.kinds[order][part[:-1]] / total * chance
        return chance

    def bits(self, line: str) -> float:
        """-log2 p of a line."""
        return sum(-log(self.probability(gram)) for gram in grams(line)) / log(2)


def grams(line: str) -> Iterator[str]:
    """Each character with the two before it."""
    padded = START * 2 + line
    return (padded[place : place + 3] for place in range(len(line)))


def discount(table: Counter[str]) -> float:
    """n1 / (n1 + 2 n2), n1 and n2 being how many were counted once and twice; a half where nothing was.

    >>> discount(Counter({"a": 1, "b": 1, "c": 2, "d": 9}))
    0.5
    """
    once, twice = (sum(count == wanted for count in table.values()) for wanted in (1, 2))
    return once / (once + 2 * twice) if once else 0.5
