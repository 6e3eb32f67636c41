"""The one model container, and the one way to write a file: whole or not at all.

A container holds a JSON header and named raw sections::

    8 bytes   the magic b"NLPZERO\\n"
    4 bytes   version of the format, little-endian
    4 bytes   length of the JSON text, little-endian, at most 16 MiB
    ...       JSON: {"header": ..., "kind": ..., "sections": [[name, type, count], ...]}
    ...       the sections one after another, each padded with zeros to a multiple of 8 bytes
    32 bytes  SHA-256 of everything before it

A section is bytes (type ``"bytes"``) or numbers of one :mod:`array` typecode, little-endian. Where a section stands
follows from the counts alone, so no offset in a file can point outside it, and the sum of the declared sizes must be
the size of the file before anything is read. Nothing in a container is ever executed. The same input gives the same
bytes: no times, no paths, names in order. A container that was packed by gzip is read as it is.

>>> import tempfile, os
>>> from array import array
>>> path = os.path.join(tempfile.mkdtemp(), "toy.model")
>>> save(path, "toy", {"words": 2}, {"counts": array("I", [3, 5]), "text": "研究生命".encode()})
>>> header, sections = load(path, "toy")
>>> header, list(sections["counts"]), str(sections["text"], "utf-8")
({'words': 2}, [3, 5], '研究生命')
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import stat
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple, TypeAlias

from .errors import ModelError

MAGIC = b"NLPZERO\n"
VERSION = 1
MAX_HEADER = 16 << 20

# Typecodes whose size is the same on every platform; "l", "L" and the character codes are not. "B" is plain bytes.
ITEM_SIZES = {"b": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8}

_PREFIX = struct.Struct("<8sII")
_ALIGNMENT = 8
_DIGEST = 32
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_EXPANSION = 100

BEGINNINGS = (MAGIC, _GZIP)
"""What a model file begins with; gzip may have packed it."""

Section: TypeAlias = "bytes | bytearray | memoryview | array[Any]"


class _Declared(NamedTuple):
    """A section as the header declares it."""

    name: str
    type: str
    items: int

    @property
    def size(self) -> int:
        """Bytes of content, without padding."""
        return self.items * ITEM_SIZES.get(self.type, 1)

    @property
    def stored(self) -> int:
        """Bytes in the file, with padding."""
        return self.size + -self.size % _ALIGNMENT


class _Opened(NamedTuple):
    """What stands before the sections, checked against the size of the file."""

    prefix: bytes
    kind: str
    header: dict[str, Any]
    sections: list[_Declared]


def save(path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], sections: Mapping[str, Section]) -> None:
    """Write a container of the given kind; the file appears whole or not at all.

    ``header`` is anything that JSON can hold (no NaN), ``sections`` are bytes or arrays (or views of them) with a
    typecode of :data:`ITEM_SIZES`. Raises TypeError or ValueError for what a container cannot hold, OSError when the
    file cannot be written.
    """
    declared: list[_Declared] = []
    contents: list[memoryview] = []
    for name, section in sorted(sections.items()):
        view = memoryview(section)
        typecode = _typecode(name, view)
        content = _little_endian(view, typecode)
        declared.append(_Declared(name, typecode, content.nbytes // ITEM_SIZES.get(typecode, 1)))
        contents.append(content)
    text = _encode({"header": dict(header), "kind": kind, "sections": declared})
    digest = hashlib.sha256()
    with atomic_writer(path, "wb") as file:

        def put(data: bytes | memoryview) -> None:
            digest.update(data)
            file.write(data)

        put(_PREFIX.pack(MAGIC, VERSION, len(text)) + text)
        for entry, content in zip(declared, contents, strict=True):
            put(content)
            put(bytes(entry.stored - entry.size))
        file.write(digest.digest())


def load(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """The header and the sections of a container; arrays come as views cast to their typecode.

    One read of the file and one SHA-256 over it; the views share that memory. Raises :class:`ModelError`, naming the
    file, for anything else than a whole container of this kind.
    """
    name = os.fspath(path)
    with _reading(name) as (file, size):
        opened = _open(name, file, size)
        if opened.kind != kind:
            raise ModelError(f"{name}: expected a file of kind {kind!r}, got kind {opened.kind!r}")
        body = file.read(size - len(opened.prefix))
    _check_digest(name, hashlib.sha256(opened.prefix), body[-_DIGEST:], [memoryview(body)[:-_DIGEST]])
    sections: dict[str, memoryview] = {}
    start = 0
    for entry in opened.sections:
        sections[entry.name] = _native(memoryview(body)[start : start + entry.size], entry.type)
        start += entry.stored
    return opened.header, sections


def peek(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a container is: its kind, header, sections and sizes; read in blocks, so that a large one costs no memory.

    The keys are ``kind``, ``format``, ``bytes``, ``sha256``, ``header`` and ``sections``, which gives for every name
    its type, count and bytes. The checksum is verified; raises :class:`ModelError` as :func:`load` does.
    """
    name = os.fspath(path)
    with _reading(name) as (file, size):
        opened = _open(name, file, size)
        digest = hashlib.sha256(opened.prefix)
        rest = size - len(opened.prefix) - _DIGEST
        while rest > 0:
            block = file.read(min(rest, _BLOCK))
            if not block:
                break
            digest.update(block)
            rest -= len(block)
        stored = file.read(_DIGEST)
    _check_digest(name, digest, stored, [])
    return {
        "kind": opened.kind,
        "format": VERSION,
        "bytes": size,
        "sha256": stored.hex(),
        "header": opened.header,
        "sections": {
            entry.name: {"type": entry.type, "count": entry.items, "bytes": entry.size} for entry in opened.sections
        },
    }


