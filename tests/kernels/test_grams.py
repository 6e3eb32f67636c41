"""N-grams told from windows that stream by: counts and entropies by their definition, the twin to the byte."""

from __future__ import annotations

import random
from array import array
from collections import Counter

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import grams as specification
from nlp_zero.kernels.counting import count_log

Table = tuple[bytes, "array[int]"]
CUT = 0xFFFFFF


def key_of(points: tuple[int, ...]) -> bytes:
    return b"".join(point.to_bytes(3, "big") for point in points)


def some_windows(seed: int, width: int, size: int = 400) -> Counter[tuple[int, ...]]:
    """Windows of random text, cut at boundaries, as counting makes them."""
    source = random.Random(seed)
    text = [0, *(source.choice([0, 7, 7, 8, 9, 0x4E00, 0x2A6D6]) for _ in range(size)), 0]
    found: Counter[tuple[int, ...]] = Counter()
    for place in range(len(text) - 1):
        end = place + 1
        while end < len(text) and end - place < width and (text[end] or end == place):
            end += 1
        window = text[place:end]
        if text[place] or (len(window) > 1 and window[1]):
            if 0 in window[1:]:
                window = window[: window.index(0, 1)]
            found[tuple([*window, *[0] * width][:width])] += 1
    return found


def table(windows: Counter[tuple[int, ...]]) -> Table:
    keys = sorted(windows)
    return b"".join(map(key_of, keys)), array("Q", map(windows.__getitem__, keys))


def in_parts(call: str, engine: object, rows: bytes, counts: array[int], width: int, least: int, step: int) -> list:
    size = 3 * width
    last, sums = bytearray(size), array("Q", bytes(16 * width))
    found = []
    for start in range(0, len(counts), step):
        part = rows[start * size : (start + step) * size], counts[start : start + step]
        found.append(getattr(engine, call)(*part, size, least, last, sums))
    found.append(getattr(engine, call)(b"", array("Q"), size, least, last, sums))
    assert not any(last) and not any(sums)
    return found


def joined(found: list[list[tuple[bytes, bytes, bytes]]]) -> list[tuple[bytes, ...]]:
    return [tuple(b"".join(column) for column in zip(*level, strict=True)) for level in zip(*found, strict=True)]


@pytest.mark.parametrize(("width", "least", "step"), [(2, 1, 7), (3, 2, 1), (4, 3, 50), (6, 2, 11), (9, 1, 1000)])
def test_frequent_grams_are_those_that_the_windows_hold(width: int, least: int, step: int) -> None:
    windows = some_windows(width, width)
    rows, counts = table(windows)
    found = joined(in_parts("frequent_grams", kernels, rows, counts, width, least, step))

    assert found == joined(in_parts("frequent_grams", specification, rows, counts, width, least, 13))
    for length in range(1, width + 1):
        totals: Counter[tuple[int, ...]] = Counter()
        following: Counter[tuple[int, ...]] = Counter()
        for window, count in windows.items():
            if window[0] and window[length - 1]:
                totals[window[:length]] += count
                if length < width and window[length]:
                    following[window[: length + 1]] += count
        kept = sorted(gram for gram, count in totals.items() if count >= least)
        names, numbers, logs = found[length - 1]
        assert names == b"".join(map(key_of, kept))
        assert list(array("Q", numbers)) == [totals[gram] for gram in kept]
        sums = [sum(count_log(n) for longer, n in following.items() if longer[:length] == gram) for gram in kept]
        assert list(array("Q", logs)) == sums


