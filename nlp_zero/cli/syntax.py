"""``parse``: trees of sentences by templates and induced brackets."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, number_from, positive, with_files, with_model, with_output
from .console import Console
from .streams import check_target, corpus_of, output
from .terms import word_lists

if TYPE_CHECKING:
    from ..syntax.parser import Parser
    from ..syntax.tree import Tree

FORMATS = ("pretty", "brackets", "jsonl", "svg", "dot", "conllu")


def parse(options: argparse.Namespace, console: Console) -> None:
    """A tree, or the best few, for each line."""
    from ..syntax.tree import drawing

    check_target(options.output)
    parser = parser_of(options)
    console.detail(f"templates: {parser.grammar!r}")
    corpus = corpus_of(options)
    trees = _trees(parser, word_lists(corpus, options, console), options.nbest)
    with output(options.output) as write:
        if options.format == "svg":
            write(drawing(trees))
        else:
            shown = _FORMS[options.format]
            for tree in trees:
                write(shown(tree))
                console.progress("lines", corpus.stats.lines, 0)


def parser_of(options: argparse.Namespace) -> Parser:
    """The parser of a file of templates, with the brackets that the file has."""
    from ..errors import GrammarError
    from ..syntax.brackets import NULL_SCORE, BracketModel
    from ..syntax.grammar import Grammar
    from ..syntax.parser import Parser

    grammar = Grammar.load(options.templates)
    if grammar.brackets is None:
        return Parser(grammar, -20.0 if options.null_score is None else options.null_score, longest=options.longest)
    try:
        model = BracketModel.from_tables(grammar.brackets)
    except GrammarError as error:
        raise GrammarError(f"{options.templates}: {error}") from None
    null_score = NULL_SCORE if options.null_score is None else options.null_score
    return Parser(grammar, null_score, longest=options.longest, spans=model.gains)


def _trees(parser: Parser, sentences: Iterable[list[str]], count: int) -> Iterator[Tree]:
    for words in sentences:
        kept = [word for word in words if not word.isspace()]
        if count == 1:
            yield parser.parse(kept)
        else:
            yield from parser.nbest(kept, count)


def _brackets(tree: Tree) -> str:
    return (tree.brackets() if tree.words else "") + "\n"


def _pretty(tree: Tree) -> str:
    return f"# score {tree.score:.6f}\n{tree.pretty()}\n\n"


_FORMS: dict[str, Callable[[Tree], str]] = {
    "pretty": _pretty,
    "brackets": _brackets,
    "jsonl": lambda tree: tree.json() + "\n",
    "dot": lambda tree: tree.dot(),
    "conllu": lambda tree: tree.rows(),
}


def _null_score(text: str) -> float:
    return number_from(text, -1000.0, 0.0, "nats from -1000 to 0, such as -20")


def _longest(text: str) -> int:
    return int(number_from(text, 2, 512, "a number of words from 2 to 512, such as 64"))


def add(verbs: Any) -> None:
    """Add ``parse``."""
    verb = add_verb(
        verbs, "parse", parse, "trees of sentences, by templates of raw text", with_files, with_model, with_output
    )
    verb.add_argument("--templates", required=True, metavar="TSV", help="what `nlp-zero templates` wrote")
    verb.add_argument(
        "--segmented", action="store_true", help="the text has been cut: spaces stand between words, which are kept"
    )
    verb.add_argument(
        "--format",
        choices=FORMATS,
        default="pretty",
        help="pretty (default); brackets: one line a tree; jsonl, conllu: words and spans; dot, svg: drawings",
    )
    verb.add_argument("--nbest", type=positive, default=1, metavar="N", help="the best N trees of a line (default: 1)")
    verb.add_argument(
        "--null-score",
        type=_null_score,
        metavar="NATS",
        help="the price of each word or part that no template explains, after the first (default: -20, of a file with "
        "induced brackets -1; 0: brackets alone)",
    )
    verb.add_argument(
        "--longest",
        type=_longest,
        default=64,
        metavar="N",
        help="the most words of a chart; longer stretches between punctuation marks are cut (default: 64)",
    )
