"""The kernel ``lattice``: edges against a slow reading of the rules, the path against every path, C against Python."""

from __future__ import annotations

import gc
import random
import sys
import threading
import time
from array import array
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import lattice as twin
from nlp_zero.words import symbols

CHARACTERS = {
    1: " \t\n",
    2: "!。，-…",
    3: "中外科学名著大𠮷",
    4: "abcde",
    5: "0123456789",
    6: "のはがー",
    7: "가나",
    8: "\u0301\ufe0f",
    9: ".:/",
    10: "%",
    11: "\u200d",
    12: "\U0001f1e8\U0001f1f3",
    13: "😀👩",
    14: ",",
    15: "一二十",
}
NUMBER, YEAR, LETTERS, RARE = twin.PLACEHOLDERS
OTHERS = "@\x00\ud800\U0010ffff"
EVERY = "".join(CHARACTERS.values()) + OTHERS
MARKS = "\u0301\ufe0f\u200d"


def make_kinds() -> bytes:
    table = bytearray(0x110000)
    for kind, characters in CHARACTERS.items():
        for character in characters:
            table[ord(character)] = kind
    return bytes(table)


KINDS = make_kinds()
PLAIN = array("d", [-5.0, -1.0] * 9)
RUNS = b"\1" * 9

Arguments = tuple[str, Any, bytes, Any, bytes, bool, str]


def arguments(
    words: dict[str, float], *, unknown: Any = PLAIN, runs: bytes = RUNS, whole: bool = True, forced: str = ""
) -> Arguments:
    names = sorted(words)
    return "\n".join(names), array("d", [words[name] for name in names]), KINDS, unknown, runs, whole, forced


def make(words: dict[str, float], *, kinds: str = "", **options: Any) -> Any:
    """A segmenter; ``kinds`` are more Han characters."""
    given = list(arguments(words, **options))
    table = bytearray(KINDS)
    for character in kinds:
        table[ord(character)] = 3
    given[2] = bytes(table)
    return kernels.Segmenter(*given)


def edges(engine: Any, text: str) -> list[tuple[int, int, float, int]]:
    starts, ends, scores, words = engine.lattice(text)
    columns = [memoryview(column).cast("i") for column in (starts, ends, words)]
    return list(zip(columns[0], columns[1], memoryview(scores).cast("d"), columns[2], strict=True))


def random_case(source: random.Random, forced: bool = True) -> tuple[Arguments, list[str]]:
    """Words and texts over a few characters, so that they meet often; scores that often tie."""
    alphabet = (
        source.sample(EVERY, source.randint(1, 8))
        if source.random() < 0.8
        else list(source.choice(["0120,,.%中\u0301a", "一二十0中\u0301"]))
    )

    def string(lengths: list[int]) -> str:
        return "".join(source.choice(alphabet) for _ in range(source.choice(lengths)))

    words = {string([1, 1, 2, 2, 3, 4, 40]).replace("\n", "x"): 0.0 for _ in range(source.randint(0, 12))}
    for word in words:
        words[word] = -source.choice([1.0, 2.0, 3.0, 4.0, 7.5, source.random() * 10])
    must = {string([1, 2, 3]).replace("\n", "x") for _ in range(source.choice([0, 0, 1, 3]) if forced else 0)}
    case = arguments(
        words,
        unknown=array("d", [-source.choice([0.0, 1.0, 2.0, 3.25]) for _ in range(18)]),
        runs=bytes(source.choice([0, 1, 1]) for _ in range(9)),
        whole=source.random() < 0.5,
        forced="\n".join(sorted(must)),
    )
    return case, [string([0, 1, 3, 6, 9]) for _ in range(3)] + [string([80])]


def shape_case(source: random.Random) -> tuple[Arguments, list[str]]:
    """Texts full of runs; words that are stretches of them, spelt out or with placeholders."""
    alphabet = source.sample("0123a.,%中外大の一二十\u0301\u200d" + NUMBER + YEAR, source.randint(3, 8))
    pieces = [*alphabet, "1998", "12", "5%", "1,234", "ab", "中1998", "中12月", "二十", "中二十月"]
    texts = ["".join(source.choices(pieces, k=source.choice([1, 2, 4, 6]))) for _ in range(4)]
    texts.append("".join(source.choices(pieces, k=25)))
    runs = bytes(source.choice([0, 1, 1, 1]) if code in (4, 5, 6) else 1 for code in range(9))
    whole = source.random() < 0.6
    words: dict[str, float] = dict.fromkeys(source.choices([NUMBER, YEAR, LETTERS, RARE, NUMBER + "月"], k=2), 0.0)
    for _ in range(source.randint(1, 12)):
        text = source.choice(texts)
        start, length = source.randrange(len(text)), source.randint(1, 9)
        atoms, _ = shape(text, runs, whole)
        stretch = text[start : start + length]
        words[(source.random() < 0.7 and shape_of(text, start, start + len(stretch), atoms, runs)) or stretch] = 0.0
    for word in words:
        words[word] = -source.choice([1.0, 2.0, 3.0, 4.0, 7.5, source.random() * 10])
    unknown = array("d", [-source.choice([0.0, 1.0, 2.0, 3.25]) for _ in range(18)])
    return arguments(words, unknown=unknown, runs=runs, whole=whole), texts


