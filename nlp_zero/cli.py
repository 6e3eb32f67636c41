"""The command line: argparse, thin, one function a verb; what the library returns or raises becomes text and a status.

Results go to standard output (always UTF-8) or to the file of ``-o``, which appears whole or not at all. Everything
else, notes, errors, a progress line while it is a terminal, goes to standard error. The exit status says how it ended:
0 done; 1 data or run error, in one line; 2 usage; 3 undecodable input under ``--errors strict``; 130 stopped by Ctrl-C;
141 the reader of standard output left (quiet).

The rooms are imported inside the verbs: ``nlp-zero --help`` does not wait for them, and a Ctrl-C or a missing engine
while they load ends as it should.
"""

from __future__ import annotations

import argparse
import codecs
import io
import json
import math
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import dropwhile
from typing import IO, TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .evaluation import Interval, LineCounts, Scores
    from .text.corpus import Corpus
    from .words.discovery import WordFinder
    from .words.lexicon import Lexicon
    from .words.tokenizer import Tokenizer

__all__ = ["main"]

OK, ERROR, USAGE, UNDECODABLE, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 3, 130, 141
STATUSES = """\
exit status: 0 done; 1 data or run error, in one line; 2 usage; 3 undecodable input under --errors strict;
130 stopped by Ctrl-C; 141 the reader of standard output left"""

# Characters segmented in one call: a batch costs less than its lines one by one, and bounds the memory.
BATCH = 1 << 18

# What sampling takes in pure Python, for each symbol and chain, on a processor of 2020 (benchmarks/segmentation).
PURE_SECONDS = 0.0005

# What `eval` takes where no number is given, and the lines below which it warns of the bootstrap.
RESAMPLES, DIFFERENCES, FEW_LINES = 1000, 20, 30

Write = Callable[[str], object]


# What the user sees while it works


