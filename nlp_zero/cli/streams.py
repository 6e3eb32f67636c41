"""What comes in, and where results go."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from .console import Console

if TYPE_CHECKING:
    from ..text.corpus import Corpus
    from ..words.tokenizer import Tokenizer

# Characters segmented in one call: a batch costs less than its lines one by one, and bounds the memory.
BATCH = 1 << 18

Write: TypeAlias = "Callable[[str], object]"


def put(text: str | bytes) -> None:
    """Write to standard output, bytes of UTF-8 as they are; an error names it."""
    if sys.stdout is None:
        raise OSError(9, "it is closed", "standard output")
    try:
        if isinstance(text, str):
            sys.stdout.write(text)
        elif (raw := getattr(sys.stdout, "buffer", None)) is not None:
            sys.stdout.flush()
            raw.write(text)
        else:  # a stream of text alone, in the place of standard output
            sys.stdout.write(text.decode())
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def fact_lines(facts: Mapping[str, object]) -> str:
    """A name and a value by line.

    >>> fact_lines({"kind": "lexicon", "words": 7, "methods": ["bayes"]})
    'kind\\tlexicon\\nwords\\t7\\nmethods\\t["bayes"]\\n'
    """
    return "".join(
        f"{name}\t{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\n"
        for name, value in facts.items()
    )


def flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def abandon_output() -> None:
    """Send what is still in the buffer nowhere, so that the interpreter does not fail on it as it leaves."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


@contextmanager
def output(path: str | None, mode: str = "w") -> Iterator[Callable[[Any], object]]:
    """Standard output for None and ``-``; any other file appears whole or not at all. Text, or bytes with mode "wb"."""
    from ..storage import atomic_writer

    if path is None or path == "-":
        yield put
        flush()
    else:
        with atomic_writer(path, mode) as file:
            yield file.write


def check_target(path: str | None) -> None:
    """Complain before the work, not after it, when its result could not be written."""
    from ..errors import InputError

    if path is None or path == "-":
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise InputError(f"{path}: expected the name of a file to write, got a folder")
    if not os.path.isdir(folder):
        raise InputError(f"{path}: cannot be written, there is no folder {folder!r}")
    if not os.path.exists(path) and not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written, no permission in the folder {folder!r}")


def corpus_of(options: argparse.Namespace) -> Corpus:
    from ..text.corpus import Corpus

    return Corpus(options.files or ["-"], encoding=options.encoding, errors=options.errors)


def report_reading(corpus: Corpus, console: Console) -> None:
    """Undecodable bytes that were replaced or dropped are never passed over in silence."""
    stats = corpus.stats
    if stats.bad_bytes:
        done = "dropped" if corpus.errors == "skip" else "replaced"
        console.note(f"{stats.bad_bytes:,} undecodable bytes {done}, the first at {stats.first_bad}")
    console.detail(
        f"read {stats.files:,} files, {stats.bytes:,} bytes, {stats.lines:,} lines, {stats.characters:,} characters"
    )


def tokenizer_of(path: str | None) -> Tokenizer:
    """A tokenizer from a model file, or from a lexicon in any format that is known; None: the built-in one."""
    from ..errors import LexiconError
    from ..words.lexicon import Lexicon
    from ..words.tokenizer import Tokenizer

    if path is None:
        return Tokenizer()
    if is_model(path):
        return Tokenizer.load(path)
    lexicon = Lexicon.load(path)
    if not len(lexicon):
        raise LexiconError(f"{path}: expected a model or a lexicon, got a file without words")
    return Tokenizer(lexicon)


def is_model(path: str) -> bool:
    """Whether a file begins as a model does; whether it is whole, loading it will tell."""
    from ..storage import BEGINNINGS

    if os.path.exists(path) and not os.path.isfile(path):
        return False  # the first bytes of a pipe could not be read again
    with open(path, "rb") as file:
        return file.read(8).startswith(BEGINNINGS)


def with_user_words(tokenizer: Tokenizer, options: argparse.Namespace) -> Tokenizer:
    from ..words.lexicon import Lexicon

    for path in options.user or ():
        words = Lexicon.load(path)
        if options.force:
            tokenizer = tokenizer.with_words(words, force=True)
        elif options.weight is not None:
            tokenizer = tokenizer.with_words(words, weight=options.weight)
        else:
            tokenizer = tokenizer.with_words(words)
    return tokenizer


def text_argument(argument: str) -> str:
    """The text of an argument, whatever bytes the shell handed over."""
    from ..errors import DecodingError

    raw = os.fsencode(argument)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodingError(
            f"TEXT: expected UTF-8, got the byte 0x{raw[error.start]:02x} at byte offset {error.start}"
        ) from None


def texts(corpus: Corpus) -> Iterator[str]:
    """The lines of a corpus in its fast way of reading: texts of some BATCH characters, small files together in one.

    >>> from nlp_zero.text.corpus import Corpus
    >>> [len(text) for text in texts(Corpus.from_strings(["字" * 100_000] * 17))]
    [800007, 800007, 100000]
    """
    held: list[str] = []
    size = 0
    for block in corpus.blocks(3 * BATCH):  # bytes
        held.append(block)
        size += len(block) + 1
        if size >= BATCH // 2:
            yield "\n".join(held)
            held, size = [], 0
    if held:
        yield "\n".join(held)


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lists of lines of some BATCH characters each.

    >>> [len(batch) for batch in batches(["字" * 100_000] * 7)]
    [3, 3, 1]
    """
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line) + 1
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
