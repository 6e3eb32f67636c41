"""Precision of the lexicon: how many of the first 1,000 ... 50,000 words are in the MSR training word list.

    python -m benchmarks.segmentation.lexicon [--seeds 1,2,3] [--out FILE]          (about a minute and a half)

Learnt from the raw text of the protocol. As in the study of the prototype, words of two or more characters count, all
of them Han, by falling count in the segmentation; rows of our own order (by the bits that a word saves) stand beside.
Words seen once are in the lexicon here (--min-count 1), or there would not be 50,000 for every method. The list is
that of another text, so even a perfect lexicon stays far below 1 at 50,000.
"""

import re
from collections.abc import Iterator
from math import isnan
from pathlib import Path

from benchmarks import data, measure
from benchmarks.segmentation.scores import seeds, spread
from benchmarks.segmentation.texts import lines
from nlp_zero import WordFinder
from nlp_zero.evaluation import precision_at
from nlp_zero.words.lexicon import Lexicon

RANKS = (1000, 5000, 10_000, 50_000)
PROTOTYPE = (0.966, 0.894, 0.802, 0.371)
HAN = re.compile("[\u4e00-\u9fff]{2,}")


def gold(shared: Path, name: str) -> set[str]:
    """The training word list of a corpus."""
    return {line.strip() for line in data.lines(shared / "data" / "sighan2005" / f"{name}_training_words.txt.xz")}


def ranked(lexicon: Lexicon, by_count: bool) -> list[str]:
    """The words that count, best first.

    >>> ranked(Lexicon({"葡萄酒": 3, "的": 9, "喝酒": 4, "5元": 8}), by_count=True)
    ['喝酒', '葡萄酒']
    """
    entries = [entry for entry in lexicon.entries() if HAN.fullmatch(entry.word)]
    if by_count:
        entries.sort(key=lambda entry: (-entry.count, entry.word))
    return [entry.word for entry in entries]


def rows(text: Path, lists: dict[str, set[str]], numbers: list[int]) -> Iterator[list[str]]:
    """For each method and order: precision against each list, mean over the seeds."""
    raw = lines(text)
    for method in ("bayes", "entropy"):
        some = numbers if method == "bayes" else numbers[:1]
        found = [WordFinder(method, seed=seed, min_count=1).train(raw).find() for seed in some]
        for by_count in (True, False):
            words = [ranked(lexicon, by_count) for lexicon in found]
            for name, known in lists.items():
                rates = [precision_at(one, known, RANKS) for one in words]
                cells = (column(rates, rank) for rank in RANKS)
                size = f"{sum(map(len, words)) / len(words):,.0f}"
                yield [f"{method}, by {'count' if by_count else 'bits'}", name, *cells, size]


def column(rates: list[dict[int, float]], rank: int) -> str:
    """The precision at one rank; - where fewer words were found."""
    values = [one[rank] for one in rates]
    return "-" if any(map(isnan, values)) else spread(values, 3)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--seeds", default="1,2,3", help="of method bayes, separated by commas")
    parser.add_argument("--text", type=Path, help="learn from this text instead of protocol.txt")
    options = measure.begin(parser)
    (text,) = [options.text] if options.text else measure.needed(options.work, "protocol.txt")
    lists = {f"{name.upper()} training": gold(options.shared, name) for name in ("msr", "pku")}
    lists["either"] = set().union(*lists.values())
    found = list(rows(text, lists, seeds(options.seeds)))
    goal = ["prototype, by count", "MSR training", *(f"{value:.3f}" for value in PROTOTYPE), "55,000"]
    parts = [
        measure.header("Precision of the lexicon", [text]),
        measure.table(["method, order", "list", *(f"P@{rank:,}" for rank in RANKS), "words"], [*found, goal]),
        "",
        f"bayes: seeds {options.seeds}, in brackets the least and the greatest. The lists chose nothing.",
        "The prototype's figures are of another raw text (2.6 million symbols) and of its own order.",
    ]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
