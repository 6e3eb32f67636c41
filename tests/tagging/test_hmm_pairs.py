from __future__ import annotations

from array import array
from collections import Counter
from itertools import product
from math import exp, fsum, log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import storage
from nlp_zero.errors import InputError, LabelError, ModelError
from nlp_zero.tagging.hmm import HMM
from nlp_zero.tagging.hmm_pairs import PairHMM, _Atoms, _deleted_interpolation

WORDS = [["我", "喜欢", "喝", "茶"], ["他", "不", "喜欢", "喝酒"], ["计算机", "不", "喝", "茶", "。"]] * 3


def train() -> PairHMM:
    model = HMM.train(WORDS, order=2)
    assert isinstance(model, PairHMM)
    return model


def test_what_was_learnt_is_known_by_heart() -> None:
    model = train()
    assert [model.tokenize("".join(words)) for words in WORDS] == WORDS
    assert model.tag("他喜欢喝酒") == ["S", "B", "E", "B", "E"]
    assert model.tokenize_lines(["", "不喝"]) == [[], ["不", "喝"]]
    assert sum(model.weights) == pytest.approx(1.0)


def test_neighbours_decide_where_a_first_order_model_cannot() -> None:
    """喝酒 is a word after 喜欢, 喝 and 酒 are two after 不: B and S are as likely for 喝 whatever stands before."""
    words = [["喜欢", "喝酒"], ["不", "喝", "酒"]] * 5
    second = HMM.train(words, order=2)
    assert [second.tokenize("喜欢喝酒"), second.tokenize("不喝酒")] == [["喜欢", "喝酒"], ["不", "喝", "酒"]]


def test_weights_are_votes_for_the_best_history() -> None:
    """Each of five sentences is the same: all that was seen twice is predicted for certain by two as by three."""
    symbols = ["一", "丁"]
    atoms = _Atoms(symbols, [["一丁"]] * 5)
    weights = _deleted_interpolation(atoms, sum(atoms.singles.values()) - 5)
    assert list(weights) == pytest.approx([0, 0, 1], abs=1e-5)
    # Seen once, a triple has nothing left to vote with but chance; of histories that draw level the longest wins.
    once = _deleted_interpolation(_Atoms(symbols, [["一丁"]]), 2)
    assert list(once) == pytest.approx([0, 0, 1], abs=1e-5)


@settings(deadline=None, max_examples=50)
@given(text=st.text("我喜欢喝茶酒不龙9A。 \n𠀀", max_size=12))
def test_words_are_the_text(text: str) -> None:
    model = train()
    words = model.tokenize(text)
    assert "".join(words) == text
    assert model.scheme.words(text, model.tag(text)) == words


def test_bad_input_is_refused() -> None:
    for sentences in ([], [[]]):
        with pytest.raises(InputError, match="got no words"):
            HMM.train(sentences, order=2)
    with pytest.raises(InputError, match="sentence 2"):
        HMM.train([["茶"], "茶"], order=2)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="scheme: expected 'bmes'"):
        HMM.train(WORDS, order=2, scheme="bio")
    with pytest.raises(TypeError, match="one str"):
        train().tokenize_lines("茶")
    with pytest.raises(InputError, match="one character each"):
        train().tag(["喝茶"])


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    model = train()
    model.save(tmp_path / "pairs.model")
    again = HMM.load(tmp_path / "pairs.model")
    assert isinstance(again, PairHMM) and again._parts == model._parts
    again.save(tmp_path / "again.model")
    assert (tmp_path / "pairs.model").read_bytes() == (tmp_path / "again.model").read_bytes()


def item(place: int, value: float) -> Any:
    def change(column: array[Any]) -> array[Any]:
        column[place] = value
        return column

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("shares", item(0, float("nan")), "shares"),
        ("shares", item(0, -1.0), "shares"),
        ("weights", item(0, 0.9999), "weights: expected three that sum to 1"),
        ("weights", item(0, float("nan")), "weights"),
        ("pairs", item(0, 1 << 60), "pairs"),
        ("pair_counts", item(0, 1 << 31), "pairs"),
        ("triple_counts", item(0, 1 << 31), "triples"),
        ("triples", lambda column: column[1:], "counts of triples"),
        ("singles", lambda column: array("d", column), "singles: expected numbers of type 'I'"),
        ("characters", lambda column: b"\xff", "utf-8"),
        ("characters", lambda column: column[:3] * 4, "no HMM"),
        ("weights", None, "weights"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, name: str, change: Any, message: str) -> None:
    path = tmp_path / "pairs.model"
    train().save(path)
    header, sections = storage.load(path, "hmm")
    parts: dict[str, Any] = {
        key: bytes(view) if view.format == "B" else array(view.format, view) for key, view in sections.items()
    }
    if change is None:
        del parts[name]
    else:
        parts[name] = change(parts[name])
    storage.save(path, "hmm", header, parts)
    with pytest.raises(ModelError, match=message) as caught:
        HMM.load(path)
    assert str(path) in str(caught.value)


# ---- all labellings ------------------------------------------------------------------------------------------------


def labellings(model: PairHMM, text: str) -> dict[tuple[str, ...], float]:
    every = (labels for labels in product("BMES", repeat=len(text)) if model.scheme.is_legal(labels))
    return {labels: exp(model.score(text, labels)) for labels in every}


@pytest.mark.parametrize("text", ["茶", "喝酒", "不喝茶", "我喜龙9", "他不喜欢酒"])
def test_sums_are_over_all_legal_labellings(text: str) -> None:
    model = train()
    every = labellings(model, text)
    total = fsum(every.values())
    assert model.log_likelihood(text) == pytest.approx(log(total), abs=1e-9)
    assert every[tuple(model.tag(text))] == pytest.approx(max(every.values()))
    expected = [
        [fsum(chance for labels, chance in every.items() if labels[place] == label) / total for label in "BMES"]
        for place in range(len(text))
    ]
    chances = model.chances(text)
    assert [chance for row in chances for chance in row] == pytest.approx([c for row in expected for c in row])
    by_chances = {
        labels: sum(row["BMES".index(label)] for row, label in zip(expected, labels, strict=True)) for labels in every
    }
    best = tuple(model.tag(text, "posterior"))
    assert by_chances[best] == pytest.approx(max(by_chances.values()))


def test_samples_have_the_probability_of_their_labels() -> None:
    model, text, draws = train(), "喝酒", 3000
    every = labellings(model, text)
    drawn = Counter(tuple(model.sample_labels(text, seed)) for seed in range(draws))
    for labels, chance in every.items():
        assert drawn[labels] / draws == pytest.approx(chance / fsum(every.values()), abs=0.03)
    assert model.sample_labels("", 1) == []


def test_what_cannot_be_has_no_probability() -> None:
    model = train()
    assert model.score("喝酒", ["B", "S"]) == float("-inf")
    assert model.score("", []) == 0.0 and model.log_likelihood("") == 0.0 and model.chances("") == []
    with pytest.raises(LabelError, match="expected one for each of 1 symbols"):
        model.score("茶", ["B", "E"])
    with pytest.raises(ValueError, match="method"):
        model.tag("茶", "best")
