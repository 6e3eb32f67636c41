"""The second order: every character with its tag depends on the two characters before it, with theirs.

What a first-order model forgets is which characters stood before. Here the states are pairs of character and tag, and a
chance is interpolated from one, two and three of them in a row (:mod:`nlp_zero.kernels.pairs` writes it out). The three
weights come from deleted interpolation (删除插值): each triple of the training text votes, as often as it was counted,
for the history that would predict it best if it had been counted once less. No held-out text is needed.

T. Brants 2000, "TnT: a statistical part-of-speech tagger"; K. Wang, C. Zong & K.-Y. Su 2009, "Which is more suitable
for Chinese word segmentation, the generative model or the discriminative one?".

>>> model = PairHMM.train([["我", "喜欢", "茶"], ["我", "喝", "茶"], ["他", "喜欢", "酒"]])
>>> model.tokenize("他喜欢茶")
['他', '喜欢', '茶']
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import exp, fsum, inf, isfinite, log
from typing import Any, NamedTuple

from .. import kernels, storage
from ..errors import InputError, LabelError
from ..kernels.pairs import BEFORE, MOST_SYMBOLS, STATES, SYMBOL_BITS
from ..text.characters import class_table
from .hmm import KIND, Random, best_by_chances
from .hmm_counts import SMOOTHING, Counts, count_words, estimate
from .labels import Scheme

__all__ = ["PairHMM"]

_FOUR = Scheme.named("bmes")
_SINGLE = 3
_LEAST = 1e-6
_EDGE = STATES[_SINGLE << 2 | _SINGLE]
_TAGS = (1, 2, 1, 2, 0, 3, 0, 3)  # the second tag of each state


class _Parts(NamedTuple):
    """All that a model is, as it stands in its file."""

    characters: str
    shares: array[float]
    singles: array[int]
    pairs: array[int]
    pair_counts: array[int]
    triples: array[int]
    triple_counts: array[int]
    weights: array[float]


class PairHMM:
    """A second-order model for cutting text into words; nothing about it changes."""

    order = 2
    scheme = _FOUR

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._engines: dict[str, Any] = {}
        if not all(map(isfinite, parts.weights)) or abs(sum(parts.weights) - 1.0) > 1e-6:
            raise InputError(f"weights: expected three that sum to 1, got {list(parts.weights)}")
        self._engine()

    def __repr__(self) -> str:
        return f"<HMM of order 2, 4 labels, {len(self._parts.characters):,} symbols>"

    @property
    def weights(self) -> tuple[float, ...]:
        """How much one, two and three in a row count."""
        return tuple(self._parts.weights)

    @classmethod
    def train(cls, sentences: Iterable[Sequence[str]], smoothing: float = SMOOTHING) -> PairHMM:
        """A model from segmented sentences, each a list of words. O(characters) in time and memory.

        ``smoothing`` is for single characters, as it is for a model of the first order.
        """
        lines = [sentence if isinstance(sentence, str) else list(sentence) for sentence in sentences]
        counts = count_words(_FOUR, lines)
        if not counts.spoken:
            raise InputError("expected something to learn from, got no words")
        symbols, tables = estimate(counts, smoothing)
        if len(symbols) > MOST_SYMBOLS:
            raise InputError(f"expected at most {MOST_SYMBOLS} characters, got {len(symbols)}")
        atoms = _Atoms(symbols, lines)
        edge = atoms.singles[_SINGLE]
        total = sum(atoms.singles.values()) - edge
        weights = _deleted_interpolation(atoms, total)
        singles = array("I", [atoms.singles[atom] for atom in range(4 * (len(symbols) + 1))])
        shares = _joint_shares(counts, tables.emissions)
        pairs, pair_counts = _packed(atoms.pairs, 2)
        triples, triple_counts = _packed(atoms.triples, 3)
        return cls(_Parts("".join(symbols), shares, singles, pairs, pair_counts, triples, triple_counts, weights))

    # Words

    def tokenize(self, text: str) -> list[str]:
        """The words of the most probable labelling; joined they are the text. O(n)."""
        return self.tokenize_lines([text])[0]

    def tokenize_lines(self, lines: Iterable[str]) -> list[list[str]]:
        """:meth:`tokenize` of each of many texts in one call, which is faster than one by one."""
        if isinstance(lines, str):
            raise TypeError("lines: expected texts, such as ['今天天气', '很好'], got one str")
        words: list[list[str]] = self._engine().segment_lines(lines if isinstance(lines, list) else list(lines))
        return words

    def tag(self, symbols: Sequence[str], method: str = "viterbi") -> list[str]:
        """The labels of a text: the most probable ones, or those of which most are expected to be right; O(n).

        ``method`` is ``"viterbi"`` or ``"posterior"``, as for :meth:`HMM.tag`.
        """
        if method not in ("viterbi", "posterior"):
            raise ValueError(f"method: expected 'viterbi' or 'posterior', got {method!r}")
        text = _text(symbols)
        if method == "posterior":
            return best_by_chances(_FOUR, self.chances(text))
        return _FOUR.label_words(self.tokenize(text))

    # All labellings

    def chances(self, symbols: Sequence[str]) -> list[list[float]]:
        """The probability of every label (B M E S) at every place, given the whole text (后验概率). O(n)."""
        passes = _Passes(self._moves(symbols))
        return passes.chances()

    def log_likelihood(self, symbols: Sequence[str]) -> float:
        """log P(symbols), summed over all labellings that end legally, in nats. O(n)."""
        return fsum(map(log, _Passes(self._moves(symbols)).scales))

    def sample_labels(self, symbols: Sequence[str], seed: int) -> list[str]:
        """Labels drawn by their probability given the text; exact, by the seed. O(n)."""
        return [_FOUR.labels[label] for label in _Passes(self._moves(symbols)).sample(Random(seed))]

    def score(self, symbols: Sequence[str], labels: Sequence[str]) -> float:
        """log P(symbols, labels), in nats; -inf for labels that cannot be. O(n)."""
        moves, numbers = self._moves(symbols), _FOUR.encode(labels)
        if len(moves) != len(numbers):
            raise LabelError(f"labels: expected one for each of {len(moves)} symbols, got {len(numbers)}")
        if not _FOUR.is_legal(labels):
            return -inf
        total, old = 0.0, _EDGE
        for row, pair in zip(moves, pairwise([_SINGLE, *numbers]), strict=True):
            state = STATES[pair[0] << 2 | pair[1]]
            total += log(row[2 * state + BEFORE[state].index(old)])
            old = state
        return total

    def _moves(self, symbols: Sequence[str]) -> list[list[float]]:
        """For every place the probabilities of the sixteen moves, as the kernel orders them."""
        flat = array("d", map(exp, array("d", self._engine().scores(_text(symbols)))))
        return [list(flat[place : place + 16]) for place in range(0, len(flat), 16)]

    def _engine(self) -> Any:
        engine = self._engines.get(kernels.backend)
        if engine is None:
            characters, shares, *rest = self._parts
            engine = self._engines[kernels.backend] = kernels.PairTags(characters, shares, class_table(), *rest)
        return engine

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model; the file appears whole or not at all."""
        sections: dict[str, Any] = dict(self._parts._asdict())
        sections["characters"] = self._parts.characters.encode("utf-8", "surrogatepass")
        storage.save(path, KIND, {"order": 2, "scheme": "bmes", "labels": list(_FOUR.labels)}, sections)

    @classmethod
    def _read(cls, sections: Mapping[str, Any]) -> PairHMM:
        """From the sections of a file; raises KeyError, TypeError or ValueError."""
        columns: dict[str, Any] = {}
        codes = ("d", "I", "Q", "I", "Q", "I", "d")
        for name, code in zip(_Parts._fields[1:], codes, strict=True):
            view = memoryview(sections[name])
            if view.format != code:
                raise ValueError(f"{name}: expected numbers of type {code!r}, got {view.format!r}")
            columns[name] = array(code, view)
        return cls(_Parts(str(sections["characters"], "utf-8", "surrogatepass"), **columns))


