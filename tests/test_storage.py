"""The container holds what it was given, refuses anything damaged, and a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import time
import tracemalloc
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import storage
from nlp_zero.errors import ModelError
from nlp_zero.storage import atomic_writer, load, peek, save

quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

RANGES = {"b": 8, "h": 16, "i": 32, "q": 64, "H": -16, "I": -32, "Q": -64}


def integers(code: str) -> st.SearchStrategy[array[Any]]:
    bits = RANGES[code]
    low, high = (0, 2**-bits - 1) if bits < 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.lists(st.integers(low, high), max_size=9).map(lambda numbers: array(code, numbers))


numbers = st.one_of(
    *(integers(code) for code in RANGES),
    st.lists(st.floats(allow_nan=False), max_size=9).map(lambda values: array("d", values)),
    st.lists(st.floats(allow_nan=False, width=32), max_size=9).map(lambda values: array("f", values)),
)
any_text = st.text(st.characters(), max_size=8)  # lone surrogates and NUL among them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


def small(path: Path) -> bytes:
    """A small container, and its bytes."""
    save(path, "toy", {"单词": 2, "note": "x"}, {"counts": array("I", [3, 5, 8]), "text": "研究生命".encode()})
    return path.read_bytes()


def signed(header: bytes, body: bytes = b"", version: int = 1, length: int | None = None) -> bytes:
    """A container with a right checksum, whatever its header says."""
    start = struct.pack("<8sII", b"NLPZERO\n", version, len(header) if length is None else length) + header + body
    return start + hashlib.sha256(start).digest()


@quick
@given(
    header=st.dictionaries(any_text, json_values, max_size=4),
    sections=st.dictionaries(any_text, st.binary(max_size=20) | numbers, max_size=4),
)
def test_what_was_saved_comes_back(tmp_path: Path, header: dict[str, Any], sections: dict[str, Any]) -> None:
    path = tmp_path / "a.model"

    save(path, "toy", header, sections)
    found, views = load(path, "toy")

    assert found == header
    assert {name: view.tolist() for name, view in views.items()} == {
        name: list(section) for name, section in sections.items()
    }
    before = path.read_bytes()
    save(path, "toy", dict(reversed(found.items())), dict(reversed(views.items())))
    assert path.read_bytes() == before, "the same content gave other bytes"


def test_the_bytes_of_the_format_are_these(tmp_path: Path) -> None:
    """Files of version 1 stay readable: this is one, spelt out."""
    path = tmp_path / "a.model"
    text = b'{"header":{"n":1},"kind":"toy","sections":[["c","H",3],["t","bytes",2]]}'

    save(path, "toy", {"n": 1}, {"t": b"hi", "c": array("H", [1, 2, 258])})

    assert path.read_bytes() == signed(text, b"\x01\0\x02\0\x02\x01\0\0" + b"hi\0\0\0\0\0\0")


def test_big_endian_machines_read_the_same_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each direction swaps once: on a machine of the other kind the file holds the bytes the other way round."""
    path = tmp_path / "a.model"
    other = "big" if sys.byteorder == "little" else "little"
    save(path, "toy", {}, {"c": array("I", [1, 2])})
    plain = path.read_bytes()

    monkeypatch.setattr(storage.sys, "byteorder", other)
    save(path, "toy", {}, {"c": array("I", [1, 2])})

    assert array("I", [1, 2]).tobytes() in plain
    swapped = array("I", [1, 2])
    swapped.byteswap()
    assert swapped.tobytes() in path.read_bytes()
    assert load(path, "toy")[1]["c"].tolist() == [1, 2]


