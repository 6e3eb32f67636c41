"""Upper references: segmenters that know the words of the PKU or MSR training text, as no raw text alone tells them."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import data
from nlp_zero import Corpus, Tokenizer

EM_ROUNDS = 4


def by_em(words: list[str], raw: list[str]) -> Tokenizer:
    """A unigram lattice of these words, their counts by a few rounds of hard EM on raw lines.

    >>> by_em(["研究", "研究生", "生命", "命"], ["研究生命", "生命", "研究", "研究"]).tokenize("研究生命")
    ['研究', '生命']
    """
    counts = dict.fromkeys(words, 1)
    for _ in range(EM_ROUNDS):
        seen = Counter(word for line in Tokenizer(counts).tokenize_lines(raw) for word in line)
        counts = {word: seen[word] for word in words}
    return Tokenizer(counts)


def systems(shared: Path, text: Path) -> Iterator[tuple[str, Callable[[str], list[str]]]]:
    """Each reference: its name, and what cuts a line."""
    raw = list(Corpus(text))
    for name in ("pku", "msr"):
        folder = shared / "data" / "sighan2005"
        words = [word for line in data.lines(folder / f"{name}_training_words.txt.xz") if (word := line.strip())]
        table = (line.split("\t") for line in data.lines(folder / f"{name}_training_freq.tsv.xz"))
        title = f"{name.upper()} training words"
        yield f"{title}, longest match", Tokenizer({}, force=words).tokenize
        yield f"{title}, counts by EM on the raw text", by_em(words, raw).tokenize
        yield f"{title}, their counts there", Tokenizer({word: int(count) for word, count in table if word}).tokenize