# Encoding ----------------------------------------------------------------------------------------------------------


def _typecode(name: object, view: memoryview) -> str:
    """The type of a section: ``"bytes"`` or a typecode of fixed size."""
    if not isinstance(name, str):
        raise TypeError(f"section names are str, such as 'counts', got {name!r}")
    if view.format == "B" and view.c_contiguous:
        return "bytes"
    if view.format not in ITEM_SIZES or view.itemsize != ITEM_SIZES[view.format] or not view.c_contiguous:
        raise TypeError(
            f"section {name!r}: expected bytes or an array of {', '.join(ITEM_SIZES)}, such as array('I'), "
            f"got items of format {view.format!r}"
        )
    return view.format


def _little_endian(view: memoryview, typecode: str) -> memoryview:
    """The content as plain bytes, numbers little-endian."""
    if sys.byteorder == "little" or typecode == "bytes" or not view.nbytes:
        return view.cast("B") if view.nbytes else memoryview(b"")
    swapped = array(typecode, view.tobytes())
    swapped.byteswap()
    return memoryview(swapped).cast("B")


def _native(view: memoryview, typecode: str) -> memoryview:
    """The reverse of :func:`_little_endian`."""
    if typecode == "bytes":
        return view
    if sys.byteorder == "little":
        return view.cast(typecode)  # type: ignore[call-overload, no-any-return]
    swapped = array(typecode, view.tobytes())
    swapped.byteswap()
    return memoryview(swapped)


def _encode(table: dict[str, Any]) -> bytes:
    """JSON in one spelling; a lone surrogate passes, a NaN does not."""
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_HEADER:
        raise ValueError(f"a header of {len(data):,} bytes: at most {MAX_HEADER:,}; put large things into sections")
    return data


# Decoding ----------------------------------------------------------------------------------------------------------


