"""Counts of n-grams: the laws of a commutative monoid, and every number against counting one by one."""

from __future__ import annotations

import copy
import math
import pickle
import random
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.words import ngrams
from nlp_zero.words.association import branching_entropy
from nlp_zero.words.ngrams import NgramCounts
from nlp_zero.words.symbols import LATIN, NUMBER, YEAR, SymbolText

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Characters of words, one of them beyond the basic plane; runs; boundaries, among them a lone surrogate, NUL, an emoji
# and a noncharacter.
PIECES = ["学", "生", "会", "𠀀", "7", "2024", "ab", "Z", "，", "\ud800", " ", "\0", "😀", "\uffff", "\r"]
text_lines = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=8)


def symbols(line: str) -> list[str]:
    """The symbols of a line of such pieces; "" for boundaries."""
    result = []
    for part in re.findall(r"[0-9]+|[a-zA-Z]+|.", line, re.DOTALL):
        if part.isdigit():
            result.append(YEAR if len(part) == 4 else NUMBER)
        elif part.isascii() and part.isalpha():
            result.append(LATIN)
        else:
            result.append(part if part in "学生会𠀀" else "")
    return result


class Slow:
    """Everything counted one by one."""

    def __init__(self, lines: list[str], max_length: int) -> None:
        self.grams: Counter[str] = Counter()
        self.left: Counter[tuple[str, str]] = Counter()
        self.right: Counter[tuple[str, str]] = Counter()
        for line in lines:
            padded = ["", *symbols(line), ""]
            for start in range(1, len(padded) - 1):
                for end in range(start + 1, min(start + max_length, len(padded) - 1) + 1):
                    if "" in padded[start:end]:
                        break
                    gram = "".join(padded[start:end])
                    self.grams[gram] += 1
                    self.left[gram, padded[start - 1]] += 1
                    self.right[gram, padded[end]] += 1


def counted(lines: list[str], max_length: int = 3) -> NgramCounts:
    return NgramCounts(max_length).train(lines)


# ---- numbers -------------------------------------------------------------------------------------------------------


def test_counts_and_neighbours_worked_by_hand() -> None:
    counts = counted(["大学生活，学生会", "学生"])
    assert counts["学生"] == 3
    assert counts.right("学生") == {"": 1, "会": 1, "活": 1}
    assert counts.left("学生") == {"": 2, "大": 1}
    assert counts.right("学") == {"生": 3}
    assert counts["活学"] == 0, "no n-gram crosses a boundary"
    assert [counts.total(length) for length in (1, 2, 3)] == [9, 6, 3]
    assert [counts.types(length) for length in (1, 2, 3)] == [5, 4, 3]
    assert "大学" in counts and "学大" not in counts


def test_runs_are_one_symbol_each() -> None:
    counts = counted(["花了5元", "花了12.50元", "1998年用iPhone"])
    assert counts[NUMBER + "元"] == 2
    assert counts.left("元") == {NUMBER: 2}
    assert counts.right("用") == {LATIN: 1}
    assert counts[YEAR + "年"] == 1
    assert counts["了7元"] == counts["了3.14元"] == 2, "what stands in a run makes no difference"
    assert counts["2008年"] == 1 and counts["12年"] == 0
    assert counts[NUMBER + "元5"] == 0
    assert dict(counts.items(length=2, min_count=2)) == {"了" + NUMBER: 2, "花了": 2, NUMBER + "元": 2}


@pytest.mark.parametrize("gram", ["\0", "学\0", "\0学", "，", "学，", "\n", "\ud800", "学 生", "\uffff", "□"])
def test_what_holds_a_boundary_counts_nothing(gram: str) -> None:
    counts = counted(["学", "学，生", "学\0生", "\uffff学"])
    assert counts[gram] == 0
    assert counts.left(gram) == counts.right(gram) == {}
    assert counts.left_entropy(gram) == counts.right_entropy(gram) == 0


