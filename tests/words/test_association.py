"""Every measure gives the numbers worked out by hand in the specification, and agrees with exact arithmetic."""

from __future__ import annotations

import math
import random
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.words.association import (
    accessor_variety,
    approximate_gain,
    autonomy,
    branching_entropy,
    cohesion,
    contrast,
    information_per_character,
    merge_gain,
    merge_gain_doubled,
    merge_gain_k,
    normalized_pmi,
    normalized_variation,
    pmi,
    pmi_k,
)

E = math.e
quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def six(value: float) -> float:
    return round(value, 6)


# The numbers of the specification, section 2 -----------------------------------------------------------------------

TABLE = [  # p_a, p_b, p_ab, PMI, F exact, F*; in nats
    (0.06, 0.04, 0.03, 2.525729, 0.070660, 0.045772),
    (0.06, 0.04, 0.004, 0.510826, -0.001621, -0.001957),
    (0.06, 0.04, 0.0065, 0.996333, 0.000880, -0.000024),
    (0.06, 0.04, 0.0024, 0.0, -0.002281, -0.002400),
]


@pytest.mark.parametrize("row", TABLE)
def test_pmi_and_the_gain_of_a_merge(row: tuple[float, ...]) -> None:
    left, right, joint, bond, gain, approximate = row

    assert six(pmi(joint, left, right, 1, E)) == pytest.approx(bond, abs=1e-12)
    assert six(merge_gain(joint, left, right, 1, E)) == gain
    assert six(approximate_gain(joint, (left, right), 1, E)) == approximate
    # Counts over a total are the same event space as probabilities over 1.
    counts = [round(share * 10_000) for share in (joint, left, right)]
    assert merge_gain(*counts, 10_000, E) == pytest.approx(merge_gain(joint, left, right, 1, E), abs=1e-12)


def test_a_merge_may_pay_below_one_nat_of_pmi() -> None:
    """The third row of the table: PMI > 1 nat is enough, but not necessary."""
    left, right, joint = 0.06, 0.04, 0.0065
    assert pmi(joint, left, right, 1, E) < 1
    assert approximate_gain(joint, (left, right), 1) < 0 < merge_gain(joint, left, right, 1)


def test_the_gain_is_the_fall_of_information_per_character() -> None:
    before, after = [(6, 1), (4, 1), (10, 1)], [(3, 1), (1, 1), (10, 1), (3, 2)]

    assert six(information_per_character(before, E)) == 1.029653
    assert six(information_per_character(before)) == 1.485475
    assert six(information_per_character(after, E)) == 0.927355
    assert six(information_per_character(after)) == 1.337891
    difference = information_per_character(after, E) - information_per_character(before, E)
    assert six(difference) == -0.102298
    assert difference == pytest.approx(-merge_gain(3, 6, 4, 20, E), abs=1e-12)


def test_the_gain_of_three_units() -> None:
    before = [(10, 1), (20, 1), (30, 1), (940, 1)]
    after = [(8, 1), (18, 1), (28, 1), (940, 1), (2, 3)]

    assert six(information_per_character(before, E)) == 0.287652
    assert six(information_per_character(after, E)) == 0.277655
    difference = information_per_character(after, E) - information_per_character(before, E)
    assert six(difference) == -0.009997
    assert difference == pytest.approx(-merge_gain_k(2, (10, 20, 30), 1000, E), abs=1e-12)
    assert six(approximate_gain(2, (10, 20, 30), 1000, E)) == 0.009618


def test_the_gain_of_a_doubled_unit() -> None:
    before, after = [(10, 1), (10, 1)], [(4, 1), (10, 1), (3, 2)]

    assert six(information_per_character(before, E)) == 0.693147
    assert six(information_per_character(after, E)) == 0.814888
    assert six(merge_gain_doubled(3, 10, 20, E)) == -0.121741
    difference = information_per_character(after, E) - information_per_character(before, E)
    assert difference == pytest.approx(-merge_gain_doubled(3, 10, 20, E), abs=1e-12)


TOY = ["我们的研究", "我们研究", "研究我们", "的我们"]
PAIRS = {  # count, PMI with two totals, PMI with N = 16, F
    "我们": (4, 1.673976, 1.386294, 0.562335),
    "研究": (3, 1.961659, 1.673976, 0.482578),
    "的研": (1, 1.268511, 0.980829, 0.027802),
    "们的": (1, 0.980829, 0.693147, 0.006564),
    "的我": (1, 0.980829, None, None),
    "们研": (1, 0.575364, 0.287682, -0.026139),
    "究我": (1, 0.575364, None, None),
}


