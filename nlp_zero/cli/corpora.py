"""``corpus``: public corpora and clean text."""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterable
from typing import Any

from .arguments import add_verb, with_files, with_output
from .console import Console
from .streams import batches, check_target, corpus_of, output, put, report_reading


def list_corpora(options: argparse.Namespace, console: Console) -> None:
    """The public corpora that can be fetched."""
    from ..text.fetch import RECIPES

    put("name\tbytes\ttitle\tlicence\tsource\n")
    for recipe in RECIPES.values():
        size = "" if recipe.size is None else recipe.size
        put(f"{recipe.name}\t{size}\t{recipe.title}\t{recipe.licence}\t{recipe.source}\n")


def fetch_corpus(options: argparse.Namespace, console: Console) -> None:
    """Download one public corpus; an interrupted download goes on where it stopped."""
    from ..text.fetch import RECIPES, fetch

    def progress(done: int, total: int) -> None:
        console.progress("bytes", done, total)

    path = fetch(options.name, options.output, url=options.url, progress=progress)
    recipe = RECIPES[options.name]
    console.note(f"{path}: {os.path.getsize(path):,} bytes; licence: {recipe.licence}")
    console.note(f"{path}: {recipe.notes}")


def make_corpus(options: argparse.Namespace, console: Console) -> None:
    """One clean text of many files: UTF-8, gold text without its spaces, lines in an order that a seed gives."""
    check_target(options.output)
    corpus = corpus_of(options)
    lines: Iterable[str] = ("".join(line.split()) for line in corpus) if options.unsegment else corpus
    if options.shuffle:
        lines = list(lines)
        random.Random(options.seed).shuffle(lines)
    with output(options.output) as write:
        for batch in batches(lines):
            write("".join(line + "\n" for line in batch))
            console.progress("lines", corpus.stats.lines, 0)
    report_reading(corpus, console)


def add(verbs: Any) -> None:
    """Add ``corpus list``, ``corpus fetch`` and ``corpus make``."""
    verb = verbs.add_parser("corpus", help="public corpora and clean text", allow_abbrev=False)
    corpus = verb.add_subparsers(title="verbs", metavar="VERB", required=True)
    add_verb(corpus, "list", list_corpora, "public corpora that can be fetched")
    verb = add_verb(corpus, "fetch", fetch_corpus, "download one, checked and resumable")
    verb.add_argument("name", metavar="NAME", help="as printed by 'nlp-zero corpus list'")
    verb.add_argument("-o", "--output", metavar="FILE", help="default: the file's own name, in this folder")
    verb.add_argument("--url", metavar="URL", help="another place of the same file, such as a mirror")
    verb = add_verb(corpus, "make", make_corpus, "one clean text of many files", with_files, with_output)
    verb.add_argument("--unsegment", action="store_true", help="take the spaces of a segmented text out")
    verb.add_argument("--shuffle", action="store_true", help="put the lines in an order that --seed gives")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
