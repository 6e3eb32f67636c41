"""The verbs of term networks: raw and segmented text, files and standard input, tables, errors and their statuses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from nlp_zero.cli import main
from nlp_zero.network.graph import Graph

TEXT = "我 喝 茶 。\n你 喝 茶 ， 他 喝 水 。\n我 看 书 。\n你 看 书 。\n" * 4


@pytest.fixture
def segmented(tmp_path: Path) -> str:
    path = tmp_path / "seg.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def lines(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_similar_and_related_words(segmented: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["similar", "茶", segmented, "--segmented", "--limit", "1"]) == 0
    assert lines(capsys.readouterr().out)[0] == ["word", "cosine"]
    assert main(["related", "书", segmented, "--segmented", "--limit", "1", "-q"]) == 0
    assert lines(capsys.readouterr().out)[1][0] == "看"


def test_a_graph_goes_on_to_cluster(segmented: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, table = str(tmp_path / "tea.net"), str(tmp_path / "tea.tsv")
    for path in (net, table):
        assert main(["graph", segmented, "--segmented", "--measure", "count", "-q", "-o", path]) == 0
    assert {frozenset(link) for link in Graph.load(net).links()} == {
        frozenset(link) for link in Graph.load(table).links()
    }
    assert main(["graph", segmented, "--segmented", "--measure", "count", "--window", "1", "-q"]) == 0
    assert ["喝", "茶", "8.0"] in lines(capsys.readouterr().out)
    assert main(["cluster", net, "--two-level"]) == 0
    assert "bits" in capsys.readouterr().err
    assert main(["graph", segmented, "--segmented", "--directed", "-q", "-o", net]) == 0
    assert Graph.load(net).directed


def test_keywords_of_a_text_and_of_each_line(segmented: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keywords", segmented, "--segmented", "--limit", "3", "--part", "11"]) == 0
    assert lines(capsys.readouterr().out)[0] == ["word", "bits", "count"]
    assert main(["keywords", segmented, "--segmented", "--each", "-q"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 16 and rows[2].split()[0] in "我看书"


def test_contrast_of_two_files(segmented: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.txt"
    other.write_text("我 划 船 。\n" * 9, encoding="utf-8")
    for measure in ("log_odds", "share", "g2"):
        assert main(["contrast", segmented, str(other), "--segmented", "--measure", measure, "--limit", "2"]) == 0
        rows = lines(capsys.readouterr().out)
        assert rows[0] == ["word", measure, "target", "reference"] and rows[1][0] == "喝" and len(rows) == 3


def test_clusters_of_words(segmented: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clusters.tsv"
    assert main(["clusters", segmented, "--segmented", "--neighbours", "1", "--members", "2", "-o", str(out)]) == 0
    rows = lines(out.read_text(encoding="utf-8"))
    assert rows[0] == ["count", "size", "words"] and all(len(row[2].split()) <= 2 for row in rows[1:])
    assert "modules" in capsys.readouterr().err


def test_raw_text_needs_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "raw.txt"
    path.write_text("北京是中国的首都。上海在中国的东边。\n" * 3, encoding="utf-8")
    assert main(["related", "中国", str(path), "-q"]) == 0
    found = [row[0] for row in lines(capsys.readouterr().out)[1:]]
    assert {"北京", "上海"} & set(found)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Standard:
        buffer = io.BytesIO(TEXT.encode())

    monkeypatch.setattr("sys.stdin", Standard())
    assert main(["related", "书", "--segmented", "-v"]) == 0
    captured = capsys.readouterr()
    assert "看" in captured.out and "pairs" in captured.err


@pytest.mark.parametrize(
    ("arguments", "text", "status", "message"),
    [
        (["similar", "饭"], TEXT, 1, "expected a word that occurs 1 times or more in the text"),
        (["keywords"], "", 1, "expected text with words"),
        (["clusters"], "好\n行\n", 1, "expected sentences of two words or more"),
        (["graph", "--min-count", "99"], TEXT, 1, "expected a word that occurs 99 times or more"),
        (["graph", "--window", "0"], TEXT, 2, "expected a whole number of at least 1"),
        (["graph", "--directed", "--unit", "sentence"], TEXT, 2, "expected --unit window"),
        (["similar", "茶", "--smoothing", "0"], TEXT, 2, "expected a power above 0"),
        (["graph", "-o", "no/such/folder/x.net"], TEXT, 1, "no folder"),
    ],
)
def test_errors_and_their_statuses(
    arguments: list[str], text: str, status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    assert main([*arguments, "--segmented", str(path)]) == status
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out


def test_undecodable_text_has_its_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gbk.txt"
    path.write_bytes("我 喝 茶\n你 喝 茶\n".encode("gb18030"))
    assert main(["related", "茶", str(path), "--segmented"]) == 3
    assert main(["related", "茶", str(path), "--segmented", "--encoding", "gb18030", "-q"]) == 0
    assert "喝" in capsys.readouterr().out
    assert main(["keywords", str(path), "--segmented", "--errors", "replace"]) in (0, 1)
    assert "undecodable bytes replaced" in capsys.readouterr().err
