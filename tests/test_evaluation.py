"""Scores by hand, against brute force, and on the gold of the bakeoff against the numbers of its own script."""

from __future__ import annotations

import functools
import lzma
import math
import random
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.evaluation import (
    KINDS,
    Difference,
    Interval,
    LineCounts,
    _common_pairs,
    _common_words,
    _same_spans,
    best_granularity,
    bootstrap,
    bracket_scores,
    differences,
    line_counts,
    paired_bootstrap,
    precision_at,
    segmentation_scores,
)

quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_a_case_by_hand() -> None:
    gold = [["研究", "生命", "的", "起源"], ["生命"]]
    system = [["研究生", "命", "的", "起源"], ["生", "命"]]

    scores = segmentation_scores(gold, system, known={"研究", "的"})

    assert scores == (5, 6, 2, 2 / 6, 2 / 5, 4 / 11, 3 / 5, 1 / 3, 1 / 2, 2, 0)


def test_a_perfect_segmentation() -> None:
    gold = [["研究", "生命"], ["的"]]
    assert segmentation_scores(gold, gold, known=set()) == pytest.approx(
        (3, 3, 3, 1, 1, 1, 1, 1, math.nan, 2, 0), nan_ok=True
    )
    assert segmentation_scores(gold, gold).oov_rate != segmentation_scores(gold, gold).oov_rate, "NaN: nothing known"


def test_equal_words_at_different_places_are_not_the_same_word() -> None:
    """A diff of the words pairs one 哈; the spans of the two 哈 differ."""
    assert segmentation_scores([["哈", "哈哈"]], [["哈哈", "哈"]]).correct == 0
    assert len(_common_words(["哈", "哈哈"], ["哈哈", "哈"])) == 1


def test_lines_that_differ_are_aligned_by_their_words() -> None:
    """The system lost 。 and wrote 2 for 二: every other word counts."""
    gold = [["二", "人", "研究", "。"], ["好"]]
    system = [["2", "人", "研究"], ["好"]]
    scores = segmentation_scores(gold, system)
    assert (scores.correct, scores.gold_words, scores.system_words, scores.differing_lines) == (3, 5, 4, 1)


def test_lines_without_gold_count_for_nothing() -> None:
    """So does the script: what a system writes there is not charged."""
    scores = segmentation_scores([[], ["好"], [""]], [["x"], ["好"], []], known={"好"})
    assert (scores.gold_words, scores.system_words, scores.f1, scores.lines, scores.differing_lines) == (
        1,
        1,
        1.0,
        3,
        1,
    )
    empty = segmentation_scores([], [])
    assert empty[:3] == (0, 0, 0)
    assert math.isnan(empty.precision) and math.isnan(empty.recall) and math.isnan(empty.f1)


def test_a_system_without_output() -> None:
    scores = segmentation_scores([["好"]], [[]])
    assert (scores.recall, scores.f1, scores.differing_lines) == (0.0, 0.0, 1)
    assert math.isnan(scores.precision)


@pytest.mark.parametrize(("gold", "system", "side"), [(2, 1, "system"), (1, 3, "gold")])
def test_sides_of_different_length_are_refused(gold: int, system: int, side: str) -> None:
    with pytest.raises(InputError, match=f"{side}: line {min(gold, system) + 1}: expected as many lines"):
        segmentation_scores([["好"]] * gold, iter([["好"]] * system))


def test_a_line_of_text_is_not_a_list_of_words() -> None:
    with pytest.raises(
        TypeError, match=r"system: line 1: expected a list of words, such as \['研究', '生命'\], got '研究 生命'"
    ):
        segmentation_scores([["研究", "生命"]], ["研究 生命"])


def test_precision_of_a_ranking() -> None:
    ranked = ["葡萄酒", "究生", "研究"]
    assert precision_at(iter(ranked), {"研究", "葡萄酒"}, (1, 2, 3)) == {1: 1.0, 2: 0.5, 3: 2 / 3}
    assert math.isnan(precision_at(ranked, {"研究"}, [4])[4])
    assert precision_at(ranked, set(), []) == {}
    with pytest.raises(ValueError, match=r"such as \[1000, 5000\], got \[0\]"):
        precision_at(ranked, set(), [0])


# What differs -------------------------------------------------------------------------------------------------------


