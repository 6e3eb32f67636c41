"""The verbs train and tag, as a shell would call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nlp_zero.cli import main

GOLD = "我 喜欢 茶\n我 喝 茶\n他 喜欢 喝 茶\n他 喝 咖啡\n我们 喜欢 咖啡\n"
ROWS = "I PRP B-NP\ndrink VBP B-VP\nhot JJ B-NP\ntea NN I-NP\n\nYou PRP B-NP\ndrink VBP B-VP\ncoffee NN B-NP\n"
TEMPLATE = "# words and tags\nU00:%x[0,0]\nU01:%x[-1,1]/%x[0,1]\nB\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("gold.txt", GOLD), ("rows.txt", ROWS), ("template", TEMPLATE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "raw.txt").write_text("我喜欢喝茶\n\n他 喝咖啡\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("I PRP\ndrink VBP\n\nhot\tJJ\ntea\tNN\n", encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "-q"]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("kind", ["crf", "memm", "perceptron", "hmm"])
def test_words_in_words_out(folder: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    penalty = ["--c2", "0.1"] if kind in ("crf", "memm") else []
    run(capsys, "train", kind, "gold.txt", "-o", "m", *penalty)
    assert run(capsys, "tag", "-m", "m", "raw.txt") == "我 喜欢 喝 茶\n\n他 喝 咖啡\n"
    columns = run(capsys, "tag", "-m", "m", "raw.txt", "--format", "columns")
    assert columns.startswith("我\tS\n喜\tB\n欢\tE\n喝\tS\n茶\tS\n\n他\tS\n\n")
    first = json.loads(run(capsys, "tag", "-m", "m", "raw.txt", "--format", "jsonl").splitlines()[0])
    assert first == {"tokens": list("我喜欢喝茶"), "labels": list("SBESS")}


@pytest.mark.parametrize("kind", ["crf", "memm", "perceptron"])
def test_columns_keep_their_columns_and_get_one_more(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run(capsys, "train", kind, "rows.txt", "--template", "template", "--scheme", "bio", "-o", "m")
    out = run(capsys, "tag", "-m", "m", "two.txt")
    assert [line.rpartition("\t")[0] for line in out.splitlines()] == [
        "I PRP",
        "drink VBP",
        "",
        "hot\tJJ",
        "tea\tNN",
        "",
    ]
    assert out.splitlines()[:2] == ["I PRP\tB-NP", "drink VBP\tB-VP"]
    ranked = run(capsys, "tag", "-m", "m", "two.txt", "--nbest", "2", "--marginals")
    assert ranked.startswith("# 0 0.") and ranked.count("# 1 ") == 2 and "\tB-NP/0." in ranked
    assert run(capsys, "tag", "-m", "m", "two.txt", "--format", "words").splitlines()[0] == "I drink"
    record = json.loads(run(capsys, "tag", "-m", "m", "two.txt", "--format", "jsonl", "--nbest", "1").splitlines()[0])
    assert record["nbest"][0]["labels"] == record["labels"] == ["B-NP", "B-VP"]


def test_training_says_a_line_an_iteration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "crf", "gold.txt", "-o", "m", "--dev", "gold.txt", "--iterations", "3"]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert sum("objective" in line and "gradient" in line and "active" in line and "dev" in line for line in notes) >= 3


def test_workers_and_warm_start(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for workers in "12":
        run(capsys, "train", "crf", "gold.txt", "-o", f"m{workers}", "--workers", workers, "--c1", "0.1")
    assert Path("m1").read_bytes() == Path("m2").read_bytes()
    assert main(["train", "crf", "gold.txt", "-o", "again", "--init", "m1", "--c1", "0.1"]) == 0
    first = next(line for line in capsys.readouterr().err.splitlines() if "objective" in line)
    fresh = main(["train", "crf", "gold.txt", "-o", "fresh", "--c1", "0.1"])
    later = next(line for line in capsys.readouterr().err.splitlines() if "objective" in line)
    assert fresh == 0
    assert float(first.split("objective")[1].split()[0]) < float(later.split("objective")[1].split()[0])


def test_raw_text_becomes_a_tagger_by_way_of_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("words.tsv").write_text("喜欢 9\n咖啡 9\n我们 9\n", encoding="utf-8")
    for kind in ("crf", "perceptron", "hmm"):
        run(capsys, "train", kind, "--from-model", "words.tsv", "raw.txt", "-o", "m")
        assert run(capsys, "tag", "-m", "m", "raw.txt") == "我 喜欢 喝 茶\n\n他 喝 咖啡\n"


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("bad", "a N x\nb V\n", ["--data", "columns"], "bad:2: expected 3 columns, got 2"),
        ("bad", "a N x\n\n\nb V y\n", [], "bad:3: expected a position, got a blank line, an empty sentence"),
        (
            "bad",
            "a B\nb E\n\nc Q\n",
            ["--data", "columns", "--scheme", "bmes"],
            "bad:4: scheme 'bmes': expected labels",
        ),
        ("bad", "我 们\n\n他 们\n", ["--data", "words"], "bad:2: expected words"),
        (
            "bad",
            "a x\nb y\n",
            ["--template", "template"],
            "template: template 'U01:%x[-1,1]/%x[0,1]': column 1 is missing",
        ),
        ("bad", "", [], "bad: expected sentences, got none"),
        (
            "bad",
            "我 茶\n\n好\n",
            [],
            "bad:3: expected 2 columns, got 1 (columns, as a tab or a blank line says; --data words",
        ),
        ("bad", "", ["--dev", "gold.txt"], "bad: expected sentences, got none"),
        ("gold.txt", GOLD, ["--dev", "empty"], "empty: expected sentences, got none"),
        (
            "rows.txt",
            ROWS,
            ["--template", "template", "--dev", "narrow"],
            "narrow: template 'U01:%x[-1,1]/%x[0,1]': column 1",
        ),
        ("bad", "我们喝茶\n他喝咖啡\n", ["--data", "words"], "got lines without a space (raw text wants --from-model"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, options: list[str], message: str
) -> None:
    Path("empty").write_text("", encoding="utf-8")
    Path("narrow").write_text("I B-NP\ndrink B-VP\n", encoding="utf-8")
    Path(name).write_text(text, encoding="utf-8")
    assert main(["train", "crf", name, "-o", "m", *options]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not Path("m").exists()


def test_a_damaged_model_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "train", "crf", "gold.txt", "-o", "m", "--iterations", "2")
    whole = Path("m").read_bytes()
    for damaged in (whole[:-40], whole[:100], whole[:-60] + b"\xff" + whole[-59:]):
        Path("m").write_bytes(damaged)
        assert main(["tag", "-m", "m", "raw.txt"]) == 1
        error = capsys.readouterr().err
        assert error.startswith("nlp-zero: m: ") and error.count("\n") == 1


@pytest.mark.parametrize("format", ["words", "columns", "jsonl"])
def test_the_number_of_workers_does_not_show(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr("nlp_zero.cli.streams.BATCH", 20)  # many batches
    monkeypatch.setattr("nlp_zero.cli.tagging.COLUMN_BATCH", 20)
    (folder / "raw.txt").write_text("我喜欢喝茶\n\n他 喝咖啡\n" * 9, encoding="utf-8")
    (folder / "two.txt").write_text("I PRP\ndrink VBP\n\nhot\tJJ\ntea\tNN\n\n" * 9, encoding="utf-8")
    run(capsys, "train", "perceptron", "gold.txt", "-o", "m")
    words = [run(capsys, "tag", "-m", "m", "raw.txt", "--format", format, "--workers", n) for n in ("1", "3")]
    assert words[0] == words[1] and words[0].count("喜") == 9
    run(capsys, "train", "crf", "rows.txt", "--template", "template", "--scheme", "bio", "-o", "m")
    rest = ["--format", format, *(() if format == "words" else ("--marginals",))]
    columns = [run(capsys, "tag", "-m", "m", "two.txt", *rest, "--workers", n) for n in ("1", "2")]
    assert columns[0] == columns[1] and columns[0].count("drink") == 9


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_error_on_the_way_names_its_line_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setattr("nlp_zero.cli.tagging.COLUMN_BATCH", 20)
    run(capsys, "train", "perceptron", "rows.txt", "--template", "template", "--scheme", "bio", "-o", "m")
    (folder / "two.txt").write_text("I PRP\ndrink VBP\n\n" * 9 + "tea NN hot\n", encoding="utf-8")
    assert main(["tag", "-m", "m", "two.txt", "-o", "out", "--workers", workers]) == 1
    assert "two.txt:28: expected 2 columns, got 3" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_held_out_data_may_have_labels_of_their_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rare label that only the held-out file has is no reason to stop: the model knows it, and never saw it."""
    (folder / "dev.txt").write_text("I PRP B-NP\ndrink VBP B-VP\nup RP B-PRT\n", encoding="utf-8")
    run(capsys, "train", "crf", "rows.txt", "--template", "template", "--scheme", "bio", "--dev", "dev.txt", "-o", "m")
    assert run(capsys, "tag", "-m", "m", "two.txt").splitlines()[:2] == ["I PRP\tB-NP", "drink VBP\tB-VP"]
