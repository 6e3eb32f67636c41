"""A tagger: features, weights and labels in one, from text to labels and from training data to a file.

>>> words = [["我", "喜欢", "茶"], ["我", "喝", "茶"], ["喜欢", "喝", "茶"]]
>>> tagger = Tagger.train_words("perceptron", words, features="characters")
>>> tagger.tokenize("我喜欢喝茶")
['我', '喜欢', '喝', '茶']
>>> rows = [[("I", "PRP"), ("drink", "VBP")], [("You", "PRP"), ("drink", "VBP")]]
>>> tagger = Tagger.train("crf", rows, [["B-NP", "B-VP"]] * 2, c2=0.1)
>>> tagger.tag([[("We", "PRP"), ("drink", "VBP")]])
[['B-NP', 'B-VP']]

Three kinds of sentences are taken, each tagger its own: lines of text, cut into characters (``source`` is ``"words"``);
rows of columns (``"columns"``); and lists of attributes as python-crfsuite has them (``"attributes"``).
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, TypeAlias

from .. import kernels, storage
from ..errors import InputError, LabelError, ModelError
from .columns import Cells, cells_of_rows, word_lines
from .crf import CRF, Progress
from .dataset import Dataset
from .features import Features, Template, Window, _Index, column_template
from .hmm import HMM
from .hmm import KIND as HMM_KIND
from .hmm_pairs import PairHMM
from .labels import Scheme
from .memm import MEMM
from .perceptron import Perceptron

__all__ = ["KINDS", "SOURCES", "Labels", "Tagger"]

KINDS: dict[str, type[CRF]] = {"crf": CRF, "memm": MEMM, "perceptron": Perceptron}
"""The kinds of models that look at features."""
SOURCES = ("words", "columns", "attributes")
KIND = "tagger"
"""The kind of container that a tagger is stored in."""

Labels: TypeAlias = "Sequence[Sequence[str | Collection[str]]]"
"""Of each sentence the labels; where several are possible, a set or a list of them."""


class Tagger:
    """A model with what it looks at. ``window`` makes tables of characters where ``source`` is ``"words"``."""

    def __init__(
        self, model: CRF, features: Features, source: str = "columns", width: int = 1, window: Window | None = None
    ) -> None:
        if model.n_attributes != len(features.states) or model.n_edge_attributes != max(1, features.n_edge_attributes):
            raise ModelError(
                f"weights: expected those of {len(features.states)} attributes and {features.n_edge_attributes} of "
                f"edges, got {model.n_attributes} and {model.n_edge_attributes}"
            )
        self.model, self.features, self.source, self.width, self.window = model, features, source, width, window
        model.names, model.edge_names = features.states, features.edge_names()  # type: ignore[assignment]

    @property
    def kind(self) -> str:
        """A name of :data:`KINDS`."""
        return "memm" if isinstance(self.model, MEMM) else "perceptron" if isinstance(self.model, Perceptron) else "crf"

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    def __repr__(self) -> str:
        size = len(self.features.states)
        return f"<{self.kind} tagger of {self.source}, {len(self.labels)} labels, {size:,} attributes>"

    # Training

    @classmethod
    def train(
        cls,
        kind: str,
        sentences: Sequence[Any],
        labels: Labels,
        *,
        template: Template | str | None = None,
        scheme: str = "free",
        dev: tuple[Sequence[Any], Labels] | None = None,
        **options: Any,
    ) -> Tagger:
        """A tagger of this kind (:data:`KINDS`) from sentences with their labels.

        A sentence is a list of rows (tuples, or strings where there is one column), read by a ``template`` (its text,
        or :func:`.features.column_template`); or, without a template, a list of dicts or lists of attributes, as
        python-crfsuite takes them. ``dev`` is a held-out set of the same shape. ``options`` are those of :meth:`learn`.
        """
        if isinstance(template, str):
            template = Template.parse(template)
        if template is None and _is_lists(sentences):
            held = None if dev is None else (dev[0], dev[1])
            return cls._learn_lists(kind, sentences, labels, scheme, held, **options)
        cells = cells_of_rows(sentences)
        held_cells = None if dev is None else (cells_of_rows(dev[0]), dev[1])
        template = template or column_template(cells.width)
        return cls.learn(kind, cells, labels, template=template, scheme=scheme, dev=held_cells, **options)

    @classmethod
    def train_words(
        cls,
        kind: str,
        sentences: Iterable[Sequence[str]],
        *,
        features: str | Window = "segmentation",
        lexicon: Iterable[str] = (),
        scheme: str = "bmes",
        dev: Iterable[Sequence[str]] | None = None,
        **options: Any,
    ) -> Tagger:
        """A tagger that cuts text into words, from segmented sentences; ``features`` is a ready set."""
        window = features if isinstance(features, Window) else Window(features, lexicon)
        roles = Scheme.named(scheme)

        def table(words: Iterable[Sequence[str]]) -> tuple[Cells, list[list[str]]]:
            held = [sentence for sentence in words if sentence]
            if not held:
                raise InputError("expected sentences, such as [['研究', '生命']], got none")
            return window.cells(["".join(row) for row in held]), [roles.label_words(row) for row in held]

        cells, labels = table(sentences)
        held = None if dev is None else table(dev)
        return cls.learn(
            kind, cells, labels, template=window.template, scheme=scheme, window=window, dev=held, **options
        )

    @classmethod
    def learn(
        cls,
        kind: str,
        cells: Cells,
        labels: Labels,
        *,
        template: Template,
        scheme: str = "free",
        window: Window | None = None,
        dev: tuple[Cells, Labels] | None = None,
        min_count: int = 1,
        init: Tagger | None = None,
        **options: Any,
    ) -> Tagger:
        """The same from a table. ``min_count`` leaves out rarer attributes; ``init`` is a tagger to start from, whose
        weights count where its attributes and labels are met again; ``options`` go to the ``train`` of the model
        (:class:`.crf.CRF`, :class:`.memm.MEMM`, :class:`.perceptron.Perceptron`)."""
        features, data = Features.learn(template, cells, min_count=min_count)
        roles = _scheme_of(scheme, labels if dev is None else [*labels, *dev[1]])
        data = _labelled(data, labels, roles)
        held = None
        if dev is not None:
            held = _labelled(features.dataset(dev[0], len(roles.labels)), dev[1], roles)
        start = None if init is None else init._moved(features, roles)
        model = _train_model(kind, data, roles, init=start, dev=held, **options)
        source = "columns" if window is None else "words"
        return cls(model, features, source, cells.width, window)._pruned()

    @classmethod
    def _learn_lists(
        cls,
        kind: str,
        sentences: Sequence[Any],
        labels: Labels,
        scheme: str,
        dev: tuple[Sequence[Any], Labels] | None,
        min_count: int = 1,
        init: Tagger | None = None,
        **options: Any,
    ) -> Tagger:
        features, data = Features.learn_lists(sentences, min_count=min_count)
        roles = _scheme_of(scheme, labels if dev is None else [*labels, *dev[1]])
        data = _labelled(data, labels, roles)
        held = None
        if dev is not None:
            held = _labelled(features.list_dataset(dev[0], len(roles.labels)), dev[1], roles)
        start = None if init is None else init._moved(features, roles)
        model = _train_model(kind, data, roles, init=start, dev=held, **options)
        return cls(model, features, "attributes", 0)._pruned()

    def _moved(self, features: Features, scheme: Scheme) -> CRF:
        """The weights of this tagger at the attributes and labels of another one; 0 for what is new."""
        width = len(scheme.labels)
        places = [self.labels.index(label) if label in self.labels else -1 for label in scheme.labels]
        edge_names = features.edge_names()
        states = array("d", bytes(8 * len(features.states) * width))
        edges = array("d", bytes(8 * max(1, len(edge_names)) * width * width))
        numbers, old = self.features.states.numbers, len(self.labels)
        for number, name in enumerate(features.names()):
            known = numbers.get(name)
            if known is not None:
                for label, place in enumerate(places):
                    if place >= 0:
                        states[number * width + label] = self.model.states[known * old + place]
        before = {name: number for number, name in enumerate(self.features.edge_names())}
        for number, name in enumerate(edge_names):
            for left, first in enumerate(places):
                for right, second in enumerate(places):
                    if name in before and first >= 0 and second >= 0:
                        weight = self.model.edges[(before[name] * old + first) * old + second]
                        edges[(number * width + left) * width + right] = weight
        return CRF(scheme, states, edges)

    def _pruned(self) -> Tagger:
        """Without the attributes whose weights are all 0, as training with L1 leaves them."""
        model, width, index = self.model, len(self.labels), self.features.states
        if 2 * model.states.count(0.0) < len(model.states):
            return self
        zeros = bytes(8 * width)
        raw = model.states.tobytes()
        kept = [n for n in range(len(index)) if raw[n * 8 * width : (n + 1) * 8 * width] != zeros]
        if len(kept) == len(index):
            return self
        names = [index[number].encode("utf-8", "surrogatepass") for number in kept]
        ends, place = array("I"), 0
        for name in names:
            place += len(name)
            ends.append(place)
        model.states = array("d", b"".join([raw[n * 8 * width : (n + 1) * 8 * width] for n in kept]))
        features = Features(self.features.template, _Index(b"".join(names), ends), self.features.edges)
        return Tagger(model, features, self.source, self.width, self.window)

    # Tagging

    def dataset(self, sentences: Sequence[Any]) -> Dataset:
        """Sentences in numbers, as this tagger takes them: lines, rows or lists of attributes."""
        width = len(self.labels)
        if self.source == "attributes":
            return self.features.list_dataset(sentences, width)
        return self.features.dataset(self.cells(sentences), width)

    def cells(self, sentences: Sequence[Any]) -> Cells:
        if self.window is not None:
            for number, line in enumerate(sentences):
                if not isinstance(line, str) or len(line.split()) > 1 or "\n" in line:
                    raise InputError(f"sentence {number}: expected text without white space, got {line!r}")
            return self.window.cells(sentences)
        return cells_of_rows(sentences)

    def tag(self, sentences: Sequence[Any]) -> list[list[str]]:
        """The labels of each sentence."""
        return self.model.tag(self.dataset(sentences))

    def nbest(self, sentences: Sequence[Any], count: int) -> list[list[tuple[list[str], float]]]:
        """For each sentence its best labellings with their probabilities, best first."""
        return self.model.nbest(self.dataset(sentences), count)

    def marginals(self, sentences: Sequence[Any]) -> list[list[dict[str, float]]]:
        """For each sentence and position the probability of each label."""
        return self.model.marginals(self.dataset(sentences))

    def numbers(self, data: Dataset) -> bytes:
        """The best labels of all positions by number (int32), without an object a label."""
        found, _ = kernels.best_labels(*self.model._chains(data, None), len(self.labels))
        return bytes(found)

    # Words

    @property
    def _begins(self) -> bytes:
        """For each label number (below 256) 1 where a word begins."""
        return bytes(label[:1] in "BSO" for label in self.labels).ljust(256, b"\1")

    def spaced_lines(self, lines: Sequence[str]) -> list[str]:
        """Each line with one space between words; white space in a line parts words, and each stretch is tagged alone.

        The fast way to cut text: no object a character. O(characters).
        """
        if self.window is None or self.model.scheme.name == "free":
            raise InputError("expected a tagger that was trained on segmented text to cut words")
        stretches = [stretch for line in lines for stretch in line.split()]
        found = (
            self.numbers(self.features.dataset(self.window.cells(stretches), len(self.labels))) if stretches else b""
        )
        low = found[0 if sys.byteorder == "little" else 3 :: 4]
        return word_lines(lines, low.translate(self._begins))

    def tokenize_lines(self, lines: Iterable[str]) -> list[list[str]]:
        """The words of each line; white space is left out."""
        return [line.split(" ") if line else [] for line in self.spaced_lines(list(lines))]

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        return self.tokenize_lines([text])[0]

    # Inspection

    def top(self, label: str, count: int = 10) -> list[tuple[str, float]]:
        """The attributes that speak most for or against a label."""
        return self.model.top(label, count)

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tagger to a file, which appears whole or not at all."""
        names, edge_names = self.model.names, self.model.edge_names
        self.model.names = self.model.edge_names = ()  # kept here, as they may hold line ends
        try:
            header, sections = self.model.to_sections()
        finally:
            self.model.names, self.model.edge_names = names, edge_names
        features, window = self.features, self.window
        header |= {
            "model": self.kind,
            "source": self.source,
            "columns": self.width,
            "template": features.template.lines if features.template else None,
            "window": window.name if window else None,
        }
        sections |= {"names": features.states.bytes, "ends": features.states.ends}
        if features.edges is not None:
            sections |= {"edge_names": features.edges.bytes, "edge_ends": features.edges.ends}
        if window is not None and window.lexicon:
            sections["lexicon"] = "\n".join(window.lexicon).encode("utf-8", "surrogatepass")
        storage.save(path, KIND, header, sections)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tagger | HMM | PairHMM:
        """The tagger of a file, of whatever kind, those of CRF++ and CRFsuite among them (:mod:`.imports`).

        :class:`ModelError`, naming the file, for anything else.
        """
        from .imports import is_foreign, load_foreign

        if os.path.isfile(path):
            with open(path, "rb") as file:
                start = file.read(16)
            if is_foreign(start):
                return load_foreign(path)
        if storage.peek(path)["kind"] == HMM_KIND:
            return HMM.load(path)
        header, sections = storage.load(path, KIND)
        try:
            return cls._read(header, sections)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{os.fspath(path)!s}: {error}") from None

    @classmethod
    def _read(cls, header: Mapping[str, Any], sections: Mapping[str, Any]) -> Tagger:
        made, source, width = header.get("model"), header.get("source"), header.get("columns")
        if made not in KINDS or source not in SOURCES or not isinstance(width, int):
            raise ModelError(f"expected a model, a source and columns, got {made!r}, {source!r} and {width!r}")
        lines = header.get("template")
        template = None if lines is None else Template.parse("\n".join(lines))
        if template is not None:
            template.check(max(width, 1))
        window = None
        if header.get("window") is not None:
            lexicon = bytes(sections.get("lexicon", b"")).decode("utf-8", "surrogatepass")
            window = Window(header["window"], filter(None, lexicon.split("\n")))
        if (window is not None) != (source == "words") or (template is None) != (source == "attributes"):
            raise ModelError(f"expected a window for words and a template for columns, got source {source!r}")
        states = _Index(bytes(sections["names"]), array("I", sections["ends"]))
        edges = None
        if "edge_names" in sections:
            edges = _Index(bytes(sections["edge_names"]), array("I", sections["edge_ends"]))
        for index in filter(None, (states, edges)):
            _ = index.table  # refuses names that do not fit their ends
        kept = {key: section for key, section in sections.items() if key not in ("names", "edge_names")}
        model = KINDS[made].from_sections(header, kept)
        return cls(model, Features(template, states, edges), source, width, window)


