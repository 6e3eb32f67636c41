"""Hidden Markov models (隐马尔可夫模型) of the first order: a label depends on the label before, a symbol on its label.

Four ways to one:

* :meth:`HMM.train`, from segmented sentences, and :meth:`HMM.train_labels`, from labelled sequences: counts, smoothed
  (:mod:`nlp_zero.tagging.hmm_counts` says how, and what becomes of characters that were never seen);
* :meth:`HMM.from_lexicon`, from words with counts alone: words drawn one after another by their counts;
* :meth:`HMM.fit`, from raw text, by the algorithm of Baum and Welch (the likelihood of the text never falls);
* :class:`HMM` itself, from probabilities.

``HMM.train(..., order=2)`` gives a :class:`~nlp_zero.tagging.hmm_pairs.PairHMM` instead, in which characters depend on
the characters before: slower, larger, and much better at cutting words.

What the scheme forbids (:class:`~nlp_zero.tagging.labels.Scheme`) never comes out: not at the start, not inside, not at
the end. Sums over all labellings are scaled place by place, so a text may be as long as it likes. Where a symbol has
probability 0 under a label, decoding takes e**-1000: a text is always tagged.

>>> hmm = HMM.from_lexicon({"今天": 10, "天气": 8, "不错": 6, "计算机": 3, "好": 4, "不": 5, "天": 2})
>>> hmm.tokenize("今天天气不错")
['今天', '天气', '不错']
>>> hmm.tag("好天气")
['S', 'B', 'E']

L. R. Rabiner 1989, "A tutorial on hidden Markov models and selected applications in speech recognition".
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite, log
from typing import TYPE_CHECKING, Any

from .. import kernels, storage
from ..errors import InputError, LabelError, ModelError
from ..text.characters import class_table
from .hmm_counts import CLASSES, SMOOTHING, Counts, Tables, count_labels, count_lexicon, count_words, estimate
from .labels import Scheme

if TYPE_CHECKING:
    from .hmm_pairs import PairHMM

__all__ = ["HMM", "KIND"]

KIND = "hmm"
"""The kind of container that an HMM is stored in."""

_FLOOR = -1000.0  # nats
_CLOSE = 1e-6


class HMM:
    """A first-order model over the labels of ``scheme``; nothing about it changes.

    ``symbols`` are distinct: characters, or any other strings (whole words, say). ``tables`` are its
    probabilities, in rows: see :class:`~nlp_zero.tagging.hmm_counts.Tables`. Raises :class:`InputError` for numbers
    that are no probabilities, do not sum to 1, or are above 0 where the scheme forbids.
    """

    order = 1

    def __init__(self, scheme: Scheme, symbols: Sequence[str], tables: Tables) -> None:
        self.scheme = scheme
        self.symbols = tuple(symbols)
        self.tables = Tables(*(array("d", table) for table in tables))
        self.log_likelihoods: list[float] = []
        """Of the text that the model was fitted to, in nats, before each step; empty for other models."""
        _check_tables(scheme, self.symbols, self.tables)
        self._index = {symbol: number for number, symbol in enumerate(self.symbols)}
        if len(self._index) != len(self.symbols):
            raise InputError("symbols: expected each once, got one again")
        self._logs = Tables(*(array("d", map(_log, table)) for table in self.tables))
        self._logs.emissions[:] = array("d", [max(score, _FLOOR) for score in self._logs.emissions])
        self._engines: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<HMM of order 1, {len(self.scheme.labels)} labels, {len(self.symbols):,} symbols>"

    # Learning

    @classmethod
    def train(
        cls, sentences: Iterable[Sequence[str]], order: int = 1, scheme: str = "bmes", smoothing: float = SMOOTHING
    ) -> HMM | PairHMM:
        """A model from segmented sentences, each a list of words. O(characters).

        >>> HMM.train([["我", "喜欢", "茶"], ["茶", "好"]]).tokenize("我喜欢好茶")
        ['我', '喜欢', '好', '茶']
        """
        if order == 2:
            from .hmm_pairs import PairHMM

            if scheme != "bmes":
                raise ValueError(f"scheme: expected 'bmes' for a model of order 2, got {scheme!r}")
            return PairHMM.train(sentences, smoothing)
        if order != 1:
            raise ValueError(f"order: expected 1 or 2, got {order!r}")
        return cls._estimated(count_words(Scheme.named(scheme), sentences), smoothing)

    @classmethod
    def train_labels(
        cls,
        sequences: Iterable[tuple[Sequence[str], Sequence[str]]],
        scheme: str | Scheme = "free",
        smoothing: float = SMOOTHING,
    ) -> HMM:
        """A model from pairs of symbols and their labels; the labels of the data are those of the scheme. O(symbols).

        >>> HMM.train_labels([(["我", "喝", "茶"], ["r", "v", "n"]), (["茶", "好"], ["n", "a"])]).tag(["喝", "茶"])
        ['v', 'n']
        """
        pairs = [(list(symbols), list(labels)) for symbols, labels in sequences]
        if isinstance(scheme, str):
            scheme = Scheme.named(scheme, [label for _, labels in pairs for label in labels])
        return cls._estimated(count_labels(scheme, pairs), smoothing)

    @classmethod
    def from_lexicon(cls, lexicon: Mapping[str, float], scheme: str = "bmes", smoothing: float = SMOOTHING) -> HMM:
        """A model of texts whose words are drawn by their counts, one independent of the other. O(characters)."""
        return cls._estimated(count_lexicon(Scheme.named(scheme), lexicon), smoothing)

    @classmethod
    def _estimated(cls, counts: Counts, smoothing: float) -> HMM:
        if not counts.spoken:
            raise InputError("expected something to learn from, got no words")
        return cls(counts.scheme, *estimate(counts, smoothing))

    @classmethod
    def fit(
        cls,
        lines: Iterable[Sequence[str]],
        init: HMM | None = None,
        scheme: str = "bmes",
        iterations: int = 20,
        tolerance: float = 1e-5,
        seed: int = 0,
    ) -> HMM:
        """A model made likely by raw text, from ``init`` on or, without it, from chance; see :mod:`.hmm_fit`."""
        from .hmm_fit import fit

        return fit(lines, init, scheme, iterations, tolerance, seed)

    # Symbols

    def encode(self, symbols: Sequence[str]) -> array[int]:
        """The row of each symbol; those that are not known have that of their (first) character's class."""
        index = self._index
        rows = array("I")
        rows.extend([row if (row := index.get(symbol)) is not None else self._unknown(symbol) for symbol in symbols])
        return rows

    def _unknown(self, symbol: str) -> int:
        return len(self.symbols) + (class_table()[ord(symbol[0])] if symbol else 0)

    # Labels

    def tag(self, symbols: Sequence[str], method: str = "viterbi") -> list[str]:
        """The labels of a text or of a list of symbols. O(n) in symbols, times labels squared.

        ``"viterbi"``: the most probable labelling. ``"posterior"``: the legal one in which most labels are expected to
        be right (each label is weighed by its probability given the whole text).
        """
        if method not in ("viterbi", "posterior"):
            raise ValueError(f"method: expected 'viterbi' or 'posterior', got {method!r}")
        if method == "posterior":
            return best_by_chances(self.scheme, self.chances(symbols))
        if self._cuts_text and isinstance(symbols, str):
            return self.scheme.label_words(self.tokenize(symbols))
        rows = self.encode(symbols)
        labels, _ = kernels.hmm_path(rows, array("I", [len(rows)]), *self._logs)
        return [self.scheme.labels[label] for label in labels]

    def chances(self, symbols: Sequence[str]) -> list[list[float]]:
        """The probability of every label at every place, given the whole text (后验概率); each row sums to 1. O(n).

        >>> hmm = HMM.train([["我", "喜欢", "茶"], ["茶", "好"]])
        >>> [round(chance, 3) for chance in hmm.chances("茶")[0]]  # B M E S
        [0.0, 0.0, 0.0, 1.0]
        """
        size = len(self.scheme.labels)
        _, posterior, _, _ = self._passes(symbols)
        flat = array("d", posterior)
        return [list(flat[place : place + size]) for place in range(0, len(flat), size)]

    def _passes(self, symbols: Sequence[str]) -> tuple[bytes, bytes, float, int]:
        """Forward and posterior chances, and the probability of the text in two numbers."""
        try:
            result: tuple[bytes, bytes, float, int] = kernels.hmm_chances(self.encode(symbols), *self.tables)
        except ValueError:
            raise InputError("expected a text that the model can produce, got one of probability 0") from None
        return result

    def sample_labels(self, symbols: Sequence[str], seed: int) -> list[str]:
        """Labels drawn by their probability given the text; exact, by the seed. O(n)."""
        size = len(self.scheme.labels)
        forward, _, _, _ = self._passes(symbols)
        chances, moves = array("d", forward), self.tables.moves
        random = Random(seed)
        label, drawn = -1, []
        for place in range(len(symbols) - 1, -1, -1):
            onward = self.tables.ends if label < 0 else moves[label::size]
            here = chances[place * size : (place + 1) * size]
            label = random.choose([one * other for one, other in zip(here, onward, strict=True)])
            drawn.append(self.scheme.labels[label])
        return drawn[::-1]

    def generate(self, length: int, seed: int) -> tuple[list[str], list[str]]:
        """Symbols and labels of a text of this length, drawn from the model; by the seed.

        What is known symbols only is drawn; the last labels are drawn again until they may end.
        """
        size, known = len(self.scheme.labels), len(self.symbols)
        random = Random(seed)
        reach = self._reach(length)
        labels: list[int] = []
        for place in range(length):
            row = self.tables.starts if not labels else self.tables.moves[labels[-1] * size : (labels[-1] + 1) * size]
            labels.append(random.choose([share * good for share, good in zip(row, reach[place], strict=True)]))
        emissions = self.tables.emissions
        symbols = [self.symbols[random.choose(emissions[label : known * size : size])] for label in labels]
        return symbols, [self.scheme.labels[label] for label in labels]

    def _reach(self, length: int) -> list[list[float]]:
        """For every place and label the probability of ending legally from there."""
        size, moves = len(self.scheme.labels), self.tables.moves
        rows = [list(self.tables.ends)]
        for _ in range(length - 1):
            after = rows[-1]
            rows.append(
                [
                    sum(
                        share * good
                        for share, good in zip(moves[label * size : (label + 1) * size], after, strict=True)
                    )
                    for label in range(size)
                ]
            )
        return rows[::-1]

    # Probabilities

    def log_likelihood(self, symbols: Sequence[str]) -> float:
        """log P(symbols), summed over all labellings that end legally, in nats. O(n)."""
        *_, mantissa, exponent = self._passes(symbols)
        total: float = log(mantissa) + exponent * log(2.0)
        return total

    def score(self, symbols: Sequence[str], labels: Sequence[str]) -> float:
        """log P(symbols, labels), in nats; -inf for labels that cannot be."""
        rows, numbers = self.encode(symbols), self.scheme.encode(labels)
        if len(rows) != len(numbers):
            raise LabelError(f"labels: expected one for each of {len(rows)} symbols, got {len(numbers)}")
        if not numbers:
            return 0.0
        size, logs = len(self.scheme.labels), self._logs
        total: float = logs.starts[numbers[0]] + logs.ends[numbers[-1]]
        total += sum(logs.emissions[row * size + label] for row, label in zip(rows, numbers, strict=True))
        for before, after in pairwise(numbers):
            total += logs.moves[before * size + after]
        return total

    # Words

    def tokenize(self, text: str) -> list[str]:
        """The words of the most probable labelling; joined they are the text. O(n)."""
        return self.tokenize_lines([text])[0]

    def tokenize_lines(self, lines: Iterable[str]) -> list[list[str]]:
        """:meth:`tokenize` of each of many texts in one call, which is faster than one by one."""
        if isinstance(lines, str):
            raise TypeError("lines: expected texts, such as ['今天天气', '很好'], got one str")
        lines = lines if isinstance(lines, list) else list(lines)
        if not self._cuts_text:
            return [self.scheme.words(line, self.tag(line)) for line in lines]
        words: list[list[str]] = self._engine().segment_lines(lines)
        return words

    @property
    def _cuts_text(self) -> bool:
        """Whether the fast kernel can serve: four bare labels, and symbols that are characters."""
        return set(self.scheme.labels) == set("BMES") and not any(len(symbol) != 1 for symbol in self.symbols)

    def _engine(self) -> Any:
        engine = self._engines.get(kernels.backend)
        if engine is None:
            scores, moves = self._relative_scores()
            engine = kernels.FourTags("".join(self.symbols), scores, class_table(), moves)
            self._engines[kernels.backend] = engine
        return engine

    def _relative_scores(self) -> tuple[array[float], array[float]]:
        """Scores as :class:`~nlp_zero.kernels.hmm.FourTags` wants them.

        With potentials f, a move from a to b scores its logarithm + f(a) - f(b); the part of it that all moves into a
        label have goes into its scores, relative to B. The potentials are those which make S to B, B to M and B to E,
        and of the moves from M and from E the better one, score nothing.
        """
        b, m, e, s = (self.scheme.index[label] for label in "BMES")
        logs = self._logs

        def move(before: int, after: int) -> float:
            return max(logs.moves[before * 4 + after], _FLOOR)

        on, close = move(m, m) - move(b, m), move(m, e) - move(b, e)
        begin, single = move(e, b) - move(s, b), move(e, s) - move(s, s)
        at_b, at_m, at_e = move(s, b), move(s, b) - max(on, close), -max(begin, single)
        start = max(logs.starts[s], _FLOOR) - move(s, s) - (max(logs.starts[b], _FLOOR) - at_b)
        end = max(logs.ends[e], _FLOOR) + at_e - max(logs.ends[s], _FLOOR)
        moves = [on - max(on, close), close - max(on, close), begin + at_e, single + at_e, start, end]
        in_m, in_e, in_s = move(b, m) + at_b - at_m, move(b, e) + at_b - at_e, move(s, s)
        scores = array("d")
        for row in range(0, len(logs.emissions), 4):
            four = logs.emissions[row : row + 4]
            scores.extend((four[m] - four[b] + in_m, four[e] - four[b] + in_e, four[s] - four[b] + in_s))
        return scores, array("d", moves)

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model; the file appears whole or not at all."""
        header = {"order": 1, "scheme": self.scheme.name, "labels": list(self.scheme.labels)}
        sections: dict[str, Any] = dict(self.tables._asdict())
        sections["symbols"] = "".join(self.symbols).encode("utf-8", "surrogatepass")
        sections["lengths"] = array("I", map(len, self.symbols))
        storage.save(path, KIND, header, sections)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HMM | PairHMM:
        """Read what :meth:`save` wrote; :class:`ModelError`, naming the file, for anything else."""
        header, sections = storage.load(path, KIND)
        try:
            if header["order"] == 2:
                from .hmm_pairs import PairHMM

                return PairHMM._read(sections)
            scheme = Scheme.named(_known_scheme(header["scheme"]), header["labels"])
            if list(scheme.labels) != header["labels"] or header["order"] != 1:
                raise ValueError(f"expected order 1 or 2 and the labels of a scheme, got {header!r}")
            tables = Tables(*(_doubles(sections, name) for name in Tables._fields))
            return cls(scheme, _symbols(sections), tables)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{os.fspath(path)}: no HMM that can be used: {error}") from error


def best_by_chances(scheme: Scheme, chances: Sequence[Sequence[float]]) -> list[str]:
    """The legal labels with the greatest sum of chances, given those of every label at every place. O(n)."""
    flat = array("d")
    for row in chances:
        flat.extend(row)
    legal = scheme.starts, scheme.moves, scheme.ends
    tables = [array("d", [0.0 if good else -inf for good in table]) for table in legal]
    labels, _ = kernels.hmm_path(array("I", range(len(chances))), array("I", [len(chances)]), *tables, flat)
    return [scheme.labels[label] for label in labels]


def _log(share: float) -> float:
    return log(share) if share > 0.0 else -inf


class Random:
    """splitmix64: a seed draws the same everywhere."""

    def __init__(self, seed: int) -> None:
        self.state = seed & (1 << 64) - 1

    def uniform(self) -> float:
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        mixed = (self.state ^ self.state >> 30) * 0xBF58476D1CE4E5B9 & mask
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
        return ((mixed ^ mixed >> 31) >> 11) * 2.0**-53

    def choose(self, weights: Sequence[float]) -> int:
        """A place, drawn by the weights."""
        left = self.uniform() * sum(weights)
        last = 0
        for place, weight in enumerate(weights):
            if weight > 0.0:
                last = place
                left -= weight
                if left < 0.0:
                    break
        return last


# Checking ----------------------------------------------------------------------------------------------------------


def _check_tables(scheme: Scheme, symbols: Sequence[str], tables: Tables) -> None:
    size, known = len(scheme.labels), len(symbols)
    expected = Tables(size, size * size, size, (known + CLASSES) * size)  # type: ignore[arg-type]
    for name, table, count in zip(Tables._fields, tables, expected, strict=True):
        if len(table) != count:
            raise InputError(f"{name}: expected {count} numbers, got {len(table)}")
        for place, share in enumerate(table):
            if not 0.0 <= share <= 1.0 + _CLOSE:
                raise InputError(f"{name}: expected probabilities from 0 to 1, got {share!r} at {place}")
    for name, table, legal in (
        ("starts", tables.starts, scheme.starts),
        ("moves", tables.moves, scheme.moves),
        ("ends", tables.ends, scheme.ends),
    ):
        for place, share in enumerate(table):
            if share and not legal[place]:
                raise InputError(f"{name}: expected 0 where the scheme forbids, got {share!r} at {place}")
    _check_sum("starts", tables.starts)
    for label in range(size):
        row = tables.moves[label * size : (label + 1) * size]
        if any(row):
            _check_sum(f"moves from {scheme.labels[label]}", row)
        column = tables.emissions[label::size]
        if any(column):
            _check_sum(f"emissions of {scheme.labels[label]}", column)


def _check_sum(name: str, shares: Iterable[float]) -> None:
    total = sum(shares)
    if not isfinite(total) or abs(total - 1.0) > _CLOSE:
        raise InputError(f"{name}: expected probabilities that sum to 1, got {total!r}")


def _known_scheme(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"scheme: expected a name, got {name!r}")
    return name


def _doubles(sections: Mapping[str, Any], name: str) -> array[float]:
    section = memoryview(sections[name])
    if section.format != "d":
        raise ValueError(f"{name}: expected numbers of type 'd', got {section.format!r}")
    return array("d", section)


def _symbols(sections: Mapping[str, Any]) -> list[str]:
    text = str(sections["symbols"], "utf-8", "surrogatepass")
    lengths = memoryview(sections["lengths"])
    if lengths.format != "I" or sum(lengths) != len(text):
        raise ValueError(f"lengths: expected numbers that sum to {len(text)}")
    symbols, end = [], 0
    for length in lengths:
        symbols.append(text[end : end + length])
        end += length
    return symbols
