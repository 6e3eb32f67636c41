"""``train`` and ``tag``: labels for tokens and words for text, from labelled text or from raw text and a model."""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from .arguments import add_verb, model_file, number_from, positive, with_files, with_output
from .console import Console
from .streams import Write, batches, check_target, corpus_of, output, report_reading, texts

if TYPE_CHECKING:
    from ..tagging.columns import Block, Cells
    from ..tagging.features import Template, Window
    from ..tagging.hmm import HMM
    from ..tagging.hmm_pairs import PairHMM
    from ..tagging.tagger import Tagger
    from ..text.corpus import Corpus

KINDS = ("hmm", "crf", "memm", "perceptron")
# Those of nlp_zero.tagging, which is not imported to read a command line.
SCHEMES = ("bmes", "bio", "bioes", "free")
FEATURES = ("characters", "segmentation")
COLUMN_BATCH = 1 << 18  # bytes of a column file that are tagged in one call


def _penalty(text: str) -> float:
    return number_from(text, 0.0, 1e9, "a number of 0 or more, such as 0.5")


# ---- train -----------------------------------------------------------------------------------------------------------


def train(options: argparse.Namespace, console: Console) -> None:
    """A tagger from labelled columns, segmented text, or raw text that a model cuts first."""
    from ..errors import InputError

    check_target(options.output)
    if options.from_model and (options.data_format == "columns" or options.template):
        options.usage("--from-model cuts raw text into words; it goes without columns and templates")
    started = time.perf_counter()
    corpus = corpus_of(options)
    columns = not options.from_model and _is_columns(corpus, options)
    try:
        model = _trained(corpus, columns, options, console)
    except InputError as error:
        if not columns or options.data_format or options.template:
            raise
        raise InputError(f"{error} (columns, as a tab or a blank line says; --data words says otherwise)") from None
    report_reading(corpus, console)
    model.save(options.output)
    size = os.path.getsize(options.output)
    console.note(f"{model!r}; wrote {options.output}: {size:,} bytes, {time.perf_counter() - started:.1f} s")


def _trained(corpus: Corpus, columns: bool, options: argparse.Namespace, console: Console) -> Any:
    if options.kind == "hmm":
        return _train_hmm(corpus, columns, options)
    settings = _settings(options, console)
    if columns:
        return _train_columns(corpus, settings, options, console)
    return _train_words(corpus, settings, options)


def _is_columns(corpus: Corpus, options: argparse.Namespace) -> bool:
    """Whether the data are columns, as ``--data`` or a template says; else a tab or a blank line inside does."""
    if options.data_format:
        return bool(options.data_format == "columns")
    if options.template:
        return True
    for path in corpus.names:
        if not os.path.isfile(path):
            return False  # what is read once cannot be looked at first: say --data columns
        for number, line in enumerate(_open(path, options)):
            if "\t" in line or (number and not line.strip(" ")):
                return True
            if number == 200:
                break
    return False


def _open(path: str, options: argparse.Namespace) -> Corpus:
    from ..text.corpus import Corpus

    return Corpus([path], encoding=options.encoding, errors=options.errors)


