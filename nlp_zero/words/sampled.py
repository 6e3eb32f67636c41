"""Learning on more text than memory: all of it is counted, a sample of its lines is modelled.

The Bayesian model holds its text in memory, some 70 bytes a character. Where the text is larger than that, it is read
twice: once to count its n-grams under the cap (:mod:`nlp_zero.words.bounded`), whose words go into the model as known
beforehand with the counts they have in all of the text; and once to draw the lines that the model is sampled from. A
line is drawn by a checksum of its characters: the same lines whatever their order, and all copies of one or none.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import InputError
from ..text.corpus import Corpus
from .bounded import count_text
from .discovery import WordFinder
from .frequent import words_of_run
from .runs import Run
from .symbols import is_shape

__all__ = ["capacity", "known_words", "sample_lines", "train_sampled"]

LEAST_COUNT = 20
"""Occurrences from which on a word of the counts is known to the model. With the words of 10 MB and a fifth of its
lines the mean F1 on the tails of PKU and MSR and on UD dev is .790, with the lines alone .760, with all lines .791
(benchmarks/scale/sampled.py)."""

_BYTES = 90  # of the Bayesian model, by character
_WORD = 2000  # of memory, for each word that is known: on the way to its lexicon, and in the model
_BASE = 80 << 20  # what does not grow with the text

Progress = Callable[[str, int, int], None]


def capacity(memory: int) -> int:
    """Characters of text that the Bayesian model can hold in so many bytes; InputError if that is next to nothing.

    >>> capacity(512 << 20)
    5033164
    """
    if memory < 2 * _BASE:
        raise InputError(f"memory: expected at least {2 * _BASE >> 20} MB to learn in, got {memory >> 20} MB")
    return (memory - _BASE) // _BYTES


def sample_lines(blocks: Iterable[str], rate: float) -> Iterator[str]:
    """The share ``rate`` of the lines, by checksum.

    >>> lines = [f"第{number}行" for number in range(1000)]
    >>> sample = list(sample_lines(lines, 0.25))
    >>> len(sample), sample == list(sample_lines(["\\n".join(lines)], 0.25))
    (256, True)
    """
    limit = int(rate * 2**32)
    for block in blocks:
        for line in block.split("\n"):
            if zlib.crc32(line.encode("utf-8", "surrogatepass")) < limit:
                yield line


def known_words(corpus: Corpus, memory: int, folder: str | None, workers: int, progress: Progress) -> dict[str, int]:
    """The words of all the text, by its counts alone, and how often each stands there; the most frequent that fit."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="nlp-zero-") as place:
        path = os.path.join(place, "counts.run")
        count_text(
            corpus.blocks(), path, max_length=4, memory=memory, folder=folder, workers=workers, progress=progress
        )
        with Run(path) as run:
            lexicon = words_of_run(run, LEAST_COUNT)
    words = [e for e in lexicon.entries() if len(e.word) > 1 and not is_shape(e.word)]
    words.sort(key=lambda entry: (-entry.count, entry.word))
    return {entry.word: entry.count for entry in words[: memory // _WORD]}


def train_sampled(
    corpus: Corpus,
    memory: int,
    *,
    folder: str | None = None,
    workers: int = 1,
    progress: Progress = lambda stage, done, total: None,
    **options: Any,
) -> tuple[WordFinder, float]:
    """A finder of method ``bayes`` that has read as much of a text as ``memory`` bytes allow, and the share that it is.

    Text that fits is read as ever, with the same result. ``options`` are those of the finder. InputError
    for text that cannot be read twice: standard input, iterators.
    """
    room = capacity(memory)
    if not corpus.names or not all(map(os.path.isfile, corpus.names)):
        raise InputError("--memory: expected files, which are read twice, got standard input")
    size = sum(len(block) for block in corpus.blocks())
    if size <= room:
        return WordFinder("bayes", workers=workers, **options).train(corpus, progress=progress), 1.0
    known = known_words(corpus, memory, folder, workers, progress)
    known.update(options.pop("prior", None) or {})
    finder = WordFinder("bayes", workers=workers, prior=known, **options)
    finder.train(sample_lines(corpus.blocks(), room / size), progress=progress)
    return finder, room / size
