"""The grammar of the command line: what more than one verb takes, and what a value must look like."""

from __future__ import annotations

import argparse
import codecs
import math
import os
import re
from collections.abc import Callable
from typing import Any

from .console import Console

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

STATUSES = """\
exit status: 0 done; 1 data or run error, in one line; 2 usage; 3 undecodable input under --errors strict;
130 stopped by Ctrl-C; 141 the reader of standard output left"""


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, such as 4, got {text!r}")
    return int(text)


def model_file(text: str) -> str:
    if text == "-":
        raise argparse.ArgumentTypeError("expected a file name, such as zh.model: a model is not text to print")
    return text


def granularity(text: str) -> float:
    """A share, as argparse wants it.

    >>> granularity("-0.1")
    -0.1
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -10 <= value <= 10:
        raise argparse.ArgumentTypeError(f"expected a share from -10 to 10, such as 0.1, got {text!r}")
    return value


def weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.inf
    if not abs(weight) <= 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of nats from -1e6 to 1e6, such as 2, got {text!r}")
    return weight


def probability(text: str) -> float:
    return number_from(text, 0.0, 1.0, "a probability from 0 to 1, such as 0.15")


def markov_time(text: str) -> float:
    return number_from(text, 1e-6, 1e6, "a number from 1e-6 to 1e6, such as 0.5")


def number_from(text: str, least: float, most: float, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return number


def memory(text: str) -> int:
    """A number of bytes, as argparse wants it.

    >>> memory("512M"), memory("2g"), memory("1.5G")
    (536870912, 2147483648, 1610612736)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"expected an amount of memory, such as 512M or 2G, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def folder(text: str) -> str:
    if not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"expected a folder, such as /var/tmp, got {text!r}")
    return text


def encoding(text: str) -> str:
    try:
        known = codecs.lookup(text)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        raise argparse.ArgumentTypeError(f"expected the name of an encoding, such as utf-8 or gb18030, got {text!r}")
    return text


class Parser(argparse.ArgumentParser):
    """Files may stand on both sides of an option: ``similar WORD --window 2 FILE``.

    Before Python 3.13 argparse takes WORD and no file, and does not know the FILE that follows the option.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        if isinstance(getattr(found, "files", None), list):
            late = [argument for argument in rest if argument == "-" or not argument.startswith("-")]
            found.files = [*found.files, *late]
            rest = [argument for argument in rest if argument not in late]
        return found, rest


def add_verb(
    verbs: Any,
    name: str,
    run: Callable[[argparse.Namespace, Console], None],
    purpose: str,
    *groups: Callable[[argparse.ArgumentParser], None],
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".", epilog=STATUSES, allow_abbrev=False
    )
    verb.set_defaults(run=run, usage=verb.error)
    loud = verb.add_mutually_exclusive_group()
    loud.add_argument("-q", "--quiet", action="store_true", help="no notes and no progress line on standard error")
    loud.add_argument("-v", "--verbose", action="store_true", help="more notes on standard error")
    verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for group in groups:
        group(verb)
    return verb


def with_files(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files, folders, quoted globs, - for standard input (the default); .gz .bz2 .xz .zst are unpacked",
    )
    with_decoding(verb)


def with_decoding(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--encoding", type=encoding, default="utf-8", metavar="NAME", help="default: utf-8")
    verb.add_argument(
        "--errors",
        choices=("strict", "replace", "skip"),
        default="strict",
        help="undecodable bytes: stop with status 3 (default), put U+FFFD, or leave them out; counted either way",
    )


def with_output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def with_model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "-m", "--model", metavar="MODEL", help="a model, or a lexicon in any known format (default: the built-in model)"
    )
    verb.add_argument(
        "-u", "--user", action="append", metavar="WORDS", help="a lexicon of your own words; may be repeated"
    )
    strength = verb.add_mutually_exclusive_group()
    strength.add_argument(
        "--weight", type=weight, metavar="W", help="nats by which such a word beats its best split (default: 1)"
    )
    strength.add_argument("--force", action="store_true", help="such words always come out whole")
