"""Scores by hand, against brute force, and on the gold of the bakeoff against the numbers of its own script."""

from __future__ import annotations

import functools
import lzma
import math
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.evaluation import _common_words, _same_spans, precision_at, segmentation_scores

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