@quick
@given(text_lines, st.integers(1, 8))
def test_every_number_agrees_with_counting_one_by_one(lines: list[str], max_length: int) -> None:
    counts, slow = counted(lines, max_length), Slow(lines, max_length)
    assert list(counts.items()) == sorted(slow.grams.items())
    assert list(counts.items(min_count=2)) == sorted(item for item in slow.grams.items() if item[1] > 1)
    for length in range(1, max_length + 1):
        of_length = {gram: count for gram, count in slow.grams.items() if len(gram) == length}
        assert list(counts.items(length)) == sorted(of_length.items())
        assert counts.total(length) == sum(of_length.values())
        assert counts.types(length) == len(of_length)
    for gram, count in slow.grams.items():
        left = {symbol: number for (other, symbol), number in slow.left.items() if other == gram}
        right = {symbol: number for (other, symbol), number in slow.right.items() if other == gram}
        assert counts[gram] == count == sum(left.values()) == sum(right.values())
        assert list(counts.left(gram).items()) == sorted(left.items())
        assert list(counts.right(gram).items()) == sorted(right.items())
    assert counts["会会生会"[:max_length]] == slow.grams["会会生会"[:max_length]]
    assert bool(counts) == bool(slow.grams)


@quick
@given(text_lines)
def test_entropies_take_every_boundary_as_a_neighbour_of_its_own(lines: list[str]) -> None:
    counts, slow = counted(lines, 2), Slow(lines, 2)
    for gram, total in slow.grams.items():
        seen = [n for (other, symbol), n in slow.right.items() if other == gram and symbol]
        edges = slow.right[gram, ""]
        assert counts.right_entropy(gram) == branching_entropy(seen, edges=edges)
        shares = [n / total for n in [*seen, *[1] * edges]]
        assert counts.right_entropy(gram) == pytest.approx(-sum(share * math.log2(share) for share in shares), abs=1e-9)
        seen = [n for (other, symbol), n in slow.left.items() if other == gram and symbol]
        assert counts.left_entropy(gram) == branching_entropy(seen, edges=slow.left[gram, ""])


def test_entropies_are_those_of_the_segmentation() -> None:
    random_lines = list(lines_of(3, 200))
    counts, text = counted(random_lines, 3), SymbolText(random_lines)
    _, places, lengths, numbers, left, right = kernels.branching(text.ids, 3, 1, False)
    columns = (lengths, *(array("I", column) for column in (places, numbers, left, right)))
    grams = {text.word(place, length): row for length, place, *row in zip(*columns, strict=True)}
    assert {gram: number for gram, (number, _, _) in grams.items()} == dict(counts.items())
    for gram in random.Random(1).sample(sorted(grams), 50):
        assert counts.left_entropy(gram) == pytest.approx(grams[gram][1] / 65536, abs=2**-16)
        assert counts.right_entropy(gram) == pytest.approx(grams[gram][2] / 65536, abs=2**-16)


# ---- the laws ------------------------------------------------------------------------------------------------------


@quick
@given(text_lines, text_lines, text_lines)
def test_merging_is_commutative_and_associative_and_has_an_identity(a: list[str], b: list[str], c: list[str]) -> None:
    x, y, z = counted(a), counted(b), counted(c)
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert x + NgramCounts(3) == x == NgramCounts(3) + x
    assert sum([x, y, z], NgramCounts(3)) == counted(a + b + c)


@quick
@given(text_lines, st.data())
def test_any_split_and_order_of_the_lines_gives_the_same_table(lines: list[str], data: st.DataObject) -> None:
    whole = counted(lines)
    cut = data.draw(st.integers(0, len(lines)))
    merged = counted(lines[:cut]).merge(counted(lines[cut:]))
    assert merged == whole
    assert merged.table() == whole.table()
    shuffled = data.draw(st.permutations(lines))
    assert counted(shuffled).digest() == merged.digest() == whole.digest()
    assert counted(lines[:cut]).train(lines[cut:]) == whole, "training again adds up"
    assert counted(["\n".join(lines)]) == whole, "a block is its lines"


