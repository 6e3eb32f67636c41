"""Streams of text: files, folders, globs, standard input, compressed or not, in any encoding, by lines or blocks.

A file is read in pieces of whole lines, each decoded in one call; line ends are looked at only where a ``\\r`` occurs.
So clean UTF-8 goes through at several hundred MB/s and in constant memory, but for a line longer than a block, which
comes whole. A line ends with ``\\n``, ``\\r\\n`` or ``\\r``, and with nothing else; a byte order mark at the start of a
file is dropped; every other character, NUL among them, is handed on as it stands.

>>> import os, tempfile
>>> path = os.path.join(tempfile.mkdtemp(), "toy.txt")
>>> with open(path, "wb") as file:
...     _ = file.write("大风起兮云飞扬\\r\\n威加海内兮归故乡\\n".encode("gb18030"))
>>> corpus = Corpus(path, encoding="gb18030")
>>> list(corpus)
['大风起兮云飞扬', '威加海内兮归故乡']
>>> corpus.stats.lines, corpus.stats.characters, corpus.stats.bytes
(2, 15, 33)
"""

from __future__ import annotations

import bz2
import codecs
import glob
import gzip
import hashlib
import io
import lzma
import os
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from operator import length_hint
from typing import IO, Any, NamedTuple, TypeAlias

from ..errors import DecodingError, InputError

__all__ = ["BLOCK", "Corpus", "Source", "Stats"]

BLOCK = 1 << 20
"""Bytes read at a time."""

Source: TypeAlias = "str | os.PathLike[str] | IO[bytes]"
"""A path, a folder, a glob, ``"-"`` for standard input, or a file opened for reading bytes."""

_Read: TypeAlias = Callable[[int], bytes]

_STANDARD_INPUT = "standard input"
_STRINGS = "strings"
_SUBSTITUTES = {"strict": "", "replace": "\ufffd", "skip": ""}
# The byte order mark that says big-endian.
_WIDE = {"utf-16": b"\xfe\xff", "utf-32": b"\x00\x00\xfe\xff"}


class Stats(NamedTuple):
    """What the latest pass over a corpus has read so far; whole when ``complete`` is true.

    ``lines`` and ``characters`` (line ends not counted) are those handed out to this moment; the others go on block
    by block.
    """

    files: int
    """Files begun."""
    bytes: int
    """Bytes of text, after decompression, line ends and byte order marks included."""
    lines: int
    characters: int
    bad_bytes: int
    """Bytes that were no text in the encoding: replaced or dropped."""
    bad_places: int
    """Sequences of bad bytes: with ``errors="replace"`` each became one U+FFFD."""
    skipped_lines: int
    """Lines left out: always 0, no line is dropped."""
    first_bad: str | None
    """``FILE:LINE:BYTE`` of the first bad byte: lines from 1, bytes of the decompressed file from 0."""
    complete: bool
    """Whether the pass came to its end."""


