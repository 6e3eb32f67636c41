"""``templates``: templates, word classes and brackets of raw text; ``parse``: trees of sentences by them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, number_from, positive, with_files, with_model, with_output
from .console import Console
from .streams import check_target, corpus_of, output
from .terms import word_lists

if TYPE_CHECKING:
    from ..syntax.grammar import BracketTables
    from ..syntax.parser import Parser
    from ..syntax.templates import TemplateFinder
    from ..syntax.tree import Tree

FORMATS = ("pretty", "brackets", "jsonl", "svg", "dot", "conllu")


# Those of nlp_zero.syntax, which is not imported to read a command line.
MEASURES = ("pmi", "gain", "llr", "word_pmi")


def templates(options: argparse.Namespace, console: Console) -> None:
    """All that parsing needs, learnt from raw text in one reading."""
    from ..syntax.templates import Round, TemplateFinder

    check_target(options.output)
    finder = TemplateFinder(
        options.window,
        measure=options.measure,
        min_score=options.min_score,
        min_count=options.min_count,
        min_g2=options.min_g2,
        class_count=options.classes,
        rounds=options.rounds,
    )
    lists = _without_spaces(word_lists(corpus_of(options), options, console))
    if options.no_brackets:
        brackets = None
        finder.train(lists)
    else:
        brackets = _brackets_of(_counted(finder, lists), options.seed, console)
    console.detail(f"{finder!r}")
    alone = 0.0

    def progress(step: Round) -> None:
        nonlocal alone
        alone = alone or step.total
        kinds = f"{step.templates:,} templates, {step.classes:,} classes" if step.number else "words alone"
        console.note(
            f"round {step.number}: {kinds}: {step.total:,.0f} bits ({step.data:,.0f} for the text), "
            f"{100 * (step.total / alone - 1):+.2f} %"
        )

    grammar = finder.find(progress).with_brackets(brackets)
    with output(options.output) as write:
        for line in grammar.lines():
            write(line)
    console.note(f"{len(grammar):,} templates, {len(grammar.classes):,} classes")


def _without_spaces(lists: Iterable[list[str]]) -> Iterator[list[str]]:
    for words in lists:
        yield [word for word in words if not word.isspace()]


def _counted(finder: TemplateFinder, lists: Iterable[list[str]]) -> Iterator[list[str]]:
    """The same lists, which the finder reads as they pass."""
    for words in lists:
        finder.train((words,))
        yield words


def _brackets_of(lists: Iterator[list[str]], seed: int, console: Console) -> BracketTables | None:
    """The tables of brackets; None where the text is too short for any."""
    from ..errors import InputError
    from ..syntax.brackets import learn_brackets

    try:
        return learn_brackets(lists, seed=seed).to_tables()
    except InputError as error:
        for _ in lists:  # what is left of the text goes to the templates
            pass
        console.note(f"no brackets: {error}")
        return None


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
    from ..syntax.grammar import Grammar
    from ..syntax.joint import joint_parser

    grammar = Grammar.load(options.templates)
    if options.no_templates:
        if grammar.brackets is None:
            raise GrammarError(
                f"{options.templates}: --no-templates: expected a file with induced brackets, as nlp-zero templates "
                "writes it without --no-brackets, got one of templates alone"
            )
        grammar = Grammar(classes=grammar.classes, brackets=grammar.brackets)
    try:
        return joint_parser(grammar, options.null_score, longest=options.longest)
    except GrammarError as error:
        raise GrammarError(f"{options.templates}: {error}") from None


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


def _window(text: str) -> int:
    return int(number_from(text, 1, 16, "a number of words from 1 to 16, such as 5"))


def _score(text: str) -> float:
    return number_from(text, -1e6, 1e6, "a number from -1e6 to 1e6, such as 2")


def _g2(text: str) -> float:
    return number_from(text, 0.0, 1e9, "0 or more, such as 10.83")


def _classes(text: str) -> int:
    return int(number_from(text, 2, 1024, "a number from 2 to 1024, such as 64"))


def add(verbs: Any) -> None:
    """Add ``templates`` and ``parse``."""
    verb = add_verb(
        verbs,
        "templates",
        templates,
        "templates of sentences, word classes and brackets of raw text, as a table for parse",
        with_files,
        with_model,
        with_output,
    )
    verb.add_argument("--segmented", action="store_true", help="the text has been cut: spaces stand between words")
    verb.add_argument(
        "--window", type=_window, default=5, metavar="N", help="words a pair is apart at most (default: 5)"
    )
    verb.add_argument(
        "--measure",
        choices=MEASURES,
        default="pmi",
        help="of pairs: pmi (default), the gain of a merge, the log-likelihood ratio, pmi by counts of words",
    )
    verb.add_argument(
        "--min-score", type=_score, default=0.0, metavar="X", help="pairs whose measure is X or more (default: 0)"
    )
    verb.add_argument(
        "--min-count",
        type=positive,
        metavar="N",
        help="pairs that meet so often (default: 1, 2 or 5 as the text is long)",
    )
    verb.add_argument(
        "--min-g2", type=_g2, default=10.83, metavar="G", help="pairs surely bound: G2 of so much (default: 10.83)"
    )
    verb.add_argument("--classes", type=_classes, default=64, metavar="N", help="so many word classes (default: 64)")
    verb.add_argument(
        "--rounds", type=positive, default=3, metavar="N", help="stop after N rounds; 1 is without classes (default: 3)"
    )
    verb.add_argument("--no-brackets", action="store_true", help="templates and classes only")
    verb.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the sample that brackets are counted in (default: 0)"
    )

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
        "induced brackets 0)",
    )
    verb.add_argument("--no-templates", action="store_true", help="trees by the brackets of the file alone")
    verb.add_argument(
        "--longest",
        type=_longest,
        default=64,
        metavar="N",
        help="the most words of a chart; longer stretches between punctuation marks are cut (default: 64)",
    )
