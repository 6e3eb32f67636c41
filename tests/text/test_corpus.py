from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.errors import DecodingError, InputError
from nlp_zero.text import corpus as module
from nlp_zero.text.corpus import Corpus

POEM = ["床前明月光", "", "疑是地上霜", "举头望明月𠮷", "低头思故乡"]
TEXT = "\n".join(POEM) + "\n"

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write(content: bytes | str, name: str = "poem.txt") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


Write = Callable[..., str]


def sha256_of(lines: list[str]) -> str:
    return hashlib.sha256("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")).hexdigest()


# Lines, line ends, byte order marks


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("closed", [True, False])
def test_the_variants_of_one_file_give_the_same_lines_and_checksum(
    write: Write, end: str, mark: bytes, closed: bool
) -> None:
    text = end.join(POEM) + (end if closed else "")
    corpus = Corpus(write(mark + text.encode()))

    assert list(corpus) == POEM
    assert corpus.sha256 == sha256_of(POEM)
    assert corpus.stats == (1, len(mark + text.encode()), 5, 21, 0, 0, 0, None, True)
    assert "\n".join(corpus.blocks()) == "\n".join(POEM)
    assert corpus.stats.lines == 5


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\r", [""]),
        (b"\r\n", [""]),
        (b"\n\n", ["", ""]),
        (b"\r\r\n\n", ["", "", ""]),
        (b"a\r\r\nb", ["a", "", "b"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\n", [""]),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", ["\ufeffa"]),
        (b"a\nb\xef\xbb\xbfc", ["a", "b\ufeffc"]),
        (b"a\x00b\n\x00", ["a\x00b", "\x00"]),
        ("a\u2028b\x85c\x0bd\x0ce\x1c".encode(), ["a\u2028b\x85c\x0bd\x0ce\x1c"]),
        (b" a \t\n", [" a \t"]),
    ],
)
def test_lines(write: Write, content: bytes, lines: list[str]) -> None:
    corpus = Corpus(write(content))

    assert list(corpus) == lines
    assert corpus.stats.lines == len(lines)
    assert corpus.stats.bytes == len(content)
    assert [line for block in corpus.blocks() for line in block.split("\n")] == lines


