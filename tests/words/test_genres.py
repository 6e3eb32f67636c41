"""Parts of a text with words of another length are told from others, and segmented as if they were alone."""

from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import first_scores, language

from nlp_zero import kernels
from nlp_zero.words import genres as module
from nlp_zero.words.genres import Genre, genres
from nlp_zero.words.pitman_yor import Settings, segment
from nlp_zero.words.symbols import SymbolText


def text_of(means: list[tuple[float, float]], blocks: int, seed: int) -> tuple[array[int], bytes]:
    """Blocks of 100 symbols of words of one and of two symbols, the mean of whose lengths is drawn for each block."""
    chance = random.Random(seed)
    ids, lengths = array("H"), bytearray()
    for number in range(blocks):
        mean, spread = means[number % len(means)]
        long = min(max(chance.gauss(mean, spread) - 1.0, 0.0), 1.0)
        for _ in range(60):
            size = 2 if chance.random() < long else 1
            ids.extend([8] * size)
            lengths += bytes([size, *[0] * (size - 1)])
        ids.append(0)
        lengths.append(0)
    return ids, bytes(lengths)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 60)
    monkeypatch.setattr(module, "LEAST", 1500)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([(1.5, 0.05)], 1),
        ([(1.2, 0.02), (1.7, 0.06)], 2),
        ([(1.2, 0.02), (1.7, 0.06), (1.7, 0.06), (1.7, 0.06)], 2),
        ([(1.1, 0.02), (1.5, 0.03), (1.9, 0.02)], 3),
        ([(1.4, 0.05), (1.5, 0.05)], 1),
        ([(1.2, 0.02), *[(1.7, 0.06)] * 19], 1),
    ],
)
def test_peaks_far_apart_are_genres(means: list[tuple[float, float]], expected: int) -> None:
    ids, lengths = text_of(means, 240, seed=len(means))
    found = genres(ids, lengths)

    assert len(found) == expected
    assert [genre.mean for genre in found] == sorted(genre.mean for genre in found)
    for genre in found:
        assert min(abs(genre.mean - mean) for mean, _ in means) < 0.06


@pytest.mark.usefixtures("small")
def test_each_block_is_in_the_genre_that_it_was_drawn_from():
    ids, lengths = text_of([(1.1, 0.01), (1.8, 0.01)], 200, seed=1)
    short, long = genres(ids, lengths)

    assert len(short.ranges) == len(long.ranges) == 100
    assert short.ranges[0][0] == 0
    assert short.size + long.size == len(ids)


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 40), st.integers(1, 200))
def test_genres_part_a_text_at_the_ends_of_lines(sizes: list[int], block: int, least: int) -> None:
    ids, lengths = array("H"), bytearray()
    for number, size in enumerate(sizes):
        word = 1 + number // 20
        for _ in range(size):
            ids.extend([8] * word)
            lengths += bytes([word, *[0] * (word - 1)])
        ids.append(0)
        lengths.append(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        patch.setattr(module, "LEAST", least)
        found = genres(ids, bytes(lengths))

    ranges = sorted(one for genre in found for one in genre.ranges)
    assert [start for start, _ in ranges] == [0, *(end for _, end in ranges)][: len(ranges)]
    assert not ids or ranges[-1][1] == len(ids)
    assert all(ids[end - 1] == 0 for _, end in ranges)
    whole = bytearray(len(ids))
    for genre in found:
        genre.put(genre.of(array("B", bytes(lengths))).tobytes(), whole)
    assert whole == lengths


def test_news_sized_text_of_one_kind_is_one_genre():
    text = SymbolText("".join(sentence) for sentence in language(3, 9000))
    assert text.size > 2 * module.BLOCK
    assert len(genres(text.ids, bytes([1]) * len(text.ids))) == 1


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> SymbolText:
    """A text of short words, then of long ones."""
    monkeypatch.setattr(module, "BLOCK", 150)
    monkeypatch.setattr(module, "LEAST", 1000)
    short = ["".join(sentence) for sentence in language(1, 300)]
    chance = random.Random(2)
    names = ["".join(chr(0x5000 + chance.randrange(300)) for _ in range(3)) for _ in range(60)]
    return SymbolText([*short, *("".join(chance.choices(names, k=6)) + "。" for _ in range(150))])


def test_each_genre_is_segmented_as_if_it_were_alone(both: SymbolText) -> None:
    told = []
    outcome = segment(both.ids, first_scores(both.ids), Settings(), told.append, chains=2)

    assert outcome.facts["genres"] == 2
    assert sum(outcome.facts["genres: share of the text"]) == pytest.approx(1, abs=1e-3)
    assert outcome.facts["genre 2, every symbol a word"] is False
    start = kernels.segment(both.ids, memoryview(first_scores(both.ids)).cast("h"), 4, 0)
    for part in genres(both.ids, start):
        own = part.of(both.ids)
        alone = segment(own, first_scores(own), Settings(), chains=2).lengths
        assert part.of(array("B", outcome.lengths)).tobytes() == alone
    assert [state.done for state in told] == list(range(1, 129))
    assert {state.total for state in told} == {128}
    assert told[-1].sweep.stage == "genre 2, expert 5"


@pytest.mark.parametrize("sweep", [4, 36])
def test_a_stop_in_any_genre_leaves_a_whole_segmentation(both: SymbolText, sweep: int) -> None:
    def stop(state):
        if state.done == sweep:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment(both.ids, first_scores(both.ids), Settings(), stop)
    outcome = segment(both.ids, first_scores(both.ids), Settings(), stop, keep_going=True)

    assert outcome.facts["stopped after sweep"] == f"{sweep} of 64"
    assert sum(outcome.lengths) == both.size
    assert not any(fact.startswith("genre 2, words") for fact in outcome.facts) or sweep > 32


def test_a_genre_remembers_its_places():
    genre = Genre([(0, 2), (5, 6)], 1.5)
    whole = bytearray(b"abcdef")
    genre.put(b"XYZ", whole)

    assert whole == b"XYcdeZ"
    assert genre.size == 3
