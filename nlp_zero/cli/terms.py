"""``graph``, ``keywords``, ``similar``, ``related``, ``contrast``, ``clusters``: the words of a text, their bonds."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, number_from, positive, probability, with_decoding, with_files, with_model, with_output
from .console import Console
from .streams import (
    batches,
    check_target,
    corpus_of,
    output,
    report_reading,
    text_argument,
    tokenizer_of,
    with_user_words,
)

if TYPE_CHECKING:
    from ..network.cooccurrence import Cooccurrence, Score
    from ..text.corpus import Corpus

# Those of nlp_zero.network, which is not imported to read a command line.
MEASURES = ("ppmi", "pmi", "llr", "count")
UNITS = ("window", "sentence", "document")
CONTRASTS = ("log_odds", "share", "g2")


def word_lists(corpus: Corpus, options: argparse.Namespace, console: Console) -> Iterator[list[str]]:
    """The lines of a text as lists of words, cut by the model or where their spaces are."""
    if options.segmented:
        for line in corpus:
            yield line.split()
    else:
        tokenizer = with_user_words(tokenizer_of(options.model), options)
        for lines in batches(corpus):
            yield from tokenizer.tokenize_lines(lines)
            console.progress("lines", corpus.stats.lines, 0)
    report_reading(corpus, console)


def pairs_of(options: argparse.Namespace, console: Console, **more: Any) -> Cooccurrence:
    """The counts of pairs of words in the files."""
    from ..network.cooccurrence import Cooccurrence

    pairs = Cooccurrence(
        word_lists(corpus_of(options), options, console),
        window=options.window,
        min_count=options.min_count,
        max_words=options.max_words,
        **more,
    )
    console.detail(f"{pairs.total:,} words, {len(pairs):,} of them kept, {len(pairs.columns):,} pairs")
    return pairs


def graph(options: argparse.Namespace, console: Console) -> None:
    """The graph of the words that meet."""
    if options.directed and options.unit != "window":
        options.usage(f"--directed: expected --unit window, where words have an order, got {options.unit}")
    check_target(options.output)
    pairs = pairs_of(options, console, unit=options.unit, directed=options.directed, min_pairs=options.min_pairs)
    found = pairs.graph(options.measure, smoothing=options.smoothing, least=options.least)
    if options.output not in (None, "-") and not options.output.endswith((".tsv", ".txt")):
        found.save(options.output)
    else:
        with output(options.output) as write:
            for source, target, weight in found.links():
                write(f"{source}\t{target}\t{weight!r}\n")
    console.note(f"{len(found):,} words, {len(found.sources):,} links by {options.measure}")


def keywords(options: argparse.Namespace, console: Console) -> None:
    """The words that tell most about a text, or about each line of it."""
    from ..network import keywords as room

    check_target(options.output)
    lists = word_lists(corpus_of(options), options, console)
    rows: Iterator[str]
    if options.each:
        rows = (" ".join(key.word for key in found) + "\n" for found in room.keywords_of_each(lists, options.limit))
    else:
        found = room.keywords(lists, options.limit, part=options.part, min_count=options.min_count)
        rows = _table(("word", "bits", "count"), ((key.word, f"{key.bits:.2f}", key.count) for key in found))
    with output(options.output) as write:
        for row in rows:
            write(row)


def similar(options: argparse.Namespace, console: Console) -> None:
    """The words of most similar profile."""
    from ..network.similarity import Profiles

    check_target(options.output)
    word = text_argument(options.word)
    profiles = Profiles(pairs_of(options, console), contexts=options.contexts, smoothing=options.smoothing)
    _write_scores(profiles.similar(word, options.limit, least=options.least), "cosine", options.output)


def related(options: argparse.Namespace, console: Console) -> None:
    """The words that a word calls to mind."""
    check_target(options.output)
    word = text_argument(options.word)
    pairs = pairs_of(options, console, min_pairs=options.min_pairs)
    _write_scores(pairs.related(word, options.limit, alpha=options.alpha), "nats", options.output)


def contrast(options: argparse.Namespace, console: Console) -> None:
    """The words that one text has and the other has not."""
    from ..network import contrast as room
    from ..network.terms import term_counts
    from ..text.corpus import Corpus

    check_target(options.output)

    def counts(path: str) -> dict[str, int]:
        corpus = Corpus([path], encoding=options.encoding, errors=options.errors)
        return term_counts(word_lists(corpus, options, console))

    found = room.contrast(
        counts(options.target),
        counts(options.reference),
        options.limit,
        measure=options.measure,
        prior=options.prior,
        min_count=options.min_count or 1,
        min_length=options.min_length,
    )
    rows = ((row.word, f"{row.score:.4f}", f"{row.target:g}", f"{row.reference:g}") for row in found)
    with output(options.output) as write:
        for line in _table(("word", options.measure, "target", "reference"), rows):
            write(line)


def clusters(options: argparse.Namespace, console: Console) -> None:
    """The words of a text by the company they keep."""
    from ..network.clusters import STRONGEST, cluster_words
    from ..network.similarity import Profiles

    check_target(options.output)
    profiles = Profiles(pairs_of(options, console), strongest=STRONGEST)

    def progress(done: int, total: int) -> None:
        console.progress("words", done, total)

    found = cluster_words(
        profiles,
        neighbours=options.neighbours,
        least=options.least,
        trials=options.trials,
        seed=options.seed,
        progress=progress,
    )
    shown = found.clusters[: options.limit]
    rows = ((c.count, len(c.words), " ".join(c.words[: options.members])) for c in shown)
    with output(options.output) as write:
        for line in _table(("count", "size", "words"), rows):
            write(line)
    console.note(found.describe())


def _table(head: tuple[str, ...], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Lines of a TSV with a header.

    >>> list(_table(("word", "bits"), [("茶", 2)]))
    ['word\\tbits\\n', '茶\\t2\\n']
    """
    yield "\t".join(head) + "\n"
    for row in rows:
        yield "\t".join(map(str, row)) + "\n"


