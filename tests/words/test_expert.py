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


@pytest.mark.parametrize(
    "data", [b"", b"no weights", pack(array("f", [1.0, 2.0]))[:-1], pack(array("f", [1.0, 2.0])) + b"!"]
)
def test_what_is_no_expert_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="expert: expected"):
        unpack(data)


def test_the_size_is_checked_before_memory_is_taken() -> None:
    with pytest.raises(ModelError, match="power of two"):
        unpack(zlib.compress(bytes(1 << 12)), most=1 << 10)
    for size in (0, 1, 3, 1000):
        with pytest.raises(ModelError, match="power of two"):
            unpack(zlib.compress(bytes(size)))