@quick
@given(
    st.text(st.sampled_from("汉a\n\r\x00\u2028𠮷\ufeff")),
    st.integers(1, 9),
    st.sampled_from(["utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
)
def test_blocks_of_any_size_hold_the_same_lines(text: str, size: int, encoding: str) -> None:
    raw = text.encode(encoding)
    universal = text.removeprefix("\ufeff") if encoding not in ("utf-16", "utf-32") else text
    lines = universal.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    corpus = Corpus(io.BytesIO(raw), encoding=encoding)

    assert [line for block in corpus.blocks(size) for line in block.split("\n")] == lines
    assert list(corpus) == lines
    assert corpus.stats.characters == sum(map(len, lines))
    assert corpus.stats.bytes == len(raw)
    assert corpus.sha256 == sha256_of(lines)


def test_a_block_is_about_as_large_as_asked_for(write: Write) -> None:
    corpus = Corpus(write("字" * 9 + "\n" * 1 + ("词" * 9 + "\n") * 9_999))

    sizes = [len(block.encode()) for block in corpus.blocks(10_000)]

    assert max(sizes[:-1]) <= 10_000 + 28
    assert min(sizes[:-1]) >= 10_000 - 28


def test_a_line_longer_than_a_block_comes_whole(write: Write) -> None:
    long = "长" * 1_000_000
    corpus = Corpus(write(f"甲\n{long}\n乙\n"))

    assert list(corpus) == ["甲", long, "乙"]
    assert list(corpus.blocks(1000)) == ["甲", f"{long}\n乙"]


def test_a_long_line_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        file = io.BytesIO(b"a" * size)
        start = time.perf_counter()
        for _ in Corpus(file).blocks(4096):
            pass
        return time.perf_counter() - start

    # Eight times the line: a quadratic way of joining would take 64 times as long.
    assert min(seconds(8_000_000) for _ in range(3)) < 30 * min(seconds(1_000_000) for _ in range(3)) + 0.1


def test_reading_is_streaming(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(("今天天气很好，我们去公园散步。" * 5 + "\n").encode() * 70_000)  # 16 MB
    corpus = Corpus(path)
    tracemalloc.start()
    try:
        assert sum(1 for _ in corpus) == 70_000
        assert tracemalloc.get_traced_memory()[1] < 12 << 20  # some blocks of 1 MB in their stages
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, -1])
def test_the_size_of_a_block_is_positive(write: Write, size: int) -> None:
    with pytest.raises(ValueError, match="size: expected"):
        next(Corpus(write("a")).blocks(size))


# Counts


def test_counts_after_part_of_a_pass_are_those_of_what_was_handed_out(write: Write) -> None:
    corpus = Corpus([write(TEXT), write("二\n", "second.txt")])
    assert corpus.stats == (0, 0, 0, 0, 0, 0, 0, None, False)

    lines = iter(corpus)
    assert corpus.stats.files == 0
    first, second, third = next(lines), next(lines), next(lines)
    stats = corpus.stats

    assert (first, second, third) == tuple(POEM[:3])
    assert (stats.files, stats.lines, stats.characters, stats.complete) == (1, 3, 10, False)
    assert corpus.sha256 is None
    del lines
    assert corpus.stats.lines == 3
    list(corpus)
    assert corpus.stats[:4] == (2, len(TEXT.encode()) + 4, 6, 22)
    assert corpus.stats.complete


def test_the_counts_belong_to_the_latest_pass(write: Write) -> None:
    corpus = Corpus(write(TEXT))
    pairs = list(zip(corpus, corpus, strict=True))

    assert pairs == [(line, line) for line in POEM]
    assert corpus.stats.lines == 5
    list(corpus)
    checksum = corpus.sha256
    next(iter(corpus))
    assert corpus.stats.lines == 1
    assert corpus.sha256 == checksum  # of the last whole pass


def test_the_checksum_does_not_depend_on_encoding_compression_or_files(write: Write) -> None:
    one = Corpus(write(TEXT))
    other = Corpus(
        [
            write((POEM[0] + "\r\n\r\n").encode("utf-16"), "a"),
            write(gzip.compress("\r".join(POEM[2:]).encode("utf-16")), "b"),
        ],
        encoding="utf-16",
    )
    list(one), list(other.blocks(7))

    assert one.sha256 == other.sha256 == sha256_of(POEM)


# Bad bytes


BAD = b"\xe5\xba\x8a\xff\n\n" + b"x\xe5\xba\ny\xc0\xaf\xed\xa0\x80\n" + b"z\xf0\x9f"


def test_strict_names_file_line_byte_and_bytes(write: Write) -> None:
    path = write(BAD)

    with pytest.raises(DecodingError) as caught:
        list(Corpus(path))

    message = str(caught.value)
    assert message.startswith(f"{path}: line 1, byte 3: expected text in utf-8, got the bytes ff 0a 0a 78")
    assert "\n" not in message
    assert "gb18030" not in message  # UTF-8 went before: the file is damaged, not misnamed


def test_replace_and_skip_count_bytes_places_and_the_first(write: Write) -> None:
    path = write(BAD)
    replacing, skipping = Corpus(path, errors="replace"), Corpus(path, errors="skip")

    assert list(replacing) == BAD.decode("utf-8", "replace").split("\n")
    assert list(skipping) == BAD.decode("utf-8", "ignore").split("\n") == ["床", "", "x", "y", "z"]
    for corpus in (replacing, skipping):
        stats = corpus.stats
        assert stats.bad_bytes == 1 + 2 + 5 + 2
        assert stats.bad_places == BAD.decode("utf-8", "replace").count("\ufffd") == 8
        assert stats.first_bad == f"{path}:1:3"
        assert stats.skipped_lines == 0
        assert stats.bytes == len(BAD)
    assert replacing.sha256 == sha256_of(list(replacing))


def test_the_place_counts_lines_of_every_kind_and_bytes_of_all_blocks(write: Write) -> None:
    before = b"\xef\xbb\xbf" + "一\r\n二\r三\n".encode() * 1000
    path = write(before + b"ab\xff\n")
    corpus = Corpus([write("好\n", "good.txt"), path], errors="replace")

    for _ in corpus.blocks(100):
        pass

    assert corpus.stats.first_bad == f"{path}:3001:{len(before) + 2}"
    with pytest.raises(DecodingError, match=f"line 3001, byte {len(before) + 2}:"):
        list(Corpus(path))


@pytest.mark.parametrize(
    ("content", "encoding", "place"),
    [
        (b"\xb4\xf3\n\xb4\xff\n", "gb18030", "2:3"),
        (b"\xa4\xa4\n\xa4\n", "big5", "2:3"),
        ("一\n二".encode("utf-16-le") + b"\x01", "utf-16-le", "2:6"),
        (b"\xfe\xff" + "一\n".encode("utf-16-be") + b"\xd8\x00\x00a", "utf-16", "2:6"),
        (b"a\n\xe9", "ascii", "2:2"),
    ],
)
def test_bad_bytes_of_other_encodings(write: Write, content: bytes, encoding: str, place: str) -> None:
    path = write(content)
    corpus = Corpus(path, encoding=encoding, errors="replace")

    lines = list(corpus)

    assert corpus.stats.first_bad == f"{path}:{place}"
    assert any("\ufffd" in line for line in lines)
    line, byte = place.split(":")
    with pytest.raises(DecodingError, match=f"line {line}, byte {byte}: expected text in {encoding}"):
        list(Corpus(path, encoding=encoding))


@quick
@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_can_be_read_with_replace(raw: bytes, size: int) -> None:
    corpus = Corpus(io.BytesIO(b"a" + raw), errors="replace")

    text = "\n".join(corpus.blocks(size))

    expected = "a" + raw.decode("utf-8", "replace") if raw[:1] < b"\x80" else (b"a" + raw).decode("utf-8", "replace")
    plain = expected.replace("\r\n", "\n").replace("\r", "\n")
    assert text == plain.removesuffix("\n")
    assert corpus.stats.bad_places >= (corpus.stats.first_bad is not None)
    assert corpus.stats.bytes == len(raw) + 1


def test_a_file_that_is_not_text_at_all_takes_linear_time() -> None:
    raw = random.Random(0).randbytes(1 << 20).replace(b"\n", b"\xff")
    corpus = Corpus(io.BytesIO(b"xx" + raw), errors="skip")
    start = time.perf_counter()

    list(corpus)

    assert corpus.stats.bad_bytes > 400_000
    assert time.perf_counter() - start < 10  # some 0.3 s; decoding anew after each error took minutes


@pytest.mark.parametrize(
    ("content", "encoding", "hint"),
    [
        ("大风起兮".encode("gb18030"), "utf-8", "; this could be gb18030"),
        ("大风起兮".encode("utf-16"), "utf-8", "; this looks like utf-16"),
        ("大".encode(), "ascii", "; this could be utf-8"),
        (b"\xff\xff\xff", "utf-8", ")"),
    ],
)
def test_the_error_hints_at_the_likely_encoding(write: Write, content: bytes, encoding: str, hint: str) -> None:
    with pytest.raises(DecodingError) as caught:
        list(Corpus(write(content), encoding=encoding))

    assert str(caught.value).endswith(hint)


# Encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "汉字𠮷"),
        ("UTF8", "汉字𠮷"),
        ("utf-8-sig", "汉字𠮷"),
        ("gb18030", "汉字𠮷€"),
        ("gbk", "汉字"),
        ("gb2312", "汉字"),
        ("hz", "汉字abc"),
        ("big5", "漢字"),
        ("big5hkscs", "漢字"),
        ("utf-16", "汉字𠮷਀ਊ"),
        ("utf-16-le", "汉字𠮷਀ਊ"),
        ("utf-16-be", "汉字𠮷਀ਊ"),
        ("utf-32", "汉字𠮷"),
        ("utf-32-be", "汉字𠮷"),
        ("shift_jis", "漢字"),
        ("latin-1", "é\x85"),
    ],
)
def test_encodings_by_name(write: Write, encoding: str, text: str) -> None:
    for end in ("\n", "\r\n", "\r"):
        content = f"{text}{end}{end}{text}{end}".encode(encoding)
        assert list(Corpus(write(content), encoding=encoding)) == [text, "", text]