def test_each_kind_by_hand() -> None:
    gold = ["社会主义 的 研究 生命 中 国 。", "他 说 社会主义", "葡萄酒 很 甜", "他 说"]
    system = ["社会 主义 的 研究生 命 中国 。", "他 说 社会 主义", "葡萄酒 真 甜", "他 说"]

    found = differences(map(str.split, gold), map(str.split, system))

    assert found == [
        Difference("split", ("社会主义",), ("社会", "主义"), 2, 1),
        Difference("crossing", ("研究", "生命"), ("研究生", "命"), 1, 1),
        Difference("merge", ("中", "国"), ("中国",), 1, 1),
        Difference("characters", ("很",), ("真",), 1, 3),
    ]
    assert {difference.kind for difference in found} == set(KINDS)


def test_neighbouring_differences_stay_apart() -> None:
    found = differences([["甲乙", "丙", "丁", "戊己庚"]], [["甲", "乙", "丙丁", "戊", "己", "庚"]])
    assert [(kind, gold, system) for kind, gold, system, *_ in found] == [
        ("split", ("甲乙",), ("甲", "乙")),
        ("merge", ("丙", "丁"), ("丙丁",)),
        ("split", ("戊己庚",), ("戊", "己", "庚")),
    ]


def test_the_same_words_cut_differently_are_different_differences() -> None:
    gold = [["甲乙丙"], ["甲乙丙"], ["甲乙丙"]]
    system = [["甲", "乙丙"], ["甲乙", "丙"], ["甲乙", "丙"]]
    assert [(found.system, found.count, found.line) for found in differences(gold, system)] == [
        (("甲乙", "丙"), 2, 2),
        (("甲", "乙丙"), 1, 1),
    ], "the most frequent first, with the first line where it stands"


def test_of_equally_frequent_differences_the_first_met_comes_first() -> None:
    gold = [["丁戊"], ["甲乙"], ["丙", "甲"]]
    assert [found.line for found in differences(gold, [list("".join(line)) for line in gold])] == [1, 2]


def test_where_characters_differ_only_the_gap_between_common_words_does() -> None:
    """二 became 2; the words around it are right, and what was cut apart elsewhere is still a split."""
    found = differences([["有", "二", "人", "研究", "。"]], [["有", "2", "人", "研", "究"]])
    assert found == [
        Difference("characters", ("二",), ("2",), 1, 1),
        Difference("characters", ("研究", "。"), ("研", "究"), 1, 1),
    ]
    found = differences([["研究", "好", "人"]], [["研", "究", "好", "2"]])
    assert [difference.kind for difference in found] == ["split", "characters"]


def test_a_system_without_output_lost_characters() -> None:
    assert differences([["好", "人"]], [[]]) == [Difference("characters", ("好", "人"), (), 1, 1)]


def test_lines_without_gold_have_no_differences() -> None:
    assert differences([[], [""]], [["x"], []]) == []
    assert differences([], []) == []


def test_differences_and_counts_refuse_what_scores_refuse() -> None:
    for look in (differences, line_counts):
        with pytest.raises(InputError, match="system: line 2: expected as many lines"):
            look([["好"]] * 2, [["好"]])
        with pytest.raises(TypeError, match="gold: line 1: expected a list of words"):
            look(["好"], [["好"]])


def brute_force_kinds(gold: list[str], system: list[str]) -> Counter[str]:
    """By the spans alone: words that overlap are joined until nothing overlaps; the kind follows from how."""

    def spans(words: list[str]) -> list[tuple[int, int]]:
        ends = list(accumulate(map(len, words)))
        return list(zip([0, *ends], ends, strict=False))

    true, found = spans(gold), spans(system)
    wrong = [span for span in true if span not in found]
    kinds: Counter[str] = Counter()
    while wrong:
        group = {wrong[0]}
        while True:
            partners = {span for span in found for one in group if span[0] < one[1] and one[0] < span[1]}
            grown = {span for span in true for one in partners if span[0] < one[1] and one[0] < span[1]}
            if grown == group:
                break
            group = grown
        # Two spans cross where they overlap and neither holds the other.
        crossing = any(
            one[0] < span[0] < one[1] < span[1] or span[0] < one[0] < span[1] < one[1]
            for one in group
            for span in partners
        )
        kinds["crossing" if crossing else "merge" if len(group) > 1 else "split"] += 1
        wrong = [span for span in wrong if span not in group]
    return kinds