class Console:
    """Standard error: notes unless ``-q``, more of them with ``-v``, a progress line while it is a terminal."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet, self.verbose = quiet, verbose
        # On a terminal the words of `cut` would run through the line, unless they go to a file.
        self.live = not quiet and _is_terminal(sys.stderr) and not _is_terminal(sys.stdout)
        self.shown = False
        self.next = 0.0
        self.began: tuple[int, float] | None = None

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is, ten times a second at most; ``total`` 0 stands for unknown.

        With ``-v`` and no terminal, every step of a known total has a line of its own.
        """
        now = time.monotonic()
        line = f"{stage} {done / total:4.0%}{self._left(done, total, now)}" if total else f"{stage} {done:,}"
        if total and self.verbose and not self.live:
            self.error(line)
        if self.live and now >= self.next:
            self.next, self.shown = now + 0.1, True
            self._put(f"\r\x1b[K{line}")

    def _left(self, done: int, total: int, now: float) -> str:
        """The time left, by the pace since the first step."""
        if self.began is None or self.began[0] >= done:
            self.began = done, now
            return ""
        first, started = self.began
        return f", {(now - started) / (done - first) * (total - done):,.0f} s left"

    def clear(self) -> None:
        """Take the progress line away."""
        if self.shown:
            self.shown = False
            self._put("\r\x1b[K")

    def note(self, message: str) -> None:
        """Say something useful that is not a result."""
        if not self.quiet:
            self.error(message)

    def detail(self, message: str) -> None:
        """Say something that only ``-v`` wants to know."""
        if self.verbose:
            self.error(message)

    def error(self, message: str) -> None:
        """Say it in one line, whatever came in with a file name or a message."""
        self.clear()
        self._put(f"nlp-zero: {_one_line(message)}\n")

    def _put(self, text: str) -> None:
        # A closed standard error is no reason to fail: the exit status still tells.
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(text)
                sys.stderr.flush()


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _one_line(message: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\t" else repr(sign)[1:-1] for sign in message.strip())


# Where results go


def _print(text: str) -> None:
    """Write to standard output; an error names it."""
    if sys.stdout is None:
        raise OSError(9, "it is closed", "standard output")
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _abandon_output() -> None:
    """Send what is still in the buffer nowhere, so that the interpreter does not fail on it as it leaves."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


@contextmanager
def _output(path: str | None) -> Iterator[Write]:
    """Standard output for None and ``-``; any other file appears whole or not at all."""
    from .storage import atomic_writer

    if path is None or path == "-":
        yield _print
        _flush()
    else:
        with atomic_writer(path) as file:
            yield file.write


def _check_target(path: str | None) -> None:
    """Complain before the work, not after it, when its result could not be written."""
    from .errors import InputError

    if path is None or path == "-":
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise InputError(f"{path}: expected the name of a file to write, got a folder")
    if not os.path.isdir(folder):
        raise InputError(f"{path}: cannot be written, there is no folder {folder!r}")
    if not os.path.exists(path) and not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written, no permission in the folder {folder!r}")


# What comes in


def _corpus(options: argparse.Namespace) -> Corpus:
    from .text.corpus import Corpus

    return Corpus(options.files or ["-"], encoding=options.encoding, errors=options.errors)


def _report_reading(corpus: Corpus, console: Console) -> None:
    """Undecodable bytes that were replaced or dropped are never passed over in silence."""
    stats = corpus.stats
    if stats.bad_bytes:
        done = "dropped" if corpus.errors == "skip" else "replaced"
        console.note(f"{stats.bad_bytes:,} undecodable bytes {done}, the first at {stats.first_bad}")
    console.detail(
        f"read {stats.files:,} files, {stats.bytes:,} bytes, {stats.lines:,} lines, {stats.characters:,} characters"
    )


def _tokenizer(path: str | None) -> Tokenizer:
    """A tokenizer from a model file, or from a lexicon in any format that is known; None: the built-in one."""
    from .errors import LexiconError
    from .words.lexicon import Lexicon
    from .words.tokenizer import Tokenizer

    if path is None:
        return Tokenizer()
    if _is_model(path):
        return Tokenizer.load(path)
    lexicon = Lexicon.load(path)
    if not len(lexicon):
        raise LexiconError(f"{path}: expected a model or a lexicon, got a file without words")
    return Tokenizer(lexicon)


def _is_model(path: str) -> bool:
    """Whether a file begins as a model does; whether it is whole, loading it will tell."""
    from .storage import BEGINNINGS

    if os.path.exists(path) and not os.path.isfile(path):
        return False  # the first bytes of a pipe could not be read again
    with open(path, "rb") as file:
        return file.read(8).startswith(BEGINNINGS)


def _user_words(tokenizer: Tokenizer, options: argparse.Namespace) -> Tokenizer:
    from .words.lexicon import Lexicon

    for path in options.user or ():
        words = Lexicon.load(path)
        if options.force:
            tokenizer = tokenizer.with_words(words, force=True)
        elif options.weight is not None:
            tokenizer = tokenizer.with_words(words, weight=options.weight)
        else:
            tokenizer = tokenizer.with_words(words)
    return tokenizer


# The verbs


def _learn(options: argparse.Namespace, console: Console) -> None:
    """Raw text in, a model out."""
    _check_target(options.output)
    started = time.perf_counter()
    finder, corpus = _train(options, console)
    _say_how_long(finder, console)
    lexicon = finder.find(progress=console.progress)
    model = finder.tokenizer()
    if options.gold:
        model = _tuned(model, options.gold, console)
    model.save(options.output)
    _summarize(finder, lexicon, corpus, console)
    if options.explain_settings:
        facts = {"symbols": finder.symbols, **finder.observations, **finder.settings}
        _print("".join(f"{name}\t{_fact(value)}\n" for name, value in facts.items()))
    size = os.path.getsize(options.output)
    console.note(f"wrote {options.output}: {size:,} bytes, {time.perf_counter() - started:.1f} s")
    if options.show:
        rows = _rows(_without_shapes(lexicon), "tsv", options.show)
        _print("".join(dropwhile(lambda line: line.startswith("#"), rows)))


def _say_how_long(finder: WordFinder, console: Console) -> None:
    """In pure Python sampling takes long: say so before it begins."""
    from .kernels import backend

    seconds = finder.symbols * finder.chains * PURE_SECONDS
    if finder.method == "bayes" and backend == "python" and seconds > 20:
        long = f"{seconds:,.0f} s" if seconds < 180 else f"{seconds / 60:,.0f} minutes"
        console.note(f"the pure-Python engine will take about {long}; with the C kernels it is a fortieth of that")


def _tuned(model: Tokenizer, path: str, console: Console) -> Tokenizer:
    """The model at the granularity that suits a few segmented lines best."""
    from .errors import InputError
    from .evaluation import best_granularity
    from .text.corpus import Corpus

    gold = [line.split() for line in Corpus(path) if not line.isspace() and line]
    if not gold:
        raise InputError(f"{path}: expected lines of words separated by spaces, got none")

    def cut(lines: list[str], granularity: float) -> list[list[str]]:
        return model.with_granularity(granularity).tokenize_lines(lines)

    granularity, scores = best_granularity(cut, gold)
    tried = ", ".join(f"{step:+.2f} {f1:.3f}" for step, f1 in scores.items())
    console.note(f"semi-supervised: granularity {granularity:+.2f} chosen by {len(gold):,} gold lines; F1 {tried}")
    return model.with_granularity(granularity)


def _words(options: argparse.Namespace, console: Console) -> None:
    """Ranked words with their evidence."""
    from .words.lexicon import Lexicon

    if options.examples and options.format not in ("tsv", "jsonl"):
        options.usage(f"--examples: expected --format tsv or jsonl, got {options.format}")
    _check_target(options.output)
    known = Lexicon.load(options.known) if options.known else None
    finder, corpus = _train(options, console)
    lexicon = finder.find(known, progress=console.progress)
    if not options.shapes:
        lexicon = _without_shapes(lexicon)
    if options.output:
        _summarize(finder, lexicon, corpus, console)
    else:
        for note in finder.notes:
            console.note(note)
    rows = _rows(lexicon, options.format, options.limit)
    if options.examples:
        rows = _with_examples(rows, lexicon, options.format, lambda word: finder.examples(word, options.examples))
    with _output(options.output) as write:
        write("".join(rows))


def _without_shapes(lexicon: Lexicon) -> Lexicon:
    """The words that a reader can read: "any number + 元" is for the tokenizer."""
    from .words.symbols import is_shape

    return lexicon.subtract(list(filter(is_shape, lexicon)))


def _train(options: argparse.Namespace, console: Console) -> tuple[WordFinder, Corpus]:
    from .words.discovery import WordFinder

    try:
        finder = WordFinder(
            options.method,
            max_length=options.max_length,
            min_count=options.min_count,
            seed=options.seed,
            chains=options.chains,
            workers=options.workers,
            prior=_known_words(options),
            base=_tokenizer(options.base) if options.base else None,
            rules=not options.no_rules,
            keep_going=options.keep_going,
        )
    except ValueError as error:
        options.usage(str(error))
    corpus = _corpus(options)
    finder.train(corpus, progress=console.progress)
    _report_reading(corpus, console)
    return finder, corpus


def _known_words(options: argparse.Namespace) -> dict[str, int] | None:
    """The words of ``--lexicon``, each as often read as ``--lexicon-weight`` says."""
    from .words.lexicon import Lexicon

    if not options.lexicon:
        return None
    return {word: options.lexicon_weight for path in options.lexicon for word in Lexicon.load(path)}


def _summarize(finder: WordFinder, lexicon: Lexicon, corpus: Corpus, console: Console) -> None:
    from .kernels import backend

    settings = ", ".join(f"{name} {_number(value)}" for name, value in finder.settings.items())
    console.note(f"read {corpus.stats.characters:,} characters, found {len(lexicon):,} words (engine: {backend})")
    console.note(f"settings: {settings}")
    for note in finder.notes:
        console.note(note)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rows(lexicon: Lexicon, format: str, limit: int | None) -> Iterator[str]:
    """The lines of the file of the best words."""
    from .words.lexicon import Lexicon

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


def _cut(options: argparse.Namespace, console: Console) -> None:
    """Segment; every line stays one line."""
    _check_target(options.output)
    tokenizer = _user_words(_tokenizer(options.model), options)
    if options.granularity is not None:
        tokenizer = tokenizer.with_granularity(options.granularity)
    corpus = _corpus(options)
    separator = options.delimiter
    with _output(options.output) as write:
        for lines in _batches(corpus):
            write("".join(separator.join(words) + "\n" for words in tokenizer.tokenize_lines(lines)))
            console.progress("lines", corpus.stats.lines, 0)
    _report_reading(corpus, console)


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lists of lines of some BATCH characters each.

    >>> [len(batch) for batch in _batches(["字" * 100_000] * 7)]
    [3, 3, 1]
    """
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line) + 1
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _eval(options: argparse.Namespace, console: Console) -> None:
    """The numbers of the SIGHAN scoring script; if asked for, what differs, how sure they are, a second system."""
    from .evaluation import KINDS, differences
    from .text.corpus import Corpus
    from .words.lexicon import Lexicon

    known = set(Lexicon.load(options.known)) if options.known else None
    paths = [path for path in (options.gold, options.system, options.versus) if path is not None]
    corpora = [Corpus([path], encoding=options.encoding, errors=options.errors) for path in paths]
    resamples = options.bootstrap or (RESAMPLES if options.versus is not None else 0)
    # What is gone through more than once is held, as standard input comes but once; plain scores take line by line.
    lines: list[Iterable[str]] = [list(text) if resamples or options.differences else text for text in corpora]
    facts: dict[str, Any] = {}
    for place, prefix in enumerate(("", "versus_")[: len(paths) - 1], 1):
        scores = _scores(lines[0], lines[place], known, (options.gold, paths[place]), console)
        facts |= {prefix + name: value for name, value in scores._asdict().items()}
    for corpus in corpora:
        _report_reading(corpus, console)
    if resamples:
        facts |= _certainty(lines, resamples, options.seed, console)
    facts = {name: _known_only(value) for name, value in facts.items()}
    if options.differences:
        found = differences(*(map(str.split, side) for side in lines[:2]))
        kinds = {kind: [difference for difference in found if difference.kind == kind] for kind in KINDS}
        facts |= {kind: sum(difference.count for difference in some) for kind, some in kinds.items()}
        shown = (difference for some in kinds.values() for difference in some[: options.differences])
        facts["differences"] = [difference._asdict() for difference in shown]
    _print(json.dumps(facts, ensure_ascii=False) + "\n" if options.json else _fact_rows(facts))