class Corpus:
    """Text to read, as often as wanted: iterating gives the lines, without their line ends, as :class:`str`.

    ``sources`` is one :data:`Source` or a list of them. A folder stands for the files in it and below, sorted by
    name; hidden ones are left out, links to folders not followed. ``.gz .bz2 .xz .zst`` are known by their first
    bytes, not by name. ``encoding`` is any that Python knows and that keeps line ends apart: ``"utf-8"``,
    ``"gb18030"``, ``"big5"``, ``"utf-16"`` (little-endian where no byte order mark says otherwise). ``errors`` says
    what to do with bytes that are no text: ``"strict"`` raises :class:`DecodingError` with file, line, byte and bytes;
    ``"replace"`` puts U+FFFD; ``"skip"`` drops them; both count them in :attr:`stats`. Nothing is ever guessed.

    Raises :class:`InputError` for a file that is missing or damaged, a folder without files, a glob without match.
    """

    def __init__(self, sources: Source | Iterable[Source], *, encoding: str = "utf-8", errors: str = "strict") -> None:
        if errors not in _SUBSTITUTES:
            raise ValueError(f"errors: expected 'strict', 'replace' or 'skip', got {errors!r}")
        self.errors = errors
        self.encoding = _known_encoding(encoding)
        self._sources = list(_resolve(sources))
        self._strings: Iterable[str] | None = None
        self._reading = _Reading()
        self._sha256: str | None = None

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> Corpus:
        """A corpus of strings that are in memory already: each is one line, or several where it holds line ends.

        The strings are handed on as they are, lone surrogates and leading U+FEFF included. An iterator can be read
        once; a list again and again.

        >>> corpus = Corpus.from_strings(["春眠不觉晓", "处处闻啼鸟\\n夜来风雨声"])
        >>> list(corpus), corpus.stats.lines
        (['春眠不觉晓', '处处闻啼鸟', '夜来风雨声'], 3)
        """
        if isinstance(strings, str):
            raise TypeError("expected a list of strings, such as ['春眠不觉晓', '处处闻啼鸟'], got one string")
        corpus = cls(io.BytesIO())
        corpus._sources, corpus._strings = [], strings
        return corpus

    def __iter__(self) -> Iterator[str]:
        """The lines, without their line ends."""
        reading = self._reading = _Reading()
        for block in self._blocks(reading, BLOCK, prompt=True):
            reading.lines_of_block = block.split("\n")
            reading.waiting = iter(reading.lines_of_block)
            yield from reading.waiting
        self._finish(reading)

    def blocks(self, size: int = BLOCK) -> Iterator[str]:
        """The same text in blocks of some ``size`` bytes: whole lines joined by ``"\\n"``, no line end at the end.

        ``block.split("\\n")`` are its lines; no block joins two files. The fast way to read.
        """
        if size < 1:
            raise ValueError(f"size: expected a number of bytes such as {BLOCK}, got {size!r}")
        reading = self._reading = _Reading()
        yield from self._blocks(reading, size, prompt=False)
        self._finish(reading)

    @property
    def stats(self) -> Stats:
        """The counts of the latest pass, as far as it went."""
        return self._reading.stats()

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the text as UTF-8, each line followed by ``\\n``; None before one pass came to its end.

        So it does not depend on encoding, compression, line ends, byte order marks or the cutting into files.

        >>> corpus = Corpus.from_strings(["一"])
        >>> corpus.sha256, len(list(corpus)), corpus.sha256[:8]
        (None, 1, '510a4160')
        """
        return self._sha256

    @property
    def place(self) -> tuple[str, int]:
        """The file that is being read, and how many of its lines the blocks up to now have held."""
        return self._reading.name, self._reading.file_lines

    @property
    def names(self) -> list[str]:
        """The names of the files, in the order of reading."""
        return [source.name for source in self._sources]

    def _finish(self, reading: _Reading) -> None:
        reading.complete = True
        self._sha256 = reading.digest.hexdigest()

    def _blocks(self, reading: _Reading, size: int, prompt: bool) -> Iterator[str]:
        """The blocks of a pass; a prompt one takes what a pipe has to give, and does not wait for a full block."""
        if self._strings is not None:
            yield from self._blocks_of_strings(reading, size)
        for source in self._sources:
            with source.open(prompt) as raw:
                reading.begin_file(source.name)
                text = _decompressed(source.name, raw)
                yield from _decoded(reading, text, size, self.encoding, self.errors)

    def _blocks_of_strings(self, reading: _Reading, size: int) -> Iterator[str]:
        assert self._strings is not None
        strings = iter(self._strings)
        if strings is self._strings:
            if isinstance(strings, _Spent):
                raise InputError(
                    "this corpus was made from an iterator, which can be read once; "
                    "give Corpus.from_strings a list to read it again"
                )
            self._strings = _Spent()
        reading.begin_file(_STRINGS)
        batch: list[str] = []
        held = 0
        for number, string in enumerate(strings):
            if not isinstance(string, str):
                raise TypeError(f"string {number}: expected a str, such as '春眠不觉晓', got {string!r}")
            batch.append(_without_last_end(_plain_line_ends(string)))
            held += len(string) + 1
            if held >= size:
                yield reading.take_text("\n".join(batch))
                batch.clear()
                held = 0
        if batch:
            yield reading.take_text("\n".join(batch))


class _Spent:
    """Stands for an iterator that was read."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raise StopIteration


# Counting -----------------------------------------------------------------------------------------------------------


