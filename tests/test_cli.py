"""The command line: what it prints, where, and with which exit status.

Most tests call ``main`` in this process. Those about pipes, signals, terminals and locales run real processes, on the
engine under test.
"""

from __future__ import annotations

import ast
import contextlib
import http.server
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import cli
from nlp_zero.cli import scoring, streams
from nlp_zero.text import fetch
from nlp_zero.words.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[1]

# 葡萄酒 (wine) and 咖啡 (coffee) among ever different neighbours.
RAW = """\
葡萄酒很甜，咖啡很苦。
他爱喝葡萄酒，我爱喝咖啡。
一瓶葡萄酒比三杯咖啡贵。
昨天买的葡萄酒放在咖啡旁边。
葡萄酒！咖啡！还有茶。
请把葡萄酒给她，把咖啡给我。
这家店卖葡萄酒也卖咖啡。
谁的葡萄酒？谁的咖啡？
""" + "".join(
    f"{first}葡萄酒{second}，{second}咖啡{first}。\n"
    for first, second in zip("天地人日月山水火", "东西南北上下左右", strict=True)
)

LEXICON = "葡萄酒\t9\n咖啡\t7\n很\t20\n甜\t5\n苦\t5\n研究\t8\n研究生\t3\n生命\t6\n命\t1\n起源\t4\n的\t90\n".replace(
    "\t", " "
)


class Result:
    """What one command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def __repr__(self) -> str:
        return f"status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Sandbox:
    """A folder with a text and a lexicon, and commands that run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], engine: str) -> None:
        self.folder, self.capsys, self.engine = folder, capsys, engine
        self.write("raw.txt", RAW)
        self.write("lexicon.txt", LEXICON)

    def write(self, name: str, content: str | bytes) -> str:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return name

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    def run(self, *arguments: str) -> Result:
        """In this process."""
        self.capsys.readouterr()
        with contextlib.chdir(self.folder):
            status = cli.main(arguments)
        return Result(status, *self.capsys.readouterr())

    def command(self, *arguments: str | bytes) -> list[str | bytes]:
        return [sys.executable, "-W", "error", "-m", "nlp_zero", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        pure = {"python": "1", "c": "0"}[self.engine]
        return {**os.environ, "PYTHONPATH": path, "NLP_ZERO_PURE": pure, **more}

    def process(self, *arguments: str | bytes, input: bytes = b"", **environment: str) -> Result:
        """In a process of its own."""
        done = subprocess.run(
            self.command(*arguments),
            input=input,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(**environment),
            timeout=120,
        )
        return Result(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))

    def start(self, *arguments: str, **options: int) -> subprocess.Popen[bytes]:
        pipes: dict[str, int] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment(), **(pipes | options))


@pytest.fixture
def box(tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str) -> Sandbox:
    return Sandbox(tmp_path, capsys, engine)


@pytest.fixture
def model(box: Sandbox) -> str:
    assert box.run("learn", "-q", "raw.txt", "-o", "zh.model").status == 0
    return "zh.model"


def one_line(result: Result, status: int, *fragments: str) -> None:
    """The result is that error, in one line that names what it must, and nothing else."""
    assert result.status == status, result
    assert result.out == "", result
    assert result.err.startswith("nlp-zero: "), result
    assert result.err.count("\n") == 1 and result.err.endswith("\n"), result
    for fragment in fragments:
        assert fragment in result.err, result