# A slow reading of the rules -----------------------------------------------------------------------------------------


def kind_of(character: str) -> int:
    return KINDS[ord(character)]


def number_end(text: str, start: int) -> int:
    """Where the number that starts here ends."""
    end = start + 1
    while end < len(text):
        behind = [kind_of(character) for character in text[end + 1 : end + 5]]
        before = [kind_of(character) for character in text[max(start, end - 4) : end]]
        digits = (
            len(behind) if behind.count(5) == len(behind) else next(i for i, kind in enumerate(behind) if kind != 5)
        )
        comma = kind_of(text[end]) == 14 and digits == 3 and before != [5] * 4
        point = kind_of(text[end]) == 9 and digits > 0
        if not (text[end] in MARKS or kind_of(text[end]) == 5 or comma or point):
            break
        end += 1
    if end < len(text) and text[end] == "%":
        end += 1
        while end < len(text) and text[end] in MARKS:
            end += 1
    return end


def atom_end(text: str, start: int) -> int:
    kind, end = kind_of(text[start]), start + 1
    if kind == 5:
        return number_end(text, start)
    if kind == 12 and text[end : end + 1] and kind_of(text[end]) == 12:
        end += 1
    while end < len(text):
        same_run = kind in (1, 4, 6, 7) and kind_of(text[end]) == kind
        same_mark = kind in (2, 9, 10, 14) and text[end] == text[start] and text[end - 1] == text[start]
        joined = kind == 13 and kind_of(text[end]) == 13 and text[end - 1] == "\u200d"
        attached = text[end] in MARKS and kind != 1
        if not (same_run or same_mark or joined or attached):
            break
        end += 1
    return end


CLASS_OF = {9: 2, 14: 2, 10: 2, 11: 8, 12: 0, 13: 0, 15: 3}


def numerals_end(text: str, start: int) -> int:
    """Where the number of numerals that starts here ends; `start` if none does."""
    end = start
    while end < len(text) and kind_of(text[end]) == 15:
        end += 1
    beside = [kind_of(text[place]) for place in (start - 1, end) if 0 <= place < len(text)]
    torn = end < len(text) and text[end] in MARKS
    return start if end - start < 2 or torn or 5 in beside or 15 in beside else end


def shape(text: str, runs: bytes, whole: bool) -> tuple[list[tuple[int, int, int]], set[int]]:
    """Atoms as start, end, class (after the policy), and the closed places."""
    atoms: list[tuple[int, int, int]] = []
    closed: set[int] = set()
    start = 0
    while start < len(text):
        end, code = atom_end(text, start), CLASS_OF.get(kind_of(text[start]), kind_of(text[start]))
        if runs[5] and numerals_end(text, start) > start:
            end, code = numerals_end(text, start), 5
        solid = code in (0, 3, 8)
        inner = range(start + 1, end)
        closed.update(place for place in inner if solid or text[place] in MARKS)
        if whole and code in (4, 5):
            closed.update(inner)
        if runs[code] or solid:
            atoms.append((start, end, code))
        else:
            starts = [start, *(place for place in inner if text[place] not in MARKS)]
            for first, last in zip(starts, [*starts[1:], end], strict=True):
                atoms.append((first, last, CLASS_OF.get(kind_of(text[first]), kind_of(text[first]))))
        start = end
    return atoms, closed


def shape_of(text: str, start: int, end: int, atoms: list[tuple[int, int, int]], runs: bytes) -> str | None:
    """A stretch with placeholders for its runs; None where it cuts one, or holds a placeholder already."""
    parts = []
    for first, last, code in atoms:
        inside = range(max(first, start), min(last, end))
        if code in (4, 5) and runs[code] and inside:
            if len(inside) < last - first:
                return None
            year = code == 5 and last - first == 4 and all(kind_of(text[place]) == 5 for place in inside)
            parts.append(YEAR if year else NUMBER if code == 5 else LETTERS)
        else:
            parts.extend(text[place] for place in inside)
    return None if set(text[start:end]) & set(twin.PLACEHOLDERS) else "".join(parts)


