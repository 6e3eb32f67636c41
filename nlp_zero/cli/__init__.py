"""The command line: argparse, thin, one module a room, one function a verb.

What the library returns or raises becomes text and a status. Results go to standard output (always UTF-8) or to the
file of ``-o``, which appears whole or not at all. Everything else, notes, errors, a progress line while it is a
terminal, goes to standard error. The exit status says how it ended: 0 done; 1 data or run error, in one line; 2 usage;
3 undecodable input under ``--errors strict``; 130 stopped by Ctrl-C; 141 the reader of standard output left (quiet).

The rooms of the library are imported inside the verbs: ``nlp-zero --help`` does not wait for them, and a Ctrl-C or a
missing engine while they load ends as it should. A module here adds its verbs by its function ``add``.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from . import corpora, counts, files, network, scoring, segment, syntax, tagging, terms, words
from .arguments import STATUSES, Parser
from .console import Console
from .streams import abandon_output, flush, put

__all__ = ["main"]

OK, ERROR, USAGE, UNDECODABLE, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 3, 130, 141


class _Version(argparse.Action):
    """Say which version and which engine run, and why that engine."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> NoReturn:
        from .. import __version__
        from ..kernels import backend

        wish = os.environ.get("NLP_ZERO_PURE")
        if wish in ("0", "1"):
            reason = f"NLP_ZERO_PURE={wish} asks for it"
        elif backend == "c":
            reason = "built for this Python; NLP_ZERO_PURE=1 would take python"
        else:
            reason = "the C kernels were not built here; same results, slower"
        put(f"nlp-zero {__version__}, engine: {backend} ({reason})\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="nlp-zero",
        description="Raw Chinese text in; words, a model and a segmentation out. No dictionary, no labelled text.",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version and the engine, and why that engine"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for room in (words, segment, scoring, tagging, counts, network, terms, syntax, files, corpora):
        room.add(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status and lets nothing through but a bug under ``--debug``.

    >>> main(["info", "no such file"])
    1
    """
    for stream in (sys.stdout, sys.stderr):
        # UTF-8 whatever the locale says; a lone surrogate is shown as an escape.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    console = Console()
    debug = False
    try:
        options = _parser().parse_args(argv)
        debug = options.debug
        console = Console(options.quiet, options.verbose)
        options.run(options, console)
        flush()
        return OK
    except SystemExit as leaving:  # from argparse, which has said what it had to say
        return _ending(leaving, console)
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            console.clear()
            traceback.print_exc()
        return _ending(error, console)
    finally:
        console.clear()


def _ending(error: BaseException, console: Console) -> int:
    """The exit status of what was raised, said in one line where there is something to say."""
    from ..errors import DecodingError, NlpZeroError

    if isinstance(error, SystemExit):
        try:
            flush()
        except OSError as closed:
            return _ending(closed, console)
        return error.code if isinstance(error.code, int) else OK
    abandon_output()
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    if isinstance(error, NlpZeroError | ImportError):
        console.error(str(error))
    elif isinstance(error, OSError):
        console.error(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
    elif isinstance(error, UnicodeEncodeError):
        console.error(f"cannot be written as UTF-8: {error.object[error.start]!a} is a lone surrogate")
    elif isinstance(error, MemoryError):
        console.error("out of memory")
    else:
        console.error(f"internal error, {type(error).__name__}: {error} (--debug shows where)")
    return UNDECODABLE if isinstance(error, DecodingError) else ERROR
