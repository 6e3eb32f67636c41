"""Contrast (对比) of two texts: the words that one has and the other has not; and the growth of a cluster from seeds.

Three measures tell how much a word belongs to the target rather than to the reference.

* ``"share"`` (https://kexue.fm/archives/6540): (x + m a) / (t + m), a share from 0 to 1, half of it for what both use
  alike (:func:`nlp_zero.words.association.contrast`).
* ``"log_odds"``: the difference of the log odds of a word in the two texts, weighed by an informative Dirichlet prior
  and told in standard deviations: above 1.96 chance alone would do the same in one of 40 words. (B. L. Monroe, M. P.
  Colaresi & K. M. Quinn 2008, "Fightin' words: lexical feature selection and evaluation for identifying the content of
  political conflict".)
* ``"g2"``: the log-likelihood ratio (T. Dunning 1993), with a minus where the reference has the word more often.

A word list grows from *seeds* by similarity (the same article 6540): what is similar enough to a word of the cluster
joins it, and the further from the seeds, the more similar it must be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, fsum, log, sqrt
from typing import NamedTuple, TypeAlias

from ..errors import InputError
from ..words.association import contrast as shares
from .similarity import Profiles
from .terms import term_counts

__all__ = ["Contrast", "Grown", "contrast", "grow", "growth_threshold"]

MEASURES = ("log_odds", "share", "g2")
Counts: TypeAlias = "Mapping[str, float]"
Text: TypeAlias = "Counts | Iterable[Iterable[str]]"


class Contrast(NamedTuple):
    """A word, how much it belongs to the target, and how often it stands in the two texts."""

    word: str
    score: float
    target: float
    reference: float


class Grown(NamedTuple):
    """A word of a grown cluster: how many steps from the seeds, how similar to the word that brought it, and which."""

    word: str
    hop: int
    score: float
    parent: str | None


def contrast(
    target: Text,
    reference: Text,
    n: int | None = None,
    *,
    measure: str = "log_odds",
    prior: float = 1000.0,
    min_count: int = 1,
    min_length: int = 1,
) -> list[Contrast]:
    """The words by how much they belong to the target rather than to the reference; the ``n`` first, or all.

    The two texts are lists of words, or counts of words. Words that stand fewer than ``min_count`` times in both
    together, or have fewer than ``min_length`` characters, are counted but not shown. ``prior`` is the weight of the
    prior of ``"log_odds"``, in words; it has the shares of both texts together, so that common words need more to
    stand out. Of equals the more frequent word comes first. O(distinct words).

    >>> for found in contrast({"电网": 50, "研究": 50}, {"电网": 1, "研究": 99}, measure="share"):
    ...     print(found.word, round(found.score, 6))
    电网 0.662252
    研究 0.401606

    Raises :class:`InputError` if either text has no words.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure: expected one of {', '.join(MEASURES)}, got {measure!r}")
    if not 0 < prior < float("inf"):
        raise ValueError(f"prior: expected more than 0 words, such as 1000.0, got {prior!r}")
    if n is not None and n < 1:
        raise ValueError(f"n: expected 1 or more, got {n!r}")
    counts = _counts(target, "target"), _counts(reference, "reference")
    if measure == "log_odds":
        scores = _all_log_odds(*counts, prior)
    else:
        scores = shares(*counts) if measure == "share" else _ratios(*counts)
    found = []
    for word, score in scores.items():
        here, there = counts[0].get(word, 0), counts[1].get(word, 0)
        if here + there >= min_count and len(word) >= min_length:
            found.append(Contrast(word, score, here, there))
    found.sort(key=lambda row: (-row.score, -(row.target + row.reference), row.word))
    return found[:n]


def _counts(text: Text, name: str) -> Counts:
    if not isinstance(text, Mapping):
        text = term_counts(text)
    for word, count in text.items():
        if not 0 <= count < float("inf"):
            raise InputError(f"{name}: expected counts of 0 or more, such as {{'茶': 3}}, got {count!r} of {word!r}")
    if not any(text.values()):
        raise InputError(f"{name}: expected a text with words, got none")
    return text


def _all_log_odds(target: Counts, reference: Counts, prior: float) -> dict[str, float]:
    sizes = fsum(target.values()), fsum(reference.values())
    scores = {}
    for word in dict.fromkeys([*target, *reference]):
        here, there = target.get(word, 0), reference.get(word, 0)
        own = prior * (here + there) / (sizes[0] + sizes[1])
        scores[word] = log_odds(here, there, *sizes, own, prior) if own else 0.0
    return scores