def test_left_sums_are_those_of_the_symbols_before() -> None:
    windows = some_windows(5, 4, 900)
    found = joined(in_parts("frequent_grams", kernels, *table(windows), 4, 1, 100))
    for length in (1, 2, 3):
        names, longer = found[length - 1][0], found[length]
        width = 3 * length
        outcomes = []
        for engine in (kernels, specification):
            sums = array("Q", bytes(8 * (len(names) // width)))
            engine.add_left_sums(names, sums, longer[0], array("Q", longer[1]), width)
            outcomes.append(sums)
        assert outcomes[0] == outcomes[1]
        grams = [names[place : place + width] for place in range(0, len(names), width)]
        expected = dict.fromkeys(grams, 0)
        for place, count in enumerate(array("Q", longer[1])):
            expected[longer[0][place * (width + 3) + 3 : (place + 1) * (width + 3)]] += count_log(count)
        assert list(outcomes[0]) == list(expected.values())


@pytest.mark.parametrize(("width", "least", "step"), [(2, 2, 7), (3, 1, 1), (4, 3, 50), (6, 4, 11), (9, 2, 1000)])
def test_trimming_keeps_what_is_frequent(width: int, least: int, step: int) -> None:
    windows = some_windows(width, width)
    rows, counts = table(windows)
    parts = in_parts("trim_windows", kernels, rows, counts, width, least, step)
    kept, numbers = (b"".join(column) for column in zip(*parts, strict=True))

    other = in_parts("trim_windows", specification, rows, counts, width, least, 9)
    assert (kept, numbers) == tuple(b"".join(column) for column in zip(*other, strict=True))
    keys = [kept[place : place + 3 * width] for place in range(0, len(kept), 3 * width)]
    assert keys == sorted(set(keys))
    whole = joined(in_parts("frequent_grams", kernels, rows, counts, width, least, 1000))
    trimmed = joined(in_parts("frequent_grams", kernels, kept, array("Q", numbers), width, 1, 1000))
    # What is frequent keeps its count; nothing else is left. The sums miss the neighbours that are gone.
    assert [level[:2] for level in trimmed] == [level[:2] for level in whole]
    if least == 1:
        assert (kept, numbers) == (rows, counts.tobytes())
    again = in_parts("trim_windows", kernels, kept, array("Q", numbers), width, least, 10)
    assert tuple(b"".join(column) for column in zip(*again, strict=True)) == (kept, numbers)


STATE = (bytearray(6), array("Q", bytes(32)))
WRONG = [
    ("frequent_grams", (b"abcabc", array("Q", [1]), 6, 1, bytes(6), STATE[1]), TypeError),
    ("frequent_grams", (b"abcabc", array("Q", [1]), 6, 1, STATE[0], [0]), TypeError),
    ("frequent_grams", (b"abcabc", array("Q", [1]), 6, 1, STATE[0], array("q", [0])), TypeError),
    ("frequent_grams", (b"abcabc", array("Q", [1]), 6, 1, bytearray(3), STATE[1]), ValueError),
    ("frequent_grams", (b"abcabc", array("Q", [1]), 6, 1, STATE[0], array("Q", [0])), ValueError),
    ("frequent_grams", (b"abcabc", array("Q", [1]), 4, 1, *STATE), ValueError),
    ("frequent_grams", (b"abcab", array("Q", [1]), 6, 1, *STATE), ValueError),
    ("frequent_grams", (b"abcabc", array("Q", [1, 2]), 6, 1, *STATE), ValueError),
    ("trim_windows", (bytes(6), array("Q", [1]), 6, 1, *STATE), ValueError),
    ("add_left_sums", (b"abc", array("Q", [1, 2]), b"", array("Q"), 3), ValueError),
    ("add_left_sums", (b"abc", array("I", [1]), b"", array("Q"), 3), TypeError),
    ("add_left_sums", (b"abc", array("Q", [1]), b"abcabc", array("Q", [1 << 40]), 3), OverflowError),
]


@pytest.mark.parametrize(("name", "arguments", "error"), WRONG)
def test_what_does_not_fit_is_refused_alike(name: str, arguments: tuple[object, ...], error: type[Exception]) -> None:
    messages = []
    for engine in (kernels, specification):
        with pytest.raises(error) as caught:
            getattr(engine, name)(*arguments)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert not any(STATE[0]) and not any(STATE[1])


def test_counts_have_limits() -> None:
    for engine in (kernels, specification):
        last, sums = bytearray(6), array("Q", bytes(32))
        engine.frequent_grams(b"abcabc", array("Q", [1 << 40]), 6, 1, last, sums)
        with pytest.raises(OverflowError, match=r"expected counts below 2\*\*40"):
            engine.frequent_grams(b"", array("Q"), 6, 1, last, sums)
        last, sums = bytearray(6), array("Q", bytes(32))
        engine.trim_windows(b"abcabcabcabd", array("Q", [1 << 63] * 2), 6, 1, last, sums)
        with pytest.raises(OverflowError, match=r"expected sums below 2\*\*64"):
            engine.trim_windows(b"", array("Q"), 6, 1, last, sums)