def _text(symbols: Sequence[str]) -> str:
    text = symbols if isinstance(symbols, str) else "".join(symbols)
    if len(text) != len(symbols):
        raise InputError("expected symbols of one character each, got a longer one")
    return text


class _Passes:
    """The forward pass over the states of a text, scaled place by place, and what follows from it."""

    def __init__(self, moves: list[list[float]]) -> None:
        self.moves = moves
        self.rows: list[list[float]] = []
        self.scales: list[float] = []
        row = [float(state == _EDGE) for state in range(8)]
        for chances in moves:
            row = [
                row[first] * chances[2 * state] + row[second] * chances[2 * state + 1]
                for state, (first, second) in enumerate(BEFORE)
            ]
            self.scales.append(sum(row))
            row = [chance / self.scales[-1] for chance in row]
            self.rows.append(row)
        # The states that end with B or M are no end of a text.
        self.ends = [chance * (state & 1) for state, chance in enumerate(row)]
        self.scales.append(sum(self.ends))

    def chances(self) -> list[list[float]]:
        """The posterior probabilities of the labels, from the last place back to the first."""
        found: list[list[float]] = []
        after = [(state & 1) / self.scales[-1] for state in range(8)]
        for row, moves, scale in zip(
            reversed(self.rows), reversed(self.moves), reversed(self.scales[:-1]), strict=True
        ):
            here = [one * rest for one, rest in zip(row, after, strict=True)]
            found.append([here[4] + here[6], here[0] + here[2], here[1] + here[3], here[5] + here[7]])
            before = [0.0] * 8
            for state, olds in enumerate(BEFORE):
                for place, old in enumerate(olds):
                    before[old] += moves[2 * state + place] * after[state] / scale
            after = before
        return found[::-1]

    def sample(self, random: Random) -> list[int]:
        """Labels drawn from the last to the first."""
        drawn: list[int] = []
        state = random.choose(self.ends)
        for place in range(len(self.rows) - 1, -1, -1):
            drawn.append(_TAGS[state])
            before = self.rows[place - 1] if place else [float(old == _EDGE) for old in range(8)]
            weights = [before[old] * self.moves[place][2 * state + side] for side, old in enumerate(BEFORE[state])]
            state = BEFORE[state][random.choose(weights)]
        return drawn[::-1]


