"""The code by which templates are chosen: honest, and shorter where there is something to find."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from math import log2

import pytest

from nlp_zero.syntax.description import Matches, Steps, Text, bits, choose, first_code, next_code, walk, word_bits


def text_of(stretches: list[list[int]], words: int, groups: dict[int, int] | None = None) -> Text:
    tokens = array("I", [number for stretch in stretches for number in [*(word + 1 for word in stretch), 0]])
    counts = Counter(word for stretch in stretches for word in stretch)
    grouped = array("I", [0] * (words + 1))
    for word, group in (groups or {}).items():
        grouped[word + 1] = words + 1 + group
    return Text(
        tokens, array("Q", [counts[word] for word in range(words)]), grouped, len(set(grouped) - {0}), len(stretches)
    )


def sample(seed: int) -> list[list[int]]:
    """Noise in which 0 _ 1 stands often, with one or two words of 4 to 9 between."""
    source = random.Random(seed)
    noise = [[source.randrange(2, 10) for _ in range(source.randrange(1, 5))] for _ in range(200)]
    framed = [[0, *(source.randrange(4, 10) for _ in range(source.randrange(1, 3))), 1] for _ in range(80)]
    mixed = noise + framed
    source.shuffle(mixed)
    return mixed


def test_prices_are_those_of_a_code() -> None:
    """No word is free, and the chances of all words are 1 in all."""
    assert sum(2**-price for price in word_bits([5, 0, 2])) == pytest.approx(1.0)
    assert sum(2**-price for price in word_bits([5, 0, 2], 1.0)) == pytest.approx(1 - 1 / 9.5)
    text = text_of(sample(1), 10, {4: 0, 5: 0, 6: 1})
    code = first_code(text, {(0, 3): 80.0, (20, 2): 3.0}, 5)
    for group, price in code.classes.items():
        members = [word for word in range(10) if text.groups[word + 1] == group + 1]
        assert sum(2 ** -(code.words[word] - price) for word in members) == pytest.approx(1.0)
    units = [code.unit, code.end, *code.templates.values()]
    assert sum(2**-price for price in units) == pytest.approx(1.0)
    assert sum(2**-price for price in code.gaps[1:5]) == pytest.approx(1.0)


def test_a_frame_that_is_there_is_found_and_noise_is_not() -> None:
    text = text_of(sample(2), 10)
    candidates: dict[Steps, float] = {(0, 3): 80.0, (8, 11): 20.0, (4, 6): 20.0, (10, 12): 20.0}
    choice = choose(text, candidates, 5)
    assert choice.found.uses[(0, 3)] == 80 and choice.saved[(0, 3)] > 50
    assert all(choice.saved[steps] < 20 for steps in choice.saved if steps != (0, 3))
    places = list(choice.matches.places(choice.found, lambda steps: steps == (0, 3)))
    for place, steps, lengths in places:
        assert [text.tokens[here] for here, _ in walk(place, steps, lengths)] == [1, 2]
    assert len(places) == 80


def test_the_bits_are_what_writing_it_costs() -> None:
    text = text_of(sample(3), 10, dict.fromkeys(range(4, 10), 0))
    candidates: dict[Steps, float] = {(0, 3): 80.0, (0, 20): 30.0, (20, 2): 30.0}
    matches = Matches(text, list(candidates), 5)
    found = matches.cover(first_code(text, candidates, 5))
    code = next_code(text, found, found.uses, 5)
    written, covered = 0.0, set()
    for place, steps, lengths in matches.places(found, lambda steps: True):
        written += code.templates[steps] + sum(code.gaps[length] for length in lengths)
        fixed = dict(walk(place, steps, lengths))
        for here in range(place, place + len(steps) + sum(lengths)):
            covered.add(here)
            if here not in fixed:
                written += code.words[text.tokens[here] - 1]
            elif fixed[here] >> 1 >= 10:
                written += code.words[text.tokens[here] - 1] - code.classes[fixed[here] >> 1]
    for here, number in enumerate(text.tokens):
        if not number:
            written += code.end
        elif here not in covered:
            written += code.unit + code.words[number - 1]
    assert bits(matches, found, code).data == pytest.approx(written)
    assert bits(matches, found, code).classes == pytest.approx(6 * log2(text.class_count))


def test_a_template_stays_only_if_it_beats_its_parts() -> None:
    """0 1 is frequent and 2 is too; 0 1 2 is no more frequent than both would have it."""
    source = random.Random(4)
    stretches = [[0, 1, *([2] if source.random() < 0.3 else [3 + source.randrange(9)])] for _ in range(300)]
    choice = choose(text_of(stretches, 12), {(0, 2): 300.0, (0, 2, 4): 90.0}, 5)
    assert choice.saved[(0, 2)] > 100
    assert choice.found.uses.get((0, 2, 4), 0) == 0 or choice.saved[(0, 2, 4)] < choice.saved[(0, 2)]