def test_utf_16_follows_its_byte_order_mark_and_is_little_endian_without(write: Write) -> None:
    for order in ("le", "be"):
        content = "\ufeff汉\n字".encode(f"utf-16-{order}")
        assert list(Corpus(write(content), encoding="utf-16")) == ["汉", "字"]
    assert list(Corpus(write("汉\n字".encode("utf-16-le")), encoding="utf-16")) == ["汉", "字"]


@pytest.mark.parametrize("encoding", ["klingon", "", "rot13", "hex", "cp037", "unicode_escape", "a\x00b"])
def test_other_encodings_are_refused_by_name(write: Write, encoding: str) -> None:
    with pytest.raises(InputError, match="expected an encoding such as 'utf-8', 'gb18030'"):
        Corpus(write("a"), encoding=encoding)


def test_other_ways_of_handling_errors_are_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="errors: expected 'strict', 'replace' or 'skip', got 'ignore'"):
        Corpus(write("a"), errors="ignore")


# Compression


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_files_are_known_by_their_first_bytes(write: Write, kind: str) -> None:
    packed = PACKERS[kind](TEXT.encode())
    corpus = Corpus(write(packed, "poem.txt"))

    assert list(corpus) == POEM
    assert corpus.stats.bytes == len(TEXT.encode())
    assert list(Corpus(io.BytesIO(packed))) == POEM
    twice = Corpus(write(packed + packed, "two members"))
    assert list(twice) == POEM + POEM