def _train_model(kind: str, data: Dataset, scheme: Scheme, **options: Any) -> CRF:
    if kind not in KINDS:
        raise InputError(f"expected {', '.join(KINDS)}, got {kind!r}")
    progress: Callable[[Progress], None] | None = options.pop("progress", None)
    return KINDS[kind].train(data, scheme, progress=progress, **options)


def _is_lists(sentences: Sequence[Any]) -> bool:
    """Whether tokens are lists or dicts of attributes, as python-crfsuite takes them; rows are tuples or strings."""
    return any(isinstance(token, list | Mapping) for sentence in sentences for token in sentence)


def _scheme_of(name: str, labels: Labels) -> Scheme:
    found = {label for row in labels for item in row for label in ((item,) if isinstance(item, str) else item)}
    if not found:
        raise LabelError("expected labels, such as ['B', 'E'], got none")
    return Scheme.named(name, sorted(found))


def _labelled(data: Dataset, labels: Labels, scheme: Scheme) -> Dataset:
    """The data set with its labels; InputError where there are more or fewer than positions."""
    if len(labels) != data.n_sentences:
        raise InputError(f"labels: expected those of {data.n_sentences} sentences, got {len(labels)}")
    for number, (row, (start, end)) in enumerate(zip(labels, pairwise(data.starts), strict=True)):
        if len(row) != end - start:
            raise InputError(f"sentence {number}: expected {end - start} labels, got {len(row)}")
    data = data._replace(n_labels=len(scheme.labels))
    flat = list(chain.from_iterable(labels))
    if all(isinstance(item, str) for item in flat):
        return data._replace(labels=array("i", scheme.encode(flat)))  # type: ignore[arg-type]
    width, allowed = len(scheme.labels), bytearray(len(flat) * len(scheme.labels))
    for place, item in enumerate(flat):
        for number in scheme.encode((item,) if isinstance(item, str) else list(item)):
            allowed[place * width + number] = 1
    return data._replace(allowed=bytes(allowed))
