"""An invented language, and what the sampler's tests begin with."""

from __future__ import annotations

import random
from array import array

from nlp_zero import kernels


def language(seed: int, count: int) -> list[list[str]]:
    """Sentences of an invented language: 120 words of one to three of 90 characters, as frequent as 1 / rank."""
    chance = random.Random(20)
    characters = [chr(0x4E00 + 37 * number) for number in range(90)]
    words = ["".join(chance.sample(characters, chance.choice([1, 2, 2, 2, 3]))) for _ in range(120)]
    chance.seed(seed)
    weights = [1 / rank for rank in range(1, 121)]
    return [[*chance.choices(words, weights, k=chance.randint(3, 9)), "。"] for _ in range(count)]


def first_scores(ids: array[int], max_length: int = 4) -> bytes:
    scores: bytes = kernels.branching(ids, max_length, 2, True)[0]
    return scores