def _scores(
    gold: Iterable[str], system: Iterable[str], known: set[str] | None, paths: tuple[str, str], console: Console
) -> Scores:
    """The scores of one system; errors and notes name the files."""
    from .errors import InputError
    from .evaluation import segmentation_scores

    try:
        scores = segmentation_scores(map(str.split, gold), map(str.split, system), known=known)
    except InputError as error:
        side, _, rest = str(error).partition(": ")
        if side not in ("gold", "system"):
            raise
        raise InputError(f"{paths[side == 'system']}: {rest}") from None
    if scores.differing_lines:
        console.note(
            f"{paths[1]}: {scores.differing_lines:,} of {scores.lines:,} lines hold other characters than "
            f"{paths[0]}; their words are aligned as the scoring script does"
        )
    return scores


def _certainty(lines: list[Iterable[str]], resamples: int, seed: int, console: Console) -> dict[str, Any]:
    """95 % intervals of the rates, and the paired test where there are two systems."""
    from .evaluation import bootstrap, line_counts, paired_bootstrap

    def counts(side: Iterable[str]) -> list[LineCounts]:
        return line_counts(map(str.split, lines[0]), map(str.split, side))

    tables = [counts(side) for side in lines[1:]]
    facts: dict[str, Any] = {"resamples": resamples, "seed": seed}
    drawn = 0
    for prefix, table in zip(("", "versus_"), tables, strict=False):
        *intervals, drawn, _ = bootstrap(table, resamples=resamples, seed=seed, progress=console.progress)
        for name, interval in zip(("precision", "recall", "f1"), intervals, strict=True):
            facts[f"{prefix}{name}_interval"] = interval
    if len(tables) == 2:
        result = paired_bootstrap(*tables, resamples=resamples, seed=seed, progress=console.progress)
        facts |= {"f1_difference": result.difference, "f1_difference_interval": result.interval}
        facts["p_value"] = result.p_value
    if drawn < FEW_LINES:
        console.note(f"few lines for a bootstrap ({drawn}): intervals and p-value look surer than they are")
    return facts