@quick
@given(st.text("研究生命", min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_kinds_agree_with_brute_force(text: str, chance: random.Random) -> None:
    gold, system = segmentations(chance, text), segmentations(chance, text)
    kinds: Counter[str] = Counter()
    for difference in differences([gold], [system]):
        assert "".join(difference.gold) == "".join(difference.system)
        kinds[difference.kind] += difference.count
    assert kinds == brute_force_kinds(gold, system)
    swapped = Counter[str]()
    for difference in differences([system], [gold]):
        swapped[difference.kind] += difference.count
    assert (swapped["split"], swapped["merge"], swapped["crossing"]) == (
        kinds["merge"],
        kinds["split"],
        kinds["crossing"],
    )


pairs_of_lines = st.lists(st.tuples(*[st.lists(st.sampled_from(["甲", "乙", "丙", "甲乙", "乙丙"]), max_size=9)] * 2))


@quick
@given(pairs_of_lines)
def test_every_word_is_right_or_in_one_difference(pairs: list[tuple[list[str], list[str]]]) -> None:
    """Also where the characters differ; and the counts by line add up to the scores."""
    gold, system = [one for one, _ in pairs], [other for _, other in pairs]
    scores = segmentation_scores(gold, system)
    found = differences(gold, system)
    assert sum(len(item.gold) * item.count for item in found) == scores.gold_words - scores.correct
    assert sum(len(item.system) * item.count for item in found) == scores.system_words - scores.correct
    assert len({(item.gold, item.system) for item in found}) == len(found)
    counts = line_counts(gold, system)
    assert len(counts) == scores.lines
    assert tuple(map(sum, zip(*counts, strict=True))) == (scores[:3] if pairs else ())


# How sure a score is ------------------------------------------------------------------------------------------------


def random_counts(seed: int, lines: int, accuracy: float) -> list[LineCounts]:
    chance = random.Random(seed)
    sizes = [1 + chance.randrange(40) for _ in range(lines)]
    return [
        LineCounts(size, size + chance.randrange(4), sum(chance.random() < accuracy for _ in range(size)))
        for size in sizes
    ]


def rates(counts: list[LineCounts]) -> tuple[float, float, float]:
    gold, system, correct = (sum(column) for column in zip(*counts, strict=True))
    return correct / system, correct / gold, 2 * correct / (gold + system)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_cover_the_measured_rates(seed: int) -> None:
    counts = random_counts(seed, 60, 0.8)
    result = bootstrap(counts, resamples=200, seed=seed)
    for rate, (low, high) in zip(rates(counts), result, strict=False):
        assert low < rate < high
        assert high - low < 0.1
    assert (result.lines, result.resamples) == (60, 200)


def test_the_interval_is_as_wide_as_the_theory_says() -> None:
    """One word a line: recall is a share of coin flips, whose error is sqrt(p (1 - p) / n)."""
    counts = [LineCounts(1, 1, int(place < 300)) for place in range(400)]
    low, high = bootstrap(counts, resamples=2000, seed=3).recall
    error = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - error, abs=0.006)
    assert high == pytest.approx(0.75 + error, abs=0.006)


def test_the_numbers_of_a_seed_are_fixed() -> None:
    """The draws are written out here once more, slowly; the constants guard every platform and version."""
    counts = random_counts(1, 30, 0.7)
    draw = random.Random(9).random
    values = []
    for _ in range(80):
        sample = [counts[math.floor(draw() * 30)] for _ in range(30)]
        values.append(rates(sample)[2])
    result = bootstrap(counts, resamples=80, seed=9)
    assert result.f1 == (sorted(values)[2], sorted(values)[-3]), "a fortieth, 2 of 80, is cut off at either end"
    assert result == bootstrap(iter(counts), resamples=80, seed=9)
    assert result != bootstrap(counts, resamples=80, seed=10)
    assert [int(number * 1000) for number in (random.Random(9).random(), random.Random(10).random())] == [463, 571]


def test_lines_without_gold_are_not_drawn() -> None:
    counts = random_counts(2, 20, 0.9)
    empty = LineCounts(0, 0, 0)
    assert bootstrap([empty, *counts, empty], resamples=50) == bootstrap(counts, resamples=50)
    assert paired_bootstrap([*counts, empty], [*counts, empty], resamples=50).lines == 20


def test_few_resamples_give_their_whole_range() -> None:
    counts = random_counts(3, 20, 0.9)
    assert bootstrap(counts, resamples=1).f1[0] == bootstrap(counts, resamples=1).f1[1]
    assert bootstrap(counts, resamples=39).f1[0] < bootstrap(counts, resamples=39).f1[1]


def test_a_rate_of_nothing_is_left_out_of_its_interval() -> None:
    silent = [LineCounts(3, 0, 0)]
    assert all(map(math.isnan, bootstrap(silent, resamples=9).precision))
    assert bootstrap(silent, resamples=9).recall == Interval(0.0, 0.0)
    assert bootstrap([*silent, LineCounts(3, 3, 3)], resamples=99).precision == (1.0, 1.0)
    nothing = bootstrap([], resamples=9)
    assert all(math.isnan(end) for interval in nothing[:3] for end in interval) and nothing.lines == 0
    comparison = paired_bootstrap([], [], resamples=9)
    assert math.isnan(comparison.difference) and math.isnan(comparison.p_value) and comparison.lines == 0


def test_identical_systems_do_not_differ() -> None:
    counts = random_counts(4, 50, 0.8)
    assert paired_bootstrap(counts, counts, resamples=100) == (0.0, (0.0, 0.0), 1.0, 50, 100)


def test_a_clear_difference_and_an_unclear_one() -> None:
    chance = random.Random(5)
    good = random_counts(5, 80, 0.9)
    bad = [LineCounts(gold, system, max(0, right - chance.randrange(4))) for gold, system, right in good]
    clear = paired_bootstrap(good, bad, resamples=200, seed=1)
    assert clear.difference == pytest.approx(rates(good)[2] - rates(bad)[2])
    assert 0 < clear.interval.low < clear.difference < clear.interval.high
    assert clear.p_value == 2 / 201, "no flip: the sample itself is one of 201, on two sides"

    swaps = [one if chance.random() < 0.5 else other for one, other in zip(good, bad, strict=True)]
    others = [other if one is swap else one for one, other, swap in zip(good, bad, swaps, strict=True)]
    unclear = paired_bootstrap(swaps, others, resamples=200, seed=1)
    assert unclear.interval.low < 0 < unclear.interval.high
    assert unclear.p_value > 0.05


def test_the_paired_test_by_brute_force_and_with_sides_changed() -> None:
    one, other = random_counts(6, 25, 0.8), random_counts(6, 25, 0.78)
    other = [LineCounts(first.gold, second.system, second.correct) for first, second in zip(one, other, strict=True)]
    draw = random.Random(2).random
    values = []
    for _ in range(120):
        places = [math.floor(draw() * 25) for _ in range(25)]
        values.append(rates([one[place] for place in places])[2] - rates([other[place] for place in places])[2])
    measured = rates(one)[2] - rates(other)[2]
    flips = sum(value <= 0 for value in values) if measured > 0 else sum(value >= 0 for value in values)

    result = paired_bootstrap(one, other, resamples=120, seed=2)

    assert result.difference == measured
    assert result.interval == (sorted(values)[3], sorted(values)[-4])
    assert result.p_value == min(1.0, 2 * (flips + 1) / 121)
    mirrored = paired_bootstrap(other, one, resamples=120, seed=2)
    assert (mirrored.difference, mirrored.p_value) == (-measured, result.p_value)
    assert mirrored.interval == (-result.interval.high, -result.interval.low)


def test_the_p_value_is_rarely_small_by_chance() -> None:
    """Of systems that differ by chance alone, about one in ten has p < .1."""
    small = 0
    for seed in range(60):
        one, other = random_counts(2 * seed, 40, 0.8), random_counts(2 * seed + 1, 40, 0.8)
        other = [
            LineCounts(a.gold, a.gold + b.system - b.gold, round(b.correct * a.gold / b.gold))
            for a, b in zip(one, other, strict=True)
        ]
        small += paired_bootstrap(one, other, resamples=60, seed=seed).p_value < 0.1
    assert 1 <= small <= 16


def test_counts_of_different_gold_are_refused() -> None:
    counts = random_counts(7, 3, 0.5)
    with pytest.raises(InputError, match="others: expected 3 lines, as in counts, got 2"):
        paired_bootstrap(counts, counts[:2])
    other = [*counts[:2], LineCounts(99, 9, 9)]
    with pytest.raises(InputError, match=r"others: line 3: expected \d+ gold words, as in counts, got 99"):
        paired_bootstrap(counts, other)


@pytest.mark.parametrize("resamples", [0, -5])
def test_no_resamples_are_refused(resamples: int) -> None:
    with pytest.raises(ValueError, match=f"such as 1000, got {resamples}"):
        bootstrap([], resamples=resamples)
    with pytest.raises(ValueError, match=f"such as 1000, got {resamples}"):
        paired_bootstrap([], [], resamples=resamples)


def test_the_bootstrap_says_how_far_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    bootstrap([LineCounts(1, 1, 1)], resamples=3, progress=lambda stage, done, total: seen.append((stage, done, total)))
    assert seen == [("resamples", 0, 3), ("resamples", 1, 3), ("resamples", 2, 3)]


def test_a_thousand_resamples_of_four_thousand_lines_take_seconds() -> None:
    counts = random_counts(8, 4000, 0.9)
    start = time.process_time()
    low, high = bootstrap(counts, resamples=1000).f1
    assert time.process_time() - start < 6
    assert 0.002 < high - low < 0.02


# Brute force -------------------------------------------------------------------------------------------------------


def segmentations(chance: random.Random, text: str) -> list[str]:
    cuts = sorted(chance.sample(range(1, len(text)), chance.randrange(len(text)))) if text else []
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if text]