def test_views_and_bytearrays_are_sections_too(tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    save(path, "toy", {}, {"a": memoryview(array("d", [0.5])), "b": bytearray(b"xy"), "c": memoryview(b"z")})
    _, sections = load(path, "toy")
    assert (sections["a"].tolist(), bytes(sections["b"]), bytes(sections["c"])) == ([0.5], b"xy", b"z")


@pytest.mark.parametrize("section", [array("l", [1]), array("L", [1]), memoryview(b"abcd")[::2]])
def test_a_section_that_other_platforms_cannot_read_is_refused(tmp_path: Path, section: Any) -> None:
    with pytest.raises(TypeError, match="section 'a': expected bytes or an array"):
        save(tmp_path / "a.model", "toy", {}, {"a": section})
    assert list(tmp_path.iterdir()) == []


def test_a_header_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path / "a.model", "toy", {"a": float("nan")}, {})
    with pytest.raises(TypeError):
        save(tmp_path / "a.model", "toy", {"a": object()}, {})
    with pytest.raises(ValueError, match="put large things into sections"):
        save(tmp_path / "a.model", "toy", {"a": "x" * (16 << 20)}, {})
    assert list(tmp_path.iterdir()) == []


def test_peek_tells_what_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    data = small(path)

    assert peek(path) == {
        "kind": "toy",
        "format": 1,
        "bytes": len(data),
        "sha256": data[-32:].hex(),
        "header": {"单词": 2, "note": "x"},
        "sections": {
            "counts": {"type": "I", "count": 3, "bytes": 12},
            "text": {"type": "bytes", "count": 12, "bytes": 12},
        },
    }


# Hostile files -----------------------------------------------------------------------------------------------------


def refused(path: Path, data: bytes) -> str:
    """Both readers refuse the bytes with a ModelError that names the file; the message."""
    path.write_bytes(data)
    with pytest.raises(ModelError) as peeked:
        peek(path)
    with pytest.raises(ModelError) as loaded:
        load(path, "toy")
    assert str(path) in str(peeked.value)
    assert str(path) in str(loaded.value)
    return str(loaded.value)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = small(tmp_path / "a.model")
    for end in range(len(data)):
        refused(tmp_path / "b.model", data[:end])


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    data = small(tmp_path / "a.model")
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        refused(tmp_path / "b.model", bytes(damaged))


def test_bytes_put_in_or_added_are_refused(tmp_path: Path) -> None:
    data = small(tmp_path / "a.model")
    chance = random.Random(1)
    for _ in range(100):
        place = chance.randrange(len(data) + 1)
        refused(tmp_path / "b.model", data[:place] + chance.randbytes(chance.randint(1, 9)) + data[place:])