def _fact_rows(facts: dict[str, Any]) -> str:
    """A name and a value by line, rates of nothing left out; then a table of the differences.

    >>> facts = {"f1": 2 / 3, "oov_recall": None, "f1_interval": [0.61, 0.72], "f1_difference": 0.0125, "split": 49}
    >>> print(_fact_rows(facts).expandtabs(24), end="")
    f1                      0.667
    f1_interval             0.6100                  0.7200
    f1_difference           +0.0125
    split                   49
    """
    forms = {"f1_difference": "+.4f", "p_value": ".3g"}
    rows = []
    for name, value in facts.items():
        if isinstance(value, float):
            rows.append(f"{name}\t{value:{forms.get(name, '.3f')}}\n")
        elif isinstance(value, int) and not name.endswith("differing_lines"):
            rows.append(f"{name}\t{value}\n")
        elif name.endswith("_interval") and value is not None:
            rows.append(f"{name}\t{value[0]:.4f}\t{value[1]:.4f}\n")
    if "differences" in facts:
        rows.append("\nkind\tgold -> system\tcount\tfirst line\n")
        for found in facts["differences"]:
            change = f"{'/'.join(found['gold'])} -> {'/'.join(found['system'])}"
            rows.append(f"{found['kind']}\t{change}\t{found['count']}\t{found['line']}\n")
    return "".join(rows)