def test_the_toy_corpus() -> None:
    characters = Counter("".join(TOY))
    pairs = Counter(text[place : place + 2] for text in TOY for place in range(len(text) - 1))
    assert characters == {"我": 4, "们": 4, "的": 2, "研": 3, "究": 3}
    assert (characters.total(), pairs.total()) == (16, 12)
    assert pairs == {pair: row[0] for pair, row in PAIRS.items()}
    for pair, (count, mixed, bond, gain) in PAIRS.items():
        left, right = (characters[character] for character in pair)
        found = pmi(count, left, right, 16, E)
        # Two totals add one constant to every value: here 的研 passes 1 nat by it.
        assert six(found + math.log(16 / 12)) == mixed
        if bond is not None:
            assert six(found) == bond
            assert six(merge_gain(count, left, right, 16, E)) == gain


def test_one_total_keeps_normalised_pmi_within_one() -> None:
    assert normalized_pmi(4, 4, 4, 16) == 1.0
    assert six(1.673976 / math.log(12 / 4)) == 1.523719, "with two totals: impossible"


def test_the_table_of_pairs_is_an_event_space_too() -> None:
    """Choice (ii): marginals and total of the pair table; it inflates what is rare."""
    pairs = Counter(text[place : place + 2] for text in TOY for place in range(len(text) - 1))
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for (first, second), count in pairs.items():
        left[first] += count
        right[second] += count
    for pair, expected in {"我们": 1.098612, "研究": 1.386294, "的研": 1.098612, "们的": 1.791759}.items():
        assert six(pmi(pairs[pair], left[pair[0]], right[pair[1]], 12, E)) == expected


REDUNDANCY = [  # p(w), parts, ln p(w) - sum ln p(parts), kept if > 1, kept if >= length - 1
    (0.002, (0.1, 0.05), 2, -0.916291, False, False),
    (0.02, (0.01, 0.05), 2, 3.688879, True, True),
    (0.012, (0.1, 0.04), 3, 1.098612, True, False),
    (1 / 8, (1 / 8, 2 / 8), 3, 1.386294, True, False),  # 的研究 of the toy corpus
]


@pytest.mark.parametrize("row", REDUNDANCY)
def test_the_redundancy_of_a_word(row: tuple[float, tuple[float, ...], int, float, bool, bool]) -> None:
    word, parts, length, expected, published, coded = row
    value = pmi_k(word, parts, 1, E)
    assert six(value) == expected
    assert (value > 1, value >= length - 1) == (published, coded)


# Sections 5 and 7 --------------------------------------------------------------------------------------------------


def test_the_entropy_of_neighbours() -> None:
    assert branching_entropy([4]) == 0.0
    assert branching_entropy([2, 2]) == 1.0
    assert six(branching_entropy([2, 2], base=E)) == 0.693147
    assert branching_entropy([4, 2, 1, 1]) == 1.75
    assert six(branching_entropy([4, 2, 1, 1], base=E)) == 1.213008
    assert round(3 / math.log(2), 3) == 4.328, "the threshold of 3 nats in bits"


def test_the_contrast_of_two_corpora() -> None:
    scores = contrast({"电网": 50, "研究": 50}, {"电网": 1, "研究": 99})
    assert {word: six(score) for word, score in scores.items()} == {"电网": 0.662252, "研究": 0.401606}
    scaled = contrast({"电网": 50, "研究": 50}, {"电网": 1000, "研究": 99_000})
    assert scaled == pytest.approx(scores)
    only = contrast({"电网": 50}, {"研究": 7})
    assert only == pytest.approx({"电网": 0.75, "研究": 0.25})
    with pytest.raises(ValueError, match="both corpora"):
        contrast({}, {"电网": 1})