@contextmanager
def _reading(name: str) -> Iterator[tuple[IO[bytes], int]]:
    """A regular file and its size; any trouble of the system with it is a ModelError."""
    try:
        # Asked before opening: a pipe would wait for a writer, and a device has no size.
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise ModelError(f"{name}: expected a model file, got a folder, a pipe or a device")
        with open(name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if packed:
                data = _unpack(name, file.read())
                yield io.BytesIO(data), len(data)
            else:
                yield file, size
    except (OSError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ModelError(f"{name}: cannot be read: {reason}") from error


def _unpack(name: str, packed: bytes) -> bytes:
    """What gzip packed, if it is no more than :data:`_EXPANSION` times as large."""
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = reader.decompress(packed, _EXPANSION * len(packed))
    except zlib.error as error:
        raise ModelError(f"{name}: damaged: gzip cannot unpack it: {error}") from error
    if not reader.eof or reader.unused_data:
        raise ModelError(f"{name}: expected one whole model packed by gzip, got more or less")
    return data


def _open(name: str, file: IO[bytes], size: int) -> _Opened:
    """Read and check everything that stands before the sections."""
    start = file.read(_PREFIX.size)
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        raise ModelError(f"{name}: offset 0: expected a model of nlp-zero, which begins {MAGIC!r}, got {start[:8]!r}")
    if size < _PREFIX.size + _DIGEST or len(start) < _PREFIX.size:
        raise ModelError(f"{name}: expected at least {_PREFIX.size + _DIGEST} bytes, got {size}: the file is cut short")
    _, version, length = _PREFIX.unpack(start)
    if version != VERSION:
        raise ModelError(f"{name}: offset 8: expected format {VERSION}, got format {version} (a newer nlp-zero?)")
    if length > min(MAX_HEADER, size - _PREFIX.size - _DIGEST):
        raise ModelError(f"{name}: offset 12: a header of {length:,} bytes cannot stand in a file of {size:,}")
    text = file.read(length)
    opened = _parse(name, start + text, text)
    expected = len(opened.prefix) + sum(entry.stored for entry in opened.sections) + _DIGEST
    if expected != size:
        raise ModelError(f"{name}: expected {expected:,} bytes as its header declares, got {size:,}")
    return opened


def _parse(name: str, prefix: bytes, text: bytes) -> _Opened:
    """The JSON header, every part of it of the expected type."""
    try:
        # A list nested without end raises RecursionError, a number of 5,000 digits ValueError.
        table = json.loads(text.decode("utf-8", "surrogatepass"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: offset {_PREFIX.size}: the header is not JSON: {error}") from error
    match table:
        case {"kind": str(kind), "header": dict(header), "sections": list(rows), **rest} if not rest:
            sections = [_declared(name, row) for row in rows]
        case _:
            raise ModelError(f"{name}: offset {_PREFIX.size}: expected a header with kind, header and sections")
    if len({entry.name for entry in sections}) != len(sections):
        raise ModelError(f"{name}: offset {_PREFIX.size}: two sections have the same name")
    return _Opened(prefix, kind, header, sections)


def _declared(name: str, row: object) -> _Declared:
    match row:
        case [str(section), str(typecode), int(count)] if (
            (typecode == "bytes" or typecode in ITEM_SIZES) and count >= 0 and not isinstance(count, bool)
        ):
            return _Declared(section, typecode, count)
    shown = repr(row)
    raise ModelError(f"{name}: offset {_PREFIX.size}: expected a section such as ['counts', 'I', 42], got {shown[:80]}")


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _check_digest(name: str, digest: Any, stored: bytes, blocks: list[memoryview]) -> None:
    for block in blocks:
        digest.update(block)
    if digest.digest() != stored:
        raise ModelError(
            f"{name}: damaged: its SHA-256 is {digest.hexdigest()[:16]}..., it says {stored.hex()[:16]}..."
        )


# Writing whole files -----------------------------------------------------------------------------------------------

_DESCRIPTORS = "/proc/self/fd"


class _File(io.FileIO):
    """A raw file whose failing writes name the target, not nothing."""

    target: str

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.target
            raise


@contextmanager
def atomic_writer(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that replaces ``path`` when the block ends well, and leaves no trace when it does not.

    ``mode`` is ``"w"`` (UTF-8, line ends written as given) or ``"wb"``. The text goes to a file in the same folder
    without a name, which is gone if the program is killed, or a hidden one where the system knows no such thing; it is
    flushed to the disk, and takes the name in one step. The permissions of an old file stay, and a symbolic link keeps
    pointing at it. What is not a regular file (``/dev/null``, a named pipe) is written directly.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "words.txt")
    >>> with atomic_writer(path) as file:
    ...     _ = file.write("研究")
    >>> path.read_text(encoding="utf-8"), [child.name for child in path.parent.iterdir()]
    ('研究', ['words.txt'])
    """
    if mode not in ("w", "wb"):
        raise ValueError(f"mode: expected 'w' or 'wb', got {mode!r}")
    target = os.path.realpath(os.fspath(path))
    permissions = _permissions(target)
    if permissions is not None and not stat.S_ISREG(permissions):
        # Replacing a device by a file would break the machine: /dev/null must stay what it is.
        with _stream(os.open(target, os.O_WRONLY), target, mode) as direct:
            yield direct
        return
    descriptor, temporary = _create(target)
    try:
        with _stream(descriptor, target, mode) as file:
            yield file
            file.flush()
            os.fsync(descriptor)
            if permissions is not None:
                os.chmod(temporary, stat.S_IMODE(permissions))
            if temporary.startswith(_DESCRIPTORS):
                temporary = _named(temporary, target)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(target))


def _permissions(target: str) -> int | None:
    """The mode of the file that is there, None when there is none."""
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None


def _create(target: str) -> tuple[int, str]:
    """A new file in the folder of the target, with the permissions that any new file gets, and a path to it."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir(_DESCRIPTORS):
        with suppress(OSError):  # many file systems cannot
            descriptor = os.open(os.path.dirname(target), os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
            return descriptor, f"{_DESCRIPTORS}/{descriptor}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        temporary = _hidden(target)
        try:
            return os.open(temporary, flags, 0o666), temporary
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = target
            raise


def _hidden(target: str) -> str:
    """A name beside the target that is free but for a miracle."""
    return os.path.join(os.path.dirname(target), f".nlp-zero-{secrets.token_hex(8)}.tmp")


def _named(temporary: str, target: str) -> str:
    """Give a file without a name a hidden one: to take the place of another file it must have some, for a moment."""
    name = _hidden(target)
    folder = os.open(os.path.dirname(target), os.O_RDONLY)
    try:
        # With a folder given, Python asks for the link to be followed, as the path to a descriptor needs it.
        os.link(temporary, os.path.basename(name), dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
    return name


def _stream(descriptor: int, target: str, mode: str) -> IO[Any]:
    """A buffered file over a descriptor, text or bytes; closing it closes the descriptor."""
    raw = _File(descriptor, "wb")
    raw.target = target
    buffered = io.BufferedWriter(raw, 1 << 16)
    return buffered if mode == "wb" else io.TextIOWrapper(buffered, encoding="utf-8", newline="")


def _sync_folder(folder: str) -> None:
    """Make the new name survive a loss of power; where a folder cannot be opened (Windows) the system does without."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