class _Reading:
    """The state of one pass over a corpus."""

    def __init__(self) -> None:
        self.files = self.bytes = self.lines = self.characters = self.bad_bytes = self.bad_places = 0
        self.first_bad: str | None = None
        self.complete = False
        self.digest = hashlib.sha256()
        # The file that is read: its name, and the lines and bytes of it that lie behind.
        self.name = ""
        self.file_lines = self.file_bytes = 0
        # The block that is handed out line by line, and the iterator that knows how far it came.
        self.lines_of_block: list[str] = []
        self.waiting: Iterator[str] = iter(())

    def begin_file(self, name: str) -> None:
        self.files += 1
        self.name, self.file_lines, self.file_bytes = name, 0, 0

    def take_text(self, text: str, encoded: bytes | None = None) -> str:
        """Count a block of whole lines; ``encoded`` is the same text as UTF-8 when it is at hand."""
        if encoded is None:
            encoded = text.encode("utf-8", "surrogatepass")
        if self.name == _STRINGS:
            self.bytes += len(encoded) + 1
        self.digest.update(encoded)
        self.digest.update(b"\n")
        line_ends = text.count("\n")
        self.lines += line_ends + 1
        self.file_lines += line_ends + 1
        self.characters += len(text) - line_ends
        return text

    def stats(self) -> Stats:
        """The counts, less the lines of the block at hand that are not handed out yet."""
        left = length_hint(self.waiting)
        characters_left = sum(map(len, self.lines_of_block[-left:])) if left else 0
        return Stats(
            self.files,
            self.bytes,
            self.lines - left,
            self.characters - characters_left,
            self.bad_bytes,
            self.bad_places,
            0,
            self.first_bad,
            self.complete,
        )


# Decoding -----------------------------------------------------------------------------------------------------------


class _Damage(threading.local):
    """What the error handler below met in one call of ``decode``; one a thread."""

    substitute = ""
    places = 0
    bytes = 0
    first = -1


_damage = _Damage()


def _note_damage(error: UnicodeError) -> tuple[str, int]:
    """Error handler of the codecs: count, and go on.

    Decoding again after each error would copy the rest of the block every time, and so take quadratic time on a file
    that is not text at all; a handler is called within one decoding.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if not _damage.places:
        _damage.first = error.start
    _damage.places += 1
    _damage.bytes += error.end - error.start
    return _damage.substitute, error.end


codecs.register_error("nlp_zero.note_damage", _note_damage)


def _known_encoding(encoding: str) -> str:
    """The name of an encoding that can be read line by line; InputError for any other."""
    advice = "expected an encoding such as 'utf-8', 'gb18030', 'big5' or 'utf-16'"
    try:
        name = codecs.lookup(encoding).name
        if name in ("utf-8", "utf-8-sig"):
            return "utf-8"
        if name[:6] in _WIDE:
            return name
        if "\r\n".encode(name) == b"\r\n":
            return name
    except (LookupError, UnicodeError, TypeError, ValueError):
        raise InputError(f"{advice}, got {encoding!r}") from None
    raise InputError(f"{advice}, got {encoding!r}, which does not keep line ends as they are")


def _decoded(reading: _Reading, read: _Read, size: int, encoding: str, errors: str) -> Iterator[str]:
    """The text of one file in blocks of whole lines."""
    head = _read_ahead(read, 4)
    read = _Joined(head, read).read
    if encoding in _WIDE:
        encoding += "-be" if head.startswith(_WIDE[encoding]) else "-le"
    mark = _byte_order_mark(encoding)
    for piece in _pieces(read, size, "\n".encode(encoding), "\r".encode(encoding)):
        start = len(mark) if mark and not reading.file_bytes and piece.startswith(mark) else 0
        text = _decode_piece(reading, piece, start, encoding, errors) if start < len(piece) else None
        reading.bytes += len(piece)
        reading.file_bytes += len(piece)
        if text is not None:
            yield text


def _byte_order_mark(encoding: str) -> bytes:
    try:
        return "\ufeff".encode(encoding)
    except UnicodeError:
        return b""


def _pieces(read: _Read, size: int, newline: bytes, carriage_return: bytes) -> Iterator[bytes]:
    """The bytes of a file, cut after line ends: each piece some ``size`` bytes, or one longer line."""
    parts: list[bytes] = []
    held = 0
    while block := read(size):
        cut = _after_last(block, newline, len(block), held)
        if not cut:  # A return at the end of the block may be half of a line end.
            cut = _after_last(block, carriage_return, len(block) - len(newline), held)
        if cut:
            parts.append(block[:cut])
            yield b"".join(parts)
            parts, held = [block[cut:]], len(block) - cut
        else:
            parts.append(block)
            held += len(block)
    rest = b"".join(parts)
    if rest:
        yield rest


def _after_last(block: bytes, unit: bytes, end: int, before: int) -> int:
    """Where the last ``unit`` in ``block[:end]`` ends, 0 for none; the block stands ``before`` bytes into a piece."""
    while (found := block.rfind(unit, 0, max(end, 0))) >= 0:
        if (before + found) % len(unit) == 0:
            return found + len(unit)
        end = found + len(unit) - 1
    return 0


def _decode_piece(reading: _Reading, piece: bytes, start: int, encoding: str, errors: str) -> str:
    """A piece of whole lines from ``start`` on as text, counted, without its last line end."""
    newline = "\n".encode(encoding)
    ends = piece.endswith(newline) and (len(piece) - start) % len(newline) == 0
    body = piece[start : len(piece) - len(newline) if ends else len(piece)]
    _damage.places = _damage.bytes = 0
    _damage.substitute = _SUBSTITUTES[errors]
    try:
        text = body.decode(encoding, "strict" if errors == "strict" else "nlp_zero.note_damage")
    except UnicodeDecodeError as error:
        raise _decoding_error(reading, body, start, error, encoding) from None
    if _damage.places:
        if reading.first_bad is None:
            line, byte = _place(reading, body, start, _damage.first, encoding)
            reading.first_bad = f"{reading.name}:{line}:{byte}"
        reading.bad_places += _damage.places
        reading.bad_bytes += _damage.bytes
    if "\r" in text:
        return reading.take_text(_without_last_end(_plain_line_ends(text + "\n" if ends else text)))
    return reading.take_text(text, body if encoding == "utf-8" and not _damage.places else None)


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _without_last_end(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text


def _place(reading: _Reading, body: bytes, start: int, offset: int, encoding: str) -> tuple[int, int]:
    """Line (from 1) and byte (from 0) in the file of an offset in the piece that is being decoded."""
    before = _plain_line_ends(body[:offset].decode(encoding, "ignore"))
    return reading.file_lines + before.count("\n") + 1, reading.file_bytes + start + offset


def _decoding_error(
    reading: _Reading, body: bytes, start: int, error: UnicodeDecodeError, encoding: str
) -> DecodingError:
    line, byte = _place(reading, body, start, error.start, encoding)
    got = body[error.start : max(error.end, error.start + 4)].hex(" ")
    return DecodingError(
        f"{reading.name}: line {line}, byte {byte}: expected text in {encoding}, got the bytes {got} "
        f"({error.reason}){_likely(body, error.start, encoding)}"
    )


def _likely(body: bytes, offset: int, encoding: str) -> str:
    """A hint at the encoding that the bytes may have; it is for the reader, nothing is decoded by it."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "; this looks like utf-16"
    if not body[:offset].isascii():
        return ""  # Text in the stated encoding went before: the file is damaged rather than misnamed.
    for other in ("utf-8", "gb18030"):
        if other != encoding:
            try:
                body.decode(other)
            except UnicodeDecodeError:
                continue
            return f"; this could be {other}"
    return ""