def _known_only(value: float | Interval) -> object:
    """What JSON can say: a rate, the two ends of an interval, null for a rate of nothing."""
    if isinstance(value, tuple):
        return None if math.isnan(value[0]) else list(value)
    return None if math.isnan(value) else value


def _explain(options: argparse.Namespace, console: Console) -> None:
    """Why a text is cut as it is."""
    tokenizer = _user_words(_tokenizer(options.model), options)
    word = None if options.word is None else _argument(options.word)
    for argument in options.text:
        explanation = tokenizer.explain(_argument(argument), word)
        if options.json:
            _print(json.dumps(explanation.to_dict(), ensure_ascii=False) + "\n")
        else:
            _print(f"{explanation}\n")


def _argument(argument: str) -> str:
    """The text of an argument, whatever bytes the shell handed over."""
    from .errors import DecodingError

    raw = os.fsencode(argument)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodingError(
            f"TEXT: expected UTF-8, got the byte 0x{raw[error.start]:02x} at byte offset {error.start}"
        ) from None


def _cluster(options: argparse.Namespace, console: Console) -> None:
    """The communities of a graph by the map equation."""
    from .network.communities import communities
    from .network.graph import Graph

    _check_target(options.output)
    ending = os.path.splitext(options.output or "")[1][1:]
    format = options.format or (ending if ending in _TREE_FORMATS else "tree")
    graph = Graph.load(options.net, directed=options.directed, encoding=options.encoding, errors=options.errors)
    console.detail(f"read {len(graph):,} nodes, {len(graph.sources):,} links")

    def progress(trial: int, length: float) -> None:
        console.progress("trials", trial, options.trials)
        console.detail(f"trial {trial}: {length:.9f} bits")

    found = communities(
        graph,
        two_level=options.two_level,
        trials=options.trials,
        seed=options.seed,
        progress=progress,
        model=options.flow_model,
        teleportation=options.teleportation,
        recorded=options.recorded,
        to_nodes=options.to_nodes,
        markov_time=options.markov_time,
    )
    with _output(options.output) as write:
        for line in found.lines(format):
            write(line)
    console.note(found.describe())


def _info(options: argparse.Namespace, console: Console) -> None:
    """What a file is and where it came from."""
    from . import storage
    from .words.lexicon import Lexicon

    facts: dict[str, Any]
    for path in options.files:
        if _is_model(path):
            facts = storage.peek(path)
            facts |= facts.pop("header")
        else:
            lexicon = Lexicon.load(path)
            facts = {"kind": "lexicon", "words": len(lexicon), "total": lexicon.total, **lexicon.provenance}
        facts = {"file": path, "bytes": os.path.getsize(path), **facts}
        if options.json:
            _print(json.dumps(facts, ensure_ascii=False) + "\n")
        else:
            _print("".join(f"{name}\t{_fact(value)}\n" for name, value in facts.items()))


def _fact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _corpus_list(options: argparse.Namespace, console: Console) -> None:
    """The public corpora that can be fetched."""
    from .text.fetch import RECIPES

    _print("name\tbytes\ttitle\tlicence\tsource\n")
    for recipe in RECIPES.values():
        size = "" if recipe.size is None else recipe.size
        _print(f"{recipe.name}\t{size}\t{recipe.title}\t{recipe.licence}\t{recipe.source}\n")


