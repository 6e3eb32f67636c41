"""Run files: the laws of the counts hold for the files to the byte; what is damaged or does not fit is refused."""

from __future__ import annotations

import os
import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.errors import ModelError
from nlp_zero.words import runs
from nlp_zero.words.ngrams import NgramCounts
from nlp_zero.words.runs import Run, merge_runs, save_run, subtract_runs

quick = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = ["学", "生", "会", "𠀀", "7", "2024", "ab", "，", "\ud800", " ", "\0", "😀", "\uffff"]
text_lines = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=8)


# The counts of 学生会学习 up to length 2, as format 1 has them.
LONG_AGO = (
    "4e4c505a52554e0a010000001e0000007b22666f72676f7474656e223a302c226d61785f6c656e677468223a327d5b000000"
    "0100000007000000090000007e6dd7d113667cb68db1541e004e000100010000000500000007000000301ffdcf63647c3087"
    "11004f00010001000000090000000b000000a231006b63669c358f313acd2f01005b000100020000000d0000000f000000fc"
    "411d31631266647cb68dd12f61bfafbf14007500010001000000090000000b00000053f1386863669cff8ad15f2a3a0d0000"
    "0000000000000000000000000000000000000006000000000000006f29ffc0b37cc9c022068bef8476fdcca7ac16e873e6bf"
    "8bddc3e0a1ba3d235e"
)


def lines_of(seed: int, size: int) -> list[str]:
    numbers = random.Random(seed)
    return ["".join(chr(0x4E00 + int(2000 * numbers.random() ** 3)) for _ in range(9)) for _ in range(size)]


def written(folder: Path, name: str, lines: list[str], max_length: int = 3) -> Path:
    save_run(folder / name, NgramCounts(max_length).train(lines))
    return folder / name


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# ---- the laws ------------------------------------------------------------------------------------------------------


@quick
@given(text_lines, text_lines, text_lines)
def test_files_merge_to_the_file_of_all_text(a: list[str], b: list[str], c: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        x, y, z = (written(folder, name, lines) for name, lines in zip("xyz", (a, b, c), strict=True))
        whole = written(folder, "whole", [*c, *a, *b]).read_bytes()
        out = folder / "out"
        merge_runs([x, y, z], out)
        assert out.read_bytes() == whole
        merge_runs([z, x], out)
        merge_runs([y, out], out)
        assert out.read_bytes() == whole
        subtract_runs(out, y, out)
        merge_runs([written(folder, "nothing", [])], folder / "same")
        assert out.read_bytes() == written(folder, "two", a + c).read_bytes()
        subtract_runs(out, out, out)
        assert out.read_bytes() == (folder / "nothing").read_bytes() == (folder / "same").read_bytes()


@quick
@given(text_lines, st.integers(1, 8))
def test_what_is_written_loads(lines: list[str], max_length: int) -> None:
    counts = NgramCounts(max_length).train(lines)
    with tempfile.TemporaryDirectory() as name:
        path = written(Path(name), "run", lines, max_length)
        with Run(path) as run:
            assert run.check().load() == counts
            assert (run.max_length, run.forgotten, run.rows) == (max_length, 0, len(counts.table()[1]))


@quick
@given(st.integers(0, 99), st.integers(1, 40), st.integers(2, 4), st.integers(1, 3))
def test_blocks_fan_in_and_workers_do_not_show(seed: int, rows: int, fan_in: int, workers: int) -> None:
    parts = [lines_of(seed + part, 9) for part in range(7)]
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(runs, "_ROWS", rows),
        mock.patch("nlp_zero.words.bounded.Spills.__init__.__defaults__", (None, fan_in, 1)),
    ):
        folder = Path(name)
        files = [written(folder, str(part), lines) for part, lines in enumerate(parts)]
        merge_runs(files, folder / "out", workers=workers)
        assert (folder / "out").read_bytes() == written(
            folder, "whole", [line for part in parts for line in part]
        ).read_bytes()


def test_both_engines_write_the_same_bytes(folder: Path, engine: str) -> None:
    lines = lines_of(1, 300)
    found = set()
    for name in kernels.available():
        kernels.use(name)
        found.add(written(folder, name, lines, 6).read_bytes())
    kernels.use(engine)
    assert len(found) == 1


def test_a_file_written_long_ago_can_be_read(folder: Path) -> None:
    path = folder / "run"
    path.write_bytes(bytes.fromhex(LONG_AGO))
    with Run(path) as run:
        assert run.check().load() == NgramCounts(2).train(["学生会学习"])
        assert run.facts()["rows"] == 6


