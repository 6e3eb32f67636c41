"""Conditional random fields (条件随机场): trained on a data set, asked for labels, their probabilities and reasons.

A :class:`CRF` is weights for attributes and labels, weights for neighbouring labels, and a :class:`.labels.Scheme` that
says which labellings may be. What attributes mean is not its business: it sees numbers (:class:`.dataset.Dataset`), and
names for inspection if it is given some. Lafferty, McCallum & Pereira 2001, "Conditional random fields".

Training minimises crfsuite's objective, -log L + c1 |w| + c2 w**2 (CRF++'s C is 1 / (2 c2)), over all attributes and
labels or the observed ones. Positions may leave their label open (Tsuboi et al. 2008, "Training conditional random
fields using incomplete annotations"). The scheme does not enter into training, only into decoding.

>>> from .dataset import pack
>>> data = pack([[[0], [1]], [[0], [2]], [[2]]], [[0, 1], [0, 1], [2]], n_attributes=3, n_labels=3)
>>> crf = CRF.train(data, Scheme.named("free", "BES"), c2=0.1, names=["我", "们", "的"])
>>> crf.tag(data)
[['B', 'E'], ['B', 'E'], ['S']]
>>> [(name, round(weight, 3)) for name, weight in crf.top("B", 2)]
[('我', 1.025), ('的', -0.82)]
>>> [round(one, 3) for one in crf.probability(data, crf.tag(data))]
[0.861, 0.726, 0.632]
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import chain, pairwise
from math import exp, inf
from time import perf_counter
from typing import Any, NamedTuple

from .. import kernels, storage
from ..errors import InputError, ModelError
from .dataset import Dataset
from .descent import descend_by_sentence
from .labels import Scheme
from .likelihood import Likelihood
from .optimize import Settings, Step, Team, minimize

__all__ = ["CRF", "Progress"]

KIND = "crf"
Constraints = Mapping[tuple[int, int], str | Iterable[str]]


class Progress(NamedTuple):
    """An iteration of training: the objective in nats, how many weights are not 0, the score on the held-out set."""

    iteration: int
    objective: float
    gradient_norm: float
    active: int
    dev_score: float | None
    seconds: float

    def __str__(self) -> str:
        dev = "" if self.dev_score is None else f"  dev {self.dev_score:.4f}"
        return (
            f"{self.iteration:4d}  objective {self.objective:.4f}  gradient {self.gradient_norm:.4f}"
            f"  active {self.active}{dev}  {self.seconds:.2f} s"
        )


class CRF:
    """A linear-chain CRF: ``states`` are weights at ``attribute * labels + label``, ``edges`` at ``(edge attribute *
    labels + before) * labels + label``."""

    def __init__(
        self,
        scheme: Scheme,
        states: array[float],
        edges: array[float],
        *,
        names: Sequence[str] = (),
        edge_names: Sequence[str] = (),
    ) -> None:
        width = len(scheme.labels)
        if not width or len(states) % width:
            raise ModelError(f"state weights: expected rows of {width} items, got {len(states)} items")
        if len(edges) % (width * width) or not len(edges):
            raise ModelError(f"edge weights: expected tables of {width * width} items, got {len(edges)} items")
        for what, weights in (("state", states), ("edge", edges)):
            _check_weights(what, weights)
        self.scheme, self.states, self.edges = scheme, states, edges
        self.names, self.edge_names = names, edge_names
        free = scheme.name == "free"
        self._legal = (b"", b"", b"") if free else (scheme.starts, scheme.moves, scheme.ends)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.scheme.labels

    @property
    def n_attributes(self) -> int:
        return len(self.states) // len(self.labels)

    @property
    def n_edge_attributes(self) -> int:
        return len(self.edges) // len(self.labels) ** 2

    # ---- training ----------------------------------------------------------------------------------------------

    @classmethod
    def train(
        cls,
        data: Dataset,
        scheme: Scheme,
        *,
        c1: float = 0.0,
        c2: float = 1.0,
        observed: bool = False,
        min_count: int = 1,
        init: CRF | None = None,
        dev: Dataset | None = None,
        patience: int = 10,
        workers: int = 1,
        algorithm: str = "lbfgs",
        seed: int = 0,
        settings: Settings | None = None,
        progress: Callable[[Progress], None] | None = None,
        names: Sequence[str] = (),
        edge_names: Sequence[str] = (),
    ) -> CRF:
        """The CRF that fits a data set best, under penalties; L-BFGS, or OWL-QN where ``c1`` is not 0.

        ``algorithm`` "sgd" moves the weights after every sentence instead, in an order drawn with ``seed``: a good
        model after few iterations, on one thread, over all attributes and labels, without ``c1``.

        ``init`` is where to start, a CRF of the same attributes and labels. With ``dev``, a held-out set, training ends
        when its score has not risen for ``patience`` iterations, and the best weights count: the score is F1 of spans,
        or under the free scheme the share of right labels. ``workers`` threads give the same bits as one. ``progress``
        is called once an iteration. Raises InputError for what does not fit.
        """
        _check_training(data, scheme, c1, c2)
        if algorithm not in ("lbfgs", "sgd"):
            raise InputError(f"algorithm: expected 'lbfgs' or 'sgd', got {algorithm!r}")
        if algorithm == "sgd" and (c1 or observed):
            raise InputError("algorithm 'sgd': expected c1=0 and observed=False; 'lbfgs' takes them")
        with Team(workers) as team:
            function = Likelihood(data, c1=c1, c2=c2, observed=observed, min_count=min_count, team=team)
            watch = _Watch(cls, function, scheme, dev, patience, progress)
            start = None if init is None else function.collect(*init._fitting(data, scheme))
            if algorithm == "sgd":
                result = descend_by_sentence(function, start, settings=settings, seed=seed, watch=watch)
            else:
                result = minimize(function, start, team=team, settings=settings, watch=watch)
            weights = watch.best_weights if watch.best_weights is not None else result.weights
            return cls(scheme, *function.expand(weights), names=names, edge_names=edge_names)

    def _fitting(self, data: Dataset, scheme: Scheme) -> tuple[array[float], array[float]]:
        """The weights, if they can start the training on a data set."""
        mine = self.n_attributes, self.n_edge_attributes, self.labels
        its = data.n_attributes, max(1, data.n_edge_attributes), scheme.labels
        if mine != its:
            raise InputError(f"init: expected (attributes, edge attributes, labels) {its}, got {mine}")
        return self.states, self.edges

    # ---- decoding ----------------------------------------------------------------------------------------------

    def tag(self, data: Dataset, constraints: Constraints | None = None) -> list[list[str]]:
        """The best legal labelling of each sentence.

        ``constraints`` maps (sentence, position) to the label, or the labels, that are possible there. Raises
        InputError where no labelling is left. O(attributes x labels + positions x labels**2).
        """
        numbers, totals = kernels.best_labels(*self._chains(data, constraints), len(self.labels))
        _check_possible(array("d", totals))
        found = list(map(self.labels.__getitem__, array("i", numbers)))
        return [found[start:end] for start, end in pairwise(data.starts)]

    def nbest(
        self, data: Dataset, count: int, constraints: Constraints | None = None
    ) -> list[list[tuple[list[str], float]]]:
        """For each sentence its ``count`` best legal labellings with their probabilities, best first.

        Probabilities are among the labellings that are legal and possible, so that those of all labellings sum to 1.
        """
        arguments = self._chains(data, constraints)
        scores, width = arguments[1][:], len(self.labels)
        totals = array("d", kernels.chain_marginals(arguments[0], scores, *arguments[2:], width))
        _check_possible(totals)
        return [
            [
                ([self.labels[number] for number in array("i", numbers)], exp(score - total))
                for numbers, score in kernels.best_labellings(*arguments, width, sentence, count)
            ]
            for sentence, total in enumerate(totals)
        ]

    def marginals(self, data: Dataset, constraints: Constraints | None = None) -> list[list[dict[str, float]]]:
        """For each sentence and position the probability of each label, among legal and possible labellings."""
        arguments = self._chains(data, constraints)
        width = len(self.labels)
        _check_possible(array("d", kernels.chain_marginals(*arguments, width)))
        scores = arguments[1]
        return [
            [
                dict(zip(self.labels, scores[place * width : place * width + width], strict=True))
                for place in range(start, end)
            ]
            for start, end in pairwise(data.starts)
        ]

    def probability(self, data: Dataset, labels: Sequence[Sequence[str]]) -> list[float]:
        """The probability of a labelling of each sentence, among the legal ones; 0 for one that is not legal."""
        arguments = self._chains(data, None)
        width, numbers = len(self.labels), array("i")
        for sentence, (row, (start, end)) in enumerate(zip(labels, pairwise(data.starts), strict=True)):
            if len(row) != end - start:
                raise InputError(f"sentence {sentence}: expected {end - start} labels, got {len(row)}")
            numbers.extend(map(self._number, row))
        scores = array("d", kernels.score_labels(*arguments[:3], numbers, width))
        totals = array("d", kernels.chain_marginals(*arguments, width))
        _check_possible(totals)
        return [
            exp(score - total) if self._is_legal(numbers[start:end]) else 0.0
            for score, total, (start, end) in zip(scores, totals, pairwise(data.starts), strict=True)
        ]

    def log_likelihood(self, data: Dataset) -> float:
        """The logarithm of the probability of the labels of a data set, over all labellings, legal or not; in nats."""
        arguments = self._chains(data, None)
        sums = array("d", bytes(8 * len(self.edges)))
        known = array("i") if data.allowed is not None else data.labels
        allowed = data.allowed if data.allowed is not None else b""
        width = len(self.labels)
        return -float(
            kernels.chain_losses(
                data.starts, arguments[1], arguments[2], known, allowed, width, 0, data.n_sentences, sums
            )
        )

    def _chains(self, data: Dataset, constraints: Constraints | None) -> tuple[Any, ...]:
        """What kernels of chains want: starts, scores, edges, legal, allowed."""
        width = len(self.labels)
        expected = self.n_attributes, self.n_edge_attributes, width
        got = data.n_attributes, max(1, data.n_edge_attributes), data.n_labels
        if expected != got:
            raise InputError(f"data set: expected (attributes, edge attributes, labels) {expected}, got {got}")
        scores = array("d", bytes(8 * data.n_positions * width))
        values = b"" if data.values is None else data.values
        shape = data.offsets, data.attributes, values
        kernels.sum_rows(*shape, b"", b"", self.states, width, 0, data.n_positions, scores)
        if data.edge_offsets is None:
            edges: tuple[Any, Any, Any] = b"", b"", self.edges
        else:
            edges = data.edge_offsets, data.edge_attributes, self.edges
        return data.starts, scores, edges, self._legal, self._allowed(data, constraints)

    def _allowed(self, data: Dataset, constraints: Constraints | None) -> bytes | bytearray:
        if not constraints:
            return b""
        width = len(self.labels)
        flags = bytearray(b"\1") * (data.n_positions * width)
        for (sentence, position), labels in constraints.items():
            inside = 0 <= sentence < data.n_sentences and position >= 0
            place = data.starts[sentence] + position if inside else -1
            if not inside or place >= data.starts[sentence + 1]:
                raise InputError(f"constraints: expected a position of the data set, got {(sentence, position)}")
            flags[place * width : (place + 1) * width] = bytes(width)
            for label in (labels,) if isinstance(labels, str) else labels:
                flags[place * width + self._number(label)] = 1
        return flags

    def _number(self, label: str) -> int:
        number = self.scheme.index.get(label)
        if number is None:
            raise InputError(f"expected a label of the model, such as {self.labels[0]!r}, got {label!r}")
        return number

    def _is_legal(self, numbers: array[int]) -> bool:
        firsts, moves, lasts = self._legal
        if not firsts or not len(numbers):
            return True
        width = len(self.labels)
        inside = all(moves[before * width + label] for before, label in pairwise(numbers))
        return bool(inside and firsts[numbers[0]] and lasts[numbers[-1]])

    # ---- inspection --------------------------------------------------------------------------------------------

    @property
    def weights(self) -> Iterator[tuple[str, str, float]]:
        """Attribute, label and weight, where it is not 0; attributes without a name go by their number."""
        width = len(self.labels)
        for place, weight in enumerate(self.states):
            if weight:
                attribute, label = divmod(place, width)
                yield _name(self.names, attribute), self.labels[label], weight

    @property
    def transitions(self) -> Iterator[tuple[str, str, str, float]]:
        """Edge attribute, label before, label and weight, where it is not 0."""
        width = len(self.labels)
        for place, weight in enumerate(self.edges):
            if weight:
                rest, label = divmod(place, width)
                item, before = divmod(rest, width)
                yield _name(self.edge_names, item), self.labels[before], self.labels[label], weight

    def top(self, label: str, count: int = 10) -> list[tuple[str, float]]:
        """The attributes that speak most for or against a label, with their weights; the strongest first."""
        column = self.states[self._number(label) :: len(self.labels)]
        found = nlargest(count, enumerate(column), key=lambda item: (abs(item[1]), -item[0]))
        return [(_name(self.names, attribute), weight) for attribute, weight in found if weight]

    def dump(self) -> Iterator[str]:
        """The model as lines of text: labels, then transitions and weights with 17 digits, tab-separated."""
        yield "labels\t" + "\t".join(self.labels)
        for *what, weight in self.transitions:
            yield "\t".join(("edge", *what, f"{weight:.17g}"))
        for name, label, weight in self.weights:
            yield f"state\t{name}\t{label}\t{weight:.17g}"

    @property
    def n_active(self) -> int:
        """How many weights are not 0."""
        return len(self.states) + len(self.edges) - self.states.count(0.0) - self.edges.count(0.0)

    # ---- files -------------------------------------------------------------------------------------------------

    def to_sections(self, single: bool = False) -> tuple[dict[str, Any], dict[str, storage.Section]]:
        """The model as a header and sections of a container; ``single`` keeps weights as float32.

        Where fewer than half of the weights of states are not 0, only those are kept.
        """
        code = "f" if single else "d"
        header = {"scheme": self.scheme.name, "labels": list(self.labels), "attributes": self.n_attributes}
        sections: dict[str, storage.Section] = {"edges": array(code, self.edges)}
        places = [place for place, weight in enumerate(self.states) if weight]
        if 2 * len(places) < len(self.states):
            sections["places"] = array("q", places)
            sections["states"] = array(code, map(self.states.__getitem__, places))
        else:
            sections["states"] = array(code, self.states)
        for key, names in (("names", self.names), ("edge_names", self.edge_names)):
            if len(names):
                sections[key] = "\n".join(names).encode("utf-8", "surrogatepass")
        return header, sections

    @classmethod
    def from_sections(cls, header: Mapping[str, Any], sections: Mapping[str, Any]) -> CRF:
        """The model of a header and sections; ModelError, without a file name, where they do not fit together."""
        labels, scheme, count = header.get("labels"), header.get("scheme"), header.get("attributes")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or not labels:
            raise ModelError(f"labels: expected a list of strings, such as ['B', 'E'], got {labels!r}")
        if not isinstance(count, int) or not 0 <= count < 1 << 31 or not isinstance(scheme, str):
            raise ModelError(f"expected a scheme and a number of attributes, got {scheme!r} and {count!r}")
        edges, kept = array("d", sections.get("edges", ())), array("d", sections.get("states", ()))
        size = count * len(labels)
        states = kept
        if "places" in sections:
            states = _scatter(sections["places"], kept, size)
        if len(states) != size:
            raise ModelError(f"state weights: expected {size} items, got {len(states)}")
        names, edge_names = (_names(sections.get(key)) for key in ("names", "edge_names"))
        if names and len(names) != count:
            raise ModelError(f"names: expected {count}, got {len(names)}")
        try:
            table = Scheme.named(scheme, labels)
            if table.labels != tuple(labels):
                raise ModelError(f"labels: expected those of the scheme, {list(table.labels)}, got {labels}")
            return cls(table, states, edges, names=names, edge_names=edge_names)
        except ValueError as error:
            raise ModelError(str(error)) from None

    def save(self, path: str | os.PathLike[str], single: bool = False) -> None:
        """Writes the model to a file, which appears whole or not at all."""
        storage.save(path, KIND, *self.to_sections(single))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CRF:
        """The model of a file; ModelError, naming the file, for anything else."""
        try:
            return cls.from_sections(*storage.load(path, KIND))
        except ModelError as error:
            name = os.fspath(path)
            message = str(error)
            raise ModelError(message if message.startswith(str(name)) else f"{name}: {message}") from None


class _Watch:
    """Looks at each iteration of a training: tells of it, and remembers the best on the held-out set."""

    def __init__(
        self,
        model: type[CRF],
        function: Likelihood,
        scheme: Scheme,
        dev: Dataset | None,
        patience: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.model, self.function, self.scheme = model, function, scheme
        self.dev, self.patience, self.progress = dev, patience, progress
        self.began = perf_counter()
        self.best_score, self.best_iteration = -inf, 0
        self.best_weights: array[float] | None = None

    def __call__(self, step: Step, weights: array[float]) -> bool:
        score = None
        if self.dev is not None:
            score = self._score(weights, self.dev)
            if score > self.best_score:
                self.best_score, self.best_iteration, self.best_weights = score, step.iteration, weights[:]
        if self.progress is not None:
            seconds = perf_counter() - self.began
            active = self.function.n_active(weights)
            self.progress(Progress(step.iteration, step.value, step.gradient_norm, active, score, seconds))
        return score is not None and step.iteration - self.best_iteration >= self.patience

    def _score(self, weights: array[float], dev: Dataset) -> float:
        """F1 of spans on the held-out set, or the share of right labels under the free scheme."""
        crf = self.model(self.scheme, *self.function.expand(weights))
        got = crf.tag(dev)
        gold = [[self.scheme.labels[label] for label in dev.labels[start:end]] for start, end in pairwise(dev.starts)]
        if self.scheme.name == "free":
            right = sum(a == b for a, b in zip(chain(*gold), chain(*got), strict=True))
            return right / max(1, dev.n_positions)
        expected = [set(self.scheme.spans(row, strict=False)) for row in gold]
        found = [set(self.scheme.spans(row)) for row in got]
        right = sum(len(a & b) for a, b in zip(expected, found, strict=True))
        return 2.0 * right / max(1, sum(map(len, expected)) + sum(map(len, found)))


def _check_training(data: Dataset, scheme: Scheme, c1: float, c2: float) -> None:
    if data.n_labels != len(scheme.labels):
        raise InputError(f"data set: expected {len(scheme.labels)} labels, as the scheme has, got {data.n_labels}")
    if not data.n_positions:
        raise InputError("data set: expected 1 position at least, got none")
    for name, factor in (("c1", c1), ("c2", c2)):
        if not 0.0 <= factor < inf:
            raise InputError(f"{name}: expected 0 or more, such as 0.5, got {factor}")


def _check_possible(totals: array[float]) -> None:
    if -inf in totals:
        raise InputError(f"sentence {totals.index(-inf)}: expected a labelling that is legal and possible, got none")


def _check_weights(what: str, weights: array[float]) -> None:
    # A sum is finite only if all terms are; one pass in C where there is nothing to complain about.
    if abs(sum(weights)) < inf:
        return
    for place, weight in enumerate(weights):
        if not abs(weight) < inf:
            raise ModelError(f"{what} weights: expected finite numbers, got {weight!r} at {place}")


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _names(section: Any) -> list[str]:
    try:
        return str(section, "utf-8", "surrogatepass").split("\n") if section is not None else []
    except UnicodeDecodeError as error:
        raise ModelError(f"names: expected UTF-8, got byte {error.object[error.start]} at {error.start}") from None


def _scatter(places: Any, kept: array[float], size: int) -> array[float]:
    """Weights put in their places, zeros elsewhere."""
    if len(places) != len(kept) or 2 * len(places) >= max(size, 1):
        raise ModelError(f"places: expected one a weight and fewer than half of {size}, got {len(places)}")
    states = array("d", bytes(8 * size))
    before = -1
    for place, weight in zip(places, kept, strict=True):
        if not before < place < size:
            raise ModelError(f"places: expected numbers that rise to {size - 1} at most, got {place} after {before}")
        states[place] = weight
        before = place
    return states