def _corpus_fetch(options: argparse.Namespace, console: Console) -> None:
    """Download one public corpus; an interrupted download goes on where it stopped."""
    from .text.fetch import RECIPES, fetch

    def progress(done: int, total: int) -> None:
        console.progress("bytes", done, total)

    path = fetch(options.name, options.output, url=options.url, progress=progress)
    recipe = RECIPES[options.name]
    console.note(f"{path}: {os.path.getsize(path):,} bytes; licence: {recipe.licence}")
    console.note(f"{path}: {recipe.notes}")


def _corpus_make(options: argparse.Namespace, console: Console) -> None:
    """One clean text of many files: UTF-8, gold text without its spaces, lines in an order that a seed gives."""
    _check_target(options.output)
    corpus = _corpus(options)
    lines: Iterable[str] = ("".join(line.split()) for line in corpus) if options.unsegment else corpus
    if options.shuffle:
        lines = list(lines)
        random.Random(options.seed).shuffle(lines)
    with _output(options.output) as write:
        for batch in _batches(lines):
            write("".join(line + "\n" for line in batch))
            console.progress("lines", corpus.stats.lines, 0)
    _report_reading(corpus, console)


# The grammar of the command line


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, such as 4, got {text!r}")
    return int(text)


def _file(text: str) -> str:
    if text == "-":
        raise argparse.ArgumentTypeError("expected a file name, such as zh.model: a model is not text to print")
    return text


def _granularity(text: str) -> float:
    """A share, as argparse wants it.

    >>> _granularity("-0.1")
    -0.1
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -10 <= value <= 10:
        raise argparse.ArgumentTypeError(f"expected a share from -10 to 10, such as 0.1, got {text!r}")
    return value


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.inf
    if not abs(weight) <= 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of nats from -1e6 to 1e6, such as 2, got {text!r}")
    return weight


def _probability(text: str) -> float:
    return _number_from(text, 0.0, 1.0, "a probability from 0 to 1, such as 0.15")


def _markov_time(text: str) -> float:
    return _number_from(text, 1e-6, 1e6, "a number from 1e-6 to 1e6, such as 0.5")


def _number_from(text: str, least: float, most: float, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return number


def _encoding(text: str) -> str:
    try:
        known = codecs.lookup(text)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        raise argparse.ArgumentTypeError(f"expected the name of an encoding, such as utf-8 or gb18030, got {text!r}")
    return text


class _EvalErrors(argparse.Action):
    """``eval --errors`` asks for a list of errors by a number; a word says, as elsewhere, what bad bytes become."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        if values in ("strict", "replace", "skip"):
            namespace.errors = values
            return
        try:
            namespace.differences = _positive(str(values))
        except argparse.ArgumentTypeError:
            expected = "a whole number of at least 1, such as 20, or strict, replace or skip"
            raise argparse.ArgumentError(self, f"expected {expected}, got {values!r}") from None