HOSTILE = {
    "not JSON": (b"{", "not JSON"),
    "not UTF-8": (b"\xff\xfe", "not JSON"),
    "nested without end": (b"[" * 100_000, "not JSON"),
    "a number of 5,000 digits": (b'{"header":{"a":' + b"9" * 5000 + b'},"kind":"toy","sections":[]}', "not JSON"),
    "NaN": (b'{"header":{"a":NaN},"kind":"toy","sections":[]}', "not JSON"),
    "a list": (b"[]", "expected a header"),
    "no kind": (b'{"header":{},"sections":[]}', "expected a header"),
    "kind of another type": (b'{"header":{},"kind":1,"sections":[]}', "expected a header"),
    "header of another type": (b'{"header":[],"kind":"toy","sections":[]}', "expected a header"),
    "an unknown key": (b'{"header":{},"kind":"toy","sections":[],"x":1}', "expected a header"),
    "unknown typecode": (b'{"header":{},"kind":"toy","sections":[["a","O",1]]}', "expected a section"),
    "typecode of C long": (b'{"header":{},"kind":"toy","sections":[["a","l",1]]}', "expected a section"),
    "negative count": (b'{"header":{},"kind":"toy","sections":[["a","I",-1]]}', "expected a section"),
    "count true": (b'{"header":{},"kind":"toy","sections":[["a","I",true]]}', "expected a section"),
    "fractional count": (b'{"header":{},"kind":"toy","sections":[["a","I",1.0]]}', "expected a section"),
    "name of another type": (b'{"header":{},"kind":"toy","sections":[[1,"I",0]]}', "expected a section"),
    "a short row": (b'{"header":{},"kind":"toy","sections":[["a","I"]]}', "expected a section"),
    "a row of text": (b'{"header":{},"kind":"toy","sections":["aI1"]}', "expected a section"),
    "the same name twice": (b'{"header":{},"kind":"toy","sections":[["a","I",0],["a","I",0]]}', "same name"),
    "more than the file holds": (
        b'{"header":{},"kind":"toy","sections":[["a","q",1000000000000]]}',
        "as its header",
    ),
    "a count of 4,000 digits": (
        b'{"header":{},"kind":"toy","sections":[["a","q",' + b"7" * 4000 + b"]]}",
        "as its header",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_with_a_right_checksum_is_refused(tmp_path: Path, name: str) -> None:
    header, expected = HOSTILE[name]
    assert expected in refused(tmp_path / "b.model", signed(header))


def test_bytes_that_the_header_does_not_declare_are_refused(tmp_path: Path) -> None:
    """Even under a right checksum: a file has one reading."""
    assert "as its header declares" in refused(
        tmp_path / "b.model", signed(b'{"header":{},"kind":"toy","sections":[["a","I",1]]}', bytes(16))
    )


@quick
@given(table=json_values, sections=json_values, body=st.binary(max_size=40))
def test_any_json_in_the_header_is_read_or_refused(tmp_path: Path, table: Any, sections: Any, body: bytes) -> None:
    for content in (table, {"kind": "toy", "header": {}, "sections": sections}):
        data = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        path = tmp_path / "b.model"
        path.write_bytes(signed(data, body))
        with contextlib.suppress(ModelError):
            assert isinstance(load(path, "toy")[0], dict)


def test_declared_sizes_are_checked_before_anything_is_allocated(tmp_path: Path) -> None:
    path = tmp_path / "b.model"
    huge = b'{"header":{},"kind":"toy","sections":[["a","d",100000000000]]}'
    tracemalloc.start()
    try:
        refused(path, signed(huge))
        refused(path, signed(b"{}", length=0xFFFFFFFF))
        refused(path, signed(b"{}", length=(16 << 20) + 1))
        with path.open("r+b") as file:
            file.truncate(1 << 33)  # a file with a hole of 8 GB: large on paper, nothing in it
        with pytest.raises(ModelError):
            load(path, "toy")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_messages_say_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "b.model"
    assert "expected a model of nlp-zero, which begins b'NLPZERO\\n', got b'word\\t5\\n'" in refused(path, b"word\t5\n")
    assert "got b''" in refused(path, b"")
    assert "cut short" in refused(path, b"NLPZERO\n")
    assert "expected format 1, got format 2" in refused(path, signed(b"{}", version=2))
    assert "damaged: its SHA-256" in refused(path, small(tmp_path / "a.model")[:-1] + b"\0")
    with pytest.raises(ModelError, match="expected a file of kind 'tokenizer', got kind 'toy'"):
        load(tmp_path / "a.model", "tokenizer")
    with pytest.raises(ModelError, match="No such file"):
        load(tmp_path / "missing", "toy")
    with pytest.raises(ModelError, match="expected a model file, got a folder"):
        peek(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        peek("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX thing")
def test_a_model_that_gzip_packed_is_read_as_it_is(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed.gz"
    save(plain, "toy", {"a": 1}, {"numbers": array("I", range(1000))})
    data = gzip.compress(plain.read_bytes(), 9, mtime=0)
    packed.write_bytes(data)
    header, sections = load(packed, "toy")
    assert header == {"a": 1} and list(sections["numbers"]) == list(range(1000))
    assert peek(packed)["sha256"] == peek(plain)["sha256"]

    for damaged in (data[:-1], data + b"x", data[:20] + b"\0\0\0" + data[23:], gzip.compress(bytes(10_000_000))):
        packed.write_bytes(damaged)
        with pytest.raises(ModelError, match=str(packed)):
            load(packed, "toy")


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match="a pipe or a device"):
        load(tmp_path / "pipe", "toy")


# atomic_writer -----------------------------------------------------------------------------------------------------


def test_the_new_content_replaces_the_old_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with atomic_writer(path) as file:
        file.write("新\n文")
        file.flush()
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_bytes() == "新\n文".encode()
    with atomic_writer(path, "wb") as file:
        file.write(b"\xff")
    assert path.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1), OSError(28, "No space")])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_an_error_in_the_body_keeps_the_old_file(tmp_path: Path, error: BaseException, mode: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(type(error)), atomic_writer(path, mode) as file:
        file.write("new" if mode == "w" else b"new")
        raise error
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


class Failing(storage._File):
    """A raw file whose n-th write finds the disk full."""

    left = 0

    def write(self, data: Any, /) -> int:
        type(self).left -= 1
        if type(self).left < 0:
            raise OSError(28, "No space left on device", self.target)
        return super().write(memoryview(data).cast("B")[:100])  # a short write, as systems may make


def test_a_write_that_fails_at_any_call_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.model"
    monkeypatch.setattr(storage, "_File", Failing)
    content = {"counts": array("I", range(400))}
    Failing.left = 1000
    save(path, "toy", {"turn": 0}, content)
    needed = 1000 - Failing.left
    assert needed > 10
    for calls in range(needed):
        Failing.left = calls
        with pytest.raises(OSError, match="No space") as caught:
            save(path, "toy", {"turn": 1}, content)
        assert caught.value.filename == os.path.realpath(path)
        assert load(path, "toy")[0] == {"turn": 0}
        assert list(tmp_path.iterdir()) == [path]
    Failing.left = needed
    save(path, "toy", {"turn": 1}, content)
    assert load(path, "toy")[0] == {"turn": 1}


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_system_call_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(storage.os, call, fail)
    with pytest.raises(OSError, match="Input/output"), atomic_writer(path) as file:
        file.write("new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX thing")
def test_a_killed_program_leaves_the_file_wholly_old_or_wholly_new(tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    program = (
        "import sys; from array import array; from nlp_zero.storage import save\n"
        "turn = 0\n"
        "while True:\n"
        "    save(sys.argv[1], 'toy', {'turn': turn}, {'c': array('I', [turn]) * 50_000})\n"
        "    turn += 1\n"
    )
    chance = random.Random(3)
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[1])
        limit = time.monotonic() + 30
        while not path.exists() and time.monotonic() < limit:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.02, 0.1))
        child.send_signal(signal.SIGKILL)
        child.wait()
        header, sections = load(path, "toy")
        assert sections["c"].tolist() == [header["turn"]] * 50_000
        path.unlink()


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name are a thing of Linux")
def test_an_unfinished_file_has_no_name(tmp_path: Path) -> None:
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        pytest.skip("this file system has none")
    with atomic_writer(tmp_path / "a.txt") as file:
        file.write("new")
        file.flush()
        assert not os.listdir(tmp_path)
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["isdir", "open"])
def test_a_system_without_nameless_files_has_hidden_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path, real = tmp_path / "a.txt", os.open

    def refuse(name: str, flags: int, *more: int) -> int:
        if flags & getattr(os, "O_TMPFILE", 0) == getattr(os, "O_TMPFILE", -1):
            raise OSError(95, "Operation not supported")
        return real(name, flags, *more)

    if call == "isdir":
        monkeypatch.setattr(storage, "_DESCRIPTORS", str(tmp_path / "none"))
    else:
        monkeypatch.setattr(storage.os, "open", refuse)
    for content in ("old", "new"):
        with atomic_writer(path) as file:
            file.write(content)
            assert sum(name.startswith(".nlp-zero-") for name in os.listdir(tmp_path)) == 1
        assert path.read_text(encoding="utf-8") == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_writer(tmp_path / "no" / "a.txt"):
        pass
    assert caught.value.filename == os.path.join(os.path.realpath(tmp_path), "no", "a.txt")


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected 'w' or 'wb', got 'a'"), atomic_writer(tmp_path / "a", "a"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    with atomic_writer(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_writer(tmp_path / "fresh"):
        pass
    assert (tmp_path / "fresh").stat().st_mode == plain.stat().st_mode, "a new file gets what the umask leaves"


@pytest.mark.skipif(sys.platform == "win32", reason="devices of POSIX")
def test_a_device_is_written_to_and_not_replaced() -> None:
    with atomic_writer(os.devnull) as file:
        file.write("gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