def slow_edges(case: Arguments, text: str) -> list[tuple[int, int, float, int]]:
    """The edges by the rules, without a thought for speed; no forced words."""
    joined, scores, _, unknown, runs, whole, _ = case
    words = {word: index for index, word in enumerate(joined.split("\n") if joined else [])}
    atoms, closed = shape(text, runs, whole)
    size = len(text)
    known = {}
    for start in range(size):
        for end in range(start + 1, size + 1):
            if not {start, end} & closed and not set(text[start:end]) & set(twin.PLACEHOLDERS):
                index = words.get(text[start:end], words.get(shape_of(text, start, end, atoms, runs), -1))
                if index >= 0:
                    known[start, end] = scores[index], index
    starts = {start for start, _ in known}
    everything = dict(known)
    for first, last, code in atoms:
        for start in range(first, last):
            if start == first or start not in closed:
                stops = {end for end in range(start + 1, last) if end in starts and end - start <= 32} | {last}
                for end in stops:
                    score = unknown[2 * code] + unknown[2 * code + 1] * (end - start)
                    everything.setdefault((start, end), (score, -1))
    reached, found = {0}, []
    for (start, end), (score, word) in sorted(everything.items()):
        if start in reached:
            reached.add(end)
            found.append((start, end, score, word))
    return found


def every_path(found: list[tuple[int, int, float, int]], size: int) -> list[tuple[float, int, list[int], list[int]]]:
    """All paths: -score (added from the right), words, -ends, ends; the smallest is the best by the tie rule."""
    paths: dict[int, list[tuple[float, list[int]]]] = {size: [(0.0, [])]}
    for start, end, score, _ in reversed(found):
        paths.setdefault(start, []).extend((score + rest, [end, *ends]) for rest, ends in paths.get(end, []))
    return [(-score, len(ends), [-end for end in ends], ends) for score, ends in paths.get(0, [])]


# Tests ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(150))
def test_edges_follow_the_rules(seed: int) -> None:
    case, texts = random_case(random.Random(seed), forced=False)
    engine = kernels.Segmenter(*case)
    for text in texts:
        assert edges(engine, text) == slow_edges(case, text), (case, text)


@pytest.mark.parametrize("seed", range(150))
def test_best_path_is_the_best_of_all_paths(seed: int) -> None:
    case, texts = random_case(random.Random(1000 + seed), forced=False)
    engine = kernels.Segmenter(*case)
    for text in texts[:3]:
        best = min(every_path(slow_edges(case, text), len(text)))
        assert engine.cuts(text) == best[3], (case, text)


@pytest.mark.parametrize("seed", range(100))
def test_engine_equals_the_python_twin(seed: int) -> None:
    case, texts = random_case(random.Random(2000 + seed))
    engine, python = kernels.Segmenter(*case), twin.Segmenter(*case)
    for text in texts:
        assert engine.segment(text) == python.segment(text)
        assert engine.cuts(text) == python.cuts(text)
        assert engine.lattice(text) == python.lattice(text)
    assert engine.segment_lines(texts) == python.segment_lines(texts)
    for word in [*case[0].split("\n"), "", "zz", "\ud800"]:
        assert engine.find(word) == python.find(word)


@pytest.mark.parametrize("seed", range(60))
def test_words_joined_are_the_text(seed: int) -> None:
    case, texts = random_case(random.Random(3000 + seed))
    engine = kernels.Segmenter(*case)
    for text in texts:
        words = engine.segment(text)
        assert "".join(words) == text
        assert all(words)
        ends = engine.cuts(text)
        assert [text[start:end] for start, end in zip([0, *ends], ends, strict=False)] == words


@pytest.mark.parametrize("seed", range(60))
def test_forced_words_come_out_whole_and_the_rest_stands_alone(seed: int) -> None:
    source = random.Random(4000 + seed)
    case, _ = random_case(source, forced=False)
    text = "".join(source.choice("中外科学名著") for _ in range(30))
    forced = sorted({text[place : place + 3] for place in range(0, 28, 7)})
    free = kernels.Segmenter(*case)
    engine = kernels.Segmenter(*case[:6], "\n".join(forced))
    expected: list[str] = []
    place = start = 0
    while place < len(text):
        if text[place : place + 3] in forced:
            expected += [*free.segment(text[start:place]), text[place : place + 3]]
            place = start = place + 3
        else:
            place += 1
    assert engine.segment(text) == expected + free.segment(text[start:])


@pytest.mark.parametrize("seed", range(12))
def test_texts_of_many_pieces(seed: int) -> None:
    # The C engine solves long texts in pieces of some thousand characters: the same words, the same edges.
    source = random.Random(6000 + seed)
    case, _ = random_case(source)
    alphabet = sorted(set(case[0] + case[6]) - {"\n"}) or ["中"]
    alphabet += source.sample(EVERY, seed % 4)
    engine, python = kernels.Segmenter(*case), twin.Segmenter(*case)
    for size in (1024, 1025, 5000):
        text = "".join(source.choices(alphabet, k=size))
        assert engine.segment(text) == python.segment(text)
        assert engine.cuts(text) == python.cuts(text)
    assert engine.lattice(text) == python.lattice(text)


