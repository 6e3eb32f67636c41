"""CRFs: the golden models of crfsuite and CRF++, decoding under constraints, training, files."""

from __future__ import annotations

import json
import random
from array import array
from itertools import pairwise, product
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.errors import InputError, ModelError
from nlp_zero.tagging.crf import CRF, Progress
from nlp_zero.tagging.dataset import Dataset, pack, select
from nlp_zero.tagging.labels import Scheme
from nlp_zero.tagging.optimize import Settings

EXACT = Settings(epsilon=1e-9, delta=1e-12)
WINDOW = {"U00": (-1,), "U01": (0,), "U02": (1,), "U03": (-1, 0), "U04": (0, 1), "U05": (-1, 1)}
BMES = Scheme.named("bmes")


class Toy:
    """The toy corpus of the golden models, in the templates' own names."""

    def __init__(self, shared: Path) -> None:
        self.golden = json.loads((shared / "golden" / "golden_crf.json").read_text(encoding="utf-8"))
        self.names: dict[str, int] = {}
        self.data = self.read(self.golden["train"])

    def read(self, lines: list[str]) -> Dataset:
        new = not self.names
        rows, labels = [], []
        for line in lines:
            text = line.replace(" ", "")
            found = [self._attributes(text, place) for place in range(len(text))]
            if new:
                rows.append([[self.names.setdefault(name, len(self.names)) for name in names] for names in found])
            else:
                rows.append([[self.names[name] for name in names if name in self.names] for names in found])
            labels.append([0 if a == "B" else 1 if a == "E" else 2 for w in line.split() for a in self._labels(w)])
        return pack(rows, labels, n_attributes=len(self.names), n_labels=3)

    @staticmethod
    def _labels(word: str) -> str:
        return "S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E"

    @staticmethod
    def _attributes(text: str, place: int) -> list[str]:
        def at(offset: int) -> str:
            there = place + offset
            if 0 <= there < len(text):
                return text[there]
            return f"_B{there}" if there < 0 else f"_B+{there - len(text) + 1}"

        return [f"{name}:{'/'.join(map(at, offsets))}" for name, offsets in WINDOW.items()]


@pytest.fixture(scope="module")
def toy(shared: Path) -> Toy:
    return Toy(shared)


GOLDEN = [
    ("crfsuite lbfgs c2=1 all features", {"c2": 1.0}),
    ("crfsuite lbfgs c2=1 observed features", {"c2": 1.0, "observed": True}),
    ("crfsuite lbfgs c1=0.1 c2=0.01 all features", {"c1": 0.1, "c2": 0.01}),
]


@pytest.mark.parametrize(("name", "options"), GOLDEN, ids=[name for name, _ in GOLDEN])
def test_training_gives_the_golden_weights(toy: Toy, name: str, options: dict[str, Any]) -> None:
    golden = toy.golden["models"][name]
    seen: list[Progress] = []
    scheme = Scheme.named("free", "BES")
    names = list(toy.names)
    crf = CRF.train(toy.data, scheme, names=names, settings=EXACT, progress=seen.append, **options)
    assert seen[-1].objective == pytest.approx(golden["objective"], abs=1e-6)
    assert -crf.log_likelihood(toy.data) == pytest.approx(golden["neg_log_likelihood"], abs=2e-5)
    assert sum(weight**2 for _, _, weight in crf.weights) + sum(w**2 for *_, w in crf.transitions) == pytest.approx(
        golden["norm2"], abs=1e-3
    )
    weights = {f"{attribute}|{label}": weight for attribute, label, weight in crf.weights}
    for key, weight in golden["state_features"].items():
        assert weights[key] == pytest.approx(weight, abs=2e-4)
    transitions = {f"{before}>{label}": weight for _, before, label, weight in crf.transitions}
    assert transitions == pytest.approx(golden["transitions"], abs=2e-4)
    assert len(weights) == golden["num_state_features"] and len(transitions) == golden["num_transitions"]
    assert seen[-1].active == crf.n_active == golden["num_state_features"] + golden["num_transitions"]
    for entry in golden["tag"]:
        data = toy.read([entry["text"]])
        assert "".join(crf.tag(data)[0]) == entry["best"]
        assert crf.probability(data, [list(entry["best"])])[0] == pytest.approx(entry["probability"], abs=1e-5)
        for found, expected in zip(crf.marginals(data)[0], entry["marginals"], strict=True):
            assert found == pytest.approx(expected, abs=1e-5)


