from __future__ import annotations

import json
from array import array
from collections import Counter
from itertools import pairwise, product
from math import exp, fsum, log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels, storage
from nlp_zero.errors import InputError, LabelError, ModelError
from nlp_zero.tagging.hmm import HMM, KIND
from nlp_zero.tagging.hmm_counts import CLASSES, Tables, count_lexicon, count_words, estimate
from nlp_zero.tagging.labels import Scheme

WORDS = [["我", "喜欢", "喝", "茶"], ["他", "不", "喜欢", "喝酒"], ["计算机", "不", "喝", "茶", "。"]]
LEXICON = {"今天": 10, "天气": 8, "不错": 6, "计算机": 3, "好": 4, "不": 5, "天": 2}
FOUR = Scheme.named("bmes")

texts = st.text("我喜欢喝茶酒不龙9A。 \n𠀀", max_size=7)


@pytest.fixture(scope="module")
def hmm() -> HMM:
    return HMM.train(WORDS)


def from_case(case: Any) -> HMM:
    """A model of golden values; its symbols are digits, and of others it knows nothing."""
    rows = [share for row in zip(*case["emission"], strict=True) for share in row]
    size = len(case["start"])
    scheme = Scheme.named("free", [f"l{label}" for label in range(size)])
    tables = Tables(
        array("d", case["start"]),
        array("d", [share for row in case["transition"] for share in row]),
        array("d", [1.0] * size),
        array("d", rows + [0.0] * (CLASSES * size)),
    )
    return HMM(scheme, [str(symbol) for symbol in range(len(rows) // size)], tables)


def labellings(model: HMM, text: str) -> dict[tuple[str, ...], float]:
    return {
        labels: exp(model.score(text, labels)) for labels in product(model.scheme.labels, repeat=len(text)) if labels
    }


# ---- golden and worked values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1])
def test_golden_values_come_out(shared: Path, number: int) -> None:
    case = json.loads((shared / "golden" / "golden_hmm.json").read_text(encoding="utf-8"))["cases"][number]
    model = from_case(case)
    lines = ["".join(map(str, sequence)) for sequence in case["sequences"]]
    for line, want in zip(lines, case["decode"], strict=True):
        labels = model.tag(line)
        assert labels == [f"l{label}" for label in want["viterbi"]]
        assert model.score(line, labels) == pytest.approx(want["viterbi_logprob"], abs=1e-6)
        assert model.log_likelihood(line) == pytest.approx(want["loglik"], abs=1e-6)
        assert [round(c, 6) for row in model.chances(line) for c in row] == pytest.approx(
            [c for row in want["posterior"] for c in row], abs=1e-6
        )
    for steps, want in case["baum_welch"].items():
        fitted = HMM.fit(lines, init=model, iterations=int(steps), tolerance=-1.0)
        assert fitted.log_likelihoods == pytest.approx(want["loglik_before_each_iteration"], abs=1e-6)
        assert sum(map(fitted.log_likelihood, lines)) == pytest.approx(want["loglik_after"], abs=1e-6)
        assert list(fitted.tables.starts) == pytest.approx(want["start"], abs=1e-6)
        assert list(fitted.tables.moves) == pytest.approx([s for row in want["transition"] for s in row], abs=1e-6)
        emissions = [s for row in zip(*want["emission"], strict=True) for s in row]
        assert list(fitted.tables.emissions)[: len(emissions)] == pytest.approx(emissions, abs=1e-6)


def article() -> tuple[Any, ...]:
    """The construction of the article (3922): emissions ln(count + 1) - ln(total), moves set by hand."""
    counts = count_lexicon(FOUR, LEXICON)
    totals = counts.totals()
    assert totals == {"B": 27.0, "M": 3.0, "E": 27.0, "S": 11.0}
    emissions = array("d")
    for character in "今天天气不错":
        row = counts.spoken[character]
        emissions.extend(log(count + 1) - log(total) for count, total in zip(row, totals.values(), strict=True))
    none = float("-inf")
    moves = {"BM": 0.3, "BE": 0.7, "MM": 0.3, "ME": 0.7, "EB": 0.7, "ES": 0.3, "SB": 0.7, "SS": 0.3}
    scores = array("d", [log(moves[a + b]) if a + b in moves else none for a in "BMES" for b in "BMES"])
    return array("I", range(6)), array("I", [6]), scores, emissions


def test_the_article_gives_its_worked_value_and_its_illegal_start() -> None:
    symbols, lengths, moves, emissions = article()
    free = array("d", [0.0] * 4)
    labels, scores = kernels.hmm_path(symbols, lengths, free, moves, free, emissions)
    assert "".join("BMES"[label] for label in labels) == "BEBEBE"
    assert array("d", scores)[0] == pytest.approx(-8.476336, abs=1e-6)
    ranked = sorted(ranked_paths(moves, emissions), reverse=True)
    assert len(ranked) == 128
    assert ranked[1] == (pytest.approx(-8.677007, abs=1e-6), "MEBEBE")
    legal = [(score, path) for score, path in ranked if path[0] in "BS" and path[-1] in "ES"]
    assert legal[1] == (pytest.approx(-9.919617, abs=1e-6), "BEBMME")
    # The same without the three best: Viterbi's algorithm agrees when the start is forbidden to M and E.
    starts = array("d", [0.0, float("-inf"), float("-inf"), 0.0])
    assert kernels.hmm_path(symbols, lengths, starts, moves, free, emissions)[0] == labels


def ranked_paths(moves: Any, emissions: Any) -> list[tuple[float, str]]:
    found = []
    for path in product(range(4), repeat=6):
        score = sum(emissions[4 * place + label] for place, label in enumerate(path))
        score += sum(moves[4 * before + after] for before, after in pairwise(path))
        if score > float("-inf"):
            found.append((score, "".join("BMES"[label] for label in path)))
    return found


def test_a_lexicon_gives_legal_ends_and_moves_by_lengths() -> None:
    model = HMM.from_lexicon(LEXICON, smoothing=1e-9)
    words = sum(LEXICON.values())
    singles = sum(count for word, count in LEXICON.items() if len(word) == 1)
    b, m, e, s = range(4)
    moves = model.tables.moves
    assert moves[4 * b + e] == pytest.approx(24 / 27) and moves[4 * b + m] == pytest.approx(3 / 27)
    assert moves[4 * m + e] == pytest.approx(1.0)
    assert [moves[4 * e + s], moves[4 * s + s]] == pytest.approx([singles / words] * 2)
    assert list(model.tables.starts) == pytest.approx([1 - singles / words, 0, 0, singles / words])
    assert list(model.tables.ends) == [0, 0, 1, 1]
    assert model.tokenize("今天天气不错") == ["今天", "天气", "不错"]


def test_a_lexicon_without_long_words_is_no_trouble() -> None:
    assert HMM.from_lexicon({"茶": 3, "酒": 0}).tokenize("茶酒")
    with pytest.raises(InputError, match="got no words"):
        HMM.from_lexicon({"茶": 0})
    for bad in ({"": 1}, {"茶": -1}, {"茶": float("nan")}):
        with pytest.raises(InputError, match="expected words with counts"):
            HMM.from_lexicon(bad)


# ---- counts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bmes", "bio", "bioes"])
def test_words_are_counted_as_their_labels_are(name: str) -> None:
    from nlp_zero.tagging.hmm_counts import count_labels

    scheme = Scheme.named(name)
    labelled = [("".join(words), scheme.label_words(words)) for words in WORDS]
    assert count_words(scheme, WORDS) == count_labels(scheme, labelled)


def test_probabilities_sum_to_one_and_are_none_where_forbidden() -> None:
    symbols, tables = estimate(count_words(FOUR, WORDS), 0.5)
    assert symbols == sorted({character for words in WORDS for word in words for character in word})
    assert fsum(tables.starts) == pytest.approx(1) and tables.starts[1] == tables.starts[2] == 0
    for label in range(4):
        assert fsum(tables.emissions[label::4]) == pytest.approx(1)
        assert fsum(tables.moves[4 * label : 4 * label + 4]) == pytest.approx(1)
    assert [bool(share) for share in tables.moves] == [bool(legal) for legal in FOUR.moves]


def test_unknown_characters_are_judged_by_their_class() -> None:
    words = [["我", "2012年", "喜欢", "茶"], ["3月", "45天", "龙", "。", "酒"]]
    model = HMM.train(words, smoothing=0.5)
    # 6789 were never seen: digits begin and go on; a Han character like those seen once may stand alone.
    assert model.tokenize("9876年") == ["9876年"]
    assert model.tokenize("鳳") == ["鳳"]
    assert model.tokenize("茶！ \n茶") == ["茶", "！", " ", "\n", "茶"]


def test_bad_sentences_are_named() -> None:
    for sentences, message in (
        (["我 喜欢"], "sentence 1: expected a list of words"),
        ([["我"], ["茶", ""]], "sentence 2: expected words"),
        ([["我", 3]], "sentence 1"),
        ([], "got no words"),
        ([[]], "got no words"),
    ):
        with pytest.raises(InputError, match=message):
            HMM.train(sentences)  # type: ignore[arg-type]
    with pytest.raises(LabelError, match="sequence 2: position 1: expected M or E after B"):
        HMM.train_labels([("一", "S"), ("一二", "BS")], scheme="bmes")
    with pytest.raises(InputError, match="sequence 1: expected 2 labels, one a symbol, got 1"):
        HMM.train_labels([("一二", "S")], scheme="bmes")
    with pytest.raises(ValueError, match="smoothing"):
        HMM.train(WORDS, smoothing=0.0)
    with pytest.raises(ValueError, match="order"):
        HMM.train(WORDS, order=3)


# ---- laws ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(text=texts)
def test_words_are_the_text_and_no_labelling_is_better(text: str) -> None:
    model = HMM.train(WORDS)
    words = model.tokenize(text)
    assert "".join(words) == text
    labels = model.tag(text)
    assert model.scheme.words(text, labels) == words
    if 0 < len(text) <= 5:
        every = labellings(model, text)
        assert model.score(text, labels) == pytest.approx(log(max(every.values())), abs=1e-9)
        assert model.log_likelihood(text) == pytest.approx(log(fsum(every.values())), abs=1e-9)


@pytest.mark.parametrize("name", ["bmes", "bio", "bioes"])
@given(text=texts)
@settings(deadline=None, max_examples=30)
def test_what_the_scheme_forbids_never_comes_out(name: str, text: str) -> None:
    model = HMM.train(WORDS, scheme=name)
    assert isinstance(model, HMM)
    model.scheme.check(model.tag(text))
    model.scheme.check(model.tag(text, "posterior"))
    model.scheme.check(model.sample_labels(text, 3))
    assert "".join(model.tokenize(text)) == text


def test_posterior_decoding_expects_most_labels_right(hmm: HMM) -> None:
    text = "我不喝茶"
    chances = hmm.chances(text)
    index = hmm.scheme.index

    def expected(labels: tuple[str, ...]) -> float:
        return sum(row[index[label]] for row, label in zip(chances, labels, strict=True))

    legal = [labels for labels in product("BMES", repeat=4) if hmm.scheme.is_legal(labels)]
    assert expected(tuple(hmm.tag(text, "posterior"))) == pytest.approx(max(map(expected, legal)))
    with pytest.raises(ValueError, match="method"):
        hmm.tag(text, "best")


def test_samples_have_the_probability_of_their_labels(hmm: HMM) -> None:
    text, draws = "不茶", 4000
    every = labellings(hmm, text)
    drawn = Counter(tuple(hmm.sample_labels(text, seed)) for seed in range(draws))
    for labels, chance in every.items():
        assert drawn[labels] / draws == pytest.approx(chance / fsum(every.values()), abs=0.03)
    assert hmm.sample_labels(text, 5) == hmm.sample_labels(text, 5)
    assert hmm.sample_labels("", 1) == []


def test_generated_texts_are_legal_and_like_the_model(hmm: HMM) -> None:
    counts: Counter[str] = Counter()
    for seed in range(300):
        symbols, labels = hmm.generate(6, seed)
        hmm.scheme.check(labels)
        assert len(symbols) == 6 and set(symbols) <= set(hmm.symbols)
        counts.update(labels)
    assert counts["B"] == counts["E"] > counts["M"]
    assert hmm.generate(1, 0)[1] == ["S"]
    assert hmm.generate(0, 0) == ([], [])


# ---- learning from raw text ----------------------------------------------------------------------------------------


def test_the_likelihood_never_falls_and_new_characters_are_learnt() -> None:
    lines = ["今天天气好\n", "天气不错", "", "龙天气不好", "计算机不错"] * 3
    start = HMM.from_lexicon(LEXICON)
    fitted = HMM.fit(lines, init=start, iterations=15)
    trail = fitted.log_likelihoods
    assert len(trail) > 3 and all(after >= before - 1e-9 for before, after in pairwise(trail))
    assert "龙" in fitted.symbols and "\n" not in fitted.symbols
    stripped = [line.strip() for line in lines if line]
    assert sum(map(fitted.log_likelihood, stripped)) >= trail[-1] - 1e-9
    assert fitted.tokenize("今天天气不错") == ["今天", "天气", "不错"]
    assert start.log_likelihoods == []


def test_learning_from_nothing_but_text_depends_on_the_seed_alone() -> None:
    lines = ["甲乙丙乙", "乙丙甲乙丙", "丙甲"]
    one, same, other = (HMM.fit(lines, iterations=3, seed=seed) for seed in (1, 1, 2))
    assert one.tables == same.tables and one.tables != other.tables
    assert one.log_likelihoods == sorted(one.log_likelihoods)
    with pytest.raises(InputError, match="got none"):
        HMM.fit(["", "\n"])
    with pytest.raises(TypeError, match="one str"):
        HMM.fit("甲乙丙")


def test_a_text_that_cannot_be_is_refused() -> None:
    good = HMM.train(WORDS)
    never = array("d", good.tables.emissions)
    edge = 4 * len(good.symbols)
    rest = [1.0 - sum(never[edge + label :: 4]) for label in range(4)]
    known = [share / rest[place % 4] for place, share in enumerate(never[:edge])]
    model = HMM(good.scheme, good.symbols, good.tables._replace(emissions=array("d", known + [0.0] * (4 * CLASSES))))
    assert model.log_likelihood("茶") < 0
    for use in (model.chances, model.log_likelihood, lambda text: HMM.fit([text], init=model)):
        with pytest.raises(InputError, match="can produce"):
            use("龙")
    assert "".join(model.tokenize("龙茶")) == "龙茶"
    with pytest.raises(TypeError, match="order 1"):
        HMM.fit(["茶"], init=HMM.train(WORDS, order=2))  # type: ignore[arg-type]


def test_any_symbols_can_be_tagged() -> None:
    model = HMM.train_labels([(["the", "dog", "runs"], ["D", "N", "V"]), (["a", "cat", "sleeps"], ["D", "N", "V"])])
    assert model.tag(["the", "cat", "runs"]) == ["D", "N", "V"]
    assert model.tag(["the", "fox", ""]) == ["D", "N", "V"]
    assert model.tag([]) == []


# ---- files ---------------------------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_file(tmp_path: Path, hmm: HMM) -> None:
    for model in (hmm, HMM.train(WORDS, scheme="bio"), HMM.train_labels([(["the", ""], ["D", "N"])])):
        model.save(tmp_path / "hmm.model")
        again = HMM.load(tmp_path / "hmm.model")
        assert (again.scheme, again.symbols, again.tables) == (model.scheme, model.symbols, model.tables)
    again.save(tmp_path / "again.model")
    assert (tmp_path / "hmm.model").read_bytes() == (tmp_path / "again.model").read_bytes()


def altered(hmm: HMM, path: Path, **changes: Any) -> Path:
    """A file that differs from a good one in some parts of its header or sections."""
    hmm.save(path)
    header, sections = storage.load(path, KIND)
    parts: dict[str, Any] = {
        name: bytes(view) if view.format == "B" else array(view.format, view) for name, view in sections.items()
    }
    for name, value in changes.items():
        target = header if name in header else parts
        if value is None:
            del target[name]
        else:
            target[name] = value(target[name]) if callable(value) else value
    storage.save(path, KIND, header, parts)
    return path


def with_item(place: int, value: float) -> Any:
    def change(table: array[float]) -> array[float]:
        table[place] = value
        return table

    return change


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"starts": with_item(0, float("nan"))}, "starts: expected probabilities from 0 to 1, got nan at 0"),
        ({"starts": with_item(0, -0.5)}, "starts: expected probabilities from 0 to 1, got -0.5 at 0"),
        ({"starts": with_item(1, 0.1)}, "starts: expected 0 where the scheme forbids"),
        ({"ends": with_item(0, 1.0)}, "ends: expected 0 where the scheme forbids"),
        ({"moves": with_item(0, 0.2)}, "moves: expected 0 where the scheme forbids"),
        ({"moves": with_item(1, 0.9)}, "moves from B: expected probabilities that sum to 1"),
        ({"emissions": with_item(2, 0.9)}, "emissions of E: expected probabilities that sum to 1"),
        ({"emissions": with_item(2, float("inf"))}, "emissions: expected probabilities"),
        ({"emissions": array("d", [1.0])}, "emissions: expected"),
        ({"emissions": array("f", [1.0])}, "emissions: expected numbers of type 'd'"),
        ({"lengths": array("I", [1])}, "lengths: expected numbers that sum"),
        ({"symbols": b"\xff"}, "utf-8"),
        ({"symbols": lambda symbols: symbols[:3] * (len(symbols) // 3)}, "each once"),
        ({"starts": None}, "starts"),
        ({"order": 7}, "order"),
        ({"order": None}, "order"),
        ({"scheme": "hmm"}, "scheme"),
        ({"scheme": ["bmes"]}, "scheme"),
        ({"labels": ["B", "M", "E"]}, "labels"),
        ({"labels": 3}, "no HMM"),
        ({"labels": [1, 2]}, "no HMM"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, hmm: HMM, changes: dict[str, Any], message: str) -> None:
    path = altered(hmm, tmp_path / "bad.model", **changes)
    with pytest.raises(ModelError, match=message) as caught:
        HMM.load(path)
    assert str(path) in str(caught.value)


def test_damage_is_seen(tmp_path: Path, hmm: HMM) -> None:
    hmm.save(tmp_path / "hmm.model")
    data = (tmp_path / "hmm.model").read_bytes()
    (tmp_path / "short.model").write_bytes(data[:-9])
    (tmp_path / "other.model").write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    for name in ("short.model", "other.model"):
        with pytest.raises(ModelError, match=name):
            HMM.load(tmp_path / name)


def test_tables_of_another_size_are_refused() -> None:
    good = HMM.train(WORDS)
    with pytest.raises(InputError, match="starts: expected 4 numbers, got 3"):
        HMM(good.scheme, good.symbols, good.tables._replace(starts=array("d", [0.5, 0.0, 0.5])))
    with pytest.raises(InputError, match="each once"):
        HMM(good.scheme, good.symbols[:1] * len(good.symbols), good.tables)
    with pytest.raises(LabelError, match="expected one for each of 1 symbols"):
        good.score("茶", ["S", "S"])
    with pytest.raises(TypeError, match="one str"):
        good.tokenize_lines("茶")
    assert good.score("", []) == 0.0 and good.tokenize("") == []