# Opening ------------------------------------------------------------------------------------------------------------


class _Joined:
    """A readable file of the bytes that were read ahead and what follows them."""

    def __init__(self, head: bytes, read: _Read) -> None:
        self._head = head
        self._read = read

    def read(self, size: int) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head if len(head) == size else head + self._read(size - len(head))
        return self._read(size)


def _read_ahead(read: _Read, size: int) -> bytes:
    """The first ``size`` bytes, fewer only where the file is shorter (a pipe may give them one by one)."""
    head = b""
    while len(head) < size and (more := read(size - len(head))):
        head += more
    return head


def _decompressed(name: str, read: _Read) -> _Read:
    """Reading of the text in a file that may be compressed; the first bytes tell."""
    head = _read_ahead(read, 10)
    file: Any = _Joined(head, read)
    opened: Any
    damage: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error, lzma.LZMAError)
    if head.startswith(b"\x1f\x8b"):
        kind, opened = "gz", gzip.GzipFile(fileobj=file, mode="rb")
    elif head.startswith(b"BZh") and head[4:] in (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"):
        kind, opened = "bz2", bz2.BZ2File(file)
    elif head.startswith(b"\xfd7zXZ\x00"):
        kind, opened = "xz", lzma.LZMAFile(file)  # noqa: SIM115 (over a file that others close)
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        zstd = _zstd(name)
        kind, opened = "zst", zstd.ZstdFile(file)
        damage += (zstd.ZstdError,)
    elif head.startswith(b"PK\x03\x04"):
        raise InputError(f"{name}: this is a zip archive; unpack it, and give the folder or the files in it")
    else:
        return file.read  # type: ignore[no-any-return]
    done = 0

    def read_text(size: int) -> bytes:
        nonlocal done
        try:
            block: bytes = opened.read(size)
        except damage as error:
            reason = str(error) or type(error).__name__
            raise InputError(f"{name}: damaged .{kind} data after {done:,} bytes of text: {reason}") from None
        done += len(block)
        return block

    return read_text


def _zstd(name: str) -> Any:
    """The module that reads .zst: of the standard library from Python 3.14 on, or its backport."""
    for module in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(module)
        except ImportError:
            continue
    raise InputError(f"{name}: reading .zst needs Python 3.14, or the extra 'zstd': pip install 'nlp-zero[zstd]'")


class _File(NamedTuple):
    """A source that has a path."""

    name: str

    @contextmanager
    def open(self, prompt: bool) -> Iterator[_Read]:
        """Unbuffered, so that a pipe is always prompt."""
        try:
            file = open(self.name, "rb", buffering=0)  # noqa: SIM115 (closed below; only opening is guarded)
        except (OSError, ValueError) as error:
            raise _unreadable(self.name, error) from None
        with file:
            yield _guarded(self.name, file.read)


class _Handle:
    """A source that is open already: standard input (``file`` is None until it is read) or a file of the caller."""

    def __init__(self, name: str, file: IO[bytes] | None) -> None:
        self.name = name
        self._file = file
        self._start: int | None = None
        self._read_before = False

    @contextmanager
    def open(self, prompt: bool) -> Iterator[_Read]:
        """Start where the file stood at the first pass; it is left open."""
        file = self._file or getattr(sys.stdin, "buffer", None)
        if file is None:
            raise InputError(f"{self.name} is closed")
        try:
            if not self._read_before:
                seekable = getattr(file, "seekable", None)
                self._start = file.tell() if seekable and seekable() else None
            elif self._start is not None:
                file.seek(self._start)
        except (OSError, ValueError) as error:
            raise _unreadable(self.name, error) from None
        if self._read_before and self._start is None:
            raise InputError(f"{self.name} can be read once; name a file to read it again")
        self._read_before = True
        yield _guarded(self.name, getattr(file, "read1", file.read) if prompt else file.read)


def _guarded(name: str, read: Callable[[int], Any]) -> _Read:
    """The same reading, whose errors name the file."""

    def read_bytes(size: int) -> bytes:
        try:
            block = read(size)
        except (OSError, ValueError) as error:
            raise _unreadable(name, error) from None
        if not isinstance(block, bytes):
            got = "nothing yet" if block is None else type(block).__name__
            raise TypeError(f"{name}: expected a file opened for bytes, such as open(path, 'rb'), got {got}")
        return block

    return read_bytes


def _unreadable(name: str, error: Exception) -> InputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return InputError(f"{name}: cannot be read: {reason}")


def _resolve(sources: Source | Iterable[Source]) -> Iterator[_File | _Handle]:
    """The files that the sources stand for, in order."""
    if isinstance(sources, (str, os.PathLike)) or hasattr(sources, "read"):
        sources = [sources]  # type: ignore[list-item]
    elif isinstance(sources, bytes) or not isinstance(sources, Iterable):
        raise TypeError(f"expected a path such as 'texts/', a binary file, or a list of them, got {sources!r}")
    found = False
    for source in sources:
        found = True
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            if path == "-" and isinstance(source, str):
                yield _Handle(_STANDARD_INPUT, None)
            else:
                yield from map(_File, _files_of(path, is_pattern=isinstance(source, str)))
        elif isinstance(source, io.TextIOBase) or not hasattr(source, "read"):
            raise TypeError(
                f"expected a path such as 'texts/', or a file opened for bytes, such as open(path, 'rb'), "
                f"got {source!r} (for strings: Corpus.from_strings)"
            )
        else:
            name = getattr(source, "name", None)
            yield _Handle(name if isinstance(name, str) else "binary file", source)
    if not found:
        raise InputError("no input: expected a file, a folder, a glob such as 'texts/*.txt', or '-'")


def _files_of(path: str, is_pattern: bool) -> list[str]:
    """The files that a path stands for: itself, those of a folder, those of a glob."""
    if os.path.isdir(path):
        files = list(_files_below(path))
        if not files:
            raise InputError(f"{path}: there are no files in this folder")
        return files
    if os.path.lexists(path):
        return [path]
    if not is_pattern or not glob.has_magic(path):
        raise InputError(f"{path}: there is no such file or folder")
    files = []
    for match in sorted(glob.glob(path, recursive=True)):
        files.extend(_files_below(match) if os.path.isdir(match) else [match])
    if not files:
        raise InputError(f"{path}: no file matches this pattern")
    return list(dict.fromkeys(files))  # A folder and the files in it may both match.


def _files_below(folder: str) -> Iterator[str]:
    """The files in a folder and below, each folder sorted by name, hidden ones left out."""

    def fail(error: OSError) -> None:
        raise _unreadable(error.filename or folder, error)

    for here, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(here, name)
            if not name.startswith(".") and (os.path.isfile(path) or os.path.islink(path)):
                yield path
