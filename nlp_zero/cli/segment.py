"""``cut`` and ``explain``: a text in the words of a model."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .arguments import add_verb, granularity, positive, with_files, with_model, with_output
from .console import Console
from .streams import (
    check_target,
    corpus_of,
    output,
    put,
    report_reading,
    text_argument,
    texts,
    tokenizer_of,
    with_user_words,
)


def cut(options: argparse.Namespace, console: Console) -> None:
    """Segment; every line stays one line."""
    from ..words.parallel import cut_blocks

    check_target(options.output)
    tokenizer = with_user_words(tokenizer_of(options.model), options)
    if options.granularity is not None:
        tokenizer = tokenizer.with_granularity(options.granularity)
    corpus = corpus_of(options)
    with output(options.output, "wb") as write:
        for text in cut_blocks(tokenizer, texts(corpus), options.delimiter, options.workers):
            write(text)
            console.progress("lines", corpus.stats.lines, 0)
    report_reading(corpus, console)


def explain(options: argparse.Namespace, console: Console) -> None:
    """Why a text is cut as it is."""
    tokenizer = with_user_words(tokenizer_of(options.model), options)
    word = None if options.word is None else text_argument(options.word)
    for argument in options.text:
        explanation = tokenizer.explain(text_argument(argument), word)
        if options.json:
            put(json.dumps(explanation.to_dict(), ensure_ascii=False) + "\n")
        else:
            put(f"{explanation}\n")


def add(verbs: Any) -> None:
    """Add ``cut`` and ``explain``."""
    verb = add_verb(verbs, "cut", cut, "segment text; lines are kept", with_files, with_model, with_output)
    verb.add_argument(
        "-d",
        "--delimiter",
        nargs="?",
        default=" ",
        const=" ",
        metavar="DELIM",
        help="what stands between two words (default: one space); taken out again, it leaves the line as it was",
    )
    verb.add_argument(
        "--granularity",
        type=granularity,
        metavar="G",
        help="how much longer words shall be than the learnt ones: 0.02 for 2 %% longer, -0.1 for 10 %% shorter",
    )

    verb.add_argument(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="so many at a time; the result is the same (default: 1)",
    )

    verb = add_verb(verbs, "explain", explain, "why a text is cut as it is", with_model)
    verb.add_argument("text", nargs="+", metavar="TEXT")
    verb.add_argument("--word", metavar="WORD", help="say why this word of the text won or lost, and what makes it win")
    verb.add_argument("--json", action="store_true", help="one JSON object a text")