@pytest.mark.parametrize("kind", PACKERS)
def test_empty_compressed_files(write: Write, kind: str) -> None:
    assert list(Corpus(write(PACKERS[kind](b"")))) == []


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "torn"])
def test_damaged_compressed_files_are_named(write: Write, kind: str, damage: str) -> None:
    packed = bytearray(PACKERS[kind](random.Random(1).randbytes(50_000).hex().encode()))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    else:
        packed[len(packed) // 2] ^= 0xFF
    path = write(bytes(packed), f"poem.{kind}")

    with pytest.raises(InputError) as caught:
        list(Corpus(path))

    assert str(caught.value).startswith(f"{path}: damaged .{kind} data after ")
    assert not isinstance(caught.value, DecodingError)


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh91AY&SY"])
def test_a_file_of_nothing_but_first_bytes_is_damaged(write: Write, head: bytes) -> None:
    with pytest.raises(InputError, match="damaged"):
        list(Corpus(write(head)))


def test_text_that_only_begins_like_a_compressed_file_is_text(write: Write) -> None:
    assert list(Corpus(write("BZh9 is a magic number"))) == ["BZh9 is a magic number"]


ZST = b"\x28\xb5\x2f\xfd" + b"whatever"


def test_zst_without_a_reader_says_what_to_install(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write(ZST)

    with pytest.raises(InputError) as caught:
        list(Corpus(path))

    assert str(caught.value) == (
        f"{path}: reading .zst needs Python 3.14, or the extra 'zstd': pip install 'nlp-zero[zstd]'"
    )


def test_zst_is_read_by_the_module_that_is_there(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    class ZstdError(Exception):
        pass

    class ZstdFile(io.BytesIO):
        def __init__(self, file: io.BytesIO) -> None:
            assert file.read(4) == b"\x28\xb5\x2f\xfd"
            super().__init__(TEXT.encode())

        def read(self, size: int | None = -1) -> bytes:
            block = super().read(size)
            if not block:
                raise ZstdError("torn")
            return block

    stand_in = SimpleNamespace(ZstdFile=ZstdFile, ZstdError=ZstdError)
    monkeypatch.setattr(module, "import_module", {"compression.zstd": stand_in}.__getitem__)
    path = write(ZST)
    corpus = Corpus(path)

    with pytest.raises(InputError, match=r"damaged \.zst data after \d+ bytes of text: torn"):
        list(corpus)
    assert corpus.stats.lines == 5


def test_a_zip_archive_is_named_as_such(write: Write) -> None:
    with pytest.raises(InputError, match="this is a zip archive"):
        list(Corpus(write(b"PK\x03\x04rest")))


# Sources


def test_a_folder_stands_for_its_files_in_order_without_hidden_ones(write: Write, tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/y.txt", "c", ".hidden", "a/.git/config"):
        write(name, name)

    assert list(Corpus(tmp_path)) == ["b.txt", "c", "a/z.txt", "a/b/y.txt"]
    assert Corpus(str(tmp_path)).names == [
        os.path.join(tmp_path, name) for name in ("b.txt", "c", "a/z.txt", "a/b/y.txt")
    ]


def test_a_glob_stands_for_its_matches_in_order(write: Write, tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md", "sub/d.txt", "sub/deep/e.txt"):
        write(name, name)

    assert list(Corpus(f"{tmp_path}/*.txt")) == ["a.txt", "b.txt"]
    assert list(Corpus(f"{tmp_path}/s*")) == ["sub/d.txt", "sub/deep/e.txt"]
    assert sorted(Corpus(f"{tmp_path}/**/*.txt")) == ["a.txt", "b.txt", "sub/d.txt", "sub/deep/e.txt"]
    assert len(list(Corpus(f"{tmp_path}/**"))) == 5


def test_a_name_with_glob_signs_that_exists_is_a_file(write: Write, tmp_path: Path) -> None:
    path = write("括号", "[1].txt")

    assert list(Corpus(path)) == ["括号"]
    with pytest.raises(InputError, match="no such file"):
        Corpus(tmp_path / "*.txt")  # a path object is no pattern


def test_lists_of_sources_keep_their_order(write: Write, tmp_path: Path) -> None:
    paths = [write("二", "b/2"), write("一", "a/1")]

    assert list(Corpus([*paths, io.BytesIO("三".encode()), tmp_path / "a"])) == ["二", "一", "三", "一"]
    assert list(Corpus(iter(paths))) == ["二", "一"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO("甲\r\n乙\xff".encode("latin-1", "ignore") + b"\xff"))
    )
    corpus = Corpus("-", errors="replace")

    list(corpus)

    assert corpus.stats.first_bad is not None
    assert corpus.stats.first_bad.startswith("standard input:2:")
    assert len(list(corpus)) == 2  # this one can be rewound


def test_a_pipe_can_be_read_once_and_says_so() -> None:
    reader, writer = os.pipe()
    os.write(writer, TEXT.encode())
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        corpus = Corpus(file)
        assert list(corpus) == POEM
        with pytest.raises(InputError, match="can be read once"):
            list(corpus)
        assert not file.closed


def test_lines_of_a_pipe_come_before_it_ends() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        lines = iter(Corpus(file))
        os.write(writer, "第一行在这里\n第二".encode())
        assert next(lines) == "第一行在这里"
        os.write(writer, "行\n".encode())
        assert next(lines) == "第二行"
        os.close(writer)
        assert list(lines) == []


def test_an_open_file_is_read_from_where_it_stands_and_left_open(write: Write) -> None:
    with open(write(TEXT), "rb") as file:
        file.readline()
        corpus = Corpus(file)
        assert list(corpus) == POEM[1:]
        assert list(corpus) == POEM[1:]
        assert not file.closed


def test_files_are_closed_when_a_pass_is_left(write: Write) -> None:
    lines = iter(Corpus(write(TEXT)))
    next(lines)
    lines.close()  # type: ignore[attr-defined] # an unclosed file would warn, and warnings are errors here


@pytest.mark.parametrize("name", ["missing.txt", "folder/missing.txt", "", "nul\x00"])
def test_a_missing_file_is_named_at_once(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}" if name else ""
    with pytest.raises(InputError) as caught:
        Corpus(path)

    assert str(caught.value) == f"{path}: there is no such file or folder"


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="there are no files in this folder"):
        Corpus(tmp_path)


def test_a_glob_without_match_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\*\.txt: no file matches this pattern"):
        Corpus(f"{tmp_path}/*.txt")


def test_no_sources_at_all() -> None:
    with pytest.raises(InputError, match="no input: expected a file"):
        Corpus([])


def test_a_file_that_went_away_is_named(write: Write) -> None:
    path = write(TEXT)
    corpus = Corpus(path)
    os.remove(path)

    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(corpus)


def test_a_broken_link_in_a_folder_is_not_passed_over(write: Write, tmp_path: Path) -> None:
    write("一", "a.txt")
    os.symlink(tmp_path / "nowhere", tmp_path / "b.txt")

    with pytest.raises(InputError, match=r"b\.txt: cannot be read"):
        list(Corpus(tmp_path))


def test_an_error_while_reading_is_named() -> None:
    class Broken(io.RawIOBase):
        name = "disk"

        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="disk: cannot be read: Input/output error"):
        list(Corpus(Broken()))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [b"path", 3, None, io.StringIO("a"), ["a line of text", 5][1:]])
def test_what_is_no_source_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match="expected a path such as 'texts/'"):
        Corpus(source)  # type: ignore[arg-type]


