"""``learn`` and ``words``: raw text in, a model or its best words out."""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, folder, memory, model_file, positive, with_files, with_output
from .console import Console
from .streams import check_target, corpus_of, fact_lines, output, put, report_reading, tokenizer_of

if TYPE_CHECKING:
    from ..text.corpus import Corpus
    from ..words.discovery import WordFinder
    from ..words.lexicon import Lexicon
    from ..words.tokenizer import Tokenizer

# What sampling takes in pure Python, for each symbol and chain, on a processor of 2020 (benchmarks/segmentation).
PURE_SECONDS = 0.0005

# Those of nlp_zero.words.discovery, which is not imported to read a command line.
METHODS = ("entropy", "bayes", "pmi", "cohesion")


def learn(options: argparse.Namespace, console: Console) -> None:
    """Raw text in, a model out."""
    check_target(options.output)
    started = time.perf_counter()
    finder, corpus = _train_sampled(options, console) if options.memory else _train(options, console)
    _say_how_long(finder, console)
    lexicon = finder.find(progress=console.progress)
    model = finder.tokenizer()
    if options.gold:
        model = _tuned(model, options.gold, console)
    model.save(options.output)
    _summarize(finder, lexicon, corpus, console)
    if options.explain_settings:
        facts = {"symbols": finder.symbols, **finder.observations, **finder.settings}
        put(fact_lines(facts))
    size = os.path.getsize(options.output)
    console.note(f"wrote {options.output}: {size:,} bytes, {time.perf_counter() - started:.1f} s")
    if options.show:
        lines = table(without_shapes(lexicon), "tsv", options.show)
        put("".join(dropwhile(lambda line: line.startswith("#"), lines)))


def _say_how_long(finder: WordFinder, console: Console) -> None:
    """In pure Python sampling takes long: say so before it begins."""
    from ..kernels import backend

    seconds = finder.symbols * finder.chains * PURE_SECONDS
    if finder.method == "bayes" and backend == "python" and seconds > 20:
        long = f"{seconds:,.0f} s" if seconds < 180 else f"{seconds / 60:,.0f} minutes"
        console.note(f"the pure-Python engine will take about {long}; with the C kernels it is a fortieth of that")


def _tuned(model: Tokenizer, path: str, console: Console) -> Tokenizer:
    """The model at the granularity that suits a few segmented lines best."""
    from ..errors import InputError
    from ..evaluation import best_granularity
    from ..text.corpus import Corpus

    gold = [line.split() for line in Corpus(path) if not line.isspace() and line]
    if not gold:
        raise InputError(f"{path}: expected lines of words separated by spaces, got none")

    def cut(lines: list[str], granularity: float) -> list[list[str]]:
        return model.with_granularity(granularity).tokenize_lines(lines)

    granularity, scores = best_granularity(cut, gold)
    tried = ", ".join(f"{step:+.2f} {f1:.3f}" for step, f1 in scores.items())
    console.note(f"semi-supervised: granularity {granularity:+.2f} chosen by {len(gold):,} gold lines; F1 {tried}")
    return model.with_granularity(granularity)


def words(options: argparse.Namespace, console: Console) -> None:
    """Ranked words with their evidence."""
    from ..words.lexicon import Lexicon
    from ..words.runs import is_run

    if options.examples and options.format not in ("tsv", "jsonl"):
        options.usage(f"--examples: expected --format tsv or jsonl, got {options.format}")
    check_target(options.output)
    known = Lexicon.load(options.known) if options.known else None
    if len(options.files) == 1 and is_run(options.files[0]):
        _words_of_run(options, known, console)
        return
    finder, corpus = _train(options, console)
    lexicon = finder.find(known, progress=console.progress)
    if not options.shapes:
        lexicon = without_shapes(lexicon)
    if options.output:
        _summarize(finder, lexicon, corpus, console)
    else:
        for note in finder.notes:
            console.note(note)
    lines = table(lexicon, options.format, options.limit)
    if options.examples:
        lines = _with_examples(lines, lexicon, options.format, lambda word: finder.examples(word, options.examples))
    with output(options.output) as write:
        write("".join(lines))


