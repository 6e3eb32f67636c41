"""``parse``: formats, segmented and raw text, n best, and what is said of bad input."""

from __future__ import annotations

import json
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from nlp_zero.cli import main
from nlp_zero.syntax.brackets import learn_brackets
from nlp_zero.syntax.grammar import Grammar, Template
from nlp_zero.syntax.tree import Tree

TEXT = "我 的 苹果 ， 你 和 他\n\n香蕉\n雪梨 和 苹果 和 香蕉\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    table, text = tmp_path / "t.tsv", tmp_path / "seg.txt"
    Grammar([Template.parse("_ 的 _", 12), Template.parse("_ 和 _", 6)]).save(table)
    text.write_text(TEXT, encoding="utf-8")
    return str(table), str(text)


def run(files: tuple[str, str], *options: str) -> int:
    return main(["parse", "--templates", files[0], "--segmented", *options, files[1]])


def test_brackets_are_one_line_a_sentence(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files, "--format", "brackets") == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "((我 的 苹果) ， (你 和 他))",
        "",
        "(香蕉)",
        "((雪梨 和 苹果) 和 香蕉)",
    ]
    assert [Tree.from_brackets(line).words for line in out.splitlines()] == [
        tuple(line.split()) for line in TEXT.splitlines()
    ]


def test_every_format(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files) == 0
    assert "+---> _ 和 香蕉  ← _ 和 _" in capsys.readouterr().out
    assert run(files, "--format", "jsonl") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[3]["spans"][1] == {"start": 0, "end": 3, "label": "_ 和 _"}
    assert run(files, "--format", "conllu") == 0
    assert capsys.readouterr().out.count("\n\n") >= 4
    assert run(files, "--format", "dot") == 0
    assert capsys.readouterr().out.count("digraph") == 4
    target = tmp_path / "trees.svg"
    assert run(files, "--format", "svg", "-o", str(target)) == 0
    assert len(xml.parse(target).getroot()) == 2 + 4


def test_the_n_best(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files, "--format", "brackets", "--nbest", "2") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["((雪梨 和 苹果) 和 香蕉)", "(雪梨 和 (苹果 和 香蕉))"]


def test_without_templates_the_brackets_of_the_file_make_the_trees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = [
        "我 的 苹果 很 甜 。",
        "你 的 书 ， 他 看 了 。",
        "他 的 书 很 好 ， 你 看 。",
        "我 吃 你 的 苹果 ， 很 甜 。",
    ]
    model = learn_brackets([line.split() for line in raw * 40], views=[(24, 100)])
    table, text = tmp_path / "t.tsv", tmp_path / "seg.txt"
    Grammar([Template.parse("我 的 苹果", 5, bits=9000.0)], brackets=model.to_tables()).save(table)
    words = raw[0].split()
    text.write_text(raw[0], encoding="utf-8")
    found = []
    for more in ([], ["--no-templates"]):
        assert run((str(table), str(text)), "--format", "jsonl", *more) == 0
        found.append({span["label"] for span in json.loads(capsys.readouterr().out)["spans"]})
    assert found == [{"", "我 的 苹果"}, {""}]
    assert run((str(table), str(text)), "--format", "brackets", "--no-templates") == 0
    assert capsys.readouterr().out.strip() == Tree.from_spans(words, model.brackets(words)).brackets()


def test_raw_text_is_cut_first(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("我的苹果\n", encoding="utf-8")
    assert main(["parse", "--templates", files[0], str(raw), "--format", "brackets"]) == 0
    tree = Tree.from_brackets(capsys.readouterr().out)
    assert "".join(tree.words) == "我的苹果"


def test_bad_input_is_one_line(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("kind\tname\tcount\tbits\tmore\ntemplate\t_ 的 _\tmany\t0\t{}\n", encoding="utf-8")
    assert run((str(bad), files[1])) == 1
    said = capsys.readouterr().err
    assert "line 2" in said and said.count("\n") == 1
    assert run(("no such file", files[1])) == 1
    capsys.readouterr()
    assert run(files, "--no-templates") == 1
    assert "t.tsv: --no-templates: expected a file with induced brackets" in capsys.readouterr().err
    assert run(files, "--null-score", "3") == 2
    assert run(files, "--longest", "1") == 2
    assert main(["parse", files[1]]) == 2
