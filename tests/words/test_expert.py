"""The boundary expert: learnt, asked, packed and read back."""

from __future__ import annotations

import random
import zlib
from array import array

import pytest

from nlp_zero.errors import ModelError
from nlp_zero.words.expert import judge, learn, pack, second_opinion, unpack


def planted(chunks: int, seed: int) -> tuple[array[int], bytes]:
    """Chunks of four symbols, cut in the middle where the second symbol is even."""
    source = random.Random(seed)
    ids, lengths = array("H"), bytearray()
    for _ in range(chunks):
        chunk = [source.randint(8, 30) for _ in range(4)]
        ids.extend([*chunk, 0])
        lengths += bytes([2, 0, 2, 0, 0] if chunk[1] % 2 == 0 else [4, 0, 0, 0, 0])
    return ids, bytes(lengths)


def agreement(ids: array[int], lengths: bytes, odds: array[float]) -> float:
    middles = range(1, len(ids), 5)
    return sum((odds[place] > 0) == (lengths[place + 1] > 0) for place in middles) / len(middles)


def test_new_text_is_judged_by_what_was_learnt() -> None:
    weights = learn(*planted(600, 1), bits=16)
    ids, lengths = planted(200, 2)
    assert agreement(ids, lengths, judge(ids, weights)) > 0.97
    assert agreement(ids, lengths, judge(ids, unpack(pack(weights, 0.1)))) > 0.97


def test_a_second_opinion_corrects_what_happens_once() -> None:
    ids, lengths = planted(600, 3)
    wrong = bytearray(lengths)
    wrong[500:505] = bytes([4, 0, 0, 0, 0] if lengths[500] == 2 else [2, 0, 2, 0, 0])
    odds = second_opinion(ids, bytes(wrong))
    assert (odds[501] > 0) == (lengths[502] > 0)
    assert agreement(ids, lengths, odds) > 0.95


@pytest.mark.parametrize("least", [0.01, 0.1, 0.5, 0.75, 3.0])
def test_packing_rounds_and_drops(least: float) -> None:
    source = random.Random(4)
    weights = array("f", [source.choice([source.gauss(0, 1), least, -least, 0.0, 100.0, -100.0]) for _ in range(1024)])
    single = array("f", [least])[0]
    expected = [max(-127, min(round(w * 16), 127)) / 16 if abs(w) >= least else 0.0 for w in weights]
    assert single in weights and list(unpack(pack(weights, least))) == expected


def test_packing_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="least: expected more than 0"):
        pack(array("f", [1.0, 1.0]), 0.0)


def test_long_stretches_of_nothing() -> None:
    """Weights 254, 255, 256 and 65,000 cells from the one before."""
    for cells in ([254], [255], [256], [509, 510], [0, 256, 511, 65_511, 65_535], [], [65_535]):
        weights = array("f", bytes(4 << 16))
        for cell in cells:
            weights[cell] = -1.5
        assert unpack(pack(weights)) == weights


GOOD = pack(array("f", [1.0, 2.0]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1",
        b"no weights",
        GOOD[:-1],
        GOOD + b"!",
        b"\0" + GOOD[1:],
        b"\x1b" + GOOD[1:],
        b"\1" + zlib.compress(b"\0\0\0"),  # half a pair
        b"\1" + zlib.compress(b"\2\1"),  # beyond the table
        b"\1" + zlib.compress(bytes([0, 0, 0, 1, 1, 1])),
        b"\4" + zlib.compress(bytes(1 << 20)),  # far more than fits
    ],
)
def test_what_is_no_expert_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="expert: expected"):
        unpack(data)