def test_n_best_are_those_of_crfpp(toy: Toy) -> None:
    """CRF++'s C = 0.5 is c2 = 1; its n best labellings stand in the golden file as it prints them."""
    golden = toy.golden["models"]["CRF++ L2 C=0.5"]["nbest3_v2_output"]
    crf = CRF.train(toy.data, Scheme.named("free", "BES"), settings=EXACT)
    expected: list[list[tuple[str, float]]] = [[] for _ in toy.golden["test"]]
    sentence = -1
    for block in golden.strip().split("\n\n"):
        head, *lines = block.strip().split("\n")
        rank, probability = head.removeprefix("# ").split()
        sentence += rank == "0"
        labels = "".join(line.split()[-4 if "/" in line.split()[1] else -1].split("/")[0] for line in lines)
        expected[sentence].append((labels, float(probability)))
    for line, its in zip(toy.golden["test"], expected, strict=True):
        found = crf.nbest(toy.read([line]), 3)[0]
        assert ["".join(labels) for labels, _ in found] == [labels for labels, _ in its]
        assert [probability for _, probability in found] == pytest.approx([p for _, p in its], abs=2e-6)


# ---- decoding ------------------------------------------------------------------------------------------------------


def random_crf(seed: int, scheme: Scheme = BMES, attributes: int = 6) -> tuple[CRF, Dataset]:
    source = random.Random(seed)
    width = len(scheme.labels)
    crf = CRF(
        scheme,
        array("d", (source.gauss(0, 2) for _ in range(attributes * width))),
        array("d", (source.gauss(0, 1) for _ in range(width * width))),
    )
    rows = [[source.sample(range(attributes), 2) for _ in range(n)] for n in (4, 0, 1, 3)]
    return crf, pack(rows, n_attributes=attributes, n_labels=width)


@pytest.mark.parametrize("seed", range(8))
def test_probabilities_are_shares_of_the_legal_labellings(seed: int) -> None:
    crf, data = random_crf(seed)
    every = crf.nbest(data, 10**6)
    best = crf.tag(data)
    for sentence, found in enumerate(every):
        size = data.starts[sentence + 1] - data.starts[sentence]
        legal = {labels for labels in product("BMES", repeat=size) if BMES.is_legal(labels)}
        assert {tuple(labels) for labels, _ in found} == legal
        assert sum(probability for _, probability in found) == pytest.approx(1)
        assert best[sentence] == found[0][0]
        assert all(a[1] >= b[1] for a, b in pairwise(found))
    for rank in range(2):
        labels = [found[min(rank, len(found) - 1)] for found in every]
        assert crf.probability(data, [row for row, _ in labels]) == pytest.approx([p for _, p in labels])
    marginals = crf.marginals(data)
    for sentence, found in enumerate(every):
        for place, row in enumerate(marginals[sentence]):
            for label, probability in row.items():
                share = sum(p for labels, p in found if labels[place] == label)
                assert probability == pytest.approx(share, abs=1e-12)


def test_constraints_force_and_forbid() -> None:
    crf, data = random_crf(3)
    wanted = {(0, 1): "B", (0, 2): {"M", "E"}, (3, 0): "S"}
    for labels in (crf.tag(data, wanted), [found[0][0] for found in crf.nbest(data, 1, wanted)]):
        assert labels[0][1] == "B" and labels[0][2] in "ME" and labels[3][0] == "S"
        assert all(BMES.is_legal(row) for row in labels)
    marginals = crf.marginals(data, wanted)
    assert marginals[0][1] == {"B": pytest.approx(1), "M": 0, "E": 0, "S": 0}
    assert marginals[0][2]["S"] == marginals[0][2]["B"] == 0
    free = crf.marginals(data)
    assert marginals[2] == free[2] and marginals[0] != free[0]