def test_a_file_that_gives_str_is_a_type_error() -> None:
    class Odd:
        def read(self, size: int) -> str:
            return "text"

    with pytest.raises(TypeError, match="expected a file opened for bytes"):
        list(Corpus(Odd()))  # type: ignore[arg-type]


# Strings


def test_strings_are_handed_on_as_they_are() -> None:
    strings = ["甲\ud800乙", "\ufeff丙", "", "丁\n戊\r\n己\r", "\x00"]
    lines = ["甲\ud800乙", "\ufeff丙", "", "丁", "戊", "己", "\x00"]
    corpus = Corpus.from_strings(strings)

    assert list(corpus) == list(corpus) == lines
    assert corpus.sha256 == sha256_of(lines)
    assert corpus.stats[:4] == (1, len("\n".join(lines).encode("utf-8", "surrogatepass")) + 1, 7, 9)
    for size in (1, 2, 5, 1000):
        assert [line for block in corpus.blocks(size) for line in block.split("\n")] == lines


def test_no_strings() -> None:
    corpus = Corpus.from_strings([])

    assert list(corpus) == []
    assert corpus.stats.lines == 0
    assert corpus.stats.complete


def test_an_iterator_of_strings_can_be_read_once_and_says_so() -> None:
    corpus = Corpus.from_strings(iter(POEM))

    assert list(corpus) == POEM
    with pytest.raises(InputError, match="can be read once"):
        list(corpus)


@pytest.mark.parametrize(("strings", "message"), [("一个", "got one string"), ([b"x"], "string 0: expected a str")])
def test_other_things_than_strings(strings: list[str], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        list(Corpus.from_strings(strings))