def _settings(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """What the training of the model is told."""
    found: dict[str, Any] = {"min_count": options.min_count, "progress": lambda step: console.note(str(step))}
    if options.kind == "perceptron":
        found |= {"iterations": options.iterations or 10, "seed": options.seed}
        for name in ("c1", "c2", "observed"):
            if getattr(options, name):
                options.usage(f"--{name} is for crf and memm")
    else:
        from ..tagging.optimize import Settings

        found |= {"c1": options.c1 or 0.0, "c2": 1.0 if options.c2 is None else options.c2}
        found |= {"observed": options.observed, "workers": options.workers}
        if options.iterations:
            found["settings"] = Settings(max_iterations=options.iterations)
    if options.algorithm != "lbfgs":
        if options.kind != "crf":
            options.usage("--algorithm is for crf")
        found["algorithm"] = options.algorithm
    if options.kind == "memm":
        found["both"] = not options.one_way
    if options.init:
        found["init"] = _featured(options.init)
    return found


def _featured(path: str) -> Tagger:
    from ..errors import ModelError
    from ..tagging.tagger import Tagger

    found = Tagger.load(path)
    if not isinstance(found, Tagger):
        raise ModelError(f"{path}: expected a crf, memm or perceptron to start from, got {found!r}")
    return found


def _sentences(corpus: Corpus) -> Iterator[list[str]]:
    """The words of each line; InputError with file and line for an empty one."""
    from ..errors import InputError

    for text in corpus.blocks():
        name, lines = corpus.place
        for number, line in enumerate(text.split("\n")):
            words = line.split()
            if not words:
                place = lines - text.count("\n") + number
                raise InputError(f"{name}:{place}: expected words, such as '研究 生命', got an empty sentence")
            yield words


def _cut_by(path: str, corpus: Corpus) -> Iterator[list[str]]:
    """Raw lines in the words of a model, lines without text left out."""
    from .streams import tokenizer_of

    tokenizer = tokenizer_of(path)
    for lines in batches(corpus):
        for words in tokenizer.tokenize_lines(lines):
            # White space parts words and is none itself.
            words = [word for word in words if not word.isspace()]
            if words:
                yield words


def _words_of(corpus: Corpus, options: argparse.Namespace) -> Iterator[list[str]]:
    """Segmented sentences, one at least, and not all of them a single word."""
    from ..errors import InputError

    longest = 0
    for words in _cut_by(options.from_model, corpus) if options.from_model else _sentences(corpus):
        longest = max(longest, len(words))
        yield words
    if not longest:
        raise InputError(f"{', '.join(corpus.names)}: expected sentences, got none")
    if longest == 1 and not options.from_model:
        raise InputError(
            f"{', '.join(corpus.names)}: expected words separated by spaces, such as '研究 生命', got lines without a "
            "space (raw text wants --from-model MODEL)"
        )


def _train_hmm(corpus: Corpus, columns: bool, options: argparse.Namespace) -> HMM | PairHMM:
    from ..tagging.hmm import HMM

    for name in ("template", "init", "dev", "c1", "c2", "observed"):
        if getattr(options, name):
            options.usage(f"--{name} is for crf, memm and perceptron")
    if not columns:
        return HMM.train(_words_of(corpus, options), order=options.order, scheme=options.scheme or "bmes")
    if options.order != 1:
        options.usage("--order 2 is for segmented text")
    cells, labels = _labelled_columns(corpus, options.scheme)
    symbols = cells.column(0)
    spans = list(pairwise(cells.starts))
    pairs = [(symbols[start:end], row) for (start, end), row in zip(spans, labels, strict=True)]
    return HMM.train_labels(pairs, options.scheme or "free")


def _train_words(corpus: Corpus, settings: dict[str, Any], options: argparse.Namespace) -> Tagger:
    from ..errors import InputError
    from ..tagging.tagger import Tagger

    window = _window(options)
    dev = list(_sentences(_open(options.dev, options))) if options.dev else None
    if dev == []:
        raise InputError(f"{options.dev}: expected sentences, got none")
    sentences = _words_of(corpus, options)
    scheme = options.scheme or "bmes"
    return Tagger.train_words(options.kind, sentences, features=window, scheme=scheme, dev=dev, **settings)


def _window(options: argparse.Namespace) -> Window:
    from ..tagging.features import Window
    from ..words.lexicon import Lexicon

    words = [word for path in options.lexicon or () for word in Lexicon.load(path)]
    return Window(options.features, words)


def _train_columns(corpus: Corpus, settings: dict[str, Any], options: argparse.Namespace, console: Console) -> Tagger:
    from ..errors import InputError
    from ..tagging.features import column_template
    from ..tagging.tagger import Tagger

    cells, labels = _labelled_columns(corpus, options.scheme)
    template = _template(options.template) if options.template else column_template(cells.width)
    dev = _labelled_columns(_open(options.dev, options), options.scheme) if options.dev else None
    for name, table in ((options.template, cells), (options.dev, dev[0] if dev else cells)):
        try:
            template.check(table.width)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    console.detail(f"{len(labels):,} sentences, {cells.n_positions:,} tokens, {len(template.lines)} templates")
    scheme = options.scheme or "free"
    return Tagger.learn(options.kind, cells, labels, template=template, scheme=scheme, dev=dev, **settings)


def _template(path: str) -> Template:
    from ..tagging.features import Template
    from ..text.corpus import Corpus

    return Template.parse("\n".join(Corpus([path])), path)


def _labelled_columns(corpus: Corpus, scheme: str | None) -> tuple[Cells, list[list[str]]]:
    """The table of a column file without its last column, and that column, which has the labels."""
    from ..errors import InputError
    from ..tagging.columns import column_blocks, column_cells, join_cells

    tables, labels, width = [], [], 0
    for block in column_blocks(corpus):
        cells = column_cells(block.text, width, block)
        width = cells.width
        if width < 2:
            raise InputError(f"{block.place(0)}: expected columns, the last of them the label, got one column")
        found = cells.column(width - 1)
        if scheme not in (None, "free"):
            _check_labels(found, cells, scheme or "", block)
        labels += [found[start:end] for start, end in pairwise(cells.starts)]
        tables.append(cells.without_last())
    if not tables:
        raise InputError(f"{corpus.names[0]}: expected labelled sentences, got none")
    return join_cells(tables), labels


def _check_labels(labels: list[str], cells: Cells, scheme: str, block: Any) -> None:
    """InputError, with file and line, for a label that is not of the scheme."""
    from ..errors import InputError, LabelError
    from ..tagging.labels import Scheme

    known: dict[str, str | None] = {}
    for place, label in enumerate(labels):
        if label not in known:
            try:
                Scheme.named(scheme, [label])
                known[label] = None
            except LabelError as error:
                # A line a token and one a sentence before it.
                line = place + sum(start <= place for start in cells.starts[1:])
                raise InputError(f"{block.place(line)}: {error}") from None


# ---- tag -------------------------------------------------------------------------------------------------------------


def tag(options: argparse.Namespace, console: Console) -> None:
    """Label text; a stream of any length takes the memory of a batch a worker."""
    from ..errors import InputError
    from ..tagging.tagger import Tagger
    from ..text.parallel import in_order, processes

    check_target(options.output)
    tagger = Tagger.load(options.model)
    corpus = corpus_of(options)
    by_lines = not isinstance(tagger, Tagger) or tagger.source == "words"
    format = options.format or ("words" if by_lines else "columns")
    if isinstance(tagger, Tagger) and tagger.source == "attributes":
        raise InputError(f"{options.model}: it takes attributes by name, which only Python can give: Tagger.tag")
    if (options.nbest or options.marginals) and not isinstance(tagger, Tagger):
        raise InputError(f"{options.model}: --nbest and --marginals are for crf, memm and perceptron, got an hmm")
    if options.marginals and format == "words":
        options.usage("--marginals: expected --format columns or jsonl, got words")
    choices = format, options.nbest or 0, options.marginals
    if by_lines:
        jobs: Iterable[_Job] = (_Job(text, None, 0) for text in texts(corpus))
    else:
        assert isinstance(tagger, Tagger) and tagger.features.template is not None
        jobs = _column_jobs(corpus, tagger.features.template.width)
    if options.workers == 1:
        writer = _Writer(tagger, *choices)
        found: Iterable[str] = map(writer.text, jobs)
    else:
        pool = processes(options.workers, _begin, options.model, *choices)
        found = in_order(pool, _tag_shared, jobs, options.workers)
    with output(options.output) as write:
        for text in found:
            write(text)
            console.progress("lines", corpus.stats.lines, 0)
    report_reading(corpus, console)


class _Job(NamedTuple):
    """A batch of text: lines, or a block of columns so many columns wide."""

    text: str
    block: Block | None
    width: int


def _column_jobs(corpus: Corpus, needed: int) -> Iterator[_Job]:
    """The blocks of a column file, as wide as its first line; the rest waits until a tagger reads them."""
    from ..errors import InputError
    from ..tagging.columns import column_blocks, column_count

    width = 0
    for block in column_blocks(corpus, COLUMN_BATCH):
        width = width or column_count(block.text)
        if width < needed:
            raise InputError(f"{block.place(0)}: expected {needed} columns, as the templates read, got {width}")
        yield _Job(block.text, block, width)


_shared: list[_Writer] = []  # what a worker process writes with


def _begin(model: str, format: str, nbest: int, marginals: bool) -> None:
    from ..tagging.tagger import Tagger

    _shared[:] = [_Writer(Tagger.load(model), format, nbest, marginals)]


def _tag_shared(job: _Job) -> str:
    return _shared[0].text(job)


class _Writer:
    """What a tagger finds, in one of the formats."""

    def __init__(self, tagger: Any, format: str, nbest: int, marginals: bool) -> None:
        self.tagger, self.format, self.nbest, self.with_marginals = tagger, format, nbest, marginals

    def text(self, job: _Job) -> str:
        """All that is to be written for a batch."""
        from ..tagging.columns import column_cells

        parts: list[str] = []
        if job.block is None:
            self.lines(job.text.split("\n"), parts.append)
        else:
            self.columns(column_cells(job.text, job.width, job.block), job.text, parts.append)
        return "".join(parts)

    # Lines of text

    def lines(self, lines: list[str], write: Write) -> None:
        from ..tagging.tagger import Tagger

        if self.format == "words" and not self.nbest:
            if isinstance(self.tagger, Tagger):
                found = self.tagger.spaced_lines(lines)
            else:
                found = [" ".join(filter(None, map(str.strip, row))) for row in self.tagger.tokenize_lines(lines)]
            write("".join([line + "\n" for line in found]))
            return
        stretches = [stretch for line in lines for stretch in line.split()]
        if isinstance(self.tagger, Tagger):
            self._rows([list(stretch) for stretch in stretches], self.tagger.dataset(stretches), write, None)
        else:
            self._plain([list(stretch) for stretch in stretches], [self.tagger.tag(s) for s in stretches], write)

    # Columns

    def columns(self, cells: Cells, text: str, write: Write) -> None:
        data = self.tagger.features.dataset(cells, len(self.tagger.labels))
        lines = [line for line in text.split("\n") if line.strip(" \t")]
        if self.format == "columns" and not self.nbest and not self.with_marginals:
            self._appended(lines, data, write)
            return
        tokens = cells.column(0)
        rows = [tokens[start:end] for start, end in pairwise(cells.starts)]
        self._rows(rows, data, write, lines)

    def _appended(self, lines: list[str], data: Any, write: Write) -> None:
        """The lines with their labels: the fast way."""
        labels = self.tagger.labels
        numbers = memoryview(self.tagger.numbers(data)).cast("i")
        found = [f"{line}\t{labels[number]}" for line, number in zip(lines, numbers, strict=True)]
        write("".join(["\n".join(found[start:end]) + "\n\n" for start, end in pairwise(data.starts)]))

    # Sentences one by one

    def _rows(self, rows: list[list[str]], data: Any, write: Write, lines: list[str] | None) -> None:
        """``rows`` are the tokens of the sentences of ``data``; ``lines`` their input lines, where it has columns."""
        model = self.tagger.model
        marginals = model.marginals(data) if self.with_marginals else None
        if self.nbest:
            ranked = model.nbest(data, self.nbest)
        else:
            ranked = [[(labels, math.nan)] for labels in model.tag(data)]
        for number, (tokens, best) in enumerate(zip(rows, ranked, strict=True)):
            start, end = data.starts[number], data.starts[number + 1]
            chances = marginals[number] if marginals is not None else None
            its = lines[start:end] if lines is not None else tokens
            if self.format == "jsonl":
                write(json.dumps(self._record(tokens, best, chances), ensure_ascii=False) + "\n")
            elif self.format == "columns":
                write(self._table(its, best, chances))
            else:
                write(self._spaced(tokens, best))

    def _plain(self, rows: list[list[str]], found: Iterable[Sequence[str]], write: Write) -> None:
        for tokens, labels in zip(rows, found, strict=True):
            best = [(list(labels), math.nan)]
            if self.format == "jsonl":
                write(json.dumps(self._record(tokens, best, None), ensure_ascii=False) + "\n")
            else:
                write(self._table(tokens, best, None))

    def _table(self, lines: Sequence[str], best: Any, chances: Any) -> str:
        """Lines with labels; before each labelling of several a line ``# RANK PROBABILITY``, as CRF++ writes."""
        parts = []
        for rank, (labels, chance) in enumerate(best):
            if self.nbest:
                parts.append(f"# {rank} {chance:.6f}\n")
            for place, (line, label) in enumerate(zip(lines, labels, strict=True)):
                middle = "".join(f"\t{name}/{p:.6f}" for name, p in chances[place].items()) if chances else ""
                parts.append(f"{line}{middle}\t{label}\n")
            parts.append("\n")
        return "".join(parts)

    def _spaced(self, tokens: list[str], best: Any) -> str:
        """A line of words for each labelling, with its probability before it where there are several."""
        parts = []
        for labels, chance in best:
            words = " ".join(self._words(tokens, labels))
            parts.append(f"{chance:.6f}\t{words}\n" if self.nbest else f"{words}\n")
        return "".join(parts)

    def _words(self, tokens: list[str], labels: list[str]) -> list[str]:
        from ..errors import InputError

        scheme = self.tagger.model.scheme if hasattr(self.tagger, "model") else self.tagger.scheme
        if scheme.name == "free":
            raise InputError("--format words: the labels of this model stand for no words; columns and jsonl do")
        words, end = [], 0
        for span in scheme.spans(labels):
            words += tokens[end : span.start]
            words.append("".join(tokens[span.start : span.end]))
            end = span.end
        return words + tokens[end:]

    def _record(self, tokens: list[str], best: Any, chances: Any) -> dict[str, Any]:
        record: dict[str, Any] = {"tokens": tokens, "labels": best[0][0]}
        if chances is not None:
            record["marginals"] = [{label: round(p, 6) for label, p in row.items()} for row in chances]
        if self.nbest:
            record["nbest"] = [{"probability": chance, "labels": labels} for labels, chance in best]
        return record


# ---- the grammar -----------------------------------------------------------------------------------------------------


def add(verbs: Any) -> None:
    """Add ``train`` and ``tag``."""
    verb = add_verb(verbs, "train", train, "a tagger from labelled or segmented text, or from raw text and a model")
    verb.add_argument("kind", choices=KINDS, help="hidden Markov model, CRF, maximum-entropy Markov model, perceptron")
    with_files(verb)
    verb.add_argument("-o", "--output", type=model_file, metavar="MODEL", required=True, help="the file to write")
    group = verb.add_argument_group("data: columns (the last is the label), or words with spaces between")
    group.add_argument("--data", dest="data_format", choices=("columns", "words"), help="default: as the text looks")
    group.add_argument("--scheme", choices=SCHEMES, help="legal labels (default: bmes for words, free for columns)")
    group.add_argument("--from-model", metavar="MODEL", help="the data are raw text: cut it by this model first")
    group = verb.add_argument_group("features")
    group.add_argument("--template", metavar="FILE", help="templates as CRF++ has them, for columns")
    group.add_argument("--features", choices=FEATURES, default="segmentation", help="for words (default: segmentation)")
    group.add_argument("--lexicon", action="append", metavar="WORDS", help="whose words features shall know of")
    group.add_argument("--min-count", type=positive, default=1, metavar="N", help="leave out rarer ones (default: 1)")
    group = verb.add_argument_group("training")
    group.add_argument("--c1", type=_penalty, metavar="C", help="weight of |w| in the objective (default: 0)")
    group.add_argument("--c2", type=_penalty, metavar="C", help="weight of w**2 in the objective (default: 1)")
    group.add_argument("--observed", action="store_true", help="only attributes and labels that meet in the data")
    group.add_argument(
        "--algorithm",
        choices=("lbfgs", "sgd"),
        default="lbfgs",
        help="of the crf: sgd is quick and near (default: lbfgs)",
    )
    group.add_argument("--dev", metavar="FILE", help="held-out data: stop when it gets no better, keep the best")
    group.add_argument("--init", metavar="MODEL", help="start from the weights of this tagger")
    group.add_argument("--iterations", type=positive, metavar="N", help="at most N (perceptron: 10 passes)")
    group.add_argument("--workers", type=positive, default=1, metavar="N", help="threads; the result is the same")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="of the perceptron (default: 1)")
    group.add_argument("--order", type=int, choices=(1, 2), default=1, help="of the hmm (default: 1)")
    group.add_argument("--one-way", action="store_true", help="memm from left to right alone, not looking both ways")

    verb = add_verb(verbs, "tag", tag, "label tokens, or cut text, with a trained tagger", with_files, with_output)
    verb.add_argument("-m", "--model", required=True, metavar="MODEL", help="a file that train has written")
    verb.add_argument("--nbest", type=positive, metavar="N", help="the best N of each sentence with probabilities")
    verb.add_argument("--marginals", action="store_true", help="the probability of each label at each token")
    verb.add_argument(
        "--format",
        choices=("columns", "words", "jsonl"),
        help="the input's columns and the label; lines of words; JSON (default: words for text, else columns)",
    )
    verb.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="processes that tag; same output (default: 1)"
    )
