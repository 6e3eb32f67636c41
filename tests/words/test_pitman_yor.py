"""The Bayesian recipe as a whole: it finds the words of a made-up language, by any engine alike."""

from __future__ import annotations

import pytest
from invented import first_scores, language

from nlp_zero import kernels
from nlp_zero.evaluation import segmentation_scores
from nlp_zero.words.chain import Settings, Sweep
from nlp_zero.words.discovery import WordFinder
from nlp_zero.words.pitman_yor import segment
from nlp_zero.words.prior import encode
from nlp_zero.words.symbols import SymbolText
from nlp_zero.words.vote import majority


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
        outcome = segment(text.ids, scores, Settings(seed=seed), lambda state: told.append(state.sweep))
        return outcome.lengths, [sweep.score for sweep in told]

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
        outcome = segment(
            text.ids, first_scores(text.ids), Settings(), lambda state, told=told: told.append(state.sweep)
        )
        found.append((outcome, told))

    assert found[0] == found[1]


def test_every_sweep_is_told():
    text = SymbolText("".join(sentence) for sentence in language(4, 30))
    told: list[Sweep] = []
    segment(text.ids, first_scores(text.ids), Settings(), lambda state: told.append(state.sweep))

    assert [(sweep.stage, sweep.number, sweep.total) for sweep in told] == [
        *(("words", number, 14) for number in range(1, 15)),
        *(
            (f"{name} {turn}", number, 2)
            for name, turns in (("classes", 4), ("expert", 5))
            for turn in range(1, turns + 1)
            for number in (1, 2)
        ),
    ]


@pytest.mark.parametrize(
    "lines",
    [["字"], ["字字字字字字字字"] * 50, ["研究"] * 200, ["12", "ab"], ["我们研究生命"], ["天" * 3000], ["山。水，"]],
)
def test_odd_texts_end_in_a_segmentation(lines):
    text = SymbolText(lines)
    lengths = segment(text.ids, first_scores(text.ids), Settings()).lengths

    place = 0
    for place, symbol in enumerate(text.ids):
        inside = any(lengths[place - back] > back for back in range(min(4, place + 1)))
        assert inside == (0 < symbol < 0xF000)
    assert place == len(text.ids) - 1


def test_chains_vote_and_threads_change_nothing():
    text = SymbolText("".join(sentence) for sentence in language(5, 120))
    scores = first_scores(text.ids)

    outcomes = [segment(text.ids, scores, Settings(), chains=3, workers=workers) for workers in (1, 3)]
    alone = [segment(text.ids, scores, Settings(seed=seed)).lengths for seed in (1, 2, 3)]

    assert outcomes[0] == outcomes[1]
    assert outcomes[0].lengths == majority(text.ids, alone, 4)


@pytest.mark.parametrize("chains", [1, 2])
def test_stopped_sampling_leaves_the_last_sweep(chains):
    text = SymbolText("".join(sentence) for sentence in language(6, 40))

    def stop(state):
        if state.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment(text.ids, first_scores(text.ids), Settings(), stop, chains=chains)
    outcome = segment(text.ids, first_scores(text.ids), Settings(), stop, chains=chains, keep_going=True)

    # The other chain ends after its sweep.
    assert outcome.facts["stopped after sweep"] in [f"{4 + more} of {32 * chains}" for more in range(chains)]
    assert len(outcome.lengths) == len(text.ids)
    assert any(outcome.lengths)


def test_known_words_come_out_sooner():
    # 天地人 is cut in two by the text alone; known as a word it is one.
    lines = ["".join(sentence) for sentence in language(7, 60)] + ["山天地人水"] * 3
    text = SymbolText(lines)
    known = encode(text, {"天地人": 9000, "山": 3000, "水": 3000})

    assert "天地人" not in words_of(text, segment(text.ids, first_scores(text.ids), Settings()).lengths)
    found = segment(text.ids, first_scores(text.ids), Settings(), prior=known).lengths
    assert "天地人" in words_of(text, found)


def words_of(text: SymbolText, lengths: bytes) -> list[str]:
    return [text.word(place, length) for place, length in enumerate(lengths) if length]


def test_facts_tell_what_was_observed_and_chosen():
    text = SymbolText("".join(sentence) for sentence in language(8, 60))
    facts = segment(text.ids, first_scores(text.ids), Settings(), chains=2).facts

    assert facts["every symbol a word"] is False
    assert facts["words: target of the share"] == 0.22
    assert len(facts["words: bonus, nats a symbol"]) == 2
    assert len(facts["merges, round 3"]) == 2
