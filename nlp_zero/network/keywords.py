"""Keywords (关键词): the words that tell most about a text.

Three questions, three answers, all from counts.

* Which words tell where in the text one is? :func:`keywords` cuts a text into parts of some 1,000 words and asks how
  many bits a word tells about the part it stands in, less what the same word would tell if the text were shuffled.
  Words of a topic come in bursts, words of grammar everywhere. (M. A. Montemurro & D. H. Zanette 2010, "Towards the
  quantification of the semantic information encoded in written language"; the mean over shuffled texts is worked out,
  not drawn.)
* What is this document about, among others? :func:`document_keywords`: the words that the document has more often than
  the whole, by the bits that counting them saves: n log2 of n / (length times share in the whole), which adds up to
  the relative entropy of the document.
* Which word predicts the others of a document best? :func:`predictors`: the greatest sum of ln p(w | word) over the
  words of the document, or of PMI (https://kexue.fm/archives/4316), from co-occurrence counts of a larger text.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from math import exp, fsum, lgamma, log, log2
from typing import NamedTuple

from ..errors import InputError
from .cooccurrence import Cooccurrence, Score
from .terms import read_terms, term_counts

__all__ = ["Keyword", "document_keywords", "keywords", "keywords_of_each", "predictors"]


class Keyword(NamedTuple):
    """A word, the bits that it tells in all, and how often it stands in the text."""

    word: str
    bits: float
    count: int  # type: ignore[assignment]


def keywords(
    word_lists: Iterable[Iterable[str]], n: int | None = 20, *, part: int = 1000, min_count: int | None = None
) -> list[Keyword]:
    """The ``n`` words (None: all) that tell most about where in a text they stand, best first.

    The text is cut into parts of ``part`` words, at least two of them; rare words (``min_count`` as in
    :class:`~nlp_zero.network.cooccurrence.Cooccurrence`) are left out of both. Of equals the more frequent comes first.
    O(words), and O(count) for each distinct count; 4 bytes a word of text.

    >>> lists = [["茶", "很", "好"]] * 4 + [["酒", "很", "好"]] * 4
    >>> [(key.word, round(key.bits, 2)) for key in keywords(lists, part=12)]
    [('茶', 3.25), ('酒', 3.25), ('很', -0.53), ('好', -0.53)]

    Raises :class:`InputError` if no words are left, or fewer than two.
    """
    _check(n)
    if part < 1:
        raise ValueError(f"part: expected 1 word or more, got {part!r}")
    terms = read_terms(word_lists, unit="window", min_count=min_count)
    text = array("I", filter(None, terms.tokens))
    if len(text) < 2:
        raise InputError(f"expected a text of two words or more, got {len(text)}")
    size = min(part, (len(text) + 1) // 2)
    parts = max(2, len(text) // size)
    size = len(text) // parts
    entropies = _entropies(text, size, parts, len(terms.words))
    shuffled: dict[int, float] = {}
    found = []
    for number, counts in enumerate(entropies):
        count, entropy = counts
        if not count:
            continue
        if count not in shuffled:
            shuffled[count] = shuffled_entropy(count, size, parts)
        found.append((-count * (shuffled[count] - entropy), number))
    found.sort()
    return [Keyword(terms.words[number], -bits, terms.counts[number]) for bits, number in found[:n]]


def _entropies(text: array[int], size: int, parts: int, words: int) -> list[tuple[int, float]]:
    """For each word how often it stands in the parts, and the entropy of that in bits."""
    totals, sums = [0] * words, [0.0] * words
    for begin in range(0, size * parts, size):
        for token, count in Counter(text[begin : begin + size]).items():
            totals[token - 1] += count
            sums[token - 1] += count * log2(count)
    return [(total, log2(total) - part / total if total else 0.0) for total, part in zip(totals, sums, strict=True)]


# From this count on the entropy over shuffled texts is taken from its expansion.
MANY = 2000


def shuffled_entropy(count: int, size: int, parts: int) -> float:
    """The mean entropy, in bits, of ``count`` words dealt at random to ``parts`` parts of ``size`` places each.

    How many a part gets is hypergeometric. From 2,000 words on, and 10 a part, by log2 parts - (parts - 1) / (2 count
    ln 2) and the share of places that is taken. O(count).

    >>> round(shuffled_entropy(2, 1, 2), 6), round(shuffled_entropy(2, 50, 2), 6), shuffled_entropy(1, 9, 5)
    (1.0, 0.505051, 0.0)
    """
    places = size * parts
    if count >= MANY and count >= 10 * parts:
        free = (places - count) / (places - 1)
        return log2(parts) - (parts - 1) * free / (2 * count * log(2))
    most = min(count, size)
    base = _log_choose(places, count)
    terms = []
    for here in range(max(2, count - (places - size)), most + 1):
        chance = exp(_log_choose(size, here) + _log_choose(places - size, count - here) - base)
        terms.append(chance * here * log2(here))
    return log2(count) - parts * fsum(terms) / count


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _check(n: int | None) -> None:
    if n is not None and n < 1:
        raise ValueError(f"n: expected 1 or more, got {n!r}")


def document_keywords(
    document: Iterable[str], background: Mapping[str, float] | Iterable[Iterable[str]], n: int | None = 10
) -> list[Keyword]:
    """The ``n`` words (None: all) of a document that say most about it against a background, best first.

    ``background`` are counts of words or lists of words; the document is counted in with it, so that no word has the
    chance 0. A word of n places scores n log2 of its share in the document over that in the background; those it has
    less often than the background are left out. Of equals the word met first comes first. O(words).

    >>> background = {"的": 50, "茶": 2, "水": 8}
    >>> [key.word for key in document_keywords(["茶", "的", "茶", "水"], background)]
    ['茶', '水']

    Raises :class:`InputError` for a document without words.
    """
    _check(n)
    if isinstance(document, str):
        raise TypeError(f"document: expected a list of words, such as ['喝', '茶'], got the str {document[:20]!r}")
    counts = term_counts([document])
    if not counts:
        raise InputError("expected a document with words, such as ['喝', '茶'], got none")
    known = background if isinstance(background, Mapping) else term_counts(background)
    whole = {word: known.get(word, 0) + count for word, count in counts.items()}
    return _against(counts, whole, fsum(known.values()) + sum(counts.values()), n)


def _against(counts: Mapping[str, int], known: Mapping[str, float], whole: float, n: int | None) -> list[Keyword]:
    """The words of a document, given its counts, against a background of ``whole`` words that has it in it."""
    length, found = sum(counts.values()), []
    for order, (word, count) in enumerate(counts.items()):
        bits = count * log2(count * whole / (length * known[word]))
        if bits > 0:
            found.append((-bits, order, word))
    return [Keyword(word, -negative, counts[word]) for negative, _, word in sorted(found)[:n]]


def predictors(
    document: Iterable[str],
    pairs: Cooccurrence,
    n: int | None = 10,
    *,
    measure: str = "probability",
    smoothing: float = 0.0,
) -> list[Score]:
    """The ``n`` words of a document that predict its words best, by the counts of pairs in a larger text.

    Each distinct word of the document that ``pairs`` knows is tried, itself among those to be predicted, as the counts
    have it (a word beside itself). With the measure ``"probability"`` its score is the sum of ln p(w | word), in nats;
    with ``"pmi"`` the sum of PMI in bits. ``smoothing`` is added to each count; without it, a word that has never met
    one of the others scores minus infinity. O(distinct words squared).

    Raises :class:`InputError` if ``pairs`` knows none of the words.
    """
    _check(n)
    if measure not in ("probability", "pmi"):
        raise ValueError(f"measure: expected 'probability' or 'pmi', got {measure!r}")
    if not smoothing >= 0:
        raise ValueError(f"smoothing: expected 0 or more, got {smoothing!r}")
    if isinstance(document, str):
        raise TypeError(f"document: expected a list of words, such as ['喝', '茶'], got the str {document[:20]!r}")
    words = [word for word in dict.fromkeys(document) if word in pairs]
    if not words:
        raise InputError("expected a document with words that the counts know, got none of them")
    score = partial(_prediction, pairs, words, measure, smoothing)
    return sorted((Score(word, score(word)) for word in words), key=lambda scored: -scored.score)[:n]


def _prediction(pairs: Cooccurrence, words: list[str], measure: str, smoothing: float, word: str) -> float:
    """How well one word predicts the words of a document."""
    row = pairs.row(word)
    total = pairs.row_sums[pairs.number(word)] + smoothing * len(pairs)
    logs = []
    for other in words:
        joint = row.get(other, 0) + smoothing
        if not joint:
            return float("-inf")
        logs.append(log(joint / total))
        if measure == "pmi":
            own = pairs.column_sums[pairs.number(other)] + smoothing * len(pairs)
            logs[-1] = (logs[-1] - log(own / (pairs.meetings + smoothing * len(pairs) ** 2))) / log(2)
    return fsum(logs)


def keywords_of_each(documents: Iterable[Iterable[str]], n: int | None = 10) -> Iterator[list[Keyword]]:
    """:func:`document_keywords` of each of many documents against all of them; none for one without words.

    The documents are held as lists of words: they are gone through twice.

    >>> documents = [["茶", "的", "茶", "的"], ["。"], ["酒", "的"]]
    >>> [[key.word for key in found] for found in keywords_of_each(documents)]
    [['茶'], [], ['酒']]
    """
    _check(n)
    held = [list(document) for document in documents]
    known = term_counts(held)
    whole = fsum(known.values())
    for document in held:
        yield _against(term_counts([document]), known, whole, n)