def _write_scores(found: list[Score], name: str, path: str | None) -> None:
    with output(path) as write:
        for line in _table(("word", name), ((row.word, f"{row.score:.4f}") for row in found)):
            write(line)


# Grammar


def _bits(text: str) -> float:
    return number_from(text, 0.0, 1e12, "a number of at least 0, such as 1.5")


def _power(text: str) -> float:
    return number_from(text, 1e-6, 1.0, "a power above 0 and at most 1, such as 0.75")


def _alpha(text: str) -> float:
    return number_from(text, -10.0, 10.0, "a number from -10 to 10, such as 0.9")


def _words_of_prior(text: str) -> float:
    return number_from(text, 1e-6, 1e12, "a number of words above 0, such as 1000")


def _with_words(verb: argparse.ArgumentParser) -> None:
    with_model(verb)
    verb.add_argument("--segmented", action="store_true", help="the text has been cut: spaces stand between words")
    verb.add_argument(
        "--min-count", type=positive, metavar="N", help="leave out rarer words (default: 1, 2 or 5 by size of the text)"
    )


def _with_pairs(verb: argparse.ArgumentParser, max_words: int | None = None) -> None:
    verb.add_argument(
        "--window", type=positive, default=5, metavar="N", help="words that meet are so near (default: 5)"
    )
    most = "all" if max_words is None else f"{max_words:,}"
    verb.add_argument(
        "--max-words",
        type=positive,
        default=max_words,
        metavar="N",
        help=f"the most frequent words only (default: {most})",
    )


def _with_limit(verb: argparse.ArgumentParser, limit: int) -> None:
    verb.add_argument("--limit", type=positive, default=limit, metavar="N", help=f"the best N only (default: {limit})")


def _with_smoothing(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--smoothing", type=_power, default=0.75, metavar="P", help="power of the counts of contexts (default: 0.75)"
    )


def _with_min_pairs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--min-pairs", type=positive, default=1, metavar="N", help="leave out rarer pairs (default: 1)")


def add(verbs: Any) -> None:
    """Add the verbs of term networks."""
    text = (with_files, _with_words, with_output)
    verb = add_verb(
        verbs, "graph", graph, "the graph of the words that meet, for 'nlp-zero cluster'", *text, _with_pairs
    )
    verb.add_argument(
        "--measure", choices=MEASURES, default="ppmi", help="what the links weigh (default: ppmi, in bits)"
    )
    verb.add_argument("--unit", choices=UNITS, default="window", help="where words meet; a line is a document")
    verb.add_argument("--directed", action="store_true", help="who comes first counts")
    _with_smoothing(verb)
    _with_min_pairs(verb)
    verb.add_argument("--least", type=_bits, default=0.0, metavar="W", help="links above this weight only (default: 0)")

    verb = add_verb(verbs, "keywords", keywords, "the words that tell most about a text", *text)
    _with_limit(verb, 20)
    verb.add_argument(
        "--each", action="store_true", help="those of each line, against all of them, on a line of its own"
    )
    verb.add_argument(
        "--part", type=positive, default=1000, metavar="N", help="words of a part of the text (default: 1000)"
    )

    for name, run, purpose in (
        ("similar", similar, "the words that keep the same company as WORD"),
        ("related", related, "the words that WORD calls to mind"),
    ):
        verb = add_verb(verbs, name, run, purpose)
        verb.add_argument("word", metavar="WORD")
        for group in (*text, _with_pairs):
            group(verb)
        _with_limit(verb, 10)
        if name == "similar":
            verb.add_argument(
                "--contexts",
                type=positive,
                default=10_000,
                metavar="N",
                help="the most frequent words make the profiles: 10000 (default) by topic, 500 by kind of word",
            )
            _with_smoothing(verb)
            verb.add_argument("--least", type=probability, default=0.0, metavar="C", help="cosine (default: 0)")
        else:
            _with_min_pairs(verb)
            verb.add_argument(
                "--alpha",
                type=_alpha,
                default=0.9,
                metavar="A",
                help="0 for frequent words, 1 for rare ones (default: 0.9)",
            )

    verb = add_verb(verbs, "contrast", contrast, "the words that TARGET has and REFERENCE has not", _with_words)
    verb.add_argument("target", metavar="TARGET")
    verb.add_argument("reference", metavar="REFERENCE")
    with_decoding(verb)
    with_output(verb)
    _with_limit(verb, 50)
    verb.add_argument(
        "--measure", choices=CONTRASTS, default="log_odds", help="default: log_odds, in standard deviations"
    )
    verb.add_argument(
        "--prior",
        type=_words_of_prior,
        default=1000.0,
        metavar="N",
        help="words of the prior of log_odds (default: 1000)",
    )
    verb.add_argument(
        "--min-length", type=positive, default=1, metavar="N", help="leave out shorter words (default: 1)"
    )

    verb = add_verb(verbs, "clusters", clusters, "clusters of words that keep the same company", *text)
    _with_pairs(verb, 10_000)
    verb.add_argument("--neighbours", type=positive, default=10, metavar="N", help="links of each word (default: 10)")
    verb.add_argument(
        "--least", type=probability, default=0.0, metavar="C", help="no link below this cosine (default: 0)"
    )
    verb.add_argument("--limit", type=positive, metavar="N", help="the N most frequent clusters only (default: all)")
    verb.add_argument("--members", type=positive, metavar="N", help="show so many words of each (default: all)")
    verb.add_argument("--trials", type=positive, default=1, metavar="N", help="take the best of N (default: 1)")
    verb.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