def test_an_illegal_labelling_has_probability_zero() -> None:
    crf, data = random_crf(4)
    assert crf.probability(data, [["B", "B", "B", "B"], [], ["S"], ["S", "S", "S"]])[0] == 0.0


def test_impossible_constraints_are_an_error() -> None:
    crf, data = random_crf(5)
    for ask in (crf.tag, crf.marginals):
        with pytest.raises(InputError, match="sentence 2: expected a labelling that is legal and possible, got none"):
            ask(data, {(2, 0): "B"})
    with pytest.raises(InputError, match="expected a label of the model, such as 'B', got 'X'"):
        crf.tag(data, {(0, 0): "X"})
    for place in ((0, 4), (1, 0), (9, 0), (-1, 0), (0, -1)):
        with pytest.raises(InputError, match="constraints: expected a position of the data set"):
            crf.tag(data, {place: "B"})


def test_a_data_set_of_another_model_is_an_error() -> None:
    crf, data = random_crf(6)
    with pytest.raises(InputError, match=r"data set: expected .* got"):
        crf.tag(data._replace(n_attributes=7))
    with pytest.raises(InputError, match="sentence 0: expected 4 labels, got 1"):
        crf.probability(data, [["S"], [], ["S"], ["S", "S", "S"]])


# ---- training ------------------------------------------------------------------------------------------------------


def planted(seed: int, sentences: int, noise: float = 0.2) -> Dataset:
    """Words of one or two over an alphabet whose characters mostly tell their label."""
    source = random.Random(seed)
    rows: list[list[list[int]]] = []
    labels: list[list[int]] = []
    for _ in range(sentences):
        row: list[int] = []
        for _ in range(source.randint(1, 6)):
            row += [0, 2] if source.random() < 0.5 else [3]
        labels.append(row)
        rows.append(
            [
                [label * 5 + source.randrange(5) if source.random() > noise else source.randrange(20), 20]
                for label in row
            ]
        )
    return pack(rows, labels, n_attributes=21, n_labels=4)


def test_a_planted_rule_is_learnt() -> None:
    crf = CRF.train(planted(1, 120), BMES, c2=0.1)
    test = planted(2, 50)
    right = sum(
        label == BMES.labels[gold]
        for row, start in zip(crf.tag(test), test.starts, strict=False)
        for label, gold in zip(row, test.labels[start:], strict=False)
    )
    assert right > 0.93 * test.n_positions
    assert crf.top("M", 3) and all(isinstance(name, str) for name, _ in crf.top("M", 3))


def test_the_number_of_workers_does_not_change_a_bit() -> None:
    data = planted(3, 70)
    steps = Settings(max_iterations=10)
    models = [CRF.train(data, BMES, c1=c1, workers=n, settings=steps) for c1 in (0.0, 0.2) for n in (1, 2, 3)]
    for first in (0, 3):
        for other in models[first + 1 : first + 3]:
            assert models[first].states == other.states and models[first].edges == other.edges


def test_a_warm_start_goes_on_where_it_was() -> None:
    data = planted(4, 60)
    first: list[Progress] = []
    again: list[Progress] = []
    crf = CRF.train(data, BMES, c2=0.5, progress=first.append)
    same = CRF.train(data, BMES, c2=0.5, init=crf, progress=again.append)
    assert len(again) < len(first) / 2
    assert -same.log_likelihood(data) == pytest.approx(-crf.log_likelihood(data), rel=1e-3)
    with pytest.raises(InputError, match="init: expected"):
        CRF.train(data._replace(n_attributes=22), BMES, init=crf)