@quick
@given(text_lines, text_lines)
def test_subtracting_inverts_merging(a: list[str], b: list[str]) -> None:
    x, y = counted(a), counted(b)
    assert (x + y).subtract(y) == x
    assert x.subtract(x) == NgramCounts(3)
    assert x.subtract(NgramCounts(3)) == x


@quick
@given(text_lines)
def test_training_twice_adds_up(lines: list[str]) -> None:
    once, twice = counted(lines), counted(lines).train(lines)
    assert dict(twice.items()) == {gram: 2 * count for gram, count in once.items()}
    assert twice == once + once
    assert twice.subtract(once) == once


@quick
@given(text_lines, st.integers(1, 20), st.integers(1, 20))
def test_the_size_of_batches_does_not_show(lines: list[str], block: int, batch: int) -> None:
    with mock.patch.object(ngrams, "_BLOCK", block), mock.patch.object(ngrams, "_BATCH", batch):
        parts = counted(lines)
        assert parts.table() == NgramCounts(3).train(parts_of(lines)).table()
    assert parts == counted(lines)


def parts_of(lines: list[str]) -> Iterator[str]:
    yield from lines


def test_numbers_may_be_asked_between_two_trainings() -> None:
    counts = counted(["学生"])
    assert (counts.total(1), counts.types(1), counts.left("生")) == (2, 2, {"学": 1})
    counts.train(["学会生"])
    assert (counts.total(1), counts.types(1), counts.left("生")) == (5, 3, {"会": 1, "学": 1})
    assert counts.left("会") == {"学": 1}


def test_both_engines_give_the_same_table(engine: str) -> None:
    lines = list(lines_of(5, 300))
    digests: set[tuple[str, str, int, int]] = set()
    for name in kernels.available():
        kernels.use(name)
        half = counted(lines[:100], 5) + counted(lines[100:], 5)
        digests.add((half.digest(), counted(lines, 5).digest(), half.total(3), half.types(3)))
    assert len(digests) == 1
    merged, whole, *_ = digests.pop()
    assert merged == whole


def lines_of(seed: int, size: int) -> Iterator[str]:
    numbers = random.Random(seed)
    for _ in range(size):
        yield "".join(chr(0x4E00 + int(200 * numbers.random() ** 3)) for _ in range(numbers.randrange(40)))


# ---- more characters than an alphabet has room for -----------------------------------------------------------------


def many_characters() -> list[str]:
    spans = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2A6D7))
    characters = [chr(point) for start, end in spans for point in range(start, end)]
    assert len(characters) > 0xF000
    return characters


def test_no_character_is_rare_as_long_as_lines_are_shorter_than_an_alphabet() -> None:
    characters = many_characters()
    lines = ["".join(characters[start : start + 9000]) for start in range(0, len(characters), 9000)]
    counts = counted(lines, 1)
    assert counts.types(1) == counts.total(1) == len(characters)
    assert (
        counts.digest() == counted(lines[::-1], 1).digest() == (counted(lines[:4], 1) + counted(lines[4:], 1)).digest()
    )


def test_a_line_longer_than_an_alphabet_counts_alike_in_any_company() -> None:
    giant = "".join(many_characters())
    counts = counted(["甲乙", giant, "丙丁"], 1)
    assert counts == counted([giant, "丙丁", "甲乙"], 1) == counted([giant], 1) + counted(["甲乙", "丙丁"], 1)
    assert counts.total(1) == len(giant) + 4
    assert counts["㐀"] == 1 and counts["\ufdd3"] == len(giant) - (0xF000 - 8)


# ---- the object ----------------------------------------------------------------------------------------------------