class _Atoms:
    """Counts of one, two and three pairs of character and tag in a row; a pair is the number 4 * symbol + tag."""

    def __init__(self, symbols: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
        self.singles: Counter[int] = Counter()
        self.pairs: Counter[tuple[int, int]] = Counter()
        self.triples: Counter[tuple[int, int, int]] = Counter()
        number = {symbol: 4 * place for place, symbol in enumerate(symbols, 1)}
        tags: dict[str, list[int]] = {}
        for line in lines:
            row = [_SINGLE, _SINGLE]
            for word in line:
                atoms = tags.get(word)
                if atoms is None:
                    labels = _FOUR.encode(_FOUR.label_words([word]))
                    atoms = tags[word] = [number[one] + tag for one, tag in zip(word, labels, strict=True)]
                row += atoms
            self.singles.update(row[1:])
            self.pairs.update(pairwise(row))
            self.triples.update(zip(row[:-2], row[1:-1], row[2:], strict=True))


def _deleted_interpolation(atoms: _Atoms, total: int) -> array[float]:
    votes = [_LEAST, _LEAST, _LEAST]
    singles, pairs = atoms.singles, atoms.pairs
    for (first, second, third), count in atoms.triples.items():
        three = _less_one(count, pairs[first, second])
        two = _less_one(pairs[second, third], singles[second])
        one = _less_one(singles[third], total)
        best = max(three, two, one)
        votes[2 if three == best else 1 if two == best else 0] += count
    whole = sum(votes)
    return array("d", [vote / whole for vote in votes])


def _less_one(count: int, whole: int) -> float:
    return (count - 1) / (whole - 1) if whole > 1 else 0.0


def _joint_shares(counts: Counts, emissions: array[float]) -> array[float]:
    """The share of each symbol with each tag among all, from the chance of the symbol under the tag."""
    totals = list(counts.totals().values())
    whole = sum(totals)
    shares = [max(total, 0.5) / whole for total in totals]
    return array("d", [max(chance * shares[place & 3], 1e-300) for place, chance in enumerate(emissions)])


def _packed(counts: Mapping[Any, int], length: int) -> tuple[array[int], array[int]]:
    """Keys, rising, with their counts."""
    keys = []
    for atoms, count in counts.items():
        symbols = tags = 0
        for atom in atoms:
            symbols, tags = symbols << SYMBOL_BITS | atom >> 2, tags << 2 | atom & 3
        keys.append((symbols << 2 * length | tags, count))
    keys.sort()
    return array("Q", [key for key, _ in keys]), array("I", [count for _, count in keys])