# Usage


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["learn", "raw.txt"],
        ["learn", "raw.txt", "-o", "-"],
        ["words", "--min-count", "0", "raw.txt"],
        ["words", "--min-count", "two", "raw.txt"],
        ["words", "--max-length", "99", "raw.txt"],
        ["words", "--method", "magic", "raw.txt"],
        ["words", "--encoding", "klingon", "raw.txt"],
        ["words", "--encoding", "base64", "raw.txt"],
        ["words", "--errors", "maybe", "raw.txt"],
        ["words", "-q", "-v", "raw.txt"],
        ["words", "--format", "jieba", "--examples", "2", "raw.txt"],
        ["cut", "-m", "lexicon.txt", "--weight", "much"],
        ["cut", "-m", "lexicon.txt", "--weight", "3", "--force"],
        ["eval", "one"],
        ["eval", "raw.txt", "raw.txt", "--errors", "0"],
        ["eval", "raw.txt", "raw.txt", "--errors", "maybe"],
        ["eval", "raw.txt", "raw.txt", "--bootstrap", "-3"],
        ["eval", "raw.txt", "raw.txt", "--bootstrap", "many"],
        ["eval", "raw.txt", "raw.txt", "--seed", "one"],
        ["corpus"],
        ["corpus", "fetch"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_2(box: Sandbox, arguments: Sequence[str]) -> None:
    before = box.files()
    result = box.run(*arguments)
    assert result.status == 2 and result.out == ""
    assert "usage: nlp-zero" in result.err and "Traceback" not in result.err
    assert box.files() == before


@pytest.mark.parametrize(
    "verb", ["learn", "words", "cut", "eval", "explain", "info", "corpus fetch", "corpus make", ""]
)
def test_help_names_the_exit_statuses(box: Sandbox, verb: str) -> None:
    result = box.run(*verb.split(), "--help")
    assert result.status == 0 and result.err == ""
    assert "130 stopped by Ctrl-C" in " ".join(result.out.split())


def test_version_says_which_engine_runs_and_why(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NLP_ZERO_PURE", raising=False)
    free = box.run("--version").out
    monkeypatch.setenv("NLP_ZERO_PURE", {"python": "1", "c": "0"}[box.engine])
    asked = box.run("--version").out
    assert f"engine: {box.engine}" in free and f"engine: {box.engine}" in asked
    assert "NLP_ZERO_PURE=" + os.environ["NLP_ZERO_PURE"] in asked
    assert ("same results, slower" if box.engine == "python" else "built for this Python") in free


# cut


def test_cut_keeps_lines_and_joins_words_by_one_space(box: Sandbox) -> None:
    box.write("text.txt", "研究生命的起源\r\n\r\n葡萄酒很甜\r咖啡很苦")
    result = box.run("cut", "-m", "lexicon.txt", "text.txt")
    assert (result.status, result.err) == (0, "")
    assert result.out == "研究 生命 的 起源\n\n葡萄酒 很 甜\n咖啡 很 苦\n"


def test_cut_knows_the_separators_of_jieba(box: Sandbox) -> None:
    box.write("text.txt", "咖啡很苦\n")
    assert box.run("cut", "text.txt", "-m", "lexicon.txt", "-d", " / ").out == "咖啡 / 很 / 苦\n"
    assert box.run("cut", "text.txt", "-m", "lexicon.txt", "-d").out == "咖啡 很 苦\n"


def test_cut_writes_to_a_file(box: Sandbox) -> None:
    box.write("text.txt", "咖啡很苦\n")
    result = box.run("cut", "-m", "lexicon.txt", "text.txt", "-o", "cut.txt")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert box.read("cut.txt") == "咖啡 很 苦\n"


def test_cut_takes_user_words_by_weight_and_by_force(box: Sandbox) -> None:
    box.write("text.txt", "研究生命的起源\n")
    box.write("user.txt", "命的起\n")
    assert box.run("cut", "-m", "lexicon.txt", "text.txt").out == "研究 生命 的 起源\n"
    forced = box.run("cut", "-m", "lexicon.txt", "--user", "user.txt", "--force", "text.txt")
    assert "命的起" in forced.out.split(), forced
    heavy = box.run("cut", "-m", "lexicon.txt", "-u", "user.txt", "--weight", "100", "text.txt")
    assert "命的起" in heavy.out.split(), heavy


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x1f\ufeff"), max_size=30), max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_without_its_separators_is_the_input(box: Sandbox, lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    box.write("text.txt", text)
    result = box.run("cut", "-m", "lexicon.txt", "-d", "\x1f", "text.txt", "-o", "cut.txt")
    assert result.status == 0, result
    assert (box.folder / "cut.txt").read_bytes().decode().replace("\x1f", "") == text


def test_cut_reads_standard_input(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["cut", "-m", "lexicon.txt"], ["cut", "-m", "lexicon.txt", "-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("咖啡很苦\n".encode())))
        assert box.run(*arguments).out == "咖啡 很 苦\n"


def test_batches_hold_every_line_in_order() -> None:
    lines = ["字" * size for size in (0, 5, streams.BATCH, 1, 0, streams.BATCH * 2, 3)]
    assert [line for batch in streams.batches(iter(lines)) for line in batch] == lines
    assert [len(batch) for batch in streams.batches(lines)] == [3, 3, 1]


# eval


def test_eval_prints_the_numbers_of_the_sighan_script(box: Sandbox) -> None:
    # By hand: gold 6 words, system 6, right are 研究, 起源, 很 and 甜 (4); 生命 and 的 are lost.
    box.write("gold.txt", "研究 生命 的 起源\n很  甜\n")
    box.write("system.txt", "研究 生 命的 起源\n很 甜\n")
    box.write("known.txt", "研究\n的\n很\n甜\n")
    result = box.run("eval", "gold.txt", "system.txt", "--known", "known.txt")
    assert (result.status, result.err) == (0, "")
    scores = dict(line.split("\t") for line in result.out.splitlines())
    assert scores["precision"] == scores["recall"] == scores["f1"] == "0.667"
    # Out of the known words: 生命 (lost) and 起源 (right), 2 of 6; the other 4 are known, 3 of them right.
    assert (scores["oov_rate"], scores["oov_recall"], scores["iv_recall"]) == ("0.333", "0.500", "0.750")
    without = box.run("eval", "gold.txt", "system.txt")
    assert "oov" not in without.out and "f1\t0.667\n" in without.out


def test_eval_scores_the_brackets_of_trees(box: Sandbox) -> None:
    box.write("gold.txt", "((我 的 苹果) ， (好 吃))\n\n(好 -LRB- 吃)\n")
    box.write("system.txt", "((我 的) 苹果 ， (好 吃))\n\n((好 吃))\n")
    result = box.run("eval", "--trees", "gold.txt", "system.txt")
    assert (result.status, result.err) == (0, "")
    expected = "gold_brackets 2 system_brackets 2 correct 1 precision 0.500 recall 0.500 f1 0.500 sentences 3"
    assert result.out.split() == expected.split()
    assert json.loads(box.run("eval", "--trees", "--json", "gold.txt", "system.txt").out)["correct"] == 1


def test_eval_of_trees_names_the_file_and_the_line(box: Sandbox) -> None:
    box.write("gold.txt", "(好)\n((我 的) 苹果)\n")
    for text, message in (
        ("(好)\n(我 的 苹果\n", "system.txt: line 2: bracket 1 is never closed"),
        ("(好)\n(我 的)\n", "system.txt: line 2: word 3 besides punctuation: expected '苹果', got 'the end'"),
        ("(好)\n", "system.txt: line 2: expected as many sentences"),
    ):
        box.write("system.txt", text)
        result = box.run("eval", "--trees", "gold.txt", "system.txt")
        assert result.status == 1 and message in result.err
    assert box.run("eval", "--trees", "gold.txt", "system.txt", "--known", "gold.txt").status == 2


def test_eval_notes_lines_whose_characters_differ(box: Sandbox) -> None:
    box.write("gold.txt", "研究 生命\n很 甜\n")
    box.write("system.txt", "研究 生物\n很 甜\n")
    result = box.run("eval", "gold.txt", "system.txt")
    assert result.status == 0 and "f1\t0.750\n" in result.out
    assert "1 of 2 lines" in result.err and result.err.count("\n") == 1
    assert box.run("eval", "-q", "gold.txt", "system.txt").err == ""


# By hand, of gold against system: 社会主义 is split on both lines, 研究 生命 crossed, 中 国 merged.
GOLD = "社会主义 的 研究 生命\n中 国 社会主义\n"
SYSTEM = "社会 主义 的 研究生 命\n中国 社会 主义\n"


def test_eval_lists_what_differs(box: Sandbox) -> None:
    box.write("gold.txt", GOLD)
    box.write("system.txt", SYSTEM)
    result = box.run("eval", "gold.txt", "system.txt", "--errors", "2")
    assert (result.status, result.err) == (0, "")
    scores, table = result.out.split("\n\n")
    plain = box.run("eval", "gold.txt", "system.txt").out
    assert scores + "\n" == plain + "split\t2\nmerge\t1\ncrossing\t1\ncharacters\t0\n"
    assert table.splitlines() == [
        "kind\tgold -> system\tcount\tfirst line",
        "split\t社会主义 -> 社会/主义\t2\t1",
        "merge\t中/国 -> 中国\t1\t2",
        "crossing\t研究/生命 -> 研究生/命\t1\t1",
    ]
    assert box.run("eval", "gold.txt", "system.txt", "--errors").out == result.out


def test_eval_lists_so_many_differences_of_each_kind(box: Sandbox) -> None:
    """A rare kind is not crowded out by a frequent one."""
    box.write("gold.txt", GOLD + "中 国 中 国 大 学 葡萄酒\n")
    box.write("system.txt", SYSTEM + "中国 中国 大学 葡萄 酒\n")
    table = box.run("eval", "gold.txt", "system.txt", "--errors", "1").out.split("\n\n")[1]
    assert table.splitlines()[1:] == [
        "split\t社会主义 -> 社会/主义\t2\t1",
        "merge\t中/国 -> 中国\t3\t2",
        "crossing\t研究/生命 -> 研究生/命\t1\t1",
    ]


def test_eval_errors_still_says_what_bad_bytes_become(box: Sandbox) -> None:
    """A word means the bytes, as for every verb; a number the list; both can be asked for."""
    box.write("bad.txt", SYSTEM.encode() + b"\xff\n")
    box.write("gold.txt", GOLD + "\n")
    one_line(box.run("eval", "gold.txt", "bad.txt", "--errors", "strict", "--errors", "3"), 3, "bad.txt")
    result = box.run("eval", "gold.txt", "bad.txt", "--errors", "skip", "--errors", "1")
    assert result.status == 0 and "1 undecodable bytes dropped" in result.err
    assert "\nsplit\t社会主义 -> 社会/主义\t2\t1\n" in result.out
    assert "first line" not in box.run("eval", "gold.txt", "bad.txt", "--errors", "replace").out


def rows_of(result: Result) -> dict[str, list[str]]:
    assert result.status == 0, result
    return {name: values for name, *values in (line.split("\t") for line in result.out.splitlines())}


def test_eval_gives_intervals_by_a_seed(box: Sandbox) -> None:
    box.write("gold.txt", GOLD * 20)
    box.write("system.txt", (SYSTEM + GOLD) * 10)
    arguments = ["eval", "gold.txt", "system.txt", "--bootstrap", "200", "--seed"]
    result = box.run(*arguments, "7")
    rows = rows_of(result)
    assert result.err == "" and (rows["resamples"], rows["seed"]) == (["200"], ["7"])
    for rate in ("precision", "recall", "f1"):
        low, high = map(float, rows[f"{rate}_interval"])
        assert low < float(rows[rate][0]) < high
    assert box.run(*arguments, "7").out == result.out
    assert rows_of(box.run(*arguments, "8"))["f1_interval"] != rows["f1_interval"]
    assert rows_of(box.run(*arguments[:-1]))["seed"] == ["0"]
    assert rows_of(box.run("eval", "gold.txt", "system.txt", "--bootstrap"))["resamples"] == ["1000"]


def test_eval_compares_two_systems(box: Sandbox) -> None:
    box.write("gold.txt", GOLD * 20)
    box.write("system.txt", (SYSTEM + GOLD) * 10)
    box.write("worse.txt", SYSTEM * 20)
    arguments = ["eval", "gold.txt", "system.txt", "--versus", "worse.txt"]
    rows = rows_of(box.run(*arguments))
    # By hand: of 7 gold words on two lines SYSTEM has 8 with 1 right; with GOLD in turn 8 of 14 and 15.
    assert (rows["f1"], rows["versus_f1"]) == (["0.552"], ["0.133"])
    assert rows["f1_difference"] == ["+0.4184"] and rows["p_value"] == ["0.002"]
    low, high = map(float, rows["f1_difference_interval"])
    assert 0 < low < 0.4184 < high
    swapped = rows_of(box.run("eval", "gold.txt", "worse.txt", "--versus", "system.txt", "--bootstrap", "50"))
    assert swapped["f1_difference"] == ["-0.4184"] and swapped["resamples"] == ["50"]
    same = rows_of(box.run("eval", "gold.txt", "system.txt", "--versus", "system.txt", "--bootstrap", "50"))
    assert (same["f1_difference"], same["p_value"]) == (["+0.0000"], ["1"])
    assert same["f1_difference_interval"] == ["0.0000", "0.0000"]


def test_eval_says_everything_as_json(box: Sandbox) -> None:
    box.write("gold.txt", GOLD * 20)
    box.write("system.txt", (SYSTEM + GOLD) * 10)
    box.write("worse.txt", SYSTEM * 20)
    plain = json.loads(box.run("eval", "gold.txt", "system.txt", "--json").out)
    assert plain["f1"] == 16 / 29 and plain["oov_rate"] is None and "differences" not in plain
    options = ["--errors", "1", "--versus", "worse.txt", "--bootstrap", "100"]
    result = box.run("eval", "gold.txt", "system.txt", "--json", *options)
    facts = json.loads(result.out)
    assert plain.items() <= facts.items()
    assert (facts["split"], facts["merge"], facts["crossing"], facts["characters"]) == (20, 10, 10, 0)
    assert facts["differences"] == [
        {"kind": "split", "gold": ["社会主义"], "system": ["社会", "主义"], "count": 20, "line": 1},
        {"kind": "merge", "gold": ["中", "国"], "system": ["中国"], "count": 10, "line": 2},
        {"kind": "crossing", "gold": ["研究", "生命"], "system": ["研究生", "命"], "count": 10, "line": 1},
    ]
    low, high = facts["f1_difference_interval"]
    assert low < facts["f1_difference"] == facts["f1"] - facts["versus_f1"] < high
    assert facts["p_value"] == 2 / 101


def test_eval_reads_standard_input_but_once(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.write("system.txt", SYSTEM)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOLD.encode())))
    result = box.run("eval", "-", "system.txt", "--errors", "1", "--bootstrap", "5", "--versus", "system.txt")
    assert result.status == 0 and "split\t2\n" in result.out


def test_eval_warns_of_few_lines_and_bears_none(box: Sandbox) -> None:
    box.write("gold.txt", GOLD)
    result = box.run("eval", "gold.txt", "gold.txt", "--bootstrap", "10")
    assert result.status == 0 and "few lines for a bootstrap (2)" in result.err
    box.write("empty.txt", "")
    for form in ([], ["--json"]):
        result = box.run("eval", "empty.txt", "empty.txt", "--versus", "empty.txt", "--errors", "3", *form)
        assert result.status == 0 and "nan" not in result.out.lower()


def test_eval_names_the_second_system_in_its_notes(box: Sandbox) -> None:
    box.write("gold.txt", GOLD)
    box.write("odd.txt", GOLD.replace("中", "种"))
    result = box.run("eval", "gold.txt", "gold.txt", "--versus", "odd.txt", "--bootstrap", "5")
    assert result.status == 0 and "odd.txt: 1 of 2 lines" in result.err


# learn, words, explain, info


def test_learn_writes_a_model_that_cuts(box: Sandbox) -> None:
    result = box.run("learn", "raw.txt", "-o", "zh.model")
    assert result.status == 0 and result.out == ""
    assert f"{len(RAW) - RAW.count(chr(10)):,} characters" in result.err and "min_count" in result.err
    cut = box.run("cut", "-m", "zh.model", "raw.txt")
    assert cut.out.replace(" ", "") == RAW
    assert "葡萄酒" in cut.out.split() and "咖啡" in cut.out.split()


def test_learn_shows_the_best_words_on_standard_output(box: Sandbox) -> None:
    result = box.run("learn", "-q", "raw.txt", "-o", "zh.model", "--show", "2")
    assert (result.status, result.err) == (0, "")
    header, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert header[:3] == ["word", "count", "bits"]
    assert {row[0] for row in rows} == {"葡萄酒", "咖啡"}


def test_learn_gives_the_same_bytes_twice(box: Sandbox) -> None:
    for name in ("one.model", "two.model"):
        assert box.run("learn", "-q", "raw.txt", "-o", name).status == 0
    files = box.files()
    assert files["one.model"] == files["two.model"]


@pytest.mark.parametrize("method", ["entropy", "pmi", "cohesion"])
def test_words_finds_words_by_every_method(box: Sandbox, method: str) -> None:
    text = (ROOT / "corpora" / "medicine.txt").read_text(encoding="utf-8")
    box.write("medicine.txt", text)
    result = box.run("words", "-q", "--method", method, "--min-count", "3", "medicine.txt")
    assert (result.status, result.err) == (0, "")
    header, *rows = [line.split("\t") for line in result.out.splitlines() if not line.startswith("#")]
    assert header[:6] == ["word", "count", "bits", "pmi", "left_entropy", "right_entropy"]
    # Electrocardiogram, aspirin, side effect: none of the methods misses all three.
    assert {"心电图", "阿司匹林", "不良反应"} & {row[0] for row in rows}


def test_words_writes_the_same_lexicon_in_every_format(box: Sandbox) -> None:
    from nlp_zero import Lexicon

    lexicons = []
    for format in ("tsv", "jieba", "hanlp", "jsonl"):
        assert box.run("words", "-q", "raw.txt", "--format", format, "-o", f"words.{format}").status == 0
        lexicons.append(Lexicon.load(box.folder / f"words.{format}").counts())
    assert lexicons[0] and all(counts == lexicons[0] for counts in lexicons)


def test_words_prints_what_it_writes(box: Sandbox) -> None:
    for format in ("tsv", "jieba", "hanlp", "jsonl"):
        printed = box.run("words", "-q", "raw.txt", "--format", format)
        assert box.run("words", "-q", "raw.txt", "--format", format, "-o", "words.out").status == 0
        assert box.read("words.out") == printed.out


def test_words_leaves_known_words_out_and_stops_at_the_limit(box: Sandbox) -> None:
    every = box.run("words", "-q", "raw.txt", "--format", "jieba").out.splitlines()
    assert len(every) > 1
    assert box.run("words", "-q", "raw.txt", "--format", "jieba", "--limit", "1").out.splitlines() == every[:1]
    box.write("known.txt", "葡萄酒\n")
    rest = box.run("words", "-q", "raw.txt", "--format", "jieba", "--known", "known.txt").out
    assert "葡萄酒" not in [line.split()[0] for line in rest.splitlines()] and "咖啡" in rest


def test_words_shows_shapes_when_asked(box: Sandbox) -> None:
    box.write("prices.txt", "".join(f"这本书卖{place}元。花了{place}元{place}角\n" for place in range(10, 60)))
    plain, shaped = (
        [line for line in box.run("words", "-q", "prices.txt", *more).out.splitlines() if not line.startswith("#")]
        for more in ([], ["--shapes"])
    )
    assert plain == [line for line in shaped if not line.endswith("\tshape")]
    assert plain != shaped and any(line.startswith("\\N") for line in shaped)
    assert "\ufdd0" not in "".join(shaped)


def test_words_adds_contexts(box: Sandbox) -> None:
    result = box.run("words", "-q", "raw.txt", "--limit", "2", "--examples", "2")
    header, *rows = [line.split("\t") for line in result.out.splitlines() if not line.startswith("#")]
    assert header[-1] == "examples" and len(rows) == 2
    for row in rows:
        assert row[0] in row[-1] and len(row) == len(header)
    packed = [
        json.loads(line)
        for line in box.run("words", "-q", "raw.txt", "--examples", "2", "--format", "jsonl").out.splitlines()
    ]
    for entry in packed:
        if "word" in entry:
            assert 1 <= len(entry["examples"]) <= 2 and all(entry["word"] in example for example in entry["examples"])


def test_reading_can_be_told_the_encoding(box: Sandbox) -> None:
    box.write("gb.txt", RAW.encode("gb18030"))
    plain = box.run("words", "-q", "raw.txt", "--format", "jieba")
    assert box.run("words", "-q", "gb.txt", "--encoding", "gb18030", "--format", "jieba").out == plain.out != ""


def test_undecodable_bytes_are_counted_with_their_place(box: Sandbox) -> None:
    box.write("bad.txt", "咖啡很苦\n咖啡".encode() + b"\xff\xfe" + "很甜\n".encode())
    replaced = box.run("cut", "-m", "lexicon.txt", "--errors", "replace", "bad.txt")
    assert replaced.status == 0 and "\ufffd" in replaced.out
    assert "2 undecodable bytes replaced" in replaced.err and "bad.txt:2:" in replaced.err
    skipped = box.run("cut", "-m", "lexicon.txt", "--errors", "skip", "bad.txt")
    assert skipped.out == "咖啡 很 苦\n咖啡 很 甜\n" and "2 undecodable bytes dropped" in skipped.err


def test_explain_shows_the_words_and_what_lost(box: Sandbox) -> None:
    result = box.run("explain", "-m", "lexicon.txt", "研究生命的起源")
    assert (result.status, result.err) == (0, "")
    assert "研究生" in result.out and "生命" in result.out
    verdict = box.run("explain", "-m", "lexicon.txt", "--word", "研究生", "研究生命的起源")
    assert "loses" in verdict.out and "to win it needs" in verdict.out
    one_line(box.run("explain", "-m", "lexicon.txt", "--word", "茶", "研究"), 1, "'茶'")
    packed = json.loads(box.run("explain", "--json", "-m", "lexicon.txt", "研究生命的起源").out)
    assert "研究" in json.dumps(packed, ensure_ascii=False)


def test_info_says_what_a_file_is_and_where_it_came_from(box: Sandbox, model: str) -> None:
    result = box.run("info", model, "lexicon.txt")
    assert (result.status, result.err) == (0, "")
    assert "kind\tlexicon\n" in result.out and "words\t11\n" in result.out
    facts, other = map(json.loads, box.run("info", "--json", model, "lexicon.txt").out.splitlines())
    assert facts["file"] == model and other["words"] == 11
    assert re.search(r'"[0-9a-f]{64}"', json.dumps(facts)), "the hash of the text it was learnt from"


def test_corpus_list_names_what_can_be_fetched(box: Sandbox) -> None:
    result = box.run("corpus", "list")
    assert (result.status, result.err) == (0, "")
    header, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert header == ["name", "bytes", "title", "licence", "source"]
    assert rows and all(len(row) == 5 and row[3] and row[4].startswith("http") for row in rows)


def test_corpus_fetch_downloads_from_a_server(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(RAW.encode())))
            self.end_headers()
            self.wfile.write(RAW.encode())

        def log_message(self, *anything: object) -> None:
            pass

    recipe = fetch.RECIPES["hongloumeng"]._replace(size=len(RAW.encode()), sha256=sha256(RAW.encode()).hexdigest())
    monkeypatch.setattr(fetch, "RECIPES", {recipe.name: recipe})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        result = box.run("corpus", "fetch", recipe.name, "-o", "here.txt", "--url", url)
        server.shutdown()
    assert (result.status, result.out) == (0, "") and recipe.licence in result.err
    assert box.read("here.txt") == RAW
    one_line(box.run("corpus", "fetch", recipe.name, "-o", "no/here.txt", "--url", "file:///etc"), 1, "file:///etc")


def test_corpus_make_gives_one_clean_text(box: Sandbox) -> None:
    box.write("one.txt", "\ufeff研究 生命\r\n起源\r".encode())
    box.write("two.txt", "很 甜".encode("utf-16"))
    assert box.run("corpus", "make", "one.txt", "--unsegment").out == "研究生命\n起源\n"
    assert box.run("corpus", "make", "--encoding", "utf-16", "two.txt").out == "很 甜\n"
    lines = RAW.splitlines()
    orders = {
        seed: box.run("corpus", "make", "--shuffle", "--seed", seed, "raw.txt").out.splitlines() for seed in "123"
    }
    assert all(order != lines and sorted(order) == sorted(lines) for order in orders.values())
    assert orders["1"] != orders["2"]
    assert box.run("corpus", "make", "--shuffle", "--seed", "1", "raw.txt", "-o", "out.txt").status == 0
    assert box.read("out.txt").splitlines() == orders["1"]


# Bad input: one line, the documented status, nothing half-written


def damaged(box: Sandbox, model: str) -> dict[str, bytes]:
    whole = box.files()[model]
    middle = len(whole) // 2
    return {
        "empty.model": whole[:0],
        "magic.model": whole[:8],
        "short.model": whole[:middle],
        "flipped.model": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "longer.model": whole + b"\0",
    }


BAD_INPUT: list[tuple[str, dict[str, str | bytes], list[str], int, list[str]]] = [
    ("missing file", {}, ["words", "none.txt"], 1, ["none.txt"]),
    ("missing among good ones", {}, ["learn", "raw.txt", "none.txt", "-o", "new.model"], 1, ["none.txt"]),
    ("glob without match", {}, ["words", "*.pdf"], 1, ["*.pdf"]),
    ("folder without text", {"empty/.hidden": "x"}, ["words", "empty"], 1, ["empty"]),
    ("empty file", {"zero.txt": ""}, ["learn", "zero.txt", "-o", "new.model"], 1, ["no Chinese text"]),
    ("only spaces", {"blank.txt": " \n\n\t\n"}, ["words", "blank.txt"], 1, ["no Chinese text"]),
    ("bad UTF-8", {"bad.txt": "第一行\n第".encode() + b"\xe4\xb8\n"}, ["words", "bad.txt"], 3, ["bad.txt", "2"]),
    (
        "bad UTF-8, cut",
        {"bad.txt": b"\xff\n"},
        ["cut", "-m", "lexicon.txt", "bad.txt", "-o", "new"],
        3,
        ["bad.txt", "1"],
    ),
    ("UTF-16 as UTF-8", {"wide.txt": "咖啡".encode("utf-16")}, ["words", "wide.txt"], 3, ["wide.txt"]),
    ("GB18030 as UTF-8", {"gb.txt": "咖啡".encode("gb18030")}, ["words", "gb.txt"], 3, ["gb.txt"]),
    ("truncated gzip", {"cut.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00"}, ["words", "cut.gz"], 1, ["cut.gz"]),
    ("no lexicon", {}, ["cut", "-m", "none.model", "raw.txt"], 1, ["none.model"]),
    ("lexicon is a folder", {"empty/.hidden": ""}, ["cut", "-m", "empty", "raw.txt"], 1, ["empty"]),
    (
        "damaged lexicon",
        {"odd.tsv": "word\tcount\n咖啡\t7\n茶\tmany\n"},
        ["cut", "-m", "odd.tsv", "raw.txt"],
        1,
        ["odd.tsv", "line 3"],
    ),
    ("lexicon with NUL", {"nul.txt": "咖\0啡 7\n"}, ["cut", "-m", "nul.txt", "raw.txt"], 1, ["nul.txt"]),
    (
        "lexicon not UTF-8",
        {"gb.txt": "咖啡 7\n".encode("gb18030")},
        ["cut", "-m", "gb.txt", "raw.txt"],
        1,
        ["gb.txt", "line 1"],
    ),
    ("missing known words", {}, ["words", "raw.txt", "--known", "none.txt"], 1, ["none.txt"]),
    ("too few lines", {"few.txt": "葡萄酒\n"}, ["eval", "raw.txt", "few.txt"], 1, ["few.txt: line 2"]),
    ("too many lines", {"few.txt": "葡萄酒\n"}, ["eval", "few.txt", "raw.txt"], 1, ["few.txt: line 2"]),
    ("missing gold", {}, ["eval", "none.txt", "raw.txt"], 1, ["none.txt"]),
    ("missing second", {}, ["eval", "raw.txt", "raw.txt", "--versus", "none.txt"], 1, ["none.txt"]),
    (
        "too short a second",
        {"few.txt": "葡萄酒\n"},
        ["eval", "raw.txt", "raw.txt", "--versus", "few.txt", "--errors", "3"],
        1,
        ["few.txt: line 2"],
    ),
    ("into a missing folder", {}, ["learn", "raw.txt", "-o", "no/new.model"], 1, ["no/new.model"]),
    ("words into a missing folder", {}, ["words", "raw.txt", "-o", "no/new.txt"], 1, ["no/new.txt"]),
    ("cut into a missing folder", {}, ["cut", "-m", "lexicon.txt", "raw.txt", "-o", "no/new"], 1, ["no/new"]),
    ("into a folder", {"full/a": "a"}, ["cut", "-m", "lexicon.txt", "raw.txt", "-o", "full"], 1, ["full"]),
    ("info on nothing", {}, ["info", "none.model"], 1, ["none.model"]),
    ("unknown corpus", {}, ["corpus", "fetch", "nonesuch"], 1, ["nonesuch"]),
]


@pytest.mark.parametrize(
    ("files", "arguments", "status", "fragments"), [case[1:] for case in BAD_INPUT], ids=[case[0] for case in BAD_INPUT]
)
def test_bad_input_gives_one_line_and_nothing_half_written(
    box: Sandbox, files: dict[str, str | bytes], arguments: list[str], status: int, fragments: list[str]
) -> None:
    for name, content in files.items():
        (box.folder / name).parent.mkdir(exist_ok=True)
        box.write(name, content)
    before = box.files()
    one_line(box.run(*arguments), status, *fragments)
    assert box.files() == before


def test_damaged_models_are_refused(box: Sandbox, model: str) -> None:
    for name, content in damaged(box, model).items():
        box.write(name, content)
        one_line(box.run("cut", "-m", name, "raw.txt"), 1, name)
        one_line(box.run("explain", "-m", name, "咖啡"), 1, name)
        if content:  # an empty file is an empty lexicon
            one_line(box.run("info", name), 1, name)


def test_a_failed_run_leaves_the_old_file_as_it_was(box: Sandbox) -> None:
    box.write("bad.txt", ("咖啡\n" * 100_000).encode() + b"\xff\n")
    box.write("old.txt", "precious\n")
    before = box.files()
    assert box.run("cut", "-m", "lexicon.txt", "bad.txt", "-o", "old.txt").status == 3
    assert box.run("learn", "bad.txt", "-o", "old.txt").status == 3
    assert box.files() == before


def test_one_character_is_too_little_and_says_so(box: Sandbox) -> None:
    box.write("one.txt", "字")
    result = box.run("words", "one.txt")
    assert result.status in (0, 1) and "1 character" in result.err
    assert "Traceback" not in result.err and all(line.startswith("nlp-zero: ") for line in result.err.splitlines())


def test_nul_and_odd_characters_are_only_characters(box: Sandbox) -> None:
    text = "咖啡\0很苦\u2028很甜\x85\ufeff𠮷野家\U0010ffff👨‍👩‍👧\n"
    box.write("odd.txt", text)
    result = box.run("cut", "-m", "lexicon.txt", "-d", "|", "odd.txt", "-o", "cut.txt")
    assert (result.status, result.err) == (0, "")
    assert (box.folder / "cut.txt").read_bytes().decode().replace("|", "") == text
    assert box.run("words", "-q", "odd.txt", "raw.txt").status == 0


def test_debug_shows_where_an_error_came_from(box: Sandbox) -> None:
    result = box.run("words", "--debug", "none.txt")
    assert result.status == 1 and "Traceback" in result.err and "nlp-zero: " in result.err


def test_an_unforeseen_error_is_one_line_too(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*anything: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("nlp_zero.evaluation.segmentation_scores", fail)
    monkeypatch.setattr(scoring, "evaluate", fail)
    one_line(box.run("eval", "raw.txt", "raw.txt"), 1, "internal error, RuntimeError", "--debug")

    def exhaust(*anything: object) -> None:
        raise MemoryError

    monkeypatch.setattr(scoring, "evaluate", exhaust)
    one_line(box.run("eval", "raw.txt", "raw.txt"), 1, "out of memory")


# Real processes


def test_a_process_gives_what_main_gives(box: Sandbox) -> None:
    """Also under a locale that is not UTF-8, with bytes in an argument that are no text, and with no locale at all."""
    expected = box.run("cut", "-m", "lexicon.txt", "raw.txt").out
    for environment in ({"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        result = box.process("cut", "-m", "lexicon.txt", input=RAW.encode(), **environment)
        assert (result.status, result.out, result.err) == (0, expected, "")
    strange = box.process("explain", "-m", "lexicon.txt", b"\xff\xfe", LC_ALL="C")
    one_line(strange, 3, "TEXT", "0xff")
    one_line(box.process("words", b"no\xff\nfile"), 1, "file")


def test_a_closed_pipe_is_quiet(box: Sandbox) -> None:
    box.write("long.txt", RAW * 20_000)
    with box.start("cut", "-m", "lexicon.txt", "long.txt") as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141
    assert first.decode().replace(" ", "") == RAW.splitlines(keepends=True)[0]


def test_a_full_disk_is_one_line(box: Sandbox) -> None:
    if not os.path.exists("/dev/full"):
        return  # a device of Linux
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            box.command("cut", "-m", "lexicon.txt", "raw.txt"),
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=box.folder,
            env=box.environment(),
        )
    one_line(Result(done.returncode, "", done.stderr.decode()), 1, "standard output", "No space left")
    one_line(box.process("cut", "-m", "lexicon.txt", "raw.txt", "-o", "/dev/full"), 1, "/dev/full", "No space left")
    assert os.path.exists("/dev/full") and not os.path.isfile("/dev/full")


def test_closed_streams_are_no_bug(box: Sandbox) -> None:
    run = f"{sys.executable} -m nlp_zero cut -m lexicon.txt"
    script = f"{run} raw.txt >&-; echo $?; {run} <&-; echo $?; {run} none.txt 2>&-; echo $?"
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, cwd=box.folder, env=box.environment(), encoding="utf-8"
    )
    assert done.stdout.split() == ["1", "1", "1"], done
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 2, done


@pytest.mark.parametrize(
    "arguments",
    [["cut", "-m", "lexicon.txt", "-o", "new.txt"], ["learn", "-o", "new.model"], ["words", "-o", "new.tsv"]],
    ids=lambda arguments: arguments[0],
)
def test_ctrl_c_ends_at_once_and_leaves_nothing(box: Sandbox, arguments: list[str]) -> None:
    before = box.files()
    with box.start(*arguments) as process:
        assert process.stdin is not None and process.stderr is not None
        for _ in range(40):  # until it has surely begun to work; it never sees the end of its input
            process.stdin.write(RAW.encode() * 50)
            process.stdin.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(30) == 130
        assert time.monotonic() - started < 2
        assert process.stderr.read() == b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    assert box.files() == before


def test_progress_shows_on_a_terminal_and_goes_away(box: Sandbox) -> None:
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    box.write("long.txt", RAW * 3000)
    with box.start("cut", "-m", "lexicon.txt", "long.txt", "-o", "cut.txt", stderr=follower) as process:
        os.close(follower)
        seen = b""
        with contextlib.suppress(OSError):  # the terminal closes with its last process
            while block := os.read(leader, 4096):
                seen += block
        assert process.wait(60) == 0
    os.close(leader)
    assert b"lines" in seen and seen.endswith(b"\r\x1b[K")
    with box.start("cut", "-m", "lexicon.txt", "long.txt", "-o", "cut.txt") as process:
        assert process.communicate() == (b"", b"")


def test_cut_streams_in_constant_memory(box: Sandbox) -> None:
    small, large = (peak_memory(box, RAW * times) for times in (2_000, 10_000))
    assert large - small < 24 << 20, f"{small:,} bytes for 2 parts, {large:,} bytes for 10"


def peak_memory(box: Sandbox, text: str) -> int:
    """Bytes resident at most while text is cut to a file."""
    box.write("long.txt", text)
    script = (
        "import resource, sys; from nlp_zero.cli import main; "
        "status = main(['cut', '-m', 'lexicon.txt', 'long.txt', '-o', 'cut.txt']); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=box.folder, env=box.environment())
    assert done.returncode == 0 and box.read("cut.txt").replace(" ", "") == text, done
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


def test_a_line_of_ten_megabytes_is_only_a_line(box: Sandbox) -> None:
    line = "葡萄酒很甜咖啡很苦" * (10_000_000 // 27)
    box.write("line.txt", line + "\n字\n")
    result = box.process("cut", "-m", "lexicon.txt", "line.txt", "-o", "cut.txt")
    assert (result.status, result.out, result.err) == (0, "", "")
    first, second = box.read("cut.txt").splitlines()
    assert first == "葡萄酒 很 甜 咖啡 很 苦 " * (len(line) // 9 - 1) + "葡萄酒 很 甜 咖啡 很 苦" and second == "字"


def test_import_of_the_command_line_waits_for_no_room(box: Sandbox) -> None:
    script = "import sys, nlp_zero.cli; print([name for name in sys.modules if name.startswith('nlp_zero.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=box.environment())
    loaded = ast.literal_eval(done.stdout)
    assert loaded and all(name.startswith("nlp_zero.cli") for name in loaded), loaded


def test_methods_offered_are_those_that_exist() -> None:
    from nlp_zero.words.discovery import METHODS

    assert cli.words.METHODS == METHODS


def test_bayes_learns_from_the_shell(box: Sandbox) -> None:
    box.write("raw.txt", RAW * 20)
    learned = box.process("learn", "--method", "bayes", "--seed", "3", "raw.txt", "-o", "b.model", "-q")
    assert (learned.status, learned.err) == (0, "")
    cut = box.process("cut", "-m", "b.model", "raw.txt")
    assert cut.out.replace(" ", "") == RAW * 20
    assert "葡萄酒" in cut.out.split()


def test_explained_settings_tell_what_was_seen_and_chosen(box: Sandbox) -> None:
    result = box.run("learn", "-q", "raw.txt", "-o", "zh.model", "--explain-settings", "--chains", "2")
    facts = dict(line.split("\t") for line in result.out.splitlines())
    assert facts["every symbol a word"] == "false" and facts["method"] == "bayes"
    assert len(json.loads(facts["words: bonus, nats a symbol"])) == 2
    result = box.run("learn", "-q", "raw.txt", "-o", "zh.model", "--explain-settings", "--method", "entropy")
    assert result.out.splitlines()[1] == "method\tentropy"


def test_workers_change_no_byte_of_the_model(box: Sandbox) -> None:
    for workers in ("1", "3"):
        arguments = ("raw.txt", "-o", f"{workers}.model", "--chains", "3", "--workers", workers)
        assert box.run("learn", "-q", *arguments).status == 0
    files = box.files()
    assert files["1.model"] == files["3.model"]


def test_known_words_and_a_base_go_into_the_model(box: Sandbox) -> None:
    box.write("known.txt", "苹果酒\n咖啡\n")
    arguments = ("raw.txt", "-o", "known.model", "--lexicon", "known.txt", "--lexicon-weight", "7")
    assert box.run("learn", "-q", *arguments).status == 0
    assert box.run("learn", "-q", "raw.txt", "-o", "plain.model").status == 0
    box.write("more.txt", "他买苹果酒。\n" * 3)
    assert box.run("learn", "-q", "more.txt", "-o", "both.model", "--base", "known.model").status == 0

    known, both = (Tokenizer.load(box.folder / f"{name}.model").lexicon for name in ("known", "both"))
    assert known.count("苹果酒") == 7
    assert both.count("苹果酒") == 10
    assert both.count("葡萄酒") == known.count("葡萄酒") > 0


@pytest.mark.parametrize("option", [["--chains", "2"], ["--base", "lexicon.txt"], ["--keep-going"]])
def test_options_of_bayes_are_refused_elsewhere(box: Sandbox, option: list[str]) -> None:
    result = box.run("words", "raw.txt", "--method", "pmi", *option)
    assert result.status == 2 and "method bayes only" in result.err


@pytest.mark.parametrize("chains", ["1", "2"])
def test_ctrl_c_while_sampling_keeps_the_last_sweep_if_asked(box: Sandbox, chains: str, engine: str) -> None:
    chance = random.Random(1)
    words = ["".join(chr(0x4E00 + chance.randrange(800)) for _ in range(size)) for size in (1, 2, 2, 3) * 700]
    weights = [1 / rank for rank in range(1, 2801)]
    lines = 30_000 if engine == "c" else 600
    box.write("long.txt", "".join("".join(chance.choices(words, weights, k=7)) + "。\n" for _ in range(lines)))
    for option, status in (("--keep-going", 0), ("-v", 130)):
        arguments = ("long.txt", "-o", "new.model", "--chains", chains, "--workers", chains)
        with box.start("learn", "-v", *arguments, option) as process:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, b"")
            assert any(b"sweep 2 of" in line for line in lines)
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read().decode()
            assert process.wait(60) == status, rest
        assert ("new.model" in box.files()) == (status == 0)
        if status == 0:
            assert "sampling was stopped after sweep" in rest
            cut = box.process("cut", "-m", "new.model", "raw.txt")
            assert cut.status == 0 and cut.out.replace(" ", "") == RAW
            (box.folder / "new.model").unlink()


# cluster


TRIANGLES = "茶\t水\n茶\t叶\n水\t叶\n酒\t杯\n酒\t瓶\n杯\t瓶\n叶\t酒\n"


def test_cluster_prints_a_tree_and_says_the_length(box: Sandbox) -> None:
    box.write("links.tsv", TRIANGLES)
    done = box.run("cluster", "links.tsv")
    assert done.status == 0
    rows = [line.split(" ") for line in done.out.splitlines() if not line.startswith("#")]
    assert [(path, name) for path, _, name in rows] == [
        *(("1:1", '"叶"'), ("1:2", '"茶"'), ("1:3", '"水"')),
        *(("2:1", '"酒"'), ("2:2", '"杯"'), ("2:3", '"瓶"')),
    ]
    assert done.err == (
        "nlp-zero: 6 nodes in 2 modules: 2.320730 bits a step (index 0.142857, modules 2.177873), "
        "9.2 % less than in one module\n"
    )


def test_cluster_writes_the_format_of_the_ending(box: Sandbox) -> None:
    box.write("links.tsv", TRIANGLES)
    for name in ("out.tree", "out.ftree", "out.clu", "out.json", "out.svg", "out"):
        done = box.run("cluster", "links.tsv", "-q", "--trials", "3", "-o", name)
        assert (done.status, done.out, done.err) == (0, "", "")
    assert box.read("out") == box.read("out.tree") == box.run("cluster", "links.tsv", "--trials", "3").out
    assert box.read("out.clu").splitlines()[2].startswith('"叶" 1 0.21428')
    assert json.loads(box.read("out.json"))["codelength"] == pytest.approx(2.320730, abs=1e-6)
    assert box.run("cluster", "links.tsv", "--format", "clu").out == box.read("out.clu")
    assert box.read("out.ftree").startswith(box.read("out.tree") + "*Links undirected\n")
    assert box.read("out.svg").startswith("<svg ")
    assert box.run("cluster", "links.tsv", "--trials", "3", "--workers", "2").out == box.read("out")


def test_cluster_hands_on_the_options_of_the_walk(box: Sandbox) -> None:
    box.write("links.tsv", "1 2 2\n2 3 2\n3 4 2\n4 1 2\n5 6 2\n6 7 2\n7 8 2\n8 5 2\n2 5 1\n6 1 1\n3 1 1\n8 6 0.5\n")
    expected = {
        ("--undirected",): 2.582459709,
        ("--directed",): 2.552982578,
        ("--directed", "--to-nodes"): 2.543170577,
        ("--directed", "--recorded"): 2.797310192,
        ("--directed", "--teleportation", "0.05"): 2.559322069,
        ("--directed", "--flow-model", "rawdir"): 2.544275539,
    }
    for options, length in expected.items():
        done = box.run("cluster", "links.tsv", "--two-level", "--trials", "10", "--format", "json", *options)
        assert json.loads(done.out)["codelength"] == pytest.approx(length, abs=1e-9), options
    box.write("triangles.tsv", TRIANGLES)
    sparse = {
        ("--variable-markov-time",): 2.320730357,
        ("--entropy-corrected",): 2.681404117,
        ("--regularized",): 2.575767408,
        ("--regularized", "0"): 2.320730357,
    }
    for options, length in sparse.items():
        done = box.run("cluster", "triangles.tsv", "--format", "json", *options)
        assert json.loads(done.out)["codelength"] == pytest.approx(length, abs=1e-9), options
    done = box.run("cluster", "triangles.tsv", "--markov-time", "2", "--seed", "5")
    assert done.err.startswith("nlp-zero: all 6 nodes in one module, 2.556657 bits a step") and done.status == 0


def test_cluster_goes_on_from_given_modules_or_scores_them(box: Sandbox) -> None:
    box.write("links.tsv", TRIANGLES)
    box.write("bad.clu", '# name module flow\n"茶" 1 0.1\n水 1\n叶 2\n酒 2\n杯 2\n瓶 2\n')
    said = (
        "6 nodes in 2 modules: 2.929968 bits a step (index 0.285714, modules 2.644254), 14.6 % more than in one module"
    )
    done = box.run("cluster", "links.tsv", "--score", "bad.clu", "--format", "clu")
    assert done.err == f"nlp-zero: {said}\n"
    modules = dict(line.split()[:2] for line in done.out.splitlines() if line[0] != "#")
    assert modules == {'"叶"': "1", '"酒"': "1", '"杯"': "1", '"瓶"': "1", '"茶"': "2", '"水"': "2"}
    box.run("cluster", "links.tsv", "-o", "best.ftree")
    best = box.run("cluster", "links.tsv", "--initial", "bad.clu")
    assert best.out == box.run("cluster", "links.tsv", "--score", "best.ftree").out
    assert "2.320730 bits" in best.err
    box.write("worse.tree", '1:1 0.2 "茶"\n1:2 0.2 "面"\n')
    done = box.run("cluster", "links.tsv", "--initial", "worse.tree", "-o", "out.tree")
    assert done.err == "nlp-zero: worse.tree: line 2: expected a node of the graph, got '面'\n"
    assert done.status == 1 and "out.tree" not in box.files()
    assert box.process("cluster", "links.tsv", "--score", "bad.clu", "--initial", "bad.clu").status == 2


def test_cluster_names_what_is_wrong(box: Sandbox) -> None:
    box.write("bad.net", '*Vertices 2\n1 "a"\n2 "b"\n*Edges\n1 2 -3\n')
    done = box.run("cluster", "bad.net", "-o", "out.tree")
    assert (done.status, done.out) == (1, "") and "out.tree" not in box.files()
    assert done.err == "nlp-zero: bad.net: line 5: expected a weight above 0 and finite, got '1 2 -3'\n"
    for option, value in (("--teleportation", "2"), ("--markov-time", "0"), ("--trials", "0"), ("--flow-model", "x")):
        assert box.process("cluster", "bad.net", option, value).status == 2
    box.write("empty.txt", "")
    done = box.run("cluster", "empty.txt")
    assert (done.status, done.err) == (0, "nlp-zero: 0 nodes, no links between them: nothing to tell modules by\n")


def test_without_a_model_the_built_in_one_cuts(box: Sandbox) -> None:
    cut = box.process("cut", input="今天我们去公园。\n".encode())
    assert (cut.status, cut.err) == (0, "")
    assert cut.out == "今天 我们 去 公园 。\n"


def test_gold_lines_choose_the_granularity(box: Sandbox) -> None:
    words = ["葡萄", "酒", "葡萄酒", "咖啡", "很", "甜", "苦", "他", "爱喝"]
    chance = random.Random(3)
    box.write("mixed.txt", "".join("".join(chance.choices(words, k=6)) + "。\n" for _ in range(300)))
    for gold in ("葡萄 酒 很 甜\n他 爱喝 咖啡\n", "葡萄酒 很甜\n他爱喝 咖啡\n"):
        box.write("gold.txt", gold)
        done = box.run("learn", "mixed.txt", "-o", "zh.model", "--gold", "gold.txt", "--method", "entropy")
        said = re.search(r"semi-supervised: granularity ([+-][0-9.]+) chosen by 2 gold lines", done.err)
        assert done.status == 0 and said is not None, done
        assert Tokenizer.load(box.folder / "zh.model").granularity == float(said[1])
    box.write("gold.txt", "\n")
    one_line(box.run("learn", "-q", "raw.txt", "-o", "new.model", "--gold", "gold.txt"), 1, "gold.txt", "got none")
    assert "new.model" not in box.files()


def test_rules_by_hand_can_be_switched_off(box: Sandbox) -> None:
    for option in ([], ["--no-rules"]):
        done = box.run("learn", "-q", "raw.txt", "-o", "zh.model", "--explain-settings", *option)
        assert f"rules\t{str(not option).lower()}" in done.out.splitlines()


def test_the_pure_engine_says_how_long_it_will_take(box: Sandbox, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.words, "PURE_SECONDS", 1.0)
    done = box.run("learn", "raw.txt", "-o", "zh.model")
    assert ("the pure-Python engine will take about" in done.err) == (engine == "python")