def test_the_cohesion_of_republic() -> None:
    counts = {"共": 500, "和": 2000, "国": 1500, "共和": 260, "和国": 250, "共和国": 240}

    def of(word: str) -> float:
        splits = [(counts[word[:place]], counts[word[place:]]) for place in range(1, len(word))]
        return cohesion(counts[word], splits, 100_000)

    assert of("共和") == 26.0
    assert round(of("和国"), 4) == 8.3333
    assert round(cohesion(240, [(260, 1500)], 100_000), 4) == 61.5385
    assert round(cohesion(240, [(500, 250)], 100_000), 4) == 192.0
    assert round(of("共和国"), 4) == 61.5385
    # All three pass 5, 25, 125 and e^2, e^4, e^6 at their length; with 10 for pairs 和国 does not.
    for thresholds in ({2: 5, 3: 25}, {2: E**2, 3: E**4}):
        assert all(of(word) >= thresholds[len(word)] for word in ("共和", "和国", "共和国"))
    assert [word for word in ("共和", "和国") if of(word) >= 10] == ["共和"]
    assert [round(E**power, 4) for power in (2, 4, 6)] == [7.3891, 54.5982, 403.4288]
    assert [round(math.log(ratio), 4) for ratio in (5, 25, 125)] == [1.6094, 3.2189, 4.8283]
    # The logarithm of cohesion is the smallest PMI.
    assert math.log2(of("共和国")) == pytest.approx(min(pmi(240, 260, 1500, 100_000), pmi(240, 500, 250, 100_000)))


def test_mixed_totals_inflate_cohesion() -> None:
    """A total over all lengths mixed (three times as large) makes every ratio three times as large."""
    assert cohesion(240, [(260, 1500)], 300_000) == pytest.approx(3 * cohesion(240, [(260, 1500)], 100_000))


def test_a_single_character_has_nothing_to_split() -> None:
    assert cohesion(5, [], 100) == math.inf


# Exact arithmetic --------------------------------------------------------------------------------------------------


def exact_log(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).ln()


def exact_entropy(counts: list[int]) -> Decimal:
    """Nats, to 50 digits."""
    total = sum(counts)
    return sum((Decimal(count) / total * exact_log(Fraction(total, count)) for count in counts), Decimal(0))


def close(found: float, expected: Decimal) -> bool:
    return abs(Decimal(found) - expected) <= Decimal("1e-13") * max(1, abs(expected))


@quick
@given(st.text("我们的研究", min_size=2, max_size=30))
def test_measures_agree_with_exact_fractions(text: str) -> None:
    """One text, every pair of neighbours and the neighbours of every character."""
    characters = Counter(text)
    total = len(text)
    with localcontext() as context:
        context.prec = 50
        for (left, right), count in Counter(pairwise(text)).items():
            shares = Fraction(count, total), Fraction(characters[left], total), Fraction(characters[right], total)
            joint, *parts = shares
            ratio = joint / (parts[0] * parts[1])
            if left != right and count <= min(characters[left], characters[right]):
                assert close(pmi(count, characters[left], characters[right], total, E), exact_log(ratio))
                assert cohesion(count, [(characters[left], characters[right])], total) == float(ratio)
                gain = joint_term(joint, exact_log(ratio)) - rest(Fraction(1), joint)
                gain += sum((rest(part, joint) for part in parts), Decimal(0))
                assert close(merge_gain(count, characters[left], characters[right], total, E), gain)
                nats = approximate_gain(count, (characters[left], characters[right]), total, E)
                assert close(nats, joint_term(joint, exact_log(ratio) - 1))
        for character in characters:
            followers = Counter(b for a, b in pairwise(text) if a == character)
            edges = characters[character] - followers.total()
            expected = exact_entropy([*followers.values(), *[1] * edges])
            assert close(branching_entropy(followers.values(), edges, E), expected)


def joint_term(joint: Fraction, log: Decimal) -> Decimal:
    return Decimal(joint.numerator) / joint.denominator * log


def rest(share: Fraction, taken: Fraction) -> Decimal:
    return joint_term(share - taken, exact_log(1 - taken / share)) if share > taken else Decimal(0)


def glue(tokens: list[str], unit: tuple[str, ...]) -> tuple[list[str], int]:
    """The tokens with every occurrence of the unit, from the left, not overlapping, made one; how many there were."""
    merged: list[str] = []
    place = count = 0
    while place < len(tokens):
        if tuple(tokens[place : place + len(unit)]) == unit:
            merged.append("+".join(unit))
            place += len(unit)
            count += 1
        else:
            merged.append(tokens[place])
            place += 1
    return merged, count


