"""The verbs of run files: what they write and say, and with which exit status."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from nlp_zero import cli
from nlp_zero.words import bounded
from nlp_zero.words.ngrams import NgramCounts
from nlp_zero.words.runs import Run, save_run

ROOT = Path(__file__).resolve().parent.parent
LINES = ["葡萄酒很甜，咖啡很苦。", "他爱喝葡萄酒，我爱喝咖啡。", "一瓶葡萄酒比三杯咖啡贵。"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number, line in enumerate(LINES):
        (tmp_path / f"{number}.txt").write_text(line + "\n", encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> int:
    return cli.main(arguments)


def test_counting_merging_and_subtracting_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("count", "0.txt", "1.txt", "2.txt", "-o", "all.run", "--max-length", "4", "--workers", "2") == 0
    assert capsys.readouterr().err.startswith("nlp-zero: read 36 characters, wrote all.run: ")
    for number in range(3):
        assert run("count", f"{number}.txt", "-q", "-o", f"{number}.run", "--max-length=4", "--memory", "64M") == 0
    assert run("merge", "2.run", "0.run", "1.run", "-o", "merged.run", "--tmp", ".") == 0
    assert (folder / "merged.run").read_bytes() == (folder / "all.run").read_bytes()
    assert run("merge", "0.run", "1.run", "-o", "first.run") == 0
    assert run("subtract", "all.run", "first.run", "-o", "new.run") == 0
    assert (folder / "new.run").read_bytes() == (folder / "2.run").read_bytes()
    with Run("all.run") as counts:
        assert counts.load() == NgramCounts(4).train(LINES)


def test_info_says_what_a_run_file_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run("a.run", NgramCounts(3).train(LINES))
    assert run("info", "a.run", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "n-gram counts" and facts["max_length"] == 3 and facts["forgotten"] == 0


def test_words_of_a_run_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more.txt").write_text("".join(map(chr, range(0x5000, 0x5100))), encoding="utf-8")
    assert run("count", "0.txt", "1.txt", "2.txt", "more.txt", "-o", "a.run", "-q") == 0
    assert run("words", "a.run") == 0
    out, err = capsys.readouterr()
    assert "\n葡萄酒\t3\t" in out and "method counts, min_count 2" in err
    assert run("words", "a.run", "--examples", "2") == 2
    assert run("count", "0.txt", "1.txt", "-o", "b.run", "--approximate") == 0
    assert "every count is too low by at most 1, and none is too high" in capsys.readouterr().err
    assert run("count", "0.txt", "1.txt", "-o", "c.run", "-q", "--min-count", "2") == 0
    with Run("c.run") as counts:
        assert counts.forgotten == 1
    assert run("count", "0.txt", "1.txt", "-o", "d.run", "-q", "--min-count", "2", "--sieve") == 0
    assert Path("d.run").read_bytes() == Path("c.run").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["count", "0.txt"], 2, "the following arguments are required: -o/--output"),
        (["count", "0.txt", "-o", "-"], 2, "expected a file name"),
        (["count", "0.txt", "-o", "a.run", "--memory", "lots"], 2, "expected an amount of memory, such as 512M or 2G"),
        (["count", "0.txt", "-o", "a.run", "--memory", "1K"], 2, "memory: expected at least 32M for 1 worker"),
        (["count", "0.txt", "-o", "a.run", "--max-length", "9"], 2, "max_length: expected 1 to 8, such as 6, got 9"),
        (["count", "0.txt", "-o", "a.run", "--tmp", "none"], 2, "expected a folder, such as /var/tmp, got 'none'"),
        (["count", "0.txt", "-o", "a.run", "--sieve"], 2, "--sieve: expected files, read twice, with --min-count 2"),
        (["count", "none.txt", "-o", "a.run"], 1, "none.txt"),
        (["count", "0.txt", "-o", "none/a.run"], 1, "there is no folder 'none'"),
        (["merge", "none.run", "-o", "a.run"], 1, "none.run: cannot be read: No such file"),
        (["merge", "0.txt", "-o", "a.run"], 1, "0.txt: expected a run file of nlp-zero"),
        (["merge", "three.run", "four.run", "-o", "a.run"], 1, "four.run: expected n-grams of up to 3 symbols as in"),
        (["subtract", "three.run", "more.run", "-o", "a.run"], 1, "more.run: expected only text that was counted in"),
        (["merge", "cut.run", "-o", "a.run"], 1, "cut.run: offset"),
    ],
)
def test_what_cannot_be_done(
    arguments: list[str], status: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_run("three.run", NgramCounts(3).train(LINES))
    save_run("more.run", NgramCounts(3).train([*LINES, "更多"]))
    save_run("four.run", NgramCounts(4).train(LINES))
    Path("cut.run").write_bytes(Path("four.run").read_bytes()[:-60])
    assert run(*arguments) == status
    complaint = capsys.readouterr().err.splitlines()
    assert message in complaint[-1]
    assert not (folder / "a.run").exists()


@pytest.mark.parametrize(
    ("more", "sieves"),
    [
        ([], True),
        (["--no-sieve"], False),
        (["--min-count", "9"], False),
        (["--min-count", "9", "--sieve"], True),
        (["--approximate"], False),
    ],
)
def test_large_files_are_sieved(
    more: list[str], sieves: bool, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, real = [], bounded.sieve_of
    monkeypatch.setattr(bounded, "sieve_of", lambda *arguments: said.append(1) or real(*arguments))
    (folder / "a.txt").write_text("葡萄酒很甜\n" * 12, encoding="utf-8")
    command = ["count", "a.txt", "-o", "a.run", "--min-count", "10", *more]
    assert run(*command) == 0 and bool(said) == ("--sieve" in more)
    whole = (folder / "a.run").read_bytes()
    said.clear()
    monkeypatch.setattr("os.path.getsize", lambda _: (512 << 20) + 1)
    assert run(*command) == 0 and bool(said) == sieves
    assert (folder / "a.run").read_bytes() == whole


CHILD = """
import sys
from nlp_zero import cli
status = cli.main(sys.argv[1:])
with open("/proc/self/status") as facts:
    print(status, *(line.split()[1] for line in facts if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak of a process")
@pytest.mark.parametrize("more", [(), ("--workers", "2"), ("--min-count", "3", "--sieve")])
def test_the_cap_is_obeyed(more: tuple[str, ...], engine: str, tmp_path: Path) -> None:
    if engine == "python" and more:
        pytest.skip("one run of three seconds is enough")
    numbers = random.Random(5)
    lines = 20_000 if engine == "c" else 3_000  # several batches of text in which hardly a window comes twice
    with (tmp_path / "text.txt").open("w", encoding="utf-8") as file:
        for _ in range(lines):
            file.write("".join([chr(0x4E00 + int(5000 * numbers.random() ** 3)) for _ in range(40)]) + "\n")
    command = ["count", "-q", "text.txt", "-o", "a.run", "--memory", "32M", "--tmp", ".", *more]
    environment = {**os.environ, "NLP_ZERO_PURE": "1" if engine == "python" else "0", "PYTHONPATH": str(ROOT)}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True
    )
    status, kilobytes = map(int, child.stdout.split())
    assert status == 0
    assert kilobytes / 1024 < 1.15 * 32 + 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.run", "text.txt"]