def test_a_held_out_set_ends_training_early_and_keeps_the_best() -> None:
    train, dev = planted(5, 25, noise=0.5), planted(6, 60)
    seen: list[Progress] = []
    crf = CRF.train(train, BMES, c2=1e-6, dev=dev, patience=3, progress=seen.append, settings=EXACT)
    scores = [step.dev_score for step in seen]
    assert all(score is not None for score in scores)
    best = max(score or 0.0 for score in scores)
    assert len(seen) - 1 - [score or 0.0 for score in scores].index(best) == 3
    gold = [[BMES.labels[x] for x in dev.labels[s:e]] for s, e in zip(dev.starts, dev.starts[1:], strict=False)]
    expected, found = ([set(BMES.spans(row)) for row in rows] for rows in (gold, crf.tag(dev)))
    right = sum(len(a & b) for a, b in zip(expected, found, strict=True))
    assert 2 * right / (sum(map(len, expected)) + sum(map(len, found))) == best


def test_open_labels_are_filled_in_by_what_the_others_teach() -> None:
    data = planted(7, 90, noise=0.05)
    flags = bytearray()
    for place, label in enumerate(data.labels):
        flags += b"\1\1\1\1" if place % 3 == 0 else bytes(int(label == other) for other in range(4))
    partial = data._replace(allowed=bytes(flags), labels=array("i"))
    crf = CRF.train(partial, BMES, c2=0.1)
    found = [BMES.index[label] for row in crf.tag(data) for label in row]
    assert sum(a == b for a, b in zip(found, data.labels, strict=True)) > 0.95 * len(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"c1": -1.0}, "c1: expected 0 or more, such as 0.5, got -1.0"),
        ({"c2": float("nan")}, "c2: expected 0 or more, such as 0.5, got nan"),
    ],
)
def test_senseless_penalties_are_an_error(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as error:
        CRF.train(planted(8, 3), BMES, **options)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_descent_by_sentence_comes_near_the_minimum() -> None:
    data = planted(13, 60)
    seen: list[Progress] = []
    exact = CRF.train(data, BMES, c2=0.5, progress=seen.append)
    least = seen[-1].objective
    near = CRF.train(data, BMES, c2=0.5, algorithm="sgd", settings=Settings(max_iterations=25), progress=seen.append)
    squares = [sum(w * w for part in (crf.states, crf.edges) for w in part) for crf in (exact, near)]
    losses = [-crf.log_likelihood(data) + 0.5 * square for crf, square in zip((exact, near), squares, strict=True)]
    assert losses[0] == pytest.approx(least, rel=1e-6)
    assert least <= losses[1] < 1.02 * least
    again = CRF.train(data, BMES, c2=0.5, algorithm="sgd", settings=Settings(max_iterations=25))
    assert again.states == near.states
    other = CRF.train(data, BMES, c2=0.5, algorithm="sgd", seed=1, settings=Settings(max_iterations=25))
    assert other.states != near.states


def test_descent_by_sentence_has_no_l1_penalty() -> None:
    with pytest.raises(InputError, match="algorithm 'sgd': expected c1=0"):
        CRF.train(planted(14, 3), BMES, c1=1.0, algorithm="sgd")
    with pytest.raises(InputError, match="algorithm: expected 'lbfgs' or 'sgd', got 'adam'"):
        CRF.train(planted(14, 3), BMES, algorithm="adam")


def test_training_wants_labels_that_fit_and_at_least_one_position() -> None:
    with pytest.raises(InputError, match="data set: expected 2 labels, as the scheme has, got 4"):
        CRF.train(planted(9, 3), Scheme.named("free", "AB"))
    with pytest.raises(InputError, match="data set: expected 1 position at least, got none"):
        CRF.train(select(planted(9, 3), []), BMES)


def test_both_engines_train_the_same(engine: str) -> None:
    if engine == "python":
        pytest.skip("compared once")
    models = []
    for name in ("python", "c"):
        kernels.use(name)
        models.append(CRF.train(planted(10, 40), BMES, c1=0.1, c2=0.1, settings=Settings(max_iterations=6)))
    assert list(models[0].states) == pytest.approx(list(models[1].states), rel=1e-6, abs=1e-9)


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c1", [0.0, 1.0])
@pytest.mark.parametrize("single", [False, True])
def test_a_model_comes_back_from_its_file(tmp_path: Path, c1: float, single: bool) -> None:
    names = [f"字{number}" for number in range(21)]
    crf = CRF.train(planted(11, 30), BMES, c1=c1, c2=0.1, names=names)
    path = tmp_path / "crf.model"
    crf.save(path, single)
    again = CRF.load(path)
    assert again.scheme == crf.scheme and list(again.names) == names
    expected = [array("f", part) if single else part for part in (crf.states, crf.edges)]
    assert [list(again.states), list(again.edges)] == [list(part) for part in expected]
    if c1:
        assert path.stat().st_size < 2000 and crf.n_active < 40
    lines = list(crf.dump())
    assert lines[0] == "labels\tB\tM\tE\tS" and len(lines) == 1 + crf.n_active


@pytest.mark.parametrize(
    ("header", "sections", "message"),
    [
        ({"labels": []}, {}, "labels: expected a list of strings"),
        ({"labels": "BE"}, {}, "labels: expected a list of strings"),
        ({"attributes": -1}, {}, "expected a scheme and a number of attributes"),
        ({"attributes": 5}, {}, "state weights: expected 10 items, got 4"),
        ({"scheme": "odd"}, {}, "odd"),
        ({"labels": ["A", "A"]}, {}, "A"),
        ({}, {"states": array("d", [1, 2, 3, float("nan")])}, "state weights: expected finite numbers, got nan at 3"),
        ({}, {"edges": array("d", [1, 2, 3, float("inf")])}, "edge weights: expected finite numbers, got inf at 3"),
        ({}, {"edges": array("d", [1])}, "edge weights: expected tables of 4 items, got 1"),
        ({}, {"names": b"a"}, "names: expected 2, got 1"),
        ({}, {"names": b"a\n\xff"}, "names: expected UTF-8, got byte 255 at 2"),
        ({}, {"places": array("q", [0]), "states": array("d", [1, 2])}, "places: expected one a weight"),
        ({}, {"places": array("q", [4]), "states": array("d", [1])}, "places: expected numbers that rise to 3"),
        ({}, {"places": array("q", [-1]), "states": array("d", [1])}, "places: expected numbers that rise to 3"),
    ],
)
def test_a_senseless_model_is_an_error(header: dict[str, Any], sections: dict[str, Any], message: str) -> None:
    good = {"labels": ["A", "B"], "scheme": "free", "attributes": 2}
    parts = {"states": array("d", [1, 2, 3, 4]), "edges": array("d", [1, 2, 3, 4])}
    CRF.from_sections(good, parts)
    with pytest.raises(ModelError) as error:
        CRF.from_sections(good | header, parts | sections)
    assert message in str(error.value)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    crf, _ = random_crf(12)
    path = tmp_path / "crf.model"
    crf.save(path)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"crf\.model"):
        CRF.load(path)


def test_progress_is_one_line() -> None:
    line = str(Progress(3, 12.5, 0.25, 100, 0.9, 1.5))
    assert line == "   3  objective 12.5000  gradient 0.2500  active 100  dev 0.9000  1.50 s"
    assert "dev" not in str(Progress(3, 12.5, 0.25, 100, None, 1.5))
    assert exp(log(2)) == pytest.approx(2)


def test_descent_by_sentence_takes_heavy_penalties_and_little_data() -> None:
    """Two sentences and c2=1: a first step of 1 / decay would bring all weights, and their common factor, to 0."""
    data = pack([[[0], [1]], [[2]]], [[0, 1], [1]], n_attributes=3, n_labels=2)
    crf = CRF.train(data, Scheme.named("free", "NV"), c2=1.0, algorithm="sgd")
    assert crf.tag(data) == [["N", "V"], ["V"]]
    heavy = CRF.train(data, Scheme.named("free", "NV"), c2=1e6, algorithm="sgd")
    assert max(map(abs, heavy.states)) < 1e-3