def _words_of_run(options: argparse.Namespace, known: Lexicon | None, console: Console) -> None:
    """The same from a file of counts, without its text."""
    from ..words.frequent import words_of_run
    from ..words.runs import Run

    if options.examples:
        options.usage("--examples: expected text, got a file of counts, which has no contexts")
    with Run(options.files[0]) as run:
        lexicon = words_of_run(run.check(), options.min_count, options.max_length)
    if known is not None:
        lexicon = lexicon.subtract(known)
    if not options.shapes:
        lexicon = without_shapes(lexicon)
    settings = ", ".join(f"{name} {_number(value)}" for name, value in lexicon.provenance.items())
    console.note(f"found {len(lexicon):,} words; {settings}")
    with output(options.output) as write:
        for line in table(lexicon, options.format, options.limit):
            write(line)


def without_shapes(lexicon: Lexicon) -> Lexicon:
    """The words that a reader can read: "any number + 元" is for the tokenizer."""
    from ..words.symbols import is_shape

    return lexicon.subtract(list(filter(is_shape, lexicon)))


def _train(options: argparse.Namespace, console: Console) -> tuple[WordFinder, Corpus]:
    from ..words.discovery import WordFinder

    try:
        finder = WordFinder(
            options.method,
            max_length=options.max_length,
            min_count=options.min_count,
            seed=options.seed,
            chains=options.chains,
            workers=options.workers,
            prior=_known_words(options),
            base=tokenizer_of(options.base) if options.base else None,
            rules=not options.no_rules,
            keep_going=options.keep_going,
        )
    except ValueError as error:
        options.usage(str(error))
    corpus = corpus_of(options)
    finder.train(corpus, progress=console.progress)
    report_reading(corpus, console)
    return finder, corpus


def _train_sampled(options: argparse.Namespace, console: Console) -> tuple[WordFinder, Corpus]:
    """The same within so much memory: by a sample of the lines, where there are more of them."""
    from ..words.sampled import train_sampled

    if options.method != "bayes":
        options.usage("--memory: expected with the method bayes only")
    corpus = corpus_of(options)
    finder, share = train_sampled(
        corpus,
        options.memory,
        folder=options.tmp,
        workers=options.workers,
        progress=console.progress,
        max_length=options.max_length,
        min_count=options.min_count,
        seed=options.seed,
        chains=options.chains,
        prior=_known_words(options),
        base=tokenizer_of(options.base) if options.base else None,
        rules=not options.no_rules,
        keep_going=options.keep_going,
    )
    if share < 1:
        console.note(f"counted all of the text; {share:.1%} of its lines fit into memory and were modelled")
    report_reading(corpus, console)
    return finder, corpus


def _known_words(options: argparse.Namespace) -> dict[str, int] | None:
    """The words of ``--lexicon``, each as often read as ``--lexicon-weight`` says."""
    from ..words.lexicon import Lexicon

    if not options.lexicon:
        return None
    return {word: options.lexicon_weight for path in options.lexicon for word in Lexicon.load(path)}


def _summarize(finder: WordFinder, lexicon: Lexicon, corpus: Corpus, console: Console) -> None:
    from ..kernels import backend

    settings = ", ".join(f"{name} {_number(value)}" for name, value in finder.settings.items())
    console.note(f"read {corpus.stats.characters:,} characters, found {len(lexicon):,} words (engine: {backend})")
    console.note(f"settings: {settings}")
    for note in finder.notes:
        console.note(note)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(lexicon: Lexicon, format: str, limit: int | None) -> Iterator[str]:
    """The lines of the file of the best words."""
    from ..words.lexicon import Lexicon

    best = lexicon if limit is None else Lexicon(lexicon.entries(limit), provenance=lexicon.provenance)
    text = io.StringIO()
    best.write(text, format)
    text.seek(0)
    return text