@quick
@given(st.text("研究生命", max_size=12), st.randoms(use_true_random=False))
def test_spans_agree_with_positions(text: str, chance: random.Random) -> None:
    gold, system = segmentations(chance, text), segmentations(chance, text)

    def spans(words: list[str]) -> set[tuple[int, int]]:
        return {(len("".join(words[:place])), len("".join(words[: place + 1]))) for place in range(len(words))}

    scores = segmentation_scores([gold], [system])
    assert scores.correct == len(spans(gold) & spans(system))
    assert scores.differing_lines == 0
    swapped = segmentation_scores([system], [gold])
    assert scores.correct == swapped.correct
    # Words at equal places are a common subsequence, so the longest one is no shorter.
    assert len(_common_words(gold, system)) >= scores.correct


def longest(one: list[str], other: list[str]) -> int:
    """The textbook table."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, word in enumerate(one):
        for j, another in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if word == another else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


short = st.lists(st.sampled_from(["甲", "乙", "丙", "甲乙"]), max_size=14)


@quick
@given(short, short)
def test_the_common_subsequence_is_one_and_is_the_longest(one: list[str], other: list[str]) -> None:
    places = _common_words(one, other)
    pairs = _common_pairs(one, other)

    assert [place for place, _ in pairs] == places
    assert all(one[place] == other[partner] for place, partner in pairs)
    partners = [partner for _, partner in pairs]
    assert partners == sorted(set(partners))
    assert places == sorted(set(places))
    rest = iter(other)
    assert all(one[place] in rest for place in places), "the words stand in the same order in the other line"
    assert len(places) == longest(one, other)


def test_a_huge_line_that_differs_takes_seconds() -> None:
    chance = random.Random(2)
    gold = [chance.choice("研究生命的起源") for _ in range(20_000)]
    system = [word for word in gold if chance.random() < 0.9]
    start = time.process_time()
    scores = segmentation_scores([gold], [system])
    assert scores.correct == len(system), "what is left after words were lost is all common"
    assert time.process_time() - start < 10


# The bakeoff -------------------------------------------------------------------------------------------------------


@functools.cache
def lines(path: Path) -> list[list[str]]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [line.split() for line in file]


def longest_match(text: str, known: set[str], size: int) -> list[str]:
    words = []
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        while end > start + 1 and text[start:end] not in known:
            end -= 1
        words.append(text[start:end])
        start = end
    return words


# Precision, recall, F, OOV rate, OOV recall and IV recall as counted by the method of the official script, one
# GNU "diff -y" (diffutils 3.8) a line; before them lines and gold words (both as published) and system words.
OFFICIAL = {
    "pku": (1944, 104372, 112281, [0.843, 0.907, 0.874, 0.058, 0.069, 0.958]),
    "msr": (3985, 106873, 111480, [0.917, 0.957, 0.937, 0.026, 0.025, 0.982]),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_longest_match_scores_as_the_official_script_says(shared: Path, name: str) -> None:
    folder = shared / "data" / "sighan2005"
    gold = lines(folder / f"{name}_test_gold.txt.xz")
    known = {word for line in lines(folder / f"{name}_training_words.txt.xz") for word in line}
    size = max(map(len, known))
    system = [longest_match("".join(line), known, size) for line in gold]

    scores = segmentation_scores(gold, system, known)

    rates = [scores.precision, scores.recall, scores.f1, scores.oov_rate, scores.oov_recall, scores.iv_recall]
    assert (scores.lines, scores.gold_words, scores.system_words, [round(rate, 3) for rate in rates]) == OFFICIAL[name]
    assert scores.differing_lines == 0


@pytest.mark.parametrize(("name", "expected"), [("pku", 0.343), ("msr", 0.330)])
def test_characters_as_words(shared: Path, name: str, expected: float) -> None:
    gold = lines(shared / "data" / "sighan2005" / f"{name}_test_gold.txt.xz")
    system = [list("".join(line)) for line in gold]

    assert round(segmentation_scores(gold, system).f1, 3) == expected
    # Here a minimal diff of the words finds what spans find, in every line.
    for true, found in zip(gold[:150], system[:150], strict=True):
        assert len(_common_words(true, found)) == len(_same_spans(true, found))


def test_of_equal_granularities_the_one_nearest_to_the_learnt_is_taken():
    gold = [["北京", "大学"]]
    step, scores = best_granularity(lambda lines, step: [["北京", "大学"] if step < 0.1 else lines], gold)
    assert (step, scores[-0.3], scores[0.3]) == (0.0, 1.0, 0.0)
    step, _ = best_granularity(lambda lines, step: [["北京", "大学"] if step > 0.1 else lines], gold)
    assert step == 0.15


# Trees --------------------------------------------------------------------------------------------------------------


def test_brackets_by_hand() -> None:
    """Gold ((我 的 苹果) ， (好 吃 (极 了))), system ((我 (的 苹果 ，)) 好 (吃 (极 了)))."""
    words = ["我", "的", "苹果", "，", "好", "吃", "极", "了"]
    gold = (words, [(0, 8), (0, 3), (4, 8), (6, 8)])
    system = (words, [(0, 8), (0, 4), (1, 4), (5, 8), (6, 8)])

    scores = bracket_scores([gold], [system])

    assert scores == (3, 4, 2, 2 / 4, 2 / 3, 4 / 7, 1)


def test_brackets_of_one_word_of_the_sentence_and_twice_the_same_count_for_nothing() -> None:
    words = ["“", "我", "”", "爱", "你", "。"]
    spans = [(0, 3), (0, 6), (0, 5), (1, 2), (3, 5), (3, 6), (3, 5), (2, 3), (4, 4)]
    assert bracket_scores([(words, spans)], [(["我", "爱", "你"], [(1, 3)])])[:3] == (1, 1, 1)


def test_brackets_of_nothing_have_no_rate() -> None:
    scores = bracket_scores([([], []), (["好"], [(0, 1)])], [(["，"], [(0, 1)]), (["好"], [])])
    assert scores[:3] == (0, 0, 0) and math.isnan(scores.f1) and scores.sentences == 2


def test_trees_of_other_words_are_told_apart() -> None:
    with pytest.raises(InputError, match="system: line 2: word 2 besides punctuation: expected '吃', got 'the end'"):
        bracket_scores([(["a"], []), (["好", "，", "吃"], [])], [(["a"], []), (["好"], [])])
    with pytest.raises(InputError, match="gold: line 2: expected as many sentences on both sides, got the end"):
        bracket_scores([(["a"], [])], [(["a"], []), (["a"], [])])


@quick
@given(st.lists(st.sampled_from("一二，"), max_size=9), st.data())
def test_brackets_agree_with_a_slow_count(words: list[str], data: st.DataObject) -> None:
    places = st.integers(0, len(words))
    span = st.tuples(places, places).map(lambda pair: (min(pair), max(pair)))
    sides = [data.draw(st.lists(span, max_size=8)) for _ in range(2)]
    kept = [place for place, word in enumerate(words) if word != "，"]
    covered = [
        {tuple(place for place in kept if start <= place < end) for start, end in spans} - {tuple(kept)}
        for spans in sides
    ]
    true, found = ({places for places in side if len(places) > 1} for side in covered)

    scores = bracket_scores([(words, sides[0])], [(words, sides[1])])

    assert scores[:3] == (len(true), len(found), len(true & found))
