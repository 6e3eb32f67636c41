"""``count``, ``merge`` and ``subtract``: counts of n-grams in run files, which add up."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, folder, memory, model_file, positive, with_files
from .console import Console
from .streams import check_target, corpus_of, report_reading

if TYPE_CHECKING:
    from ..text.corpus import Corpus


SIEVE_COUNT = 10
"""From which --min-count on ``count`` sieves files that are larger than the memory it is given, where nobody says
otherwise. Below, a sieve costs as much time as it saves; text that fits has little to merge
(benchmarks/scale/sieve.py)."""


class _Blocks:
    """The blocks of a corpus, as often as they are asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __iter__(self) -> Iterator[str]:
        return self._corpus.blocks()


def _are_files(corpus: Corpus) -> bool:
    return bool(corpus.names) and all(map(os.path.isfile, corpus.names))


def _sieves(options: argparse.Namespace, corpus: Corpus) -> bool:
    """Whether to sieve: as it was said, else where it is faster."""
    if options.sieve and (options.min_count == 1 or options.approximate or not _are_files(corpus)):
        options.usage("--sieve: expected files, read twice, with --min-count 2 or more and without --approximate")
    if options.sieve is not None:
        return bool(options.sieve)
    if options.min_count < SIEVE_COUNT or options.approximate or not _are_files(corpus):
        return False
    return sum(map(os.path.getsize, corpus.names)) > int(options.memory)


def count(options: argparse.Namespace, console: Console) -> None:
    """Raw text in, a run file out."""
    from ..words.bounded import count_text

    check_target(options.output)
    started = time.perf_counter()
    corpus = corpus_of(options)
    sieve = _sieves(options, corpus)
    try:
        forgotten = count_text(
            _Blocks(corpus) if sieve else corpus.blocks(),
            options.output,
            max_length=options.max_length,
            memory=options.memory,
            folder=options.tmp,
            workers=options.workers,
            min_count=options.min_count,
            forget=options.approximate,
            sieve=sieve,
            progress=console.progress,
        )
    except ValueError as error:
        if type(error) is ValueError:  # not one of ours, which say more than a usage
            options.usage(str(error))
        raise
    report_reading(corpus, console)
    if options.approximate:
        console.note(f"approximate: every count is too low by at most {forgotten:,}, and none is too high")
    _report(options.output, started, console, corpus)


def _report(path: str, started: float, console: Console, corpus: Corpus | None = None) -> None:
    from ..words.runs import Run

    read = f"read {corpus.stats.characters:,} characters, " if corpus else ""
    with Run(path) as run:
        console.note(
            f"{read}wrote {path}: {run.rows:,} windows, {run.bytes:,} bytes, {time.perf_counter() - started:.1f} s"
        )


def merge(options: argparse.Namespace, console: Console) -> None:
    """The counts of all texts together."""
    from ..words.runs import merge_runs

    check_target(options.output)
    started = time.perf_counter()
    merge_runs(options.runs, options.output, folder=options.tmp, workers=options.workers, progress=console.progress)
    _report(options.output, started, console)


def subtract(options: argparse.Namespace, console: Console) -> None:
    """The counts of what the second text did not have, such as what is new this month."""
    from ..words.runs import subtract_runs

    check_target(options.output)
    started = time.perf_counter()
    subtract_runs(options.run_file, options.other, options.output)
    _report(options.output, started, console)


def with_spilling(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--tmp", type=folder, metavar="DIR", help="where temporary files go (default: as the system says)"
    )
    verb.add_argument(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="so many at a time; the result is the same (default: 1)",
    )


def with_run_output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--output", type=model_file, metavar="RUN", required=True, help="the run file to write")


def add(verbs: Any) -> None:
    """Add ``count``, ``merge`` and ``subtract``."""
    verb = add_verb(
        verbs, "count", count, "n-gram counts of any amount of text", with_files, with_run_output, with_spilling
    )
    verb.add_argument(
        "--max-length", type=positive, default=6, metavar="N", help="symbols of the longest n-gram, 1 to 8 (default: 6)"
    )
    verb.add_argument(
        "--memory",
        type=memory,
        default=memory("512M"),
        metavar="SIZE",
        help="memory to be used, such as 256M or 2G; the result is the same (default: 512M)",
    )
    verb.add_argument(
        "--min-count",
        type=positive,
        default=1,
        metavar="N",
        help="leave out what is rarer; the counts that stay are exact, the file a fraction (default: 1)",
    )
    verb.add_argument(
        "--sieve",
        action="store_true",
        default=None,
        help="with --min-count, of files: read them twice, and count no n-gram with a trigram that is rare: the same "
        "result by less temporary disk (default: where files are larger than --memory and --min-count is 10 or more)",
    )
    verb.add_argument(
        "--no-sieve", action="store_false", default=None, dest="sieve", help="read files once, whatever their size"
    )
    verb.add_argument(
        "--approximate",
        type=positive,
        nargs="?",
        const=1,
        default=0,
        metavar="N",
        help="forget what a batch has at most N times (default: 1): faster, less disk; says how far counts can be off",
    )
    verb = add_verb(verbs, "merge", merge, "the sum of run files", with_run_output, with_spilling)
    verb.add_argument("runs", nargs="+", metavar="RUN", help="files of 'nlp-zero count', all of one --max-length")
    verb = add_verb(verbs, "subtract", subtract, "what one run file holds beyond another", with_run_output)
    verb.add_argument("run_file", metavar="RUN", help="the counts of all text")
    verb.add_argument("other", metavar="OTHER", help="the counts of a part of it, to be left out")