@pytest.mark.parametrize("seed", range(100))
def test_shapes_follow_the_rules(seed: int) -> None:
    case, texts = shape_case(random.Random(7000 + seed))
    engine, python = kernels.Segmenter(*case), twin.Segmenter(*case)
    for text in texts:
        found = slow_edges(case, text)
        assert edges(engine, text) == found, (case, text)
        assert engine.lattice(text) == python.lattice(text)
        assert engine.cuts(text) == python.cuts(text)
        assert "".join(engine.segment(text)) == text
        if len(text) < 10:
            assert engine.cuts(text) == min(every_path(found, len(text)))[3], (case, text)
    assert engine.segment_lines(texts) == [engine.segment(text) for text in texts]
    for word in case[0].split("\n"):
        assert engine.find(word) == python.find(word) >= 0


@pytest.mark.parametrize("seed", range(8))
def test_shapes_in_texts_of_many_pieces(seed: int) -> None:
    source = random.Random(8000 + seed)
    case, texts = shape_case(source)
    case = (*case[:6], source.choice(["", "中外\n大"]))
    engine, python = kernels.Segmenter(*case), twin.Segmenter(*case)
    for size in (300, 1500):
        text = "".join(source.choices(["中", "外", "大", *texts], k=size))
        assert engine.segment(text) == python.segment(text)
        assert engine.lattice(text) == python.lattice(text)


def test_random_shapes_are_met() -> None:
    met = 0
    for seed in range(50):
        case, texts = shape_case(random.Random(7000 + seed))
        names = case[0].split("\n")
        found = {word for text in texts for _, _, _, word in edges(kernels.Segmenter(*case), text) if word >= 0}
        met += any(set(names[word]) & set(twin.PLACEHOLDERS) for word in found)
    assert met > 30


def test_placeholders_are_those_of_the_symbols() -> None:
    assert twin.PLACEHOLDERS == symbols.NUMBER + symbols.YEAR + symbols.LATIN + symbols.RARE


SHAPES = {
    **dict.fromkeys((NUMBER + "元", YEAR + "年", f"{NUMBER}月{NUMBER}日", "第" + NUMBER, LETTERS + "超"), -3.0),
    "b超": -12.0,
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("大5元大", ["大", "5元", "大"]),
        ("12.50元", ["12.50元"]),
        ("1,234元", ["1,234元"]),
        ("50%元", ["50%元"]),
        ("1998年", ["1998年"]),
        ("98年", ["98", "年"]),
        ("19.8年", ["19.8", "年"]),
        ("1998%年", ["1998%", "年"]),
        ("1998元", ["1998", "元"]),
        ("第1998", ["第", "1998"]),
        ("2月3日", ["2月3日"]),
        ("2月1998日", ["2", "月", "1998", "日"]),
        ("2月", ["2", "月"]),
        ("第3", ["第3"]),
        ("第35元", ["第35", "元"]),
        ("a超", ["a超"]),
        ("abc超", ["abc超"]),
        ("a\u0301超", ["a\u0301超"]),
        ("超a", ["超", "a"]),
        ("5元\u0301", ["5", "元\u0301"]),
        (NUMBER + "元", [NUMBER, "元"]),
        ("第" + NUMBER, ["第", NUMBER]),
    ],
)
def test_shapes(text: str, words: list[str]) -> None:
    assert make(SHAPES, kinds="元年月日第超").segment(text) == words


def test_a_word_spelt_out_wins_over_a_shape_and_a_shape_over_the_unknown() -> None:
    engine = make(SHAPES, kinds="超")
    names = sorted(SHAPES)
    assert edges(engine, "b超")[1] == (0, 2, -12.0, names.index("b超"))
    assert engine.segment("b超") == ["b超"]  # -12 beats -6 - 6 by the count of words
    assert edges(make({NUMBER: -9.0, "7": -8.0}), "5") == [(0, 1, -9.0, 1)]
    assert edges(make({NUMBER: -9.0, "7": -8.0}), "7") == [(0, 1, -8.0, 0)]


def test_no_shape_matches_inside_a_number() -> None:
    words = {NUMBER: -0.5, YEAR: -0.5, NUMBER + "元": -0.5}
    for whole in (True, False):
        found = edges(make(words, kinds="元", whole=whole), "123456.78元")
        assert [(start, end) for start, end, _, word in found if word >= 0] == [(0, 9), (0, 10)]


