"""Trees: what is written can be read back, crossing brackets are refused, depth costs nothing."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as xml
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.syntax.tree import Node, Tree, drawing

words = st.text(st.characters(codec=None), min_size=1, max_size=4) | st.sampled_from(
    ["(", ")", "\\", "-LRB-", "-RRB-", "\\u0020", "_", "\u3000", "-", "LRB-", "a b", "--LRB-"]
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    sentence = draw(st.lists(words, max_size=8))
    nodes = [Node(0, len(sentence), draw(st.sampled_from(["", "_ 的"])))]
    pending = [(0, len(sentence))] if sentence else []
    while pending:
        start, end = pending.pop()
        cuts = sorted(draw(st.sets(st.integers(start, end), max_size=4)) | {start, end})
        for left, right in pairwise(cuts):
            if (left, right) != (start, end) and draw(st.booleans()):
                nodes.append(Node(left, right, draw(st.sampled_from(["", "[c1] 和 _"]))))
                pending.append((left, right))
    nodes.sort(key=lambda node: (node.start, -node.end))
    return Tree(sentence, nodes, draw(st.floats(allow_nan=False, allow_infinity=False)))


@given(trees())
def test_brackets_can_be_read_back(tree: Tree) -> None:
    line = tree.brackets()
    assert "\n" not in line and len(line.splitlines()) <= 1
    again = Tree.from_brackets(line)
    assert again.words == tree.words
    assert again.spans() == tree.spans()
    assert line.count("(") == line.count(")") == len(tree.nodes)


@given(trees())
def test_every_form_has_every_word_and_bracket(tree: Tree) -> None:
    data = json.loads(tree.json())
    assert tuple(data["words"]) == tree.words
    assert [Node(**span) for span in data["spans"]] == list(tree.nodes)
    rows = [row for row in tree.rows().split("\n") if row and not row.startswith("# ")]
    assert [row.split("\t")[0] for row in rows] == [str(i + 1) for i in range(len(tree.words))]
    assert "".join(row.split("\t")[-1] for row in rows).count("(") == (len(tree.nodes) if tree.words else 0)
    assert tree.pretty().count("+---> ") >= len(tree.nodes)
    picture = xml.fromstring(tree.svg().encode("utf-8", "replace"))
    assert len(picture.findall(".//{http://www.w3.org/2000/svg}path")) == len(tree.nodes)
    assert tree.dot().count("shape=box") >= len(tree.words)


def test_several_trees_in_one_drawing() -> None:
    picture = xml.fromstring(drawing([Tree("ab"), Tree("c"), Tree([])]))
    assert len(picture) == 2 + 3  # a title, the ground, the trees
    assert len(xml.fromstring(drawing([]))) == 2


@given(trees())
def test_children_are_the_brackets_right_inside(tree: Tree) -> None:
    for number, children in enumerate(tree.children()):
        place = tree.nodes[number].start
        for child in children:
            assert tree.parents()[child] == number
            assert place <= tree.nodes[child].start < tree.nodes[child].end <= tree.nodes[number].end
            place = tree.nodes[child].end
    assert sum(map(len, tree.children())) == len(tree.nodes) - 1


@settings(max_examples=200)
@given(st.text("() ab\\-LR", max_size=12))
def test_any_line_is_a_tree_or_a_clear_error(line: str) -> None:
    try:
        tree = Tree.from_brackets(line)
    except InputError:
        return
    assert Tree.from_brackets(tree.brackets()) == tree


@pytest.mark.parametrize("line", ["(", "((a) b", "a)", ")(", "(a ())", "(() a)"])
def test_unpaired_or_empty_brackets_are_named(line: str) -> None:
    with pytest.raises(InputError, match="expected pairs, such as"):
        Tree.from_brackets(line)


def test_brackets_that_cross_are_refused() -> None:
    with pytest.raises(InputError, match=r"do not cross.*got \(1, 3\) and \(0, 2\)"):
        Tree.from_spans("abc", [(0, 2), (1, 3)])
    with pytest.raises(InputError, match="0 to 2, got"):
        Tree.from_spans("ab", [(1, 3)])
    with pytest.raises(InputError, match="whole sentence"):
        Tree("ab", [Node(0, 1)])
    with pytest.raises(InputError, match="word 2 of a tree"):
        Tree(["a", ""])


def test_a_tree_never_changes_and_counts_as_its_content() -> None:
    tree = Tree("ab", [Node(0, 2, "x")], 1.0)
    with pytest.raises(AttributeError, match="never changes"):
        tree.score = 2.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="never changes"):
        del tree.words
    assert tree == Tree("ab", [Node(0, 2, "x")], 2.0) != Tree("ab", [Node(0, 2)])
    assert len({tree, copy.deepcopy(tree), Tree("ab")}) == 2
    assert copy.copy(tree).score == 1.0


def test_sentences_of_no_and_one_word() -> None:
    assert Tree([]).brackets() == "()" and Tree.from_brackets("") == Tree.from_brackets("()") == Tree([])
    assert Tree(["好"]).brackets() == "(好)"
    assert Tree([]).pretty() == "+---> " and Tree([]).rows() == "# text = \n# score = 0\n\n"
    xml.fromstring(Tree([]).svg())


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_tree_as_deep_as_a_hundred_thousand_words(side: str) -> None:
    size = 100_000
    sentence = ["字"] * size
    spans = [(i, size) for i in range(size - 1)] if side == "right" else [(0, i) for i in range(2, size + 1)]
    tree = Tree.from_spans(sentence, spans)
    assert Tree.from_brackets(tree.brackets()) == tree
    assert tree.parents()[-1] == size - 3
    assert len(tree.pretty()) < 300 * size
    assert len(tree.rows()) < 60 * size
    small = Tree.from_spans(sentence[:5000], [(start, min(end, 5000)) for start, end in spans if start < 4999])
    assert small.svg().startswith("<svg") and small.dot().endswith("}\n") and len(small.json()) < 300_000
