"""The verb ``templates``: raw and segmented text, the table that ``parse`` reads, the curve, errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nlp_zero.cli import main
from nlp_zero.syntax.grammar import Grammar

TEXT = "".join(
    f"我 在 {place} 里 看 书 。 他 的 {place} 很 好 ， 你 的 也 好 。\n" for place in "家店城屋山河海岛村镇市县" * 12
)


def test_segmented_text_gives_a_table_that_parse_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, table = tmp_path / "seg.txt", tmp_path / "t.tsv"
    text.write_text(TEXT, encoding="utf-8")
    assert main(["templates", str(text), "--segmented", "-o", str(table)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "" and re.search(r"round 0: words alone: [\d,]+ bits .*\n.*round 1: \d+ templates", shown.err)
    grammar = Grammar.load(table)
    assert "他 的 _ 很 好" in map(str, grammar.templates) and grammar.brackets
    assert any({"在", "里"} <= set(template.parts) for template in grammar.templates)
    assert main(["parse", str(text), "--segmented", "--templates", str(table), "--format", "brackets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == TEXT.count("\n")
    assert [re.sub("[()]", "", line).split() for line in lines] == [line.split() for line in TEXT.splitlines()]


def test_the_same_text_gives_the_same_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "seg.txt"
    text.write_text(TEXT, encoding="utf-8")
    tables = []
    for more in ([], [], ["--no-brackets"], ["--rounds", "1", "--measure", "gain", "--window", "3"]):
        assert main(["templates", str(text), "--segmented", "-q", *more]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1] and tables[0].startswith(tables[2]) and tables[3] != tables[2]
    assert "\nbracket\t" in tables[0] and "\nbracket\t" not in tables[2]


def test_raw_text_needs_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "raw.txt"
    path.write_text("我们在家里看书。他们在学校里看书。你们在图书馆里看书。\n" * 30, encoding="utf-8")
    assert main(["templates", str(path)]) == 0
    shown = capsys.readouterr()
    assert "在" in shown.out and "templates" in shown.err


def test_what_cannot_be_learnt_from_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.txt"
    path.write_text("。\n\n", encoding="utf-8")
    assert main(["templates", str(path), "--segmented"]) == 1
    assert "expected text with words" in capsys.readouterr().err
    path.write_text("我 爱\n你\n", encoding="utf-8")
    assert main(["templates", str(path), "--segmented"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("kind\t") and "no brackets" in shown.err
    assert main(["templates", str(path), "--window", "17"]) == 2
    assert main(["templates", str(path), "-o", str(tmp_path / "no" / "t.tsv")]) == 1


def test_a_damaged_table_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("kind\tname\tcount\tbits\tmore\ntemplate\t_ 的\tx\t1\t{}\n", encoding="utf-8")
    assert main(["parse", "--templates", str(path), str(path)]) == 1
    assert "line 2" in capsys.readouterr().err