def test_nothing_counted() -> None:
    empty = NgramCounts()
    assert not empty and empty.nbytes == 0 and empty.table() == (b"", array("Q"))
    assert empty["学"] == empty.total(1) == empty.types(4) == 0
    assert empty.left("学") == empty.right("学") == {} and list(empty.items()) == []
    assert empty == NgramCounts().train([]) == NgramCounts().train(["", "，\n。"])
    assert empty.digest() != NgramCounts(3).digest()


def test_size_table_and_copies() -> None:
    counts = counted(["学生会", "学生"], 2)
    windows, numbers = counts.table()
    assert counts.nbytes == len(windows) + 8 * len(numbers) == 17 * len(numbers)
    assert list(windows[:9]) == [0, 0, 0, 0, 0x5B, 0x66, 0, 0x75, 0x1F]
    assert NgramCounts.from_table(2, windows, numbers) == counts
    for twin in (pickle.loads(pickle.dumps(counts)), copy.deepcopy(counts), copy.copy(counts)):
        assert twin == counts
        assert twin.train(["学"])["学"] == counts["学"] + 1
    assert repr(counts) == "<NgramCounts of 5 symbols, up to length 2>"
    assert counts.max_length == 2
    assert counts != NgramCounts(3).train(["学生会", "学生"]) and counts != "counts"
    with pytest.raises(TypeError, match="unhashable"):
        hash(counts)


def test_digests_stay_what_they_are() -> None:
    lines = ["学生会学习2024年的iPhone，学生", "𠀀学"]
    assert counted(lines, 4).digest() == "39a795de43456b13e17ad3e04c353ad5d20cbfc76492a3df5fced3e99270ef12"


def test_one_str_is_no_iterable_of_lines() -> None:
    with pytest.raises(TypeError, match=r"sentences: expected an iterable of str, such as \['自然语言'\], got '一行'"):
        NgramCounts().train("一行")
    with pytest.raises(TypeError, match="sentences: expected str, such as '自然语言', got bytes"):
        NgramCounts().train([b"\xe5"])  # type: ignore[list-item]


@pytest.mark.parametrize("length", [0, 9, -1])
def test_lengths_have_limits(length: int) -> None:
    with pytest.raises(ValueError, match=f"max_length: expected 1 to 8, such as 4, got {length}"):
        NgramCounts(length)
    for call in (NgramCounts().total, NgramCounts().types, NgramCounts().items):
        with pytest.raises(ValueError, match=f"length: expected 1 to 4 symbols, got {length}"):
            call(length)


@pytest.mark.parametrize("gram", ["", "学生会学生", NUMBER * 5])
def test_grams_have_limits(gram: str) -> None:
    for call in (NgramCounts().count, NgramCounts().left, NgramCounts().right, NgramCounts().left_entropy):
        with pytest.raises(ValueError, match="gram: expected 1 to 4 symbols, such as '学生', got"):
            call(gram)
    assert NgramCounts()["abcdef123456"] == 0, "two symbols"


def test_counts_of_different_lengths_do_not_mix() -> None:
    for call in (NgramCounts(2).merge, NgramCounts(2).subtract):
        with pytest.raises(ValueError, match="other: expected counts of max_length 2, got 3"):
            call(NgramCounts(3))
    with pytest.raises(TypeError):
        NgramCounts(2) + 1


def test_subtracting_what_was_not_counted_says_what() -> None:
    with pytest.raises(ValueError) as caught:
        counted(["学生", "学生"]).subtract(counted(["学生"] * 3))
    assert str(caught.value) == ("other: expected only text that was counted here, got '学生' 3 times, here 2 times")


def test_damaged_tables_are_refused() -> None:
    windows, numbers = counted(["学生"], 1).table()
    with pytest.raises(ValueError, match="rows: expected strictly ascending rows, got row 1 not above"):
        NgramCounts.from_table(1, windows[6:12] + windows[:6] + windows[12:], numbers)
    with pytest.raises(ValueError, match="counts: expected 3 items, got 2"):
        NgramCounts.from_table(1, windows, numbers[:2])
