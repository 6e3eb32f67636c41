"""Grammars: notation, the file and its damages, what no grammar can hold."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.errors import GrammarError, InputError
from nlp_zero.syntax.grammar import SLOT, Filling, Grammar, Slot, Template, join_words, split_words

WORDS = st.text(st.sampled_from("我的_[]\\ stn\t\n\r\x0b　\u2028{}\"'"), min_size=1, max_size=4)
PARTS = st.lists(st.one_of(WORDS, st.just(Slot("c1")), st.just(SLOT)), min_size=1, max_size=5).filter(
    lambda parts: all(a != SLOT or b != SLOT for a, b in pairwise(parts))
)
FILLINGS = st.lists(
    st.builds(Filling, st.floats(0, 20), st.dictionaries(WORDS, st.floats(0, 9)).map(lambda d: tuple(d.items()))),
    max_size=2,
).map(tuple)
TEMPLATES = st.builds(
    Template,
    PARTS.map(tuple),
    st.floats(0.001, 1e9),
    st.floats(-1e9, 1e9),
    FILLINGS,
    st.lists(st.text("我的 \n\t", max_size=5), max_size=2).map(tuple),
)


@given(PARTS)
def test_a_notation_is_read_as_it_was_written(parts: list[str | Slot]) -> None:
    template = Template(tuple(parts))
    text = str(template)
    assert Template.parse(text).parts == tuple(parts)
    assert "\t" not in text and "\n" not in text and text.count(" ") == len(parts) - 1


@given(st.lists(WORDS))
def test_joined_words_come_apart_again(words: list[str]) -> None:
    assert list(split_words(join_words(words))) == words


@given(
    st.lists(TEMPLATES, max_size=4, unique_by=lambda template: template.parts),
    st.lists(WORDS, unique=True, max_size=3),
    st.none() | st.just({"begins": {"我": -0.25, join_words(["a b", "的"]): 1e-9}, "ends": {"吗": 3.0}}),
)
def test_a_grammar_is_read_as_it_was_written(
    templates: list[Template], words: list[str], brackets: dict[str, dict[str, float]] | None
) -> None:
    grammar = Grammar(templates, {"c1": words}, brackets)
    again = Grammar.read(line.removesuffix("\n") for line in grammar.lines())
    assert (again.templates, again.classes, again.brackets) == (grammar.templates, grammar.classes, brackets)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    grammar = Grammar([Template.parse("_ [c1] 的", 2.5, 7)], {"c1": ["爱", "a b"]}, {"begins": {"我": 0.5}})
    grammar.save(path)
    again = Grammar.load(path)
    assert again.templates == grammar.templates and again.class_of == {"爱": "c1", "a b": "c1"}
    assert again.brackets == {"begins": {"我": 0.5}}
    assert [child.name for child in tmp_path.iterdir()] == ["t.tsv"]
    with pytest.raises(InputError, match=r"none\.tsv"):
        Grammar.load(tmp_path / "none.tsv")


HEADER = "kind\tname\tcount\tbits\tmore\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "t.tsv: expected a table"),
        ("word\tcount\n", "t.tsv: line 1: expected the header"),
        (f"{HEADER}template\t_ 的\t1\t2\n", "t.tsv: line 2: expected a row"),
        (f"{HEADER}class\tc1\t\t\t爱\n\n", "t.tsv: line 3: expected a row"),
        (f"{HEADER}rule\t_ 的\t1\t2\t{{}}\n", "t.tsv: line 2: expected a row"),
        (f"{HEADER}template\t_ 的\tmany\t2\t{{}}\n", "t.tsv: line 2: expected a number of counts.*'many'"),
        (f"{HEADER}template\t_ 的\t1\tnan\t{{}}\n", "t.tsv: line 2: expected a number of bits"),
        (f"{HEADER}template\t_  的\t1\t2\t{{}}\n", "t.tsv: line 2: expected words parted by single spaces"),
        (f"{HEADER}template\t\t1\t2\t{{}}\n", "t.tsv: line 2: expected words parted"),
        (f"{HEADER}template\t[] 的\t1\t2\t{{}}\n", "t.tsv: line 2: expected the name of a class"),
        (f"{HEADER}template\t的\\\t1\t2\t{{}}\n", "t.tsv: line 2: expected a sign after a backslash"),
        (f"{HEADER}template\t_ 的\t1\t2\t{{\n", "t.tsv: line 2: expected slots and examples as JSON"),
        (f"{HEADER}template\t_ 的\t1\t2\t[]\n", "t.tsv: line 2: expected slots and examples as JSON"),
        (f'{HEADER}template\t_ 的\t1\t2\t{{"slots": [3]}}\n', "t.tsv: line 2: expected slots and examples as JSON"),
        (f'{HEADER}template\t_ 的\t1\t2\t{{"examples": [3]}}\n', "t.tsv: line 2: expected slots and examples"),
        (f"{HEADER}template\t[c9] 的\t1\t2\t{{}}\n", "t.tsv: .*known class.*'c9'"),
        (f"{HEADER}template\t_ _ 的\t1\t2\t{{}}\n", "t.tsv: .*a word between two slots"),
        (f"{HEADER}template\t_ 的\t0\t2\t{{}}\n", "t.tsv: .*a count above 0"),
        (f"{HEADER}template\t的\t1\t2\t{{}}\ntemplate\t的\t1\t2\t{{}}\n", "t.tsv: expected each template once"),
        (f"{HEADER}class\tc1\t\t\t爱\nclass\tc1\t\t\t想\n", "t.tsv: line 3: expected the class 'c1' once"),
        (f"{HEADER}class\tc1\t\t\t爱\nclass\tc2\t\t\t爱\n", "t.tsv: class c2: the word '爱' is in class c1 as well"),
        (f"{HEADER}bracket\tbegins\tx\t\t爱\n", "t.tsv: line 2: expected a number of a table"),
    ],
)
def test_damaged_files_say_where(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(GrammarError, match=message):
        Grammar.load(path)


def test_templates_differ_by_their_slots() -> None:
    """Keyed by the words alone, 我 _ and 我 would be one (defect 7 of the first nlp-zero)."""
    first, second = Template.parse("我 _", 8), Template.parse("我", 1)
    assert first.parts != second.parts and len(Grammar([first, second])) == 2
    assert Template.parse("_ 我").fixed == 1
    with pytest.raises(GrammarError, match="one part or more"):
        Grammar([Template(())])
    with pytest.raises(GrammarError, match="an empty one"):
        str(Template(("",)))


def test_keys_of_one_value_share_a_row() -> None:
    table = {"我 的": 0.5, "你 的": 0.5, "他": 1.0}
    lines = list(Grammar(brackets={"begins": table}).lines())
    assert lines[1:] == ["bracket\tbegins\t0.5\t\t我 的 \\ 你 的\n", "bracket\tbegins\t1.0\t\t他\n"]
    assert Grammar.read(line.rstrip("\n") for line in lines).brackets == {"begins": table}