def test_pages_ascend_with_rows() -> None:
    rows, counts = NgramCounts(2).train([*lines_of(2, 400), "é学", "𠀀𠀀", "ab12学"]).table()
    keys = [rows[place : place + 9] for place in range(0, len(rows), 9)]
    pages = list(map(runs.page_of, keys))
    assert pages == sorted(pages) and len(set(pages)) > 10
    stretches = list(runs.paged((rows, memoryview(counts)), 9))
    assert [page for page, _ in stretches] == sorted(set(pages))
    assert b"".join(some for _, (some, _) in stretches) == rows


# ---- what does not fit -----------------------------------------------------------------------------------------------


def test_what_was_not_counted_cannot_be_subtracted(folder: Path) -> None:
    first, second = written(folder, "a", ["学生"] * 2), written(folder, "b", ["学生"] * 3)
    before = first.read_bytes()
    with pytest.raises(ModelError) as caught:
        subtract_runs(first, second, first)
    assert str(caught.value) == (
        f"{second}: expected only text that was counted in the first, got '学生' 3 times, there 2 times"
    )
    assert first.read_bytes() == before and len(list(folder.iterdir())) == 2


def test_files_of_different_lengths_do_not_merge(folder: Path) -> None:
    first, second = written(folder, "a", ["学生"], 2), written(folder, "b", ["学生"], 3)
    for call in (lambda: merge_runs([first, second], first), lambda: subtract_runs(first, second, first)):
        with pytest.raises(ModelError, match=r"b: expected n-grams of up to 2 symbols as in .*a, got up to 3"):
            call()
    with pytest.raises(ValueError, match="at least one run file"):
        merge_runs([], first)


def test_no_damaged_byte_goes_through(folder: Path) -> None:
    path = written(folder, "run", ["学生会学习", "大学生"])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(ModelError, match=str(path)):
            merge_runs([path], folder / "out")
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelError, match=str(path)):
            merge_runs([path], folder / "out")
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelError, match="something stands behind it"):
        merge_runs([path], folder / "out")
    assert [child.name for child in folder.iterdir()] == ["run"]


def test_a_block_is_checked_as_it_is_read(folder: Path) -> None:
    path = written(folder, "run", lines_of(3, 50))
    whole = bytearray(path.read_bytes())
    whole[-200] ^= 1
    path.write_bytes(whole)
    with Run(path) as run, pytest.raises(ModelError, match="damaged: "):
        run.load()


def test_other_versions_and_other_files_are_named(folder: Path) -> None:
    path = written(folder, "run", ["学生"])
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + struct.pack("<I", 2) + whole[12:])
    with pytest.raises(ModelError, match=r"run: expected format 1, got format 2 \(a newer nlp-zero\?\)"):
        Run(path)
    path.write_bytes(b"word\tcount\n")
    with pytest.raises(ModelError, match="expected a run file of nlp-zero, which begins"):
        Run(path)
    assert not runs.is_run(str(path)) and not runs.is_run(str(folder))
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        Run(folder / "none")
    with pytest.raises(ModelError, match="cannot be read"):
        Run(folder)
    if hasattr(os, "mkfifo"):
        with pytest.raises(ModelError, match="expected a run file"):
            Run(os.devnull)


def test_sums_beyond_64_bits_are_refused(folder: Path) -> None:
    path = folder / "run"
    table = b"\0\x5b\x66\0\0\0", memoryview(b"\xff" * 8).cast("Q")
    runs.write_run(path, 1, 0, runs.blocks_of([table], 6))
    with pytest.raises(ModelError, match=r"the counts cannot be added: .* below 2\*\*64"):
        merge_runs([path, path], folder / "out")


def test_forgotten_counts_add_up_and_are_not_taken_for_exact(folder: Path) -> None:
    rows, numbers = NgramCounts(2).train(["学生"]).table()
    path = folder / "run"
    runs.write_run(path, 2, 3, runs.blocks_of([(rows, memoryview(numbers))], 9))
    merge_runs([path, path], folder / "out")
    with Run(folder / "out") as run:
        assert run.forgotten == 6
        with pytest.raises(ValueError, match="expected exact counts, got some with up to 6 forgotten"):
            run.load()
    with pytest.raises(ModelError, match="expected exact counts"):
        subtract_runs(folder / "out", path, folder / "rest")