def _with_examples(
    lines: Iterable[str], words: Iterable[str], format: str, examples: Callable[[str], list[str]]
) -> Iterator[str]:
    """The lines of a lexicon file with one more column (TSV) or key (JSON lines); readers of lexicons pass it over.

    >>> lines = ["#nlp-zero lexicon 1\\n", "word\\tcount\\n", "咖啡\\t7\\n"]
    >>> list(_with_examples(lines, ["咖啡"], "tsv", lambda word: ["喝咖啡", "咖啡很苦"]))[-2:]
    ['word\\tcount\\texamples\\n', '咖啡\\t7\\t喝咖啡 | 咖啡很苦\\n']
    """
    rest = iter(words)
    in_header = True
    for line in lines:
        if format == "jsonl":
            record = json.loads(line)
            if "word" in record:
                record["examples"] = examples(record["word"])
            yield json.dumps(record, ensure_ascii=False) + "\n"
        elif in_header:
            in_header = line.startswith("#")
            yield line if in_header else line[:-1] + "\texamples\n"
        else:
            column = " | ".join(" ".join(example.split()) for example in examples(next(rest)))
            yield f"{line[:-1]}\t{column}\n"


def with_method(verb: argparse.ArgumentParser, method: str = "entropy") -> None:
    verb.add_argument("--method", choices=METHODS, default=method, help=f"default: {method}")
    verb.add_argument("--max-length", type=positive, metavar="N", help="characters of the longest word")
    verb.add_argument("--min-count", type=positive, metavar="N", help="default: chosen from the size of the text")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")


def with_method_bayes(verb: argparse.ArgumentParser) -> None:
    with_method(verb, "bayes")


def with_sampling(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("options of the method bayes")
    group.add_argument(
        "--chains", type=positive, default=1, metavar="N", help="so many chains vote on each boundary (default: 1)"
    )
    group.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="threads for the chains; the result is the same"
    )
    group.add_argument("--base", metavar="MODEL", help="go on from this model: what it knows counts as read before")
    group.add_argument(
        "--lexicon", action="append", metavar="WORDS", help="words that are known beforehand; may be repeated"
    )
    group.add_argument(
        "--lexicon-weight",
        type=positive,
        default=10,
        metavar="N",
        help="how often each of these words counts as read (default: 10)",
    )
    group.add_argument(
        "--no-rules",
        action="store_true",
        help="without the rules by hand: a number or a Latin word only begins a word; no word begins with 的, and none"
        " of three or more ends with 的, 着 or 们; 一 and 这 are no part of a word with most measure words",
    )
    group.add_argument(
        "--keep-going", action="store_true", help="after a Ctrl-C take what the last complete sweep has left"
    )


def add(verbs: Any) -> None:
    """Add ``learn`` and ``words``."""
    verb = add_verb(
        verbs, "learn", learn, "raw text in, a model out: the main job", with_files, with_method_bayes, with_sampling
    )
    verb.add_argument("-o", "--output", type=model_file, metavar="MODEL", required=True, help="the model file to write")
    verb.add_argument(
        "--memory",
        type=memory,
        metavar="SIZE",
        help="learn in so much, such as 512M: all text is counted, a sample of its lines modelled; reads twice",
    )
    verb.add_argument("--tmp", type=folder, metavar="DIR", help="where temporary files go, with --memory")
    verb.add_argument("--show", type=positive, metavar="N", help="print the best N words with their evidence")
    verb.add_argument(
        "--gold", metavar="FILE", help="a few segmented lines: choose the granularity by them (semi-supervised)"
    )
    verb.add_argument(
        "--explain-settings", action="store_true", help="print what was observed in the text, and what it chose"
    )

    verb = add_verb(
        verbs, "words", words, "ranked words with their evidence", with_files, with_method, with_sampling, with_output
    )
    verb.add_argument("--known", metavar="LEXICON", help="leave out the words of this lexicon")
    verb.add_argument("--format", choices=("tsv", "jieba", "hanlp", "jsonl"), default="tsv", help="default: tsv")
    verb.add_argument("--limit", type=positive, metavar="N", help="the best N words only")
    verb.add_argument(
        "--shapes", action="store_true", help="shapes as well, such as \\N元: any number, then 元 (tsv, jsonl)"
    )
    verb.add_argument("--examples", type=positive, metavar="N", help="add N contexts of each word (tsv and jsonl)")