def test_shapes_do_not_match_runs_that_are_cut_into_characters() -> None:
    for code, text, words in ((5, "5元", ["5", "元"]), (4, "a超", ["a", "超"])):
        runs = bytearray(RUNS)
        runs[code] = 0
        engine = make(SHAPES, kinds="元超", runs=bytes(runs))
        assert engine.segment(text) == words
        assert engine.segment("5元a超") != make(SHAPES, kinds="元超").segment("5元a超") == ["5元", "a超"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("二十一日", ["二十一日"]),
        ("二日", ["二", "日"]),
        ("3二十日", ["3", "二", "十", "日"]),
        ("二十3日", ["二", "十", "3日"]),
        ("二十\u0301日", ["二", "十\u0301", "日"]),
        ("大二十", ["大", "二十"]),
        ("一二元5", ["一二元", "5"]),
    ],
)
def test_numerals_side_by_side_are_a_number(text: str, words: list[str]) -> None:
    shapes = {NUMBER + "日": -2.0, NUMBER + "元": -2.0, "一": -1.0, "二": -1.0, "十": -1.0, "日": -1.0}

    assert make(shapes, kinds="元日").segment(text) == words


def test_forced_words_cut_shapes_and_are_none() -> None:
    assert make(SHAPES, kinds="元年月日", forced="月3").segment("2月3日5元") == ["2", "月3", "日", "5元"]
    assert make(SHAPES, kinds="元", forced=NUMBER).segment("5元" + NUMBER) == ["5元", NUMBER]


