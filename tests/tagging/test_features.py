"""Templates as CRF++ writes them, ready sets, the input shapes of python-crfsuite."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nlp_zero.errors import InputError
from nlp_zero.tagging.columns import Cells, cells_of_rows, column_cells
from nlp_zero.tagging.features import READY, Features, Template, Window, column_template
from nlp_zero.tagging.tagger import Tagger


def attributes(features: Features, cells: Cells) -> list[list[str]]:
    data = features.dataset(cells)
    names = features.names()
    return [[names[n] for n in data.attributes[a:b]] for a, b in pairwise(data.offsets)]


def test_templates_of_the_golden_file_give_its_attributes(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "golden_crf.json").read_text(encoding="utf-8"))
    cells = Window("characters").cells(line.replace(" ", "") for line in golden["train"])
    features, data = Features.learn(Template.parse("\n".join([*golden["template"], "B"])), cells)
    assert data.n_attributes * 3 + 9 == 522  # what crf_learn counts
    model = golden["models"]["crfsuite lbfgs c2=1 all features"]
    assert {name.rpartition("|")[0] for name in model["state_features"]} <= set(features.names())
    assert model["num_state_features"] == 3 * data.n_attributes


def test_unknown_attributes_are_left_out() -> None:
    template = Template.parse("U1:%x[0,0]\nU2:%x[1,0]")
    features, _ = Features.learn(template, cells_of_rows([["a", "b"]]))
    assert attributes(features, cells_of_rows([["b", "c"]])) == [["U1:b"], ["U2:_B+1"]]
    assert features.n_edge_attributes == 0 and features.edge_names() == []


def test_rare_attributes_are_cut_off() -> None:
    template = Template.parse("U:%x[0,0]\nB\nB1:%x[0,0]")
    cells = cells_of_rows([["a", "b", "a"], ["a", "a"]])
    features, data = Features.learn(template, cells, min_count=2)
    assert features.names() == ["U:a"] and features.edge_names() == ["B", "B1:a"]
    assert data.edge_offsets is not None and list(data.edge_offsets) == [0, 0, 1, 3, 3, 5]
    assert features.dataset(cells) == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t: expected templates such as"),
        ("U0:%x[0,0]\nX", "t:2: expected a line that begins with U, B or #, got 'X'"),
        ("U0:%x[a,0]", r"t:1: expected cells such as %x\[-1,0\]"),
        ("U0:%x[0,-1]", "t:1: expected cells"),
        ("U0:%x[0,0]%y[0,1]", "t:1: expected cells"),
        ("U0:%x[99,0]", "t:1: expected rows from -64 to 64"),
    ],
)
def test_what_is_no_template_is_named_by_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Template.parse(text, "t")


def test_a_template_that_addresses_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match=r"template 'U:%x\[0,1\]': column 1 is missing, there is column 0 alone"):
        Features.learn(Template.parse("U:%x[0,1]"), cells_of_rows([["a"]]))


def test_words_of_a_lexicon_are_seen_where_they_begin_go_through_and_end() -> None:
    rows = Window("segmentation", ["长江", "长江大桥", "大桥", "桥"]).cells(["在长江大桥", "长"]).rows()
    assert [row[3:] for row in rows[0]] == [
        ("0", "0", "0"),
        ("4", "0", "0"),
        ("0", "4", "2"),
        ("2", "4", "0"),
        ("0", "0", "4"),
    ]
    assert rows[1] == [("长", "H", "0", "0", "0", "0")]


def slow_matches(line: str, words: set[str]) -> list[tuple[str, str, str]]:
    found = []
    spans = [(a, b) for a in range(len(line)) for b in range(a + 2, len(line) + 1) if line[a:b] in words]
    longest = {a: max(b for c, b in spans if c == a) for a, _ in spans}
    for place in range(len(line)):
        begin = max((b - a for a, b in spans if a == place), default=0)
        through = max((b - a for a, b in longest.items() if a < place < b - 1), default=0)
        end = max((b - a for a, b in spans if b == place + 1), default=0)
        found.append((str(begin), str(through), str(end)))
    return found


def test_matches_agree_with_a_slow_search() -> None:
    rng = random.Random(3)
    for _ in range(60):
        words = {"".join(rng.choices("ab", k=rng.randint(2, 4))) for _ in range(4)}
        lines = ["".join(rng.choices("ab", k=rng.randint(1, 9))) for _ in range(3)]
        rows = Window("segmentation", words).cells(lines).rows()
        assert [[row[3:] for row in line] for line in rows] == [slow_matches(line, words) for line in lines]


def test_repeats_and_classes() -> None:
    rows = Window().cells(["看看一看", "A1年"]).rows()
    assert [row[1:] for row in rows[0]] == [("H", "0"), ("H", "1"), ("n", "0"), ("H", "2")]
    assert [row[1] for row in rows[1]] == ["L", "D", "t"]


def test_an_empty_line_is_a_sentence_without_characters() -> None:
    for name in READY:
        assert [len(row) for row in Window(name).cells(["", "我", ""]).rows()] == [0, 1, 0]


def test_columns_without_a_template_have_one() -> None:
    cells = column_cells("a N x\nb V y\n")
    features, _ = Features.learn(column_template(2), cells)
    assert "U05:_B-1/a" in features.names() and "U14:_B+2" in features.names()


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (["a", "b"], [("a", 1.0), ("b", 1.0)]),
        ({"a": 2, "b": "x", "c": True, "d": False}, [("a", 2.0), ("b:x", 1.0), ("c", 1.0), ("d", 0.0)]),
        ({"a": {"b": 0.5, "c": "y"}, "d": ["e", "f"]}, [("a:b", 0.5), ("a:c:y", 1.0), ("d:e", 1.0), ("d:f", 1.0)]),
    ],
)
def test_tokens_of_crfsuite(token: Any, expected: list[tuple[str, float]]) -> None:
    features, data = Features.learn_lists([[token]])
    names = features.names()
    values = data.values if data.values is not None else [1.0] * len(data.attributes)
    assert [(names[n], value) for n, value in zip(data.attributes, values, strict=True)] == expected
    assert features.list_dataset([[token]]) == data
    assert list(features.list_dataset([[["z"]]]).attributes) == []


@pytest.mark.parametrize("token", ["a", {"a": float("nan")}, {"a": float("inf")}, [1]])
def test_tokens_that_are_none(token: Any) -> None:
    with pytest.raises(InputError):
        Features.learn_lists([[token]])


def test_lists_of_attributes_are_those_of_python_crfsuite_even_where_all_are_as_long() -> None:
    sentences = [[["w=I", "first"], ["w=drink", "later"]], [["w=You", "first"], ["w=run", "later"]]]
    tagger = Tagger.train("perceptron", sentences, [["N", "V"], ["N", "V"]])
    assert tagger.source == "attributes" and "later" in tagger.features.names()
    assert tagger.tag([[["w=We", "first"], ["w=go", "later"]]]) == [["N", "V"]]
    rows = [[tuple(token) for token in sentence] for sentence in sentences]
    assert Tagger.train("perceptron", rows, [["N", "V"], ["N", "V"]]).source == "columns"