def log_odds(here: float, there: float, target: float, reference: float, own: float, prior: float) -> float:
    """The weighted log odds of a word, in standard deviations (Monroe et al. 2008, equations 15, 16, 19 and 22).

    ``here`` and ``there`` are its counts in texts of ``target`` and ``reference`` words; ``own`` is its part of the
    ``prior``. 0 where a text, with its prior, has no other word.

    >>> round(log_odds(50, 1, 100, 100, 10.0, 1000.0), 4)
    5.3127
    """
    rest = target + prior - here - own, reference + prior - there - own
    if rest[0] <= 0 or rest[1] <= 0:
        return 0.0
    difference = log((here + own) / rest[0]) - log((there + own) / rest[1])
    return difference / sqrt(1 / (here + own) + 1 / (there + own))


def _ratios(target: Counts, reference: Counts) -> dict[str, float]:
    sizes = fsum(target.values()), fsum(reference.values())
    words = dict.fromkeys([*target, *reference])
    return {word: likelihood_ratio(target.get(word, 0), reference.get(word, 0), *sizes) for word in words}


def likelihood_ratio(here: float, there: float, target: float, reference: float) -> float:
    """Dunning's G2 of a word that two texts have so often, with a minus where the reference has it more often.

    >>> round(likelihood_ratio(50, 1, 100, 100), 4), round(likelihood_ratio(1, 50, 100, 100), 4)
    (77.275, -77.275)
    """
    share = (here + there) / (target + reference)
    total = 0.0
    for seen, size in ((here, target), (there, reference)):
        for part, chance in ((seen, share), (size - seen, 1 - share)):
            if part > 0:
                total += part * log(part / (size * chance))
    return 2 * total if here * reference >= there * target else -2 * total


# ---- growing -------------------------------------------------------------------------------------------------------


def growth_threshold(hop: int, least: float = 0.6, rise: float = 0.35) -> float:
    """How similar a word must be to join ``hop`` steps from the seeds: least + (1 - least)(1 - e^(-rise hop)).

    >>> [round(growth_threshold(hop), 6) for hop in range(4)]
    [0.6, 0.718125, 0.801366, 0.860025]
    """
    return least + (1 - least) * (1 - exp(-rise * hop))


def grow(
    seeds: Iterable[str],
    profiles: Profiles,
    *,
    least: float = 0.25,
    rise: float = 0.05,
    hops: int = 3,
    neighbours: int = 20,
) -> list[Grown]:
    """The words that gather around the seeds, in the order in which they join.

    In each of ``hops`` steps the words that have joined last bring those of their ``neighbours`` most similar words
    that reach :func:`growth_threshold`. The source took 0.6 and 0.35 for the vectors of a neural model; cosines of
    counts are lower, and so are the defaults. Of a step the most similar come first.

    >>> lists = [["我", "喝", "茶"], ["我", "喝", "水"], ["你", "喝", "茶"], ["你", "喝", "水"], ["我", "看", "书"]]
    >>> [(grown.word, grown.hop) for grown in grow(["茶"], Profiles(lists), least=0.6)]
    [('茶', 0), ('水', 1)]

    Raises :class:`InputError` for a seed that the text does not have.
    """
    for name, value in (("hops", hops), ("neighbours", neighbours)):
        if value < 1:
            raise ValueError(f"{name}: expected 1 or more, got {value!r}")
    if isinstance(seeds, str):
        raise TypeError(f"seeds: expected words, such as ['茶', '酒'], got one str {seeds[:20]!r}")
    cluster = {seed: Grown(seed, 0, 1.0, None) for seed in seeds}
    if not cluster:
        raise InputError("seeds: expected a word or more, such as ['茶'], got none")
    last = list(cluster)
    for word in last:
        profiles.pairs.number(word)
    for hop in range(hops):
        best: dict[str, Grown] = {}
        for parent in last:
            for word, score in profiles.similar(parent, neighbours, least=min(1.0, growth_threshold(hop, least, rise))):
                if word not in cluster and (word not in best or score > best[word].score):
                    best[word] = Grown(word, hop + 1, score, parent)
        joined = sorted(best.values(), key=lambda grown: (-grown.score, grown.word))
        cluster.update((grown.word, grown) for grown in joined)
        last = [grown.word for grown in joined]
    return list(cluster.values())