def test_time_with_shapes_is_linear() -> None:
    engine = make({**SHAPES, NUMBER: -1.0, "大" * 20 + NUMBER: -3.0, "中" + NUMBER: -2.0}, kinds="元")
    size = 100_000 if kernels.backend == "c" else 3_000
    for text in ("1" * size, "中1元" * (size // 3), "大" * size, "a" * size + "超"):
        assert_linear(engine, text)


def test_worked_example() -> None:
    words = {"中": -2.0, "中外": -1.5, "外科": -2.0, "科学": -1.0, "学名": -3.0, "名著": -1.5}
    assert make(words).segment("中外科学名著") == ["中外", "科学", "名著"]


def test_ties_prefer_fewer_words_then_the_longer_first_word() -> None:
    words = {"中": -1.0, "外": -1.0, "中外": -2.0}
    assert make(words).segment("中外") == ["中外"]
    words = {"中外": -2.0, "科": -1.0, "中": -1.0, "外科": -2.0}
    assert make(words).segment("中外科") == ["中外", "科"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("3.14", ["3.14"]),
        ("12:30", ["12:30"]),
        ("50%大", ["50%", "大"]),
        ("1,123,223", ["1,123,223"]),
        ("1231,123", ["1231", ",", "123"]),
        ("1,12", ["1", ",", "12"]),
        ("3.", ["3", "."]),
        (".5", [".", "5"]),
        ("abc中de", ["abc", "中", "de"]),
        ("a1b2", ["a", "1", "b", "2"]),
        ("……!!!", ["……", "!!!"]),
        ("!。!", ["!", "。", "!"]),
        ("中\ufe0f外", ["中\ufe0f", "外"]),
        ("a\u0301b", ["a\u0301b"]),
        ("👩\u200d😀😀", ["👩\u200d😀", "😀"]),
        ("\U0001f1e8\U0001f1f3\U0001f1e8", ["\U0001f1e8\U0001f1f3", "\U0001f1e8"]),
        (" \n\t中", [" \n\t", "中"]),
        ("\u0301\u0301中", ["\u0301\u0301", "中"]),
        (" \u0301", [" ", "\u0301"]),
        ("のはがー가나", ["のはがー", "가나"]),
        ("@@\x00\ud800", ["@", "@", "\x00", "\ud800"]),
    ],
)
def test_unknown_stretches(text: str, words: list[str]) -> None:
    assert make({}).segment(text) == words


def test_policy_char_cuts_runs() -> None:
    runs = bytearray(RUNS)
    runs[5] = runs[4] = 0
    assert make({}, runs=bytes(runs)).segment("ab\u0301c12.3%") == ["a", "b\u0301", "c", "1", "2", ".", "3", "%"]


def test_policy_char_keeps_words_whole_at_their_boundaries() -> None:
    runs = bytearray(RUNS)
    runs[4] = 0
    words = {"ab": -1.0}
    assert make(words, runs=bytes(runs)).segment("ab中abc") == ["ab", "中", "a", "b", "c"]


def test_words_inside_a_run_leave_unknown_pieces() -> None:
    words = {"の": -1.0}
    assert make(words).segment("はがのは") == ["はがのは"]  # -9 in one word beats -7 - 1 - 6
    assert make(words, unknown=array("d", [-1.0, -5.0] * 9)).segment("はがのは") == ["はが", "の", "は"]


def test_whole_boundary() -> None:
    words = {"bcd": -0.5, "ea": -0.5}
    cheap = array("d", [-0.25, -9.0] * 9)
    assert make(words, unknown=cheap).segment("abcde") == ["abcde"]
    assert make(words, unknown=cheap, whole=False).segment("abcde") == ["a", "bcd", "e"]
    assert make(words, unknown=cheap).segment("中bcd外") == ["中", "bcd", "外"]
    assert make(words, unknown=cheap).segment("ea0") == ["ea", "0"]


def test_a_word_does_not_tear_a_mark_off() -> None:
    assert make({"中": -0.5}).segment("中\ufe0f") == ["中\ufe0f"]
    assert edges(make({"中": -0.5}), "中\ufe0f") == [(0, 2, -7.0, -1)]


def test_an_unknown_edge_gives_way_to_the_word() -> None:
    # The word scores less than the same stretch would unknown, and still there is one edge.
    assert edges(make({"中": -9.0}), "中") == [(0, 1, -9.0, 0)]


def test_forced_words_longest_first_from_the_left() -> None:
    assert make({}, forced="中外\n中外科\n学名").segment("中外科学名著") == ["中外科", "学名", "著"]
    assert make({"大 中": -0.1}, forced="中 。!\n外").segment("大 中 。!外") == ["大", " ", "中 。!", "外"]
    assert make({}, forced="bcd").segment("abcde bcd") == ["abcde", " ", "bcd"]


def test_segment_lines_takes_any_mixture_of_lengths() -> None:
    engine = make({"中外": -1.0, "科学": -1.0})
    source = random.Random(5)
    lines = ["中外科学" * source.choice([0, 0, 1, 3, 50, 5000]) + "大" for _ in range(200)] + [""]
    assert engine.segment_lines(lines) == [engine.segment(line) for line in lines]
    assert engine.segment_lines([]) == []
    for delimiter in (" ", "", "／—\U00020000"):
        wanted = "".join(delimiter.join(words) + "\n" for words in engine.segment_lines(lines))
        assert engine.join_text("\n".join(lines), delimiter) == wanted.encode()
    assert engine.join_text("", " ") == b"\n"
    assert engine.join_text("\n\0\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff\r\n", "").decode().split("\n") == [
        "",
        "\0\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff\r",
        "",
        "",
    ]


def test_joined_text_is_utf_8() -> None:
    engine = make({"中外": -1.0, "科学": -1.0})
    with pytest.raises(UnicodeEncodeError) as caught:
        engine.join_text("中外科学\ud800中\udfff", "|")
    assert caught.value.object == "中外|科学|\ud800|中|\udfff\n" and caught.value.start == 6
    with pytest.raises(UnicodeEncodeError):
        engine.join_text("中外", "\ud800")
    with pytest.raises(TypeError, match="text: expected str, got bytes"):
        engine.join_text(b"", " ")
    with pytest.raises(TypeError, match="delimiter: expected str, got int"):
        engine.join_text("", 1)


def test_time_is_linear_in_a_run_without_punctuation() -> None:
    engine = make({"中外": -1.0, "科学": -1.0, "外科学名": -3.0, "中": -2.0})
    size = 120_000 if kernels.backend == "c" else 12_000
    assert_linear(engine, "中外科学名著" * (size // 6))


def assert_linear(engine: Any, text: str) -> None:
    """Eight times the text: a quadratic search would take 64 times as long."""
    once, more = [], []
    for _ in range(3):  # In turn, and the best of each, so that other work on the machine does not count.
        once.append(seconds(engine, text))
        more.append(seconds(engine, text * 8))
    assert min(more) < 30 * min(once) + 0.05, text[:9]


def seconds(engine: Any, text: str) -> float:
    start = time.process_time()
    engine.segment(text)
    return time.process_time() - start


@pytest.mark.parametrize("text", ["a", "の", "!", "0", " ", "\u0301", "👩\u200d", "0,", "中"])
def test_long_runs_of_anything(text: str) -> None:
    engine = make({"の": -1.0, "!": -1.0, "のの": -1.5})
    size = 1_000_000 if kernels.backend == "c" else 50_000
    assert "".join(engine.segment(text * size)) == text * size


def test_errors_are_those_of_the_twin() -> None:
    good = list(arguments({"中": -1.0, "外": -2.0}))
    bad: list[tuple[int, Any]] = [
        (0, 5),
        (0, "\n中"),
        (0, "中\n"),
        (0, "中\n中"),
        (0, "外\n中\n科"),
        (0, "中\n" + "外" * 1001),
        (1, 5),
        (1, array("f", [1.0, 2.0])),
        (1, array("d", [1.0])),
        (1, array("d", [1.0, float("nan")])),
        (1, array("d", [float("-inf"), 1.0])),
        (1, memoryview(array("d", [1.0, 2.0, 3.0, 4.0]))[::2]),
        (2, bytearray(KINDS)),
        (2, KINDS[1:]),
        (2, KINDS[1:] + b"\x10"),
        (3, array("d", [1.0] * 17)),
        (4, "x"),
        (4, RUNS[1:]),
        (4, b"\2" * 9),
        (6, "b\na"),
        (6, None),
    ]
    for place, value in bad:
        given = [*good[:place], value, *good[place + 1 :]]
        with pytest.raises((TypeError, ValueError)) as expected:
            twin.Segmenter(*given)
        with pytest.raises(expected.type) as raised:
            kernels.Segmenter(*given)
        assert str(raised.value) == str(expected.value)


def test_errors_of_the_methods_are_those_of_the_twin() -> None:
    engine, python = make({"中": -1.0}), twin.Segmenter(*arguments({"中": -1.0}))
    for name, value in [("segment", b"x"), ("cuts", None), ("lattice", 5), ("find", 5), ("segment_lines", "x")]:
        with pytest.raises(TypeError) as expected:
            getattr(python, name)(value)
        with pytest.raises(TypeError) as raised:
            getattr(engine, name)(value)
        assert str(raised.value) == str(expected.value)
    with pytest.raises(TypeError, match="text: expected str, got int"):
        engine.segment_lines(["中", 5])


def test_many_threads_share_one_engine() -> None:
    engine = make({"中外": -1.0, "科学": -1.0, "外科": -1.5})
    lines = ["中外科学名著" * 30, "科学中外" * 50] * (200 if kernels.backend == "c" else 3)
    expected = engine.segment_lines(lines)
    results: list[Any] = [None] * 4

    def work(number: int) -> None:
        results[number] = engine.segment_lines(lines)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_memory_is_steady() -> None:
    good, bad = arguments({"中": -1.0, "外科": -2.0}, forced="学名"), arguments({"b": -1.0}, forced="b\na")

    def work(rounds: int) -> None:
        for _ in range(rounds):
            engine = kernels.Segmenter(*good)
            engine.segment("中外科学名")
            engine.segment_lines(["中外科", "", "a@"])
            engine.cuts("中外科")
            engine.lattice("中外科学名")
            engine.find("外科")
            for wrong in (lambda: engine.segment_lines(["中", 5]), lambda: kernels.Segmenter(*bad)):  # noqa: B023
                with pytest.raises((TypeError, ValueError)):
                    wrong()

    def growth(rounds: int) -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        work(rounds)
        gc.collect()
        return sys.getallocatedblocks() - before

    work(20)
    assert min(growth(50) for _ in range(4)) < 50, "every round of fifty leaves blocks behind"


# Context -------------------------------------------------------------------------------------------------------------


def random_context(source: random.Random, case: Arguments, texts: list[str]) -> tuple[Any, ...]:
    """A context for the words of a case, over the characters of its texts; scores that often tie."""
    words = case[0].split("\n") if case[0] else []
    classes, bits = source.randint(1, 4), source.randint(1, 12)
    alphabet = "".join(
        {c for c in "".join([*texts, *words]) if KINDS[ord(c)] in (3, 6, 7, 15) and source.random() < 0.8}
    )
    skips = bytes(source.choice([0, 0, 1, 5, 255]) for _ in range(source.randint(0, 20)))
    while sum(skips) + len(skips) > 1 << bits:
        skips = skips[:-1]

    def floats(count: int, choices: list[float]) -> bytes:
        return array("f", [source.choice(choices) for _ in range(count)]).tobytes()

    return (
        bytes(source.randrange(classes) for _ in words),
        bytes(source.randrange(classes) for _ in words),
        array("I", [source.getrandbits(min(len(word) - 1, 32)) & source.getrandbits(32) for word in words]).tobytes(),
        bytes(source.randrange(classes) for _ in range(source.randint(1, 3))),
        floats(classes * classes, [0.0, 0.0, 0.5, -1.0, 1.25]),
        alphabet,
        skips,
        array("b", [source.randint(-128, 127) for _ in skips]).tobytes(),
        bits,
        source.choice([0.0, 0.0625, 0.25]),
        source.choice([0.0, 1.0, 6.0]),
        floats(3 * (len(alphabet) + 8), [-1.0, -2.0, -0.5]),
        floats(source.choice([0, 2, 3, 4]), [-1.0, -2.0]),
        source.choice([-1.0, 0.0, 1.0, 99.0]),
    )


@pytest.mark.parametrize("seed", range(300))
def test_both_engines_agree_in_context(seed: int) -> None:
    source = random.Random(seed)
    case, texts = random_case(source) if seed % 2 else shape_case(source)
    context = random_context(source, case, texts)

    def results(engine: Any) -> list[Any]:
        found = [(engine.segment(text), engine.cuts(text), engine.lattice(text), engine.odds(text)) for text in texts]
        return [*found, engine.segment_lines(texts)]

    assert results(kernels.Segmenter(*case, context)) == results(twin.Segmenter(*case, context))


@pytest.mark.parametrize("seed", range(200))
def test_the_path_in_context_is_the_best_of_all(seed: int) -> None:
    source = random.Random(seed)
    case, texts = random_case(source, forced=False) if seed % 2 else shape_case(source)
    context = random_context(source, case, texts)
    scores = array("d", [round(score * 8) / 8 for score in case[1]])  # sums without rounding: ties are ties
    engine = kernels.Segmenter(case[0], scores, *case[2:], context)
    ratios = array("f", context[4])
    classes = round(len(ratios) ** 0.5)
    for text in [text for text in texts if len(text) < 12]:
        starts, ends, scores, _, shown = engine.lattice(text)
        columns = memoryview(starts).cast("i"), memoryview(ends).cast("i"), memoryview(scores).cast("d")
        ways: list[list[tuple[float, int, list[int], int]]] = [[] for _ in text] + [[(0.0, 0, [], 0)]]
        for number in range(len(columns[0]) - 1, -1, -1):
            start, end, score = (column[number] for column in columns)
            left, right = shown[2 * number : 2 * number + 2]
            for total, count, path, behind in ways[end]:
                rest = ratios[right * classes + behind] + total
                ways[start].append((score + rest, count + 1, [end - start, *path], left))
        if text:
            best = max((ratios[left] + total, -count, path) for total, count, path, left in ways[0])
            assert [len(word) for word in engine.segment(text)] == best[2]


@pytest.mark.parametrize("seed", range(20))
def test_the_odds_are_those_of_the_expert(seed: int) -> None:
    source = random.Random(seed)
    alphabet = "中外科学名"
    ids = array("H", [source.choice([0, *range(8, 13)]) for _ in range(40)])
    text = "".join(alphabet[symbol - 8] if symbol else "。" for symbol in ids)
    values = [source.randint(-127, 127) for _ in range(64)]
    context = (b"", b"", b"", b"\0", bytes(4), alphabet, bytes(64), array("b", values).tobytes(), 6, 1 / 16, 6.0)
    engine = kernels.Segmenter(*arguments({}), (*context, bytes(12 * 13), b"", 0.0))

    expected = kernels.apply_expert(ids, array("f", [value / 16 for value in values]), 6.0)

    assert array("d", engine.odds(text)).tolist() == [0.0, *array("f", expected)]


def test_a_long_text_is_cut_in_context_as_its_sentences_are() -> None:
    source = random.Random(5)
    case = arguments({"中外": -1.0, "科学": -1.5, "中": -2.0, "名著大": -2.5, "外科": -0.5})
    sentences = ["".join(source.choices("中外科学名著大𠮷", k=source.randint(1, 60))) + "。" for _ in range(300)]
    context = random_context(source, case, sentences)
    ratios = array("f", context[4])
    classes = round(len(ratios) ** 0.5)
    for row in range(classes):  # what is no word keeps its neighbours apart
        ratios[row * classes] = 0.0
    engine = kernels.Segmenter(*case, (*context[:4], ratios.tobytes(), *context[5:]))

    assert engine.segment("".join(sentences)) == [word for line in engine.segment_lines(sentences) for word in line]


def test_what_is_wrong_with_a_context_is_said_alike() -> None:
    case = arguments({"中外": -1.0, "科学": -1.5})
    good = random_context(random.Random(1), case, ["中外科学"])
    wrong: list[tuple[int, Any]] = [
        (part, value) for part in range(14) for value in (None, b"\0" * 3, b"\xff" * 8, "a")
    ]
    wrong += [(2, array("I", [2, 0]).tobytes()), (3, b""), (3, bytes(256)), (4, array("f", [float("nan")]).tobytes())]
    wrong += [(5, "中" * 61433), (6, bytes(5000)), (8, 0), (8, 27), (8, 1.5), (9, -1.0), (10, float("nan"))]
    wrong += [(11, bytes(12)), (12, bytes(68)), (13, float("inf"))]
    for part, value in wrong:
        context = (*good[:part], value, *good[part + 1 :])
        said = [failure(module.Segmenter, *case, context) for module in (kernels, twin)]
        assert said[0] == said[1], (part, value)
    for context in ((), good[:5], [1], "x"):
        assert failure(kernels.Segmenter, *case, context) == failure(twin.Segmenter, *case, context)


def failure(call: Any, *arguments: Any) -> tuple[str, str] | None:
    """The type and the words of the error, if there is one."""
    try:
        call(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)
    return None
