"""The word-discovery recipe over KenLM's n-gram counter, as a peer to measure against.

Own short writing of the published recipe (n-gram cohesion with a back-check): count 4-grams with an external
program, keep those that cohere, cut the text where nothing kept is broken, count the pieces, check the pieces.

    KENLM_COUNT_NGRAMS=/path/of/count_ngrams python -m benchmarks.discovery.kenlm_recipe TEXT

What the recipe does is kept, its weaknesses as well: records below `MIN_COUNT` go before they are summed to shorter
n-grams, and the total is that of the records left. The counter pads the front of a line, so each shorter n-gram is a
suffix of the records. `MIN_COUNT` is 5; the 32 that circulates suits gigabytes.
"""

import os
import re
import subprocess
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator
from math import log
from pathlib import Path

ORDER = 4
MIN_COUNT = 5
COHESION = (0.0, 2.0, 4.0, 6.0)  # natural logarithms, for 1-, 2-, 3-, 4-grams
KEPT = re.compile("[\u4e00-\u9fa50-9a-zA-Z]+")
SPECIAL = 3  # <unk>, <s>, </s> come first in the counter's vocabulary


def stretches(path: str) -> Iterator[str]:
    """Runs of Chinese characters, Latin letters and digits."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield from KEPT.findall(line)


def records(path: str, folder: Path) -> Iterator[tuple[str, int]]:
    """4-grams and their counts, at least `MIN_COUNT`; at the front of a line they are shorter."""
    corpus, counts, vocabulary = folder / "corpus", folder / "counts", folder / "vocabulary"
    with corpus.open("w", encoding="utf-8") as file:
        file.writelines(" ".join(run) + "\n" for run in stretches(path))
    command = [os.environ["KENLM_COUNT_NGRAMS"], "-o", str(ORDER), "-S", "1G", "-T", f"{folder}{os.sep}"]
    command += ["--write_vocab_list", str(vocabulary)]
    with corpus.open("rb") as source, counts.open("wb") as target:
        subprocess.run(command, stdin=source, stdout=target, stderr=subprocess.DEVNULL, check=True)
    characters = vocabulary.read_bytes().decode("utf-8").split("\0")
    packed = counts.read_bytes()  # each record: four 32-bit numbers of characters, then a 64-bit count
    numbers, totals = array("I", packed), array("Q", packed)[2::3]
    for place, count in enumerate(totals):
        if count >= MIN_COUNT:
            gram = numbers[6 * place : 6 * place + ORDER]
            if gram[-1] >= SPECIAL:
                yield "".join(characters[number] for number in gram if number >= SPECIAL), count


def summed(grams: Iterator[tuple[str, int]]) -> tuple[dict[str, int], int]:
    """Counts of all lengths, as sums over the records that end alike, and the total of the records."""
    counts: dict[str, int] = {}
    total = 0
    for gram, count in grams:
        total += count
        for start in range(len(gram)):
            part = gram[start:]
            counts[part] = counts.get(part, 0) + count
    return counts, total


def coherent(counts: dict[str, int], total: int) -> set[str]:
    """n-grams whose weakest split still meets far more often than chance; a part never seen counts as the total."""
    kept = set()
    for gram, count in counts.items():
        if count >= MIN_COUNT:
            parts = (counts.get(gram[:i], total) * counts.get(gram[i:], total) for i in range(1, len(gram)))
            if all(log(total * count / product) >= COHESION[len(gram) - 1] for product in parts):
                kept.add(gram)
    return kept


def pieces(run: str, reach: dict[str, int], kept: set[str]) -> list[str]:
    """A stretch cut wherever no kept n-gram is broken; overlapping ones chain."""
    out = []
    start = 0
    end = 1
    for place, pair in enumerate(map(str.__add__, run, run[1:] + " ")):
        if place == end:
            out.append(run[start:place])
            start = place
            end += 1
        if pair in reach:
            longest = place + reach[pair]
            while longest > end and run[place:longest] not in kept:
                longest -= 1
            if longest > end:
                end = longest
    out.append(run[start:])
    return out


def discover(path: str) -> list[tuple[str, int]]:
    """Words of a text by the recipe, the most frequent first."""
    with tempfile.TemporaryDirectory() as folder:
        kept = coherent(*summed(records(path, Path(folder))))
    reach: dict[str, int] = {}
    for gram in kept:
        reach[gram[:2]] = max(reach.get(gram[:2], 1), len(gram))
    found: Counter[str] = Counter()
    for run in stretches(path):
        found.update(pieces(run, reach, kept))

    def holds(word: str) -> bool:
        if len(word) <= ORDER:
            return word in kept
        return all(word[i : i + ORDER] in kept for i in range(len(word) - ORDER + 1))

    return [(word, count) for word, count in found.most_common() if count >= MIN_COUNT and holds(word)]


def main() -> None:
    for word, count in discover(sys.argv[1]):
        print(word, count, sep="\t")


if __name__ == "__main__":
    main()
