"""Counting under a memory cap: the file is that of counting at once, whatever the cap, the workers, the order."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.errors import InputError
from nlp_zero.text.corpus import Corpus
from nlp_zero.words import bounded
from nlp_zero.words.bounded import count_text
from nlp_zero.words.frequent import GramTable, read_grams
from nlp_zero.words.ngrams import NgramCounts
from nlp_zero.words.runs import Run, save_run

ROOT = Path(__file__).resolve().parents[2]
LEAST = bounded.LEAST_MEMORY

quick = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines_of(seed: int, size: int) -> list[str]:
    numbers = random.Random(seed)
    return ["".join(chr(0x4E00 + int(900 * numbers.random() ** 3)) for _ in range(20)) for _ in range(size)]


def counted(lines: list[str], path: Path, **options: Any) -> bytes:
    count_text(lines, path, **options)
    return path.read_bytes()


def at_once(lines: list[str], path: Path, max_length: int = 6) -> bytes:
    save_run(path, NgramCounts(max_length).train(lines))
    return path.read_bytes()


@quick
@given(st.integers(0, 9), st.integers(1, 8), st.integers(60, 300), st.data())
def test_batches_and_order_do_not_show(seed: int, max_length: int, batch: int, data: st.DataObject) -> None:
    lines = lines_of(seed, 30)
    shuffled = data.draw(st.permutations(lines))
    with tempfile.TemporaryDirectory() as name, mock.patch.object(bounded, "batch_size", lambda *_: batch):
        path = Path(name, "run")
        whole = at_once(lines, path, max_length)
        assert counted(lines, path, max_length=max_length) == whole
        with mock.patch.object(bounded, "FAN_IN", 2):
            assert counted(shuffled, path, max_length=max_length) == whole
        assert counted(["\n".join(shuffled)], path, max_length=max_length) == whole
        assert os.listdir(name) == ["run"]


def test_workers_do_not_show(tmp_path: Path) -> None:
    lines = [*lines_of(3, 400), "，", "1998年OK", ""]
    whole = at_once(lines, tmp_path / "run")
    with mock.patch.object(bounded, "batch_size", lambda *_: 1500):
        for workers in (1, 2, 5):
            assert counted(lines, tmp_path / "run", workers=workers) == whole
            found = counted(lines, tmp_path / "run", workers=workers, min_count=3, sieve=True)
            assert found == counted(lines, tmp_path / "run", min_count=3)


@pytest.mark.parametrize("lines", [["学" * 3000], ["，\n。"], ["学\n生\n"] * 500, []])
def test_workers_share_text_that_cannot_be_shared_well(lines: list[str], tmp_path: Path) -> None:
    whole = at_once(lines, tmp_path / "run")
    assert counted(lines, tmp_path / "run", workers=2) == whole


def test_batches_grow_to_their_size() -> None:
    text = ["学" * 9] * 60
    sizes = [len(batch) for batch in bounded.batches_of(text, 200, 20)]
    assert sizes == [2, 6, 18, 20, 14] and sum(sizes) == 60
    assert [len(batch) for batch in bounded.batches_of(text, 200)] == [20, 20, 20]


@pytest.mark.parametrize("workers", [1, 2])
def test_more_characters_than_an_alphabet_has_room_for(workers: int, tmp_path: Path) -> None:
    spans = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2A6D7))
    characters = [chr(point) for start, end in spans for point in range(start, end)]
    lines = ["".join(characters[start : start + 9000]) for start in range(0, len(characters), 9000)]
    found = counted(lines, tmp_path / "run", max_length=1, workers=workers)
    assert found == at_once(lines, tmp_path / "other", 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_batch_of_two_alphabets_forgets_once(workers: int, tmp_path: Path) -> None:
    spans = (range(0x3400, 0x4DC0), range(0x9000, 0xA000), range(0xAC00, 0xD7A4), range(0x20000, 0x2A6D7))
    others = [chr(point) for span in spans for point in span]
    lines = ["学生", *("".join(others[start : start + 9000]) for start in range(0, len(others), 9000)), "学生"]
    forgotten = count_text(lines, tmp_path / "run", max_length=1, workers=workers, forget=1)
    found = {level.word(place): n for level in grams_of(tmp_path / "run") for place, n in enumerate(level.counts)}
    assert found.get("学", 0) >= 2 - forgotten and found.get("生", 0) >= 2 - forgotten


def test_nothing_to_count(tmp_path: Path) -> None:
    for lines in ([], [""], ["，\n。"]):
        with Run(tmp_path / "run") if counted(lines, tmp_path / "run") else mock.MagicMock() as run:
            assert run.rows == 0 and not run.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 9}, "max_length: expected 1 to 8, such as 6, got 9"),
        ({"memory": 1000}, "memory: expected at least 32M for 1 worker, got 1,000 bytes"),
        ({"workers": 3}, "memory: expected at least 48M for 3 workers, got 33,554,432 bytes"),
        ({"workers": 0}, "workers: expected 1 or more, such as 2, got 0"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        count_text(["学"], tmp_path / "run", **{"memory": LEAST, **options})  # type: ignore[arg-type]


# ---- memory ----------------------------------------------------------------------------------------------------------


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "NLP_ZERO_PURE": "0" if kernels.backend == "c" else "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


PEAK = """
import random, sys
from nlp_zero.words.bounded import count_text
def lines(size):
    numbers = random.Random(5)
    for _ in range(size):
        yield "".join(chr(0x4E00 + int(9000 * numbers.random() ** 2)) for _ in range(1000))