class _Version(argparse.Action):
    """Say which version and which engine run, and why that engine."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> NoReturn:
        from . import __version__
        from .kernels import backend

        wish = os.environ.get("NLP_ZERO_PURE")
        if wish in ("0", "1"):
            reason = f"NLP_ZERO_PURE={wish} asks for it"
        elif backend == "c":
            reason = "built for this Python; NLP_ZERO_PURE=1 would take python"
        else:
            reason = "the C kernels were not built here; same results, slower"
        _print(f"nlp-zero {__version__}, engine: {backend} ({reason})\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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

    verb = _verb(verbs, "learn", _learn, "raw text in, a model out: the main job", _files, _finding_by_bayes, _sampling)
    verb.add_argument("-o", "--output", type=_file, metavar="MODEL", required=True, help="the model file to write")
    verb.add_argument("--show", type=_positive, metavar="N", help="print the best N words with their evidence")
    verb.add_argument(
        "--gold", metavar="FILE", help="a few segmented lines: choose the granularity by them (semi-supervised)"
    )
    verb.add_argument(
        "--explain-settings", action="store_true", help="print what was observed in the text, and what it chose"
    )

    verb = _verb(verbs, "words", _words, "ranked words with their evidence", _files, _finding, _sampling, _output_file)
    verb.add_argument("--known", metavar="LEXICON", help="leave out the words of this lexicon")
    verb.add_argument("--format", choices=("tsv", "jieba", "hanlp", "jsonl"), default="tsv", help="default: tsv")
    verb.add_argument("--limit", type=_positive, metavar="N", help="the best N words only")
    verb.add_argument(
        "--shapes", action="store_true", help="shapes as well, such as \\N元: any number, then 元 (tsv, jsonl)"
    )
    verb.add_argument("--examples", type=_positive, metavar="N", help="add N contexts of each word (tsv and jsonl)")

    verb = _verb(verbs, "cut", _cut, "segment text; lines are kept", _files, _cutting, _output_file)
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
        type=_granularity,
        metavar="G",
        help="how much longer words shall be than the learnt ones: 0.02 for 2 %% longer, -0.1 for 10 %% shorter",
    )

    verb = _verb(verbs, "eval", _eval, "precision, recall, F1 and OOV recall, as the SIGHAN script counts")
    verb.add_argument("gold", metavar="GOLD", help="words separated by spaces")
    verb.add_argument("system", metavar="SYSTEM", help="the same lines in the words to be scored")
    verb.add_argument("--known", metavar="LEXICON", help="words seen in training: gives OOV rate and recalls")
    verb.add_argument(
        "--errors",
        action=_EvalErrors,
        nargs="?",
        const=str(DIFFERENCES),
        default="strict",
        metavar="N|MODE",
        help=f"a number (default: {DIFFERENCES}): count the differences by kind (split, merge, crossing, characters), "
        "list the N most frequent of each; strict, replace or skip: what undecodable bytes become, as with other verbs",
    )
    verb.add_argument(
        "--bootstrap",
        type=_positive,
        nargs="?",
        const=RESAMPLES,
        metavar="R",
        help=f"95 %% intervals of P, R and F1 from R resamples of the lines (default: {RESAMPLES})",
    )
    verb.add_argument(
        "--versus", metavar="SYSTEM2", help="a second system: difference of F1, its interval and p-value, by bootstrap"
    )
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of the resamples; default: 0")
    verb.add_argument("--json", action="store_true", help="everything as one JSON object")
    verb.add_argument("--encoding", type=_encoding, default="utf-8", metavar="NAME", help="default: utf-8")
    verb.set_defaults(differences=0)

    verb = _verb(verbs, "explain", _explain, "why a text is cut as it is", _cutting)
    verb.add_argument("text", nargs="+", metavar="TEXT")
    verb.add_argument("--word", metavar="WORD", help="say why this word of the text won or lost, and what makes it win")
    verb.add_argument("--json", action="store_true", help="one JSON object a text")

    verb = _verb(verbs, "cluster", _cluster, "communities of a graph by the map equation (InfoMap)", _walking)
    verb.add_argument("net", metavar="NET", help="Pajek .net, or a list of links: SOURCE TARGET [WEIGHT] on each line")
    verb.add_argument(
        "-o", "--output", metavar="FILE", help="OUT.tree, OUT.clu or OUT.json; default: standard output, as .tree"
    )
    verb.add_argument("--format", choices=_TREE_FORMATS, help="default: as the ending of FILE says, else tree")
    verb.add_argument("--two-level", action="store_true", help="no modules in modules")
    verb.add_argument("--trials", type=_positive, default=1, metavar="N", help="take the best of N (default: 1)")
    verb.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    _decoding(verb)

    verb = _verb(verbs, "info", _info, "what a file is and where it came from")
    verb.add_argument("files", nargs="+", metavar="FILE", help="a model or a lexicon")
    verb.add_argument("--json", action="store_true", help="one JSON object a file")

    verb = verbs.add_parser("corpus", help="public corpora and clean text", allow_abbrev=False)
    corpus = verb.add_subparsers(title="verbs", metavar="VERB", required=True)
    _verb(corpus, "list", _corpus_list, "public corpora that can be fetched")
    verb = _verb(corpus, "fetch", _corpus_fetch, "download one, checked and resumable")
    verb.add_argument("name", metavar="NAME", help="as printed by 'nlp-zero corpus list'")
    verb.add_argument("-o", "--output", metavar="FILE", help="default: the file's own name, in this folder")
    verb.add_argument("--url", metavar="URL", help="another place of the same file, such as a mirror")
    verb = _verb(corpus, "make", _corpus_make, "one clean text of many files", _files, _output_file)
    verb.add_argument("--unsegment", action="store_true", help="take the spaces of a segmented text out")
    verb.add_argument("--shuffle", action="store_true", help="put the lines in an order that --seed gives")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    return parser


def _verb(
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


def _files(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files, folders, quoted globs, - for standard input (the default); .gz .bz2 .xz .zst are unpacked",
    )
    _decoding(verb)


def _decoding(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--encoding", type=_encoding, default="utf-8", metavar="NAME", help="default: utf-8")
    verb.add_argument(
        "--errors",
        choices=("strict", "replace", "skip"),
        default="strict",
        help="undecodable bytes: stop with status 3 (default), put U+FFFD, or leave them out; counted either way",
    )


# Those of nlp_zero.words.discovery, which is not imported to read a command line.
_METHODS = ("entropy", "bayes", "pmi", "cohesion")


def _finding(verb: argparse.ArgumentParser, method: str = "entropy") -> None:
    verb.add_argument("--method", choices=_METHODS, default=method, help=f"default: {method}")
    verb.add_argument("--max-length", type=_positive, metavar="N", help="characters of the longest word")
    verb.add_argument("--min-count", type=_positive, metavar="N", help="default: chosen from the size of the text")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")


def _finding_by_bayes(verb: argparse.ArgumentParser) -> None:
    _finding(verb, "bayes")


def _sampling(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("options of the method bayes")
    group.add_argument(
        "--chains", type=_positive, default=1, metavar="N", help="so many chains vote on each boundary (default: 1)"
    )
    group.add_argument(
        "--workers", type=_positive, default=1, metavar="N", help="threads for the chains; the result is the same"
    )
    group.add_argument("--base", metavar="MODEL", help="go on from this model: what it knows counts as read before")
    group.add_argument(
        "--lexicon", action="append", metavar="WORDS", help="words that are known beforehand; may be repeated"
    )
    group.add_argument(
        "--lexicon-weight",
        type=_positive,
        default=10,
        metavar="N",
        help="how often each of these words counts as read (default: 10)",
    )
    group.add_argument(
        "--no-rules",
        action="store_true",
        help="without the two rules by hand: a number or a Latin word only begins a word; no word begins with 的",
    )
    group.add_argument(
        "--keep-going", action="store_true", help="after a Ctrl-C take what the last complete sweep has left"
    )


# Those of nlp_zero.network, which is not imported to read a command line.
_TREE_FORMATS = ("tree", "clu", "json")
_FLOW_MODELS = ("undirected", "directed", "undirdir", "outdirdir", "rawdir")


def _walking(verb: argparse.ArgumentParser) -> None:
    way = verb.add_mutually_exclusive_group()
    way.add_argument(
        "--directed", action="store_true", default=None, help="links lead one way (default: those of *Arcs do)"
    )
    way.add_argument("--undirected", dest="directed", action="store_false", default=None, help="links lead both ways")
    group = verb.add_argument_group("options of the random walk")
    group.add_argument("--flow-model", choices=_FLOW_MODELS, help="default: as the links are directed")
    group.add_argument(
        "--teleportation",
        type=_probability,
        default=0.15,
        metavar="P",
        help="probability of a jump in each step, where links are directed (default: 0.15)",
    )
    group.add_argument("--recorded", action="store_true", help="the code describes these jumps, too")
    group.add_argument("--to-nodes", action="store_true", help="jumps go to nodes alike, not to links by weight")
    group.add_argument(
        "--markov-time",
        type=_markov_time,
        default=1.0,
        metavar="T",
        help="steps between two words of the code: above 1 larger modules, below 1 smaller ones (default: 1)",
    )


def _cutting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "-m", "--model", metavar="MODEL", help="a model, or a lexicon in any known format (default: the built-in model)"
    )
    verb.add_argument(
        "-u", "--user", action="append", metavar="WORDS", help="a lexicon of your own words; may be repeated"
    )
    strength = verb.add_mutually_exclusive_group()
    strength.add_argument(
        "--weight", type=_weight, metavar="W", help="nats by which such a word beats its best split (default: 1)"
    )
    strength.add_argument("--force", action="store_true", help="such words always come out whole")


def _output_file(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


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
        _flush()
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
    from .errors import DecodingError, NlpZeroError

    if isinstance(error, SystemExit):
        try:
            _flush()
        except OSError as closed:
            return _ending(closed, console)
        return error.code if isinstance(error.code, int) else OK
    _abandon_output()
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
