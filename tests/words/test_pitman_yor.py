"""The Bayesian recipe as a whole: it finds the words of a made-up language, by any engine alike."""

from __future__ import annotations

import random
from array import array

import pytest

from nlp_zero import kernels
from nlp_zero.evaluation import segmentation_scores
from nlp_zero.words.chain import Chain, Settings, Sweep
from nlp_zero.words.discovery import WordFinder
from nlp_zero.words.gate import association_ratio, is_one_symbol_text
from nlp_zero.words.pitman_yor import segment
from nlp_zero.words.symbols import SymbolText


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


def test_words_of_an_invented_language_come_back():
    gold = language(1, 800)
    lines = ["".join(sentence) for sentence in gold]

    tokenizer = WordFinder("bayes").train(lines).tokenizer()

    assert segmentation_scores(gold, tokenizer.tokenize_lines(lines)).f1 > 0.95


def test_same_seed_same_words_other_seed_other_chain():
    text = SymbolText("".join(sentence) for sentence in language(2, 150))
    scores = first_scores(text.ids)

    def run(seed: int) -> tuple[bytes, list[float]]:
        told: list[Sweep] = []
        lengths = segment(text.ids, scores, Settings(seed=seed), told.append)
        return lengths, [sweep.score for sweep in told]

    assert run(1) == run(1)
    assert run(1)[1] != run(2)[1]


def test_both_engines_walk_the_same_chain():
    if "c" not in kernels.available():
        pytest.skip("the C kernels are not built")
    text = SymbolText("".join(sentence) for sentence in language(3, 60))
    found = []
    for engine in ("python", "c"):
        kernels.use(engine)
        told: list[Sweep] = []
        found.append((segment(text.ids, first_scores(text.ids), Settings(), told.append), told))

    assert found[0] == found[1]


def test_every_sweep_is_told():
    text = SymbolText("".join(sentence) for sentence in language(4, 30))
    told: list[Sweep] = []
    segment(text.ids, first_scores(text.ids), Settings(), told.append)

    assert [(sweep.stage, sweep.number, sweep.total) for sweep in told] == [
        *(("words", number, 14) for number in range(1, 15)),
        *(("classes 1", number, 4) for number in range(1, 5)),
        *(("classes 2", number, 4) for number in range(1, 5)),
        *(("expert", number, 6) for number in range(1, 7)),
    ]


@pytest.mark.parametrize(
    "lines",
    [["字"], ["字字字字字字字字"] * 50, ["研究"] * 200, ["12", "ab"], ["我们研究生命"], ["天" * 3000], ["山。水，"]],
)
def test_odd_texts_end_in_a_segmentation(lines):
    text = SymbolText(lines)
    lengths = segment(text.ids, first_scores(text.ids), Settings(), lambda sweep: None)

    place = 0
    for place, symbol in enumerate(text.ids):
        inside = any(lengths[place - back] > back for back in range(min(4, place + 1)))
        assert inside == (0 < symbol < 0xF000)
    assert place == len(text.ids) - 1


def test_words_of_one_symbol_with_syntax_are_told_from_words_of_many():
    # Here every symbol is a word, and sentences have a topic: association reaches further than the next symbol.
    chance, lines = random.Random(5), []
    for number in range(1500):
        topic = [chr(0x4E00 + 200 * (number % 20) + rank) for rank in range(80)]
        lines.append("".join(chance.choices(topic, [1 / (rank + 1) for rank in range(80)], k=chance.randint(6, 16))))
    syntax = SymbolText(lines)
    words = SymbolText("".join(sentence) for sentence in language(6, 2000))

    assert association_ratio(syntax.ids)[1] > 0.6
    assert association_ratio(words.ids)[1] < association_ratio(syntax.ids)[1]
    assert is_one_symbol_text(syntax.ids, Settings())
    assert not is_one_symbol_text(words.ids, Settings())


def test_share_is_that_of_one_symbol_tables():
    text = SymbolText(["山水山水火"])
    lengths = bytes([2, 0, 1, 1, 1, 0])
    chain = Chain(text.ids, first_scores(text.ids), lengths, Settings())

    assert chain.totals[0] == 4
    assert chain.share == (chain.totals[1] - chain.tables[chain.sizes.index(2)]) / chain.totals[1]