LENGTHS = {"a": 1, "b": 2, "c": 1, "d": 3}


def information(tokens: list[str]) -> float:
    """L of the tokens by brute force; tokens are letters of some length, or letters joined by +."""
    units = Counter(tokens)
    return information_per_character(
        (count, sum(LENGTHS[letter] for letter in unit.split("+"))) for unit, count in units.items()
    )


tokens = st.lists(st.sampled_from("abcd"), min_size=2, max_size=40)


@quick
@given(tokens)
def test_the_gain_is_the_brute_force_difference_of_information(sequence: list[str]) -> None:
    """For every pair of neighbours in a random sequence: two different units, and a unit doubled (aaa holds one aa)."""
    counts = Counter(sequence)
    mean = math.fsum(LENGTHS[token] for token in sequence) / len(sequence)
    for left, right in set(pairwise(sequence)):
        merged, joint = glue(sequence, (left, right))
        difference = information(merged) - information(sequence)
        if left == right:
            gain = merge_gain_doubled(joint, counts[left], len(sequence))
        else:
            gain = merge_gain(joint, counts[left], counts[right], len(sequence))
        assert difference == pytest.approx(-gain / mean, abs=1e-12)


@quick
@given(tokens, st.permutations("abcd"), st.integers(2, 4))
def test_the_gain_of_k_units_is_the_brute_force_difference(sequence: list[str], order: list[str], size: int) -> None:
    unit = tuple(order[:size])
    sequence = [*sequence, *unit, *sequence]  # once at least
    counts = Counter(sequence)
    mean = math.fsum(LENGTHS[token] for token in sequence) / len(sequence)
    merged, joint = glue(sequence, unit)
    gain = merge_gain_k(joint, [counts[token] for token in unit], len(sequence))
    assert information(merged) - information(sequence) == pytest.approx(-gain / mean, abs=1e-12)


@quick
@given(st.integers(1, 50), st.integers(1, 99), st.integers(1, 99), st.integers(0, 200))
def test_the_approximation_is_below_the_gain(joint: int, more: int, others: int, rest_of_text: int) -> None:
    left, right = joint * more, joint * others
    total = left + right + rest_of_text
    assert approximate_gain(joint, (left, right), total) < merge_gain(joint, left, right, total)
    # The next term of the series closes most of the gap when the pair is rare.
    share, one, other = joint / total, left / total, right / total
    if min(more, others) < 20:
        return
    second = approximate_gain(joint, (left, right), total, E) + 0.5 * (1 / one + 1 / other - 1) * share**2
    gap = merge_gain(joint, left, right, total, E) - approximate_gain(joint, (left, right), total, E)
    assert abs(second - merge_gain(joint, left, right, total, E)) < 0.1 * gap


@quick
@given(st.lists(st.integers(0, 20), max_size=8), st.integers(0, 5), st.randoms(use_true_random=False))
def test_edges_are_neighbours_met_once_and_order_does_not_matter(
    counts: list[int], edges: int, chance: random.Random
) -> None:
    found = branching_entropy(counts, edges)
    assert found == branching_entropy(chance.sample(counts, len(counts)), edges)
    assert found == pytest.approx(branching_entropy([*counts, *[1] * edges]), abs=1e-12)
    kinds = sum(count > 0 for count in counts) + edges
    assert 0 <= found <= (math.log2(kinds) if kinds else 0) + 1e-12


def test_units_of_the_base() -> None:
    assert pmi(3, 6, 4, 20) == pytest.approx(pmi(3, 6, 4, 20, E) / math.log(2))
    assert merge_gain(3, 6, 4, 20, 10) == pytest.approx(merge_gain(3, 6, 4, 20, E) / math.log(10))
    assert merge_gain_doubled(3, 10, 20, 4) == pytest.approx(merge_gain_doubled(3, 10, 20) / 2)
    assert approximate_gain(3, (6, 4), 20) == pytest.approx(approximate_gain(3, (6, 4), 20, E) / math.log(2))


def test_what_never_meets() -> None:
    assert pmi(0, 6, 4, 20) == -math.inf
    assert normalized_pmi(0, 6, 4, 20) == -1.0
    assert merge_gain(0, 6, 4, 20) == merge_gain_doubled(0, 6, 20) == approximate_gain(0, (6, 4), 20) == 0.0
    assert branching_entropy([]) == branching_entropy([0]) == 0.0
    assert branching_entropy([], edges=4) == 2.0