count_text(lines(int(sys.argv[1])), sys.argv[2], memory=32 << 20, workers=int(sys.argv[3]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak from Linux")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_cap_is_obeyed_by_text_that_hardly_repeats(workers: int, tmp_path: Path, engine: str) -> None:
    if workers > 1 and engine == "python":
        pytest.skip("processes have their own memory")
    child = process(PEAK, 1200 if engine == "c" else 120, tmp_path / "run", workers)
    printed, complaint = child.communicate()
    assert complaint == ""
    assert int(printed) / 1024 <= 1.15 * 32 + 30


# ---- trouble ---------------------------------------------------------------------------------------------------------


class Full:
    """A temporary file on a full disk."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("room", [0, 5000, 60_000])
def test_a_full_disk_is_one_clear_error_and_no_litter(room: int, workers: int, tmp_path: Path, engine: str) -> None:
    if workers > 1 and engine == "python":
        workers = 1
    path, folder = tmp_path / "run", tmp_path / "tmp"
    folder.mkdir()
    path.write_bytes(b"what was there")
    real = tempfile.TemporaryFile

    def full(**options: Any) -> Any:
        return Full(real(**options), room)

    with (
        mock.patch.object(bounded, "batch_size", lambda *_: 1500),
        mock.patch.object(bounded, "FAN_IN", 3),
        mock.patch("tempfile.TemporaryFile", full),
        pytest.raises(InputError) as caught,
    ):
        count_text(lines_of(1, 1000), path, folder=str(folder), workers=workers)
    assert str(caught.value) == f"{folder}: temporary files cannot be written: No space left on device"
    assert path.read_bytes() == b"what was there"
    assert sorted(os.listdir(tmp_path)) == ["run", "tmp"] and not os.listdir(folder)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: temporary files cannot be written: No such file or directory"):
        count_text(["学生"], tmp_path / "run", folder=str(tmp_path / "none"))


ENDLESS = """
import sys
from nlp_zero.words import bounded
bounded.batch_size = lambda *_: 3000
lines = ["".join(chr(0x4E00 + (line * place) % 900) for place in range(50)) for line in range(200)]
print("ready", flush=True)
while True:
    bounded.count_text(lines, sys.argv[1], folder=sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals of Unix")
def test_a_killed_process_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    lines = ["".join(chr(0x4E00 + (line * place) % 900) for place in range(50)) for line in range(200)]
    path, folder = tmp_path / "run", tmp_path / "tmp"
    folder.mkdir()
    new = at_once(lines, path)
    moments = random.Random(4)
    for _ in range(4):
        path.write_bytes(b"old")
        child = process(ENDLESS, path, folder)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(0.3 * moments.random())
        child.kill()
        child.communicate()
        assert path.read_bytes() in (b"old", new)
        assert not os.listdir(folder), "temporary files have no names"


def test_the_corpus_reports_what_it_read(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("学生\n" * 9, encoding="utf-8")
    seen: list[tuple[str, int, int]] = []
    corpus = Corpus(tmp_path / "text")
    count_text(corpus.blocks(), tmp_path / "run", progress=lambda *state: seen.append(state))
    assert corpus.stats.complete and corpus.stats.lines == 9
    assert seen[0] == ("counting", 26, 0)


# ---- less than all ---------------------------------------------------------------------------------------------------


def test_what_is_rare_can_be_left_out_and_the_rest_stays_exact(tmp_path: Path) -> None:
    lines = lines_of(6, 300)
    whole = NgramCounts(3).train(lines)
    kept = dict(whole.items(min_count=4))
    with mock.patch.object(bounded, "batch_size", lambda *_: 1000):
        assert count_text(lines, tmp_path / "run", max_length=3, min_count=4) == 3
    found = {level.word(place): n for level in grams_of(tmp_path / "run") for place, n in enumerate(level.counts)}
    assert found == kept
    same = (tmp_path / "run").read_bytes()
    count_text(lines[::-1], tmp_path / "run", max_length=3, min_count=4)
    assert (tmp_path / "run").read_bytes() == same


@quick
@given(st.integers(0, 9), st.integers(1, 8), st.integers(2, 9), st.integers(60, 300), st.sampled_from([3, 12, 900]))
def test_a_sieve_does_not_show(seed: int, max_length: int, least: int, batch: int, symbols: int) -> None:
    numbers = random.Random(seed)
    lines = ["".join(chr(0x4E00 + int(symbols * numbers.random() ** 3)) for _ in range(12)) for _ in range(30)]
    with tempfile.TemporaryDirectory() as name, mock.patch.object(bounded, "batch_size", lambda *_: batch):
        whole = counted(lines, Path(name, "run"), max_length=max_length, min_count=least)
        assert counted(lines, Path(name, "run"), max_length=max_length, min_count=least, sieve=True) == whole
        with mock.patch.object(bounded, "_counters", lambda _: bytearray(8)):  # n-grams share nearly all of them
            assert counted(lines, Path(name, "run"), max_length=max_length, min_count=least, sieve=True) == whole


def test_a_sieve_spares_temporary_files(tmp_path: Path) -> None:
    lines, spilled = lines_of(8, 300), []
    real = bounded.Spills._written

    def written(self: bounded.Spills, *arguments: Any) -> Any:
        source = real(self, *arguments)
        spilled[-1] += source.end
        return source

    with mock.patch.object(bounded.Spills, "_written", written):
        for sieve in (False, True):
            spilled.append(0)
            count_text(lines, tmp_path / "run", min_count=3, sieve=sieve)
    assert spilled[1] < 0.7 * spilled[0]


def test_more_characters_than_a_sieve_can_tell_apart(tmp_path: Path) -> None:
    line = "".join(map(chr, (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0x20000, 0x2A6D7)))) * 2
    whole = counted([line], tmp_path / "run", max_length=2, min_count=2)
    assert counted([line], tmp_path / "run", max_length=2, min_count=2, sieve=True) == whole


@pytest.mark.parametrize("options", [{"min_count": 1}, {"min_count": 2, "forget": 1}])
def test_a_sieve_needs_a_threshold(options: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sieve: expected with min_count of 2 or more"):
        count_text(["学生"], tmp_path / "run", sieve=True, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="text that can be read again"):
        count_text(iter(["学生"]), tmp_path / "run", min_count=2, sieve=True)


@pytest.mark.parametrize("forget", [1, 3])
def test_approximate_counts_keep_their_bound(forget: int, tmp_path: Path) -> None:
    lines = lines_of(7, 300)
    with mock.patch.object(bounded, "batch_size", lambda *_: 1000):
        bound = count_text(lines, tmp_path / "run", max_length=3, forget=forget)
    assert bound == forget * 7
    found = {level.word(place): n for level in grams_of(tmp_path / "run") for place, n in enumerate(level.counts)}
    whole = dict(NgramCounts(3).train(lines).items())
    assert found and found != whole
    for gram, count in whole.items():
        assert count - bound <= found.get(gram, 0) <= count


def grams_of(path: Path) -> list[GramTable]:
    with Run(path) as run:
        return read_grams(run.source.tables, run.max_length, 1)


LIMITED = """
import resource, sys
from nlp_zero import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(cli.main(["count", sys.argv[1], "-q", "-o", sys.argv[2], "--tmp", sys.argv[3]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_file_that_grows_too_large_is_one_clear_line_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(lines_of(2, 2000)), encoding="utf-8")
    (tmp_path / "tmp").mkdir()
    child = process(LIMITED, tmp_path / "text", tmp_path / "run", tmp_path / "tmp")
    complaint = child.communicate()[1]
    assert child.returncode == 1
    assert complaint == f"nlp-zero: {tmp_path / 'tmp'}: temporary files cannot be written: File too large\n"
    assert sorted(os.listdir(tmp_path)) == ["text", "tmp"] and not os.listdir(tmp_path / "tmp")
