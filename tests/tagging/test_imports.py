"""Models of CRF++ and CRFsuite: the golden ones give their weights and labels, damaged ones an error with its place."""

from __future__ import annotations

import base64
import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from nlp_zero.errors import ModelError
from nlp_zero.tagging.imports import load_crfpp, load_crfsuite, load_foreign
from nlp_zero.tagging.tagger import Tagger

SUITE, PLUS, MIRA = "crfsuite lbfgs c2=1 observed features", "CRF++ L2 C=0.5", "CRF++ MIRA"


@pytest.fixture(scope="session")
def golden(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "golden" / "golden_crf.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def files(golden: dict[str, Any], tmp_path: Path) -> dict[str, Path]:
    models = golden["models"]
    contents = {
        "suite": base64.b64decode(models[SUITE]["model_base64"]),
        "binary": base64.b64decode(models[PLUS]["model_base64"]),
        "text": models[PLUS]["model_text"].encode(),
        "mira": models[MIRA]["model_text"].encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_weights_of_crfsuite(golden: dict[str, Any], files: dict[str, Path]) -> None:
    tagger, its = load_crfsuite(files["suite"]), golden["models"][SUITE]
    assert list(tagger.labels) == its["labels"]
    transitions = {f"{a}>{b}": weight for _, a, b, weight in tagger.model.transitions}
    assert transitions == pytest.approx(its["transitions"], abs=1e-5)
    weights = {f"{name}|{label}": weight for name, label, weight in tagger.model.weights}
    assert len(weights) == its["num_state_features"]
    for name, weight in its["state_features"].items():
        assert weights[name] == pytest.approx(weight, abs=1e-5)


def test_labels_and_marginals_of_crfsuite(golden: dict[str, Any], files: dict[str, Path], tmp_path: Path) -> None:
    tagger = load_crfsuite(files["suite"], "\n".join([*golden["template"], "B"]), "free")
    tagger.save(tmp_path / "own")
    again = Tagger.load(tmp_path / "own")
    assert isinstance(again, Tagger)
    for its in golden["models"][SUITE]["tag"]:
        rows = [list(its["text"])]
        assert "".join(again.tag(rows)[0]) == its["best"]
        assert again.nbest(rows, 1)[0][0][1] == pytest.approx(its["probability"], abs=1e-6)
        for ours, expected in zip(again.marginals(rows)[0], its["marginals"], strict=True):
            assert ours == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["text", "binary", "mira"])
def test_labels_and_probabilities_of_crfpp(golden: dict[str, Any], files: dict[str, Path], name: str) -> None:
    tagger = load_foreign(files[name])
    sentences = [line.replace(" ", "") for line in golden["test"]]
    ranked = tagger.nbest([list(line) for line in sentences], 3)
    blocks = golden["models"][MIRA if name == "mira" else PLUS]["nbest3_v2_output"].strip().split("\n\n")
    for number, block in enumerate(blocks):
        head, *rows = block.split("\n")
        labels, chance = ranked[number // 3][number % 3]
        assert float(head.split()[2]) == pytest.approx(chance, abs=2e-6)
        assert [row.split("\t")[1].split("/")[0] for row in rows] == labels
    marginals = tagger.marginals([list(sentences[0])])[0]
    for row, ours in zip(blocks[0].split("\n")[1:], marginals, strict=True):
        for cell in row.split("\t")[2:]:
            label, _, chance = cell.partition("/")
            assert ours[label] == pytest.approx(float(chance), abs=2e-6)


def test_text_and_binary_of_crfpp_are_the_same_model(files: dict[str, Path]) -> None:
    text, binary = load_crfpp(files["text"]), load_crfpp(files["binary"])
    assert text.features.names() == binary.features.names() and len(text.features.states) == 171
    assert list(text.model.states) == pytest.approx(list(binary.model.states), rel=1e-6)
    assert list(text.model.edges) == pytest.approx(list(binary.model.edges), rel=1e-6)


@pytest.mark.parametrize("name", ["suite", "binary", "text"])
def test_a_file_that_is_cut_short_is_an_error_with_its_place(files: dict[str, Path], name: str) -> None:
    whole = files[name].read_bytes()
    for size in [*range(0, 120, 7), *range(120, len(whole) - 24, 701)]:
        files[name].write_bytes(whole[:size])
        with pytest.raises(ModelError) as error:
            load_crfsuite(files[name]) if name == "suite" else load_crfpp(files[name])
        assert str(error.value).startswith(str(files[name]))


@pytest.mark.parametrize("name", ["suite", "binary", "text"])
def test_an_altered_file_is_read_or_refused_and_nothing_else(files: dict[str, Path], name: str) -> None:
    whole = files[name].read_bytes()
    rng = random.Random(4)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(rng.choice((80, len(whole))))] = rng.randrange(256)
        files[name].write_bytes(damaged)
        try:
            load_crfsuite(files[name]) if name == "suite" else load_crfpp(files[name])
        except ModelError as error:
            assert str(error).startswith(str(files[name]))


def test_weights_that_are_no_numbers_are_named_by_offset(files: dict[str, Path]) -> None:
    nan = float("nan")
    whole = files["suite"].read_bytes()
    files["suite"].write_bytes(whole[:72] + struct.pack("<d", nan) + whole[80:])
    with pytest.raises(ModelError, match="offset 72: expected a finite weight, got nan"):
        load_crfsuite(files["suite"])
    whole = files["binary"].read_bytes()
    files["binary"].write_bytes(whole[:-4] + struct.pack("<f", float("inf")))
    with pytest.raises(ModelError, match=f"offset {len(whole) - 4}: expected a finite weight, got inf"):
        load_crfpp(files["binary"])
    text = files["text"].read_text(encoding="utf-8").rstrip("\n").rpartition("\n")[0] + "\nnan\n"
    files["text"].write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"line \d+, offset \d+: expected a finite weight, got 'nan'"):
        load_crfpp(files["text"])