def test_what_always_meets() -> None:
    assert normalized_pmi(5, 5, 5, 5) == 1.0
    assert merge_gain(10, 10, 10, 20) == pytest.approx(1.0), "ababab... becomes one unit: one bit a unit is saved"
    assert merge_gain_doubled(5, 10, 10) == pytest.approx(0.0, abs=1e-15)
    assert information_per_character([(5, 2)]) == 0.0


@pytest.mark.parametrize("counts", [(5, 4, 6, 20), (-1, 4, 6, 20), (0, 0, 6, 20), (1, 4, 30, 20)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int, int]) -> None:
    joint, left, right, total = counts
    for measure in (pmi, merge_gain, normalized_pmi):
        with pytest.raises(ValueError, match="expected 0 <= joint <= every part <= total"):
            measure(joint, left, right, total)
    with pytest.raises(ValueError, match="expected 0 <= joint"):
        approximate_gain(joint, (left, right), total)
    with pytest.raises(ValueError, match="expected 0 <= 2 joint <= unit <= total"):
        merge_gain_doubled(3, 5, 20)
    with pytest.raises(ValueError, match="at least one"):
        information_per_character([(0, 1)])


# Neighbours by brute force -----------------------------------------------------------------------------------------


def test_accessor_variety_counts_every_edge() -> None:
    assert accessor_variety(3, 1) == 1
    assert accessor_variety(3, 1, right_edges=4) == 3
    assert accessor_variety(1, 2, left_edges=4, right_edges=1) == 3


def test_the_normalised_variation_of_a_small_text() -> None:
    """Worked by hand. Text abab with edges: h_R(a) = 0 (b, b), h_R(b) = 1 (a, edge), h_R(ab) = 1, h_R(ba) = 0."""
    entropies = {"a": 0.0, "b": 1.0, "ab": 1.0, "ba": 0.0}

    found = normalized_variation(entropies, start=1.0, side="right")

    # Rises: a -1, b 0 (mean -0.5); ab = 1 - h(a) = 1, ba = 0 - h(b) = -1 (mean 0).
    assert found == {"a": -0.5, "b": 0.5, "ab": 1.0, "ba": -1.0}
    # To the left: h_L(a) = 1 (edge, b), h_L(b) = 0, h_L(ab) = 1, h_L(ba) = 0.
    mirrored = normalized_variation({"a": 1.0, "b": 0.0, "ab": 1.0, "ba": 0.0}, start=1.0, side="left")
    assert mirrored == {"a": 0.5, "b": -0.5, "ab": 1.0, "ba": -1.0}
    assert autonomy(mirrored, found) == {"a": 0.0, "b": 0.0, "ab": 2.0, "ba": -2.0}


@quick
@given(st.lists(st.text("研究生", min_size=1, max_size=8), min_size=1, max_size=5))
def test_normalised_variation_is_centred_and_mirrored(lines: list[str]) -> None:
    def entropies(texts: list[str]) -> tuple[dict[str, float], float]:
        following: dict[str, Counter[str]] = {}
        edges: Counter[str] = Counter()
        for text in texts:
            for start in range(len(text)):
                for end in range(start + 1, min(start + 4, len(text)) + 1):
                    counts = following.setdefault(text[start:end], Counter())
                    if end < len(text):
                        counts[text[end]] += 1
                    else:
                        edges[text[start:end]] += 1
        found = {gram: branching_entropy(counts.values(), edges[gram]) for gram, counts in following.items()}
        return found, branching_entropy(Counter("".join(texts)).values())

    right, start = entropies(lines)
    backwards, _ = entropies([line[::-1] for line in lines])
    left = {gram[::-1]: entropy for gram, entropy in backwards.items()}

    rises = normalized_variation(right, start, "right")
    for length in range(1, 5):
        assert math.fsum(rise for gram, rise in rises.items() if len(gram) == length) == pytest.approx(0, abs=1e-9)
    mirrored = normalized_variation(backwards, start, "right")
    assert normalized_variation(left, start, "left") == {gram[::-1]: rise for gram, rise in mirrored.items()}
    assert autonomy(normalized_variation(left, start, "left"), rises).keys() == right.keys()
