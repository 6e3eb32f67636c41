"""Measures of association (关联度量): how firmly the parts of a word hold together, and how freely it stands.

Pure functions of counts, one definition each. Logarithms have the base ``base``: 2 unless said, so values are in bits;
``base=math.e`` gives nats.

One event space. Every probability in a call is a count over the same ``total``, as the derivation of the merge gain
needs: a pair of units is one event among ``total`` units, not among the (fewer) places where two units meet. Mixing the
two totals, as nlp-zero 0.1 did, adds log(units / pairs) to every value, and can make a normalised value exceed 1. A
caller who wants an independence test on the table of pairs passes that table throughout: its marginals, its total.

Sources: minimum entropy and the gain of a merge: Redlich 1993 (Neural Computation 5:289) and the series on
minimum-entropy construction of a lexicon, equations (2.9) to (2.17); cohesion and neighbour entropies as thresholds:
the n-gram methods of Chinese new-word discovery; accessor variety: Feng et al. 2004 (Computational Linguistics 30:75);
branching entropy and its normalised variation: Jin & Tanaka-Ishii 2006, Magistry & Sagot 2012 (ACL).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

__all__ = [
    "accessor_variety",
    "approximate_gain",
    "autonomy",
    "branching_entropy",
    "cohesion",
    "contrast",
    "information_per_character",
    "merge_gain",
    "merge_gain_doubled",
    "merge_gain_k",
    "normalized_pmi",
    "normalized_variation",
    "pmi",
    "pmi_k",
]


def _log(value: float, base: float) -> float:
    # log2 is exact for powers of two, log(value, 2) is not.
    return math.log2(value) if base == 2 else math.log(value) / math.log(base)


def _check_counts(joint: float, parts: Sequence[float], total: float) -> None:
    if not 0 <= joint <= min(parts) or not 0 < min(parts) <= max(parts) <= total:
        raise ValueError(
            "counts: expected 0 <= joint <= every part <= total, parts above 0, such as joint=3, parts 6 and 4, "
            f"total=100, got joint={joint}, parts {tuple(parts)}, total={total}"
        )


# Pointwise mutual information --------------------------------------------------------------------------------------


def pmi(joint: float, left: float, right: float, total: float, base: float = 2.0) -> float:
    """Pointwise mutual information (点间互信息) of two neighbours, in bits: log p(ab) / (p(a) p(b)).

    Zero means that they meet as often as chance would have it; minus infinity, that they never do.

    >>> pmi(joint=8, left=10, right=16, total=320)
    4.0
    """
    _check_counts(joint, (left, right), total)
    return pmi_k(joint, (left, right), total, base)


def pmi_k(joint: float, parts: Sequence[float], total: float, base: float = 2.0) -> float:
    """The same of any number of parts, in bits: log p(w) / prod p(parts).

    What a word gains over being spelt by its parts: the test by which the redundant entries of a lexicon are removed.
    There a word may well be more frequent than a part, which is counted only where it stands alone.

    >>> pmi_k(4, (8, 8, 16), 64)
    4.0
    """
    if joint < 0 or min(parts) <= 0 or total <= 0:
        raise ValueError(f"counts: expected joint >= 0, parts and total above 0, got {joint}, {tuple(parts)}, {total}")
    if not joint:
        return -math.inf
    # With integer counts both products are exact, and their quotient is rounded once.
    return _log(joint * total ** (len(parts) - 1) / math.prod(parts), base)


def normalized_pmi(joint: float, left: float, right: float, total: float) -> float:
    """PMI over its largest value, -log p(ab): 1 for two units that never part, 0 for chance, -1 for never met.

    >>> normalized_pmi(joint=4, left=4, right=4, total=16), normalized_pmi(0, 4, 4, 16)
    (1.0, -1.0)
    """
    _check_counts(joint, (left, right), total)
    if not joint:
        return -1.0
    # Nothing else ever happens: they never part, though 0 / 0 does not say so.
    return 1.0 if joint == total else pmi(joint, left, right, total) / math.log2(total / joint)


# The gain of a merge -----------------------------------------------------------------------------------------------


def information_per_character(units: Iterable[tuple[float, int]], base: float = 2.0) -> float:
    """L = H / l, the information per character of a text cut into units, in bits (每字信息量; 2.6 to 2.8).

    ``units`` are (count, length) of every kind of unit; H is their entropy, l their mean length.

    >>> round(information_per_character([(6, 1), (4, 1), (10, 1)]), 6)
    1.485475
    """
    rows = [(count, length) for count, length in units if count]
    if not rows:
        raise ValueError("units: expected at least one (count, length) with a count above 0, such as (6, 1)")
    total = math.fsum(count for count, _ in rows)
    entropy = math.fsum(count / total * _log(total / count, base) for count, _ in rows)
    return entropy / math.fsum(count / total * length for count, length in rows)


def merge_gain(joint: float, left: float, right: float, total: float, base: float = 2.0) -> float:
    """F, the exact gain of gluing two different units wherever they meet, in bits a unit (2.11).

    With L the information per character and l the mean length of a unit before: L after - L before = -F / l. So a merge
    pays if F > 0. The glued unit must be new; for a unit and itself take :func:`merge_gain_doubled`.

    >>> round(merge_gain(joint=3, left=6, right=4, total=100), 6)
    0.101941
    """
    return merge_gain_k(joint, (left, right), total, base)


def merge_gain_doubled(joint: float, unit: float, total: float, base: float = 2.0) -> float:
    """F of gluing a unit to itself (哈哈), in bits a unit; ``joint`` counts pairs that do not overlap.

    Each merge takes two of the unit, so half its count is the most there can be.

    >>> round(merge_gain_doubled(joint=3, unit=10, total=20), 6)
    -0.175635
    """
    if not 0 <= 2 * joint <= unit <= total or not unit:
        raise ValueError(
            "counts: expected 0 <= 2 joint <= unit <= total, such as joint=3, unit=10, total=20, "
            f"got joint={joint}, unit={unit}, total={total}"
        )
    if not joint:
        return 0.0
    joined, single = joint / total, unit / total
    gain = joined * math.log(joined / single**2) - _rest(1.0, joined) + _rest(single, 2 * joined)
    return gain / math.log(base)


def merge_gain_k(joint: float, parts: Sequence[float], total: float, base: float = 2.0) -> float:
    """F of gluing k different units in a row, in bits a unit (2.16).

    >>> round(merge_gain_k(2, (10, 20, 30), 1000, base=math.e), 6)
    0.009997
    """
    _check_counts(joint, parts, total)
    if not joint:
        return 0.0
    joined = joint / total
    shares = [part / total for part in parts]
    bond = joined * pmi_k(joint, parts, total, math.e)
    rests = math.fsum(_rest(share, joined) for share in shares)
    return (bond - _rest(1.0, (len(parts) - 1) * joined) + rests) / math.log(base)


def _rest(share: float, taken: float) -> float:
    """(p - q) ln(1 - q / p): the term of a unit of which the share q went into the merge; 0 when nothing is left."""
    return (share - taken) * math.log1p(-taken / share) if taken < share else 0.0


def approximate_gain(joint: float, parts: Sequence[float], total: float, base: float = 2.0) -> float:
    """F*, the first-order form of the merge gain, in bits a unit: p (PMI - 1 nat) (2.15, 2.17).

    Always below F: F* > 0, the rule "PMI above 1 nat", is enough for a merge to pay, but a merge may pay without it.

    >>> joint, parts, total = 65, (600, 400), 10_000
    >>> approximate_gain(joint, parts, total) < 0 < merge_gain(joint, *parts, total)
    True
    """
    _check_counts(joint, parts, total)
    return joint / total * (pmi_k(joint, parts, total, math.e) - 1.0) / math.log(base) if joint else 0.0


# Cohesion ----------------------------------------------------------------------------------------------------------


def cohesion(joint: float, splits: Iterable[tuple[float, float]], total: float) -> float:
    """Cohesion (凝固度): the smallest P(s) / (P(left) P(right)) over the splits of a string in two.

    A ratio, not a logarithm: 1 is chance, and its logarithm is the smallest PMI. A string of one character has no
    splits: infinity. Where counts of different lengths have different totals, scale them to one total first; a total
    over all lengths mixed makes every ratio too large.

    >>> cohesion(240, [(260, 1500), (500, 250)], 100_000)
    61.53846153846154
    """
    return min((joint * total / (left * right) for left, right in splits), default=math.inf)


# Neighbours --------------------------------------------------------------------------------------------------------


def branching_entropy(counts: Iterable[float], edges: float = 0, base: float = 2.0) -> float:
    """Entropy of the neighbours on one side (邻接熵, 左右信息熵), in bits.

    ``counts`` says how often each neighbour stood there; each of the ``edges`` (the end of a line, a punctuation mark)
    counts as a neighbour of its own, met once: where a sentence ends a word ends too. No neighbour at all gives 0.

    >>> branching_entropy([4, 2, 1, 1]), branching_entropy([4, 2], edges=2), branching_entropy([4])
    (1.75, 1.75, 0.0)
    """
    seen = [count for count in counts if count]
    total = math.fsum(seen) + edges
    if not total:
        return 0.0
    # Summed exactly, so that the order of the neighbours cannot show.
    terms = [count / total * _log(total / count, base) for count in seen]
    return math.fsum([*terms, edges / total * _log(total, base)])


def accessor_variety(left: int, right: int, left_edges: int = 0, right_edges: int = 0) -> int:
    """Accessor variety (邻接种类数): the smaller of the numbers of distinct neighbours at the left and at the right.

    Every edge counts as a neighbour of its own (Feng et al. 2004).

    >>> accessor_variety(left=3, right=1, right_edges=4)
    3
    """
    return min(left + left_edges, right + right_edges)


def normalized_variation(
    entropies: Mapping[str, float], start: float, side: Literal["left", "right"]
) -> dict[str, float]:
    """How much the neighbour entropy of every n-gram rises with its last character on this side, in bits (nVBE).

    ``entropies`` maps every n-gram to its branching entropy on this side, together with every n-gram inside it;
    ``start`` is the entropy of single characters, for n-grams of one. From each rise h(x) - h(x without its outermost
    character) the mean over all n-grams of the same length is taken away. O(n-grams).

    >>> rises = normalized_variation({"研": 0.0, "究": 3.0, "研究": 2.5, "究研": 1.5}, start=4.0, side="right")
    >>> rises
    {'研': -1.5, '究': 1.5, '研究': 2.0, '究研': -2.0}
    """
    rises: dict[str, float] = {}
    by_length: dict[int, list[float]] = {}
    for gram, entropy in entropies.items():
        shorter = gram[:-1] if side == "right" else gram[1:]
        rises[gram] = entropy - (entropies[shorter] if shorter else start)
        by_length.setdefault(len(gram), []).append(rises[gram])
    means = {length: math.fsum(values) / len(values) for length, values in by_length.items()}
    return {gram: rise - means[len(gram)] for gram, rise in rises.items()}


def autonomy(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    """Autonomy of every n-gram, in bits: the sum of its normalised variations on both sides (Magistry & Sagot 2012).

    The segmentation by nVBE is the one whose words have the largest sum of autonomy times length.

    >>> autonomy({"研究": 1.25}, {"研究": 1.75})
    {'研究': 3.0}
    """
    return {gram: left[gram] + rise for gram, rise in right.items()}


# Two corpora -------------------------------------------------------------------------------------------------------


def contrast(target: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """How much a word belongs to the target corpus rather than to the reference: a share, smoothed (领域词).

    The reference is scaled to the total of the target. With x and y the counts of a word, t = x + y, m the mean of t
    and a = sum x / sum t (one half, after scaling), its score is (x + m a) / (t + m): near 1 for a word of the target
    alone, a half for a word that both use alike or that is rare.

    >>> {word: round(score, 6) for word, score in contrast({"电网": 50, "研究": 50}, {"电网": 1, "研究": 99}).items()}
    {'电网': 0.662252, '研究': 0.401606}
    """
    words = dict.fromkeys([*target, *reference])
    total, other = math.fsum(target.values()), math.fsum(reference.values())
    if not total or not other:
        raise ValueError("counts: expected words in both corpora, such as {'电网': 50} and {'电网': 1}")
    pairs = {word: (target.get(word, 0), reference.get(word, 0) * total / other) for word in words}
    mean = math.fsum(x + y for x, y in pairs.values()) / len(pairs)
    share = total / math.fsum(x + y for x, y in pairs.values())
    return {word: (x + mean * share) / (x + y + mean) for word, (x, y) in pairs.items()}
