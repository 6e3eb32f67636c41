"""Tokenizer (分词器): text in, words out, by the best path through a lattice of all words.

**The lattice** is laid over the untouched text: every word of the lexicon wherever it stands, whatever its characters
(spaces, punctuation, Latin letters), and beside them stretches that the lexicon does not have. What an unknown stretch
is (one Han character; a number; a run of Latin letters; an emoji with all that belongs to it; ...) and how ties are
broken is written in :mod:`nlp_zero.kernels.lattice`. The segmentation with the highest score wins; joined, its words
are the text, to the character.

**Scores** are natural logarithms of probabilities. With ``N`` the sum of all counts and ``u`` the number of words that
were seen once (at least 1)::

    word of the lexicon   log(count / (N + u))                   (a count of 0 is taken for half an occurrence)
    unknown, class c      log(u / (N + u) / 9)                   the share of the unseen (Good-Turing), for nine classes
                          + log(q) + (length - 1) * log(1 - q)   its length: geometric with mean 1/q
                          - length * log(A)                      its spelling: any of A characters of the class

``A`` and ``1/q`` are in :data:`SPELLING`. ``length`` counts code points, so this is ``a + b * length``; both numbers,
per class, are :attr:`Tokenizer.unknown`, and ``unknown=`` replaces them.

**Context.** A model learnt by method ``bayes`` also has a :class:`~nlp_zero.words.context.Context`: how well a word
goes with the word before it, whether a boundary expert would cut where it ends, and how likely some Han characters are
to be a word that nobody listed. All of it is added to the score of a path, in nats. In the edges of a lattice the
expert is part of the score of the word that ends there; what two neighbours say about each other is beside them, and in
all sums.

**Your own words.** :meth:`Tokenizer.with_words` returns a new tokenizer; none ever changes. ``weight=w`` says how much
a word means to you in one number that does not depend on the corpus: on its own, the word beats its best split by at
least ``w`` nats (each nat is a factor of 2.7 in odds; at ``0`` it draws level). A neighbour may still be stronger.
``force=True`` asks nobody: forced words are found first, the longest first from left to right, and always come out
whole.

**Shapes** (see :mod:`nlp_zero.words.symbols`) are words for any number, four-digit number or Latin word in a place:
``NUMBER + "元"`` is 5元 and 12.50元. They score as other words do; a word of the lexicon over the same stretch, spelt
out, takes their place; and there are none over what ``numbers="char"`` or ``latin="char"`` cuts into characters.

**Granularity.** House styles differ in how long words are. ``granularity=0.1`` cuts words that are a tenth longer on
average than the learnt ones, ``-0.1`` a tenth shorter. Inside, every word of a path costs so many nats more or fewer,
so a higher granularity never gives more words. How many nats a step is, is read off text (:meth:`Tokenizer.calibrate`).
Above 0 words that often stand side by side (compounds, learnt with the context) may be one word; they score as their
parts less a penalty.

Latin letters and digits: a word that begins or ends with one matches only where the run of letters, or the number,
begins or ends; so ``ens`` does not cut ``license``. ``latin_boundary="any"`` switches that off.

>>> tokenizer = Tokenizer({"研究": 5, "研究生": 4, "生命": 5, "命": 1, "起源": 3})
>>> tokenizer.tokenize("研究生命起源")
['研究', '生命', '起源']
>>> tokenizer.with_words(["生命起源"]).tokenize("研究生命起源")
['研究', '生命起源']
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby, pairwise
from math import ceil, exp, floor, inf, isfinite, isnan, log, nan
from pathlib import Path
from typing import Any, NamedTuple

from .. import kernels, storage
from ..errors import LexiconError, ModelError
from ..kernels.lattice import COMMA, JOINER, NUMERAL, PERCENT, PICTOGRAPH, PLACEHOLDERS, REGIONAL, SEPARATOR
from ..text.characters import CLASS_NAMES, DIGIT, LATIN, MARK, OTHER, char_class, class_table
from .context import Context
from .lexicon import Entry, Lexicon
from .paths import FORCED, UNKNOWN, Edge, Lattice, sum_of_paths
from .symbols import LATIN as LETTERS
from .symbols import NUMBER, NUMERALS, YEAR, is_shape, readable
from .unexplained import Recut, recut

__all__ = ["SPELLING", "Explanation", "Token", "Tokenizer", "Verdict", "builtin"]

KIND = "tokenizer"

SPELLING: dict[str, tuple[int, float]] = {
    "other": (1000, 1.1),
    "space": (10, 1.1),
    "punctuation": (100, 1.1),
    "han": (20000, 1.1),
    "latin": (52, 5.0),
    "digit": (10, 3.0),
    "kana": (180, 3.0),
    "letter": (100, 5.0),
    "mark": (100, 1.1),
}
"""How unknown words are spelt: characters that the class has in ordinary use, and the mean length of a word."""

POLICIES = ("run", "char")
BOUNDARIES = ("whole", "any")

# The shortest text of each placeholder; a rare character has none.
_SAMPLES = str.maketrans({NUMBER: "0", YEAR: "2000", LETTERS: "A"})
_RUN_CLASSES = frozenset((DIGIT, LATIN))
_NUMERALS = re.compile(f"[{NUMERALS}]{{2,}}")

_STEP = 15.0  # nats a word for a granularity of 1, where no text has said better
_REACH = 40.0
_COSTS = (-_REACH, -20.0, -12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
_KEPT = 8  # tokenizers of other granularities

_EVIDENCE = ("bits", "pmi", "left_entropy", "right_entropy")
_HOPELESS = -1e12  # nats
_ONE_HIGHER = bytes((*range(1, 256), 255))  # classes in _Chances
_LOST = "the best path scores higher"
_UNLISTED = "it is not in the lexicon, and the best path scores higher than it does as an unknown word"
_NEVER = (
    "it cannot stand here: it would cut a number, a run of Latin letters, a character from its marks or a forced word"
)

# The further kinds of kernels.lattice.
_KINDS = {".:/．：／": SEPARATOR, ",，": COMMA, "%‰％": PERCENT, "\u200d": JOINER}
# The 26 halves of flags; the five skin tones, which go with the emoji before them as marks do.
_RANGES = {(0x1F1E6, 0x1F1FF): REGIONAL, (0x1F3FB, 0x1F3FF): MARK}
# Where the pictographs (Extended_Pictographic) lie; only characters of class OTHER become one.
_PICTOGRAPHS = ((0xA9, 0xA9), (0xAE, 0xAE), (0x2122, 0x2139), (0x2190, 0x2BFF), (0x3030, 0x3299), (0x1F000, 0x1FAFF))


@cache
def _kinds(numerals: bool) -> bytes:
    """The table of kinds that the kernel asks for: the class table with a few code points repainted."""
    table = bytearray(class_table())
    for first, last in _PICTOGRAPHS:
        table[first : last + 1] = table[first : last + 1].replace(bytes((OTHER,)), bytes((PICTOGRAPH,)))
    for (first, last), kind in _RANGES.items():
        table[first : last + 1] = bytes((kind,)) * (last - first + 1)
    for characters, kind in _KINDS.items():
        for character in characters:
            table[ord(character)] = kind
    for character in NUMERALS if numerals else "":
        table[ord(character)] = NUMERAL
    return bytes(table)


class Token(NamedTuple):
    """A word and where it stands: ``text`` is the slice ``[start:end]`` of the input, in characters."""

    text: str
    start: int
    end: int


class _Data(NamedTuple):
    """All that a tokenizer knows, as it stands in a file: plain strings and numbers."""

    words: str  # joined by line ends, in code-point order
    counts: array[int] | memoryview
    scores: array[float] | memoryview
    forced: str
    settings: dict[str, str]
    unknown: dict[str, tuple[float, float]]
    total: int
    once: int
    evidence: dict[str, Any]  # only the columns in which something is known
    provenance: dict[str, Any]
    context: Context | None = None
    granularity: float = 0.0
    scale: tuple[tuple[float, float], ...] = ()  # how much longer words are for so many nats a word, rising in both


class Tokenizer:
    """Cuts text by a lexicon; see the head of this file.

    ``lexicon`` is a :class:`Lexicon` or a mapping of words to counts; without one, the words and the context are those
    of the model that comes with the package (:func:`builtin`). ``numbers`` and ``latin`` say whether an unknown
    number, or run of Latin letters, is one word (``"run"``) or one for each character (``"char"``); ``numerals``,
    whether Chinese numerals side by side (二十三) are a number (``"run"``) or characters as any others (``"char"``, the
    default, unless the model that comes with the package says otherwise). ``latin_boundary``: ``"whole"`` or ``"any"``.
    ``force``: words that always come out whole. ``unknown``: for names of classes the numbers (a, b) of
    ``a + b * length``, in nats. ``context``: what surrounds the words, see :class:`Context`.

    A tokenizer never changes, can be pickled, and can be used by many threads. Making one from a lexicon costs
    O(characters of all words), cutting O(characters of the text times the longest match).
    """

    __slots__ = ("_data", "_engines", "_lexicon")
    _data: _Data
    _engines: dict[str | float, Any]
    _lexicon: Lexicon | None

    def __init__(
        self,
        lexicon: Lexicon | Mapping[str, int] | None = None,
        *,
        numbers: str = "run",
        latin: str = "run",
        latin_boundary: str = "whole",
        numerals: str | None = None,
        force: Iterable[str] = (),
        unknown: Mapping[str, tuple[float, float]] | None = None,
        context: Context | None = None,
    ) -> None:
        settings = {
            "numbers": _choice("numbers", numbers, POLICIES),
            "latin": _choice("latin", latin, POLICIES),
            "latin_boundary": _choice("latin_boundary", latin_boundary, BOUNDARIES),
        }
        # The built-in model is taken as it lies: through a lexicon of entries it took ten times as long to begin.
        built_in = builtin()._data if lexicon is None else None
        if built_in is not None:
            numerals, context = numerals or built_in.settings.get("numerals"), context or built_in.context
        if _choice("numerals", numerals or "char", POLICIES) == "run":
            settings["numerals"] = "run"
        forced = "\n".join(sorted(_forced_set("force", force)))
        if built_in is not None:
            chances = _unknown_scores(built_in.total, built_in.once, unknown or {})
            self._set(built_in._replace(settings=settings, forced=forced, unknown=chances, context=context))
            self._check_context()
            return
        source = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
        entries = sorted(source.entries())
        counts = array("q", [entry.count for entry in entries])
        total = sum(counts)
        once = max(1, sum(1 for count in counts if count == 1))
        data = _Data(
            words="\n".join([entry.word for entry in entries]),
            counts=counts,
            scores=array("d", [log((count or 0.5) / (total + once)) for count in counts]),
            forced=forced,
            settings=settings,
            unknown=_unknown_scores(total, once, unknown or {}),
            total=total,
            once=once,
            evidence=_collect_evidence(entries),
            provenance=dict(source.provenance),
            context=context,
        )
        self._set(data)
        self._check_context()

    def _check_context(self) -> None:
        context, words = self._data.context, len(self._data.counts)
        if context is not None and len(context.classes) != words:
            raise ValueError(f"context: expected one for {words} words, got one for {len(context.classes)}")

    def _set(self, data: _Data) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_engines", {})
        object.__setattr__(self, "_lexicon", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Tokenizer does not change; make a new one to set {name!r}")

    @classmethod
    def _from_data(cls, data: _Data) -> Tokenizer:
        self = cls.__new__(cls)
        self._set(data)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        data = self._data
        evidence = {name: _own(column) for name, column in data.evidence.items()}
        data = data._replace(counts=_own(data.counts), scores=_own(data.scores), evidence=evidence)
        return _unpickle, tuple(data)

    def __repr__(self) -> str:
        words = self._data.words.count("\n") + 1 if self._data.words else 0
        return f"<Tokenizer of {words:,} words, {len(self.forced):,} of them forced>"

    # Cutting

    def tokenize(self, text: str, granularity: float | None = None, unexplained: Recut | None = None) -> list[str]:
        """The words of the best segmentation; ``"".join(words) == text``. ``granularity``: that of the model if None.

        ``unexplained``, such as ``tokenize_lines`` of a tagger, cuts what comes out in single Han characters anew
        (:mod:`nlp_zero.words.unexplained`); forced words stay.

        >>> Tokenizer({"葡萄酒": 3}).tokenize("2024年的葡萄酒,涨了3.5%!!")
        ['2024', '年', '的', '葡萄酒', ',', '涨', '了', '3.5%', '!!']
        """
        words: list[str] = self._at(granularity)._engine().segment(text)
        return words if unexplained is None else recut([words], unexplained, set(self.forced))[0]

    __call__ = tokenize

    def nested(self, text: str, granularity: float = 0.2) -> list[tuple[str, list[str]]]:
        """The words of a longer reading, each with the words that this tokenizer sees in it.

        >>> Tokenizer({"北京": 9, "大学": 9, "北京大学": 1}).nested("北京大学", 0.2)
        [('北京大学', ['北京', '大学'])]
        """
        words = self.tokenize(text, granularity)
        return list(zip(words, self.tokenize_lines(words), strict=True))

    def tokenize_lines(self, lines: Iterable[str], unexplained: Recut | None = None) -> list[list[str]]:
        """:meth:`tokenize` of each of many texts in one call, which is faster than one by one."""
        if isinstance(lines, str):
            raise TypeError("lines: expected texts, such as ['今天天气', '很好'], got one str")
        results: list[list[str]] = self._engine().segment_lines(lines if isinstance(lines, list) else list(lines))
        return results if unexplained is None else recut(results, unexplained, set(self.forced))

    def join_text(self, text: str, delimiter: str = " ") -> bytes:
        """The words of the lines of a text, in UTF-8: ``delimiter`` between two words, a line feed after each line.

        The fastest way to cut, as no strings are made for lines and words; threads share it with the C engine, which
        lets go of the interpreter's lock for all of a text. UnicodeEncodeError for a lone surrogate.

        >>> Tokenizer({"今天": 2, "天气": 2}).join_text("今天天气\\n天气", "/").decode()
        '今天/天气\\n天气\\n'
        """
        joined: bytes = self._engine().join_text(text, delimiter)
        return joined

    def spans(self, text: str, granularity: float | None = None) -> list[tuple[int, int]]:
        """Start and end of every word, in characters.

        >>> Tokenizer({"天气": 2, "今天": 2}).spans("今天天气")
        [(0, 2), (2, 4)]
        """
        return list(pairwise([0, *self._at(granularity)._engine().cuts(text)]))

    def tokens(self, text: str) -> list[Token]:
        """Every word with its place.

        >>> Tokenizer({"天气": 2}).tokens("天气好")
        [Token(text='天气', start=0, end=2), Token(text='好', start=2, end=3)]
        """
        return [Token(text[start:end], start, end) for start, end in self.spans(text)]

    # More than the best

    def lattice(self, text: str) -> Lattice:
        """Every word that could be in the text, with its score: for sums, posteriors, more samples at once."""
        starts, ends, scores, words, *classes = self._engine().lattice(text)
        numbers = [memoryview(column).cast("i") for column in (starts, ends, words)]
        edges = zip(numbers[0], numbers[1], memoryview(scores).cast("d"), numbers[2], strict=True)
        return Lattice(text, edges, *classes, *self._ratios())

    def _ratios(self) -> list[list[list[float]]]:
        """What neighbours say about each other, if there is a context: one item or none."""
        context = self._data.context
        return [] if context is None else [context.table()]

    def nbest(self, text: str, n: int) -> list[tuple[float, list[str]]]:
        """The n best segmentations with their scores in nats, best first; exact. O(characters * n log n).

        >>> [words for _, words in Tokenizer({"研究": 2, "研究生": 2, "生命": 2, "命": 1}).nbest("研究生命", 2)]
        [['研究', '生命'], ['研究生', '命']]
        """
        return self.lattice(text).n_best(n)

    def sample(self, text: str, seed: int, temperature: float = 1.0) -> list[str]:
        """A segmentation drawn with probability proportional to exp(score / temperature); exact, by the seed.

        The generator is our own (splitmix64), so a seed draws the same everywhere.
        """
        return self.lattice(text).sample(seed, temperature)

    def score(self, words: Sequence[str]) -> float:
        """The score of any list of words, in nats; an unlisted word is spelt in the class of its first character."""
        if self._data.context is not None:
            return self._score_in_context(words)
        total = 0.0
        for word in reversed(words):  # From the right, as the kernel adds: the best path gets the same bits.
            total = self._word_score(word) + total
        return total

    def _score_in_context(self, words: Sequence[str]) -> float:
        """The same with what the words say about each other and the expert about their ends."""
        lattice = self.lattice("".join(words))
        odds = memoryview(self._engine().odds(lattice.text)).cast("d")
        known = {edge[:2]: index for index, edge in enumerate(lattice.edges)}
        total, behind, end = 0.0, 0, len(lattice.text)
        for word in reversed(words):
            start = end - len(word)
            index = known.get((start, end))
            if index is None:
                score, (left, right) = self._word_score(word) + odds[end], self._classes_of(word)
            else:
                score, left, right = lattice.edges[index].score, *lattice.classes[2 * index : 2 * index + 2]
            total = score + (lattice.ratios[right][behind] + total)
            behind, end = left, start
        return lattice.ratios[0][behind] + total if words else 0.0

    def _classes_of(self, word: str) -> tuple[int, int]:
        """What a word shows to its neighbours: a word of the lexicon, or an unknown one."""
        context, index = self._known().context, self._find(word)
        assert context is not None
        if index >= 0:
            return context.classes[index], (context.rights or context.classes)[index]
        shown = context.stranger(self._class(word), len(word))
        return shown, shown

    def _word_score(self, word: str) -> float:
        if not word:
            raise LexiconError("words: expected words that are not empty, got ''")
        index = self._find(word)
        return float(self._known().scores[index]) - self._price() if index >= 0 else self._spelling_score(word)

    def _find(self, word: str) -> int:
        """The number in the lexicon of a word of a text, or of the shape that it has; -1 for an unknown word."""
        if is_shape(word):
            return -1  # In a text a placeholder is a character that no word has.
        index: int = self._engine().find(word)
        if index < 0 and self._has_shapes() and self._may_hold_run(word):
            edges = self.lattice(word).edges
            index = max((edge.word for edge in edges if edge[:2] == (0, len(word))), default=UNKNOWN)
        return index

    def _may_hold_run(self, word: str) -> bool:
        return not _RUN_CLASSES.isdisjoint(map(char_class, word)) or (self._numerals and bool(_NUMERALS.search(word)))

    def _class(self, word: str) -> int:
        """The class of an unknown stretch."""
        return DIGIT if self._numerals and _NUMERALS.fullmatch(word) else char_class(word[0])

    @property
    def _numerals(self) -> bool:
        """Whether Chinese numerals side by side are a number."""
        return self._data.settings.get("numerals") == self._data.settings["numbers"] == "run"

    def _has_shapes(self) -> bool:
        return any(placeholder in self._data.words for placeholder in PLACEHOLDERS)

    def _spelling_score(self, word: str) -> float:
        a, b = self._data.unknown[CLASS_NAMES[self._class(word)]]
        return (a - self._price()) + b * len(word)

    def explain(self, text: str, word: str | None = None) -> Explanation:
        """All that could be in the text, what won, and, for a ``word``, why it won or lost and what would make it win.

        >>> tokenizer = Tokenizer({"研究": 5, "研究生": 4, "生命": 5, "命": 1})
        >>> verdict = tokenizer.explain("研究生命", word="研究生").verdicts[0]
        >>> verdict.wins, round(verdict.margin, 3), verdict.path, verdict.count_to_win
        (False, 1.833, ('研究生', '命'), 26)
        """
        lattice = self.lattice(text)
        score, words = lattice.best_path()
        verdicts = () if word is None else tuple(self._verdicts(text, word, score))
        return Explanation(text, words, score, tuple(lattice.edges), self._names(lattice), verdicts)

    def _names(self, lattice: Lattice) -> tuple[str, ...]:
        """For each edge what it is: lexicon, shape and which, forced, or unknown and its class."""
        words = _split_words(self._known().words) if self._has_shapes() else []
        names = {FORCED: "forced"} | {
            edge.word: f"shape {readable(words[edge.word])}"
            for edge in lattice.edges
            if words and edge.word >= 0 and is_shape(words[edge.word])
        }
        return tuple(
            f"unknown {CLASS_NAMES[char_class(lattice.text[edge.start])]}"
            if edge.word == UNKNOWN
            else names.get(edge.word, "lexicon")
            for edge in lattice.edges
        )

    def _verdicts(self, text: str, word: str, best: float) -> Iterator[Verdict]:
        """What becomes of each occurrence of a word."""
        Lexicon([word])  # Checks it.
        found = [place for place in range(len(text) - len(word) + 1) if text.startswith(word, place)]
        if not found:
            raise LexiconError(f"word: expected a word that is in the text, got {word!r}")
        # A tokenizer that knows the word shows where it may stand, and which ways open up beside it.
        probe = self.with_words([word], weight=0.0).lattice(text)
        now = {(edge.start, edge.end): edge.score for edge in self.lattice(text).edges}
        lattice = Lattice(text, _as_now(probe, now, word), probe.classes, probe.ratios)
        allowed = {edge[:2]: index for index, edge in enumerate(probe.edges) if edge.word != UNKNOWN}
        rests, odds = lattice.rests(), memoryview(self._engine().odds(text)).cast("d")
        spans, split = set(self.spans(text)), self._split_score(word)
        for start in found:
            end = start + len(word)
            index = allowed.get((start, end))
            if index is None or rests[index] == -inf:
                yield Verdict(word, start, end, False, (), -inf, inf, None, None, _NEVER)
                continue
            rest = rests[index]
            score = rest + now.get((start, end), self._word_score(word) + odds[end])
            path = tuple(lattice.path_through(index))
            if (start, end) in spans:
                yield Verdict(word, start, end, True, path, score, 0.0, None, None, "it is on the best path")
                continue
            reason = _LOST if self._find(word) >= 0 else _UNLISTED
            needed = best - rest - odds[end]
            weight = ceil((needed - split) * 1000 + 1) / 1000
            yield Verdict(word, start, end, False, path, score, best - score, self._count_for(needed), weight, reason)

    def _count_for(self, score: float) -> int | None:
        """The smallest count that scores higher, with the total as it is; None if no such count can be written."""
        total = self._data.total + self._data.once
        score += self._price()
        return floor(exp(score) * total * (1 + 1e-9)) + 1 if score + log(total) < 63 * log(2) else None

    # Your own words

    def with_words(
        self, words: Iterable[str] | Mapping[str, float], *, weight: float = 1.0, force: bool = False
    ) -> Tokenizer:
        """A tokenizer that knows these words as well; see "Your own words" in the head of this file.

        Each word gets at least the score of its best split by this tokenizer plus ``weight`` nats (a mapping gives
        each word a weight of its own); a score that is higher already stays. With ``force`` the words are forced, and
        no weight is needed. A shape is weighed on the shortest text that it has, and cannot be forced.

        >>> tokenizer = Tokenizer({"机器": 50, "学习": 80})
        >>> tokenizer.tokenize("机器学习")
        ['机器', '学习']
        >>> tokenizer.with_words(["机器学习"]).tokenize("机器学习")
        ['机器学习']
        >>> tokenizer.with_words(["Louis Vuitton", "C++"], force=True).tokenize("学习C++和Louis Vuitton")
        ['学习', 'C++', '和', 'Louis Vuitton']
        """
        if force:
            forced = sorted({*self.forced, *_forced_set("words", words)})
            return self._from_data(self._data._replace(forced="\n".join(forced)))
        if not isinstance(words, Mapping):
            words = dict.fromkeys(_word_set("words", words), weight)
        _word_set("words", words.keys())
        floors = {word: self._floor(word, _finite("weight", value)) for word, value in words.items()}
        return self._from_data(self._raise_scores(floors))

    def _floor(self, word: str, weight: float) -> float:
        """The score that a word must have: its best split and the weight, and no less than its shape."""
        index = self._find(word)
        floor = self._split_score(word.translate(_SAMPLES)) + self._price() + weight
        return floor if index < 0 else max(floor, float(self._known().scores[index]))

    def _split_score(self, word: str) -> float:
        """The score of the best way to cut a word, itself as a word of the lexicon excepted."""
        lattice = self.lattice(word)
        kept = [n for n, edge in enumerate(lattice.edges) if edge[:2] != (0, len(word)) or edge.word == UNKNOWN]
        alone = self._data.context.table()[0][self._new_class(word)] if self._data.context is not None else 0.0
        rests = lattice.only(kept).rests()
        best = max((lattice.edges[n].score + rest for n, rest in zip(kept, rests, strict=True)), default=-inf)
        return self._spelling_score(word) if best == -inf else best - alone

    def _new_class(self, word: str) -> int:
        """The class that a word has, or gets as one of the user's."""
        context, index = self._known().context, self._find(word)
        assert context is not None
        is_compound = any(context.joints[4 * index : 4 * index + 4])
        return context.classes[index] if index >= 0 and not is_compound else context.pool(word)

    def _raise_scores(self, floors: Mapping[str, float]) -> _Data:
        """The data with new words, and with scores at least as high as these."""
        data = self._data
        old = _split_words(data.words)
        words = sorted({*old, *floors})
        place = {word: index for index, word in enumerate(old)}
        order = [place.get(word, -1) for word in words]
        return data._replace(
            words="\n".join(words),
            counts=array("q", [data.counts[index] if index >= 0 else 0 for index in order]),
            scores=array(
                "d",
                [
                    max(data.scores[index] if index >= 0 else -inf, floors.get(word, -inf))
                    for word, index in zip(words, order, strict=True)
                ],
            ),
            evidence={name: _reorder(name, column, order) for name, column in data.evidence.items()},
            context=data.context and data.context.reordered(words, order),
        )

    # What a text costs

    def log_probability(self, text: str) -> float:
        """The logarithm of the probability of a text, in nats: of the sum over all segmentations in its lattice.

        A model of words that sums to one at most. With N the sum of all counts, V the words of the lexicon (0 without
        a context) and u those seen once, D = N + V + u: a word has the probability count / D; an unknown Han word of
        the context V / D times its length and characters as the context spells them; any other unknown stretch of a
        class u / D / 9 times its length and spelling (:data:`SPELLING`), and so each run in a shape. With a context,
        each word is also weighed by R(a, b) of its class and the one before, to the power 1, with each row a of them
        normalised over all words. Neither the expert, nor weights of your own words, nor granularity, nor an end of
        the text is in it. O(edges): the lattice is the kernel's, the sum is Python with both engines.

        >>> round(Tokenizer({"研究": 2, "生命": 1, "命": 1}).log_probability("研究生命"), 4)
        -2.8904
        """
        starts, ends, _, numbers, *shown = self._at(0.0)._engine().lattice(text)
        chances = self._engines.get("chances")
        if chances is None:
            chances = self._engines["chances"] = _Chances(self._data)
        columns = [memoryview(column).cast("i").tolist() for column in (starts, ends, numbers)]
        scores = [chances.of(text[start:end], word) for start, end, word in zip(*columns, strict=True)]
        classes = shown[0].translate(_ONE_HIGHER) if shown else bytes(2 * len(scores))
        return sum_of_paths(len(text), columns[0], columns[1], scores, classes, chances.ratios)

    # Granularity

    def context_of(self, words: Sequence[str]) -> Context | None:
        """The context of this tokenizer for other words, in code-point order; None if it has none."""
        context = self._data.context
        if context is None:
            return None
        place = {word: index for index, word in enumerate(_split_words(self._data.words))}
        return context.reordered(words, [place.get(word, -1) for word in words])

    def with_granularity(self, granularity: float) -> Tokenizer:
        """A tokenizer whose words are longer, by this share on average, than the learnt ones; 0 gives those back.

        >>> tokenizer = Tokenizer({"北京": 9, "大学": 9, "北京大学": 1})
        >>> tokenizer.tokenize("北京大学"), tokenizer.with_granularity(0.2).tokenize("北京大学")
        (['北京', '大学'], ['北京大学'])
        """
        if not -10 <= granularity <= 10:
            raise ValueError(f"granularity: expected a share from -10 to 10, such as 0.1, got {granularity!r}")
        return self._from_data(self._data._replace(granularity=float(granularity)))

    def with_bonus(self, bonus: float) -> Tokenizer:
        """A tokenizer of a model with context that gives every word so many nats when it cuts.

        A learnt model gives 2, which is best for text like that which it learnt from; 0 is for text of another kind,
        where more words are unknown; the built-in model has 0 (``benchmarks/builtin.py`` tells why). :meth:`calibrate`
        it anew if steps of granularity are to mean what they did.

        >>> Tokenizer().with_bonus(1.5).context_of([]).bonus
        1.5
        """
        context = self._data.context
        if context is None:
            raise ValueError(
                "with_bonus: expected a model with context, as the method bayes learns, got a plain lexicon"
            )
        if not -100.0 < bonus < 100.0:
            raise ValueError(f"bonus: expected nats between -100 and 100, such as 2.0, got {bonus!r}")
        return self._from_data(self._data._replace(context=context._replace(bonus=float(bonus))))

    @property
    def granularity(self) -> float:
        """How much longer words are than the learnt ones, as a share of their mean length."""
        return self._data.granularity

    def calibrate(self, texts: Iterable[str]) -> Tokenizer:
        """A tokenizer whose steps of granularity change the mean length of the words of these texts alike.

        Without it a step of 0.1 is 1.5 nats a word. Some 20,000 characters are enough; they are cut nine times.
        """
        lines = list(texts)
        sizes = [self._costing(cost)._count_words(lines) for cost in _COSTS]
        learnt = sizes[_COSTS.index(0.0)]
        scale = [(learnt / size - 1.0, cost) for size, cost in zip(sizes, _COSTS, strict=True) if size]
        rising = [pair for before, pair in pairwise([(-inf, 0.0), *scale]) if pair[0] > before[0]]
        # Of costs that make no difference the one nearest to 0 stays: 0 itself is always there.
        kept = [pair for pair in rising if pair[0] != 0.0] + ([(0.0, 0.0)] if learnt else [])
        return self._from_data(self._data._replace(scale=tuple(sorted(kept)) if len(kept) > 1 else ()))

    def _costing(self, cost: float) -> Tokenizer:
        """A tokenizer whose words cost so many nats each, for as long as it is not saved."""
        return self._beside(self._data._replace(granularity=cost, scale=((-_REACH, -_REACH), (_REACH, _REACH))))

    def _beside(self, data: _Data) -> Tokenizer:
        """A tokenizer of the same words with another granularity; the compounds among them are found once for all."""
        other = self._from_data(data)
        other._engines["compounds"] = self._engines.setdefault("compounds", [])
        return other

    def _count_words(self, lines: list[str]) -> int:
        return sum(map(len, self.tokenize_lines(lines)))

    def _cost(self) -> float:
        """The nats that every word gives up, or is given if below 0: the granularity on the scale."""
        wish, scale = self._data.granularity, self._data.scale
        if not wish or not scale:
            return wish * _STEP
        (share, cost), (end, last) = next((pair for pair in pairwise(scale) if wish <= pair[1][0]), scale[-2:])
        return cost + (min(max(wish, scale[0][0]), scale[-1][0]) - share) / (end - share) * (last - cost)

    def _price(self) -> float:
        """The nats that every word gives up: for the granularity, less what a word in context is given."""
        return self._cost() - (self._data.context.bonus if self._data.context is not None else 0.0)

    def _at(self, granularity: float | None) -> Tokenizer:
        """This tokenizer, or one of another granularity, which is kept for the next time."""
        if granularity is None or granularity == self._data.granularity:
            return self
        found = self._engines.get(granularity)
        if found is None:
            if len(self._engines) > _KEPT:
                self._engines.clear()
            found = self._beside(self.with_granularity(granularity)._data)
            self._engines[granularity] = found
        assert isinstance(found, Tokenizer)
        return found

    # What it knows

    @property
    def lexicon(self) -> Lexicon:
        """The words with their counts and evidence: a copy, made when first asked for."""
        if self._lexicon is None:
            lexicon = Lexicon(_entries(self._data), provenance=self._data.provenance)
            object.__setattr__(self, "_lexicon", lexicon)
        assert self._lexicon is not None
        return self._lexicon

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the lexicon came from."""
        return dict(self._data.provenance)

    @property
    def forced(self) -> tuple[str, ...]:
        """The words that always come out whole, in code-point order."""
        return tuple(_split_words(self._data.forced))

    @property
    def settings(self) -> dict[str, str]:
        """The policies: ``numbers``, ``latin``, ``latin_boundary`` and, if it is ``"run"``, ``numerals``."""
        return dict(self._data.settings)

    @property
    def unknown(self) -> dict[str, tuple[float, float]]:
        """For each class (a, b): an unknown stretch scores ``a + b * length`` nats."""
        return dict(self._data.unknown)

    def _known(self) -> _Data:
        """What is known where words have this granularity: compounds as well, where they are to be longer."""
        data = self._data
        if data.context is None or not data.context.compounds or self._cost() <= 0.0:
            return data
        known: list[_Data] = self._engines.setdefault("compounds", [])
        if not known:
            known.append(_with_compounds(data, data.context))
        return known[0]

    def _engine(self) -> Any:
        """The kernel that holds the words, of the engine in use."""
        engine = self._engines.get(kernels.backend)
        if engine is None:
            engine = self._engines[kernels.backend] = _make_engine(self._known(), self._price())
        return engine

    def without_evidence(self) -> Tokenizer:
        """The same tokenizer without the evidence of its words, for a smaller file; it cuts the same.

        >>> Tokenizer(Lexicon([Entry("天气", 2, pmi=3.0)])).without_evidence().lexicon["天气"].pmi
        nan
        """
        return self._from_data(self._data._replace(evidence={}))

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one model file: words, scores, counts, evidence, settings; the same bytes each time."""
        data = self._data
        header = {
            "settings": data.settings,
            "unknown": {name: list(pair) for name, pair in data.unknown.items()},
            "total": data.total,
            "once": data.once,
            "size": len(data.counts),
            "provenance": data.provenance,
            **({"granularity": data.granularity} if data.granularity else {}),
            **({"scale": list(map(list, data.scale))} if data.scale else {}),
        }
        sections = {
            "words": data.words.encode("utf-8", "surrogatepass"),
            "forced": data.forced.encode("utf-8", "surrogatepass"),
            "counts": data.counts,
            "scores": data.scores,
            **data.evidence,
            **(data.context.sections() if data.context is not None else {}),
        }
        storage.save(path, KIND, header, sections)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Read a model file; raises ModelError, naming the file, for anything else than a whole one."""
        header, sections = storage.load(path, KIND)
        try:
            data = _read_data(header, sections)
            self = cls._from_data(data)
            self._engine()
        except (KeyError, TypeError, ValueError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else error
            raise ModelError(f"{os.fspath(path)}: not the model of a tokenizer: {reason}") from error
        return self


@cache
def builtin() -> Tokenizer:
    """The model that comes with the package: read once, in about 0.1 s.

    Learnt by this program alone from laws, old novels and encyclopedia paragraphs (``nlp_zero/data/NOTICE.md`` says
    which, and their licences): good at their kind of text, fair at news, unaware of the words of other trades.

    >>> builtin().tokenize("北京是中国的首都。")
    ['北京', '是', '中国', '的', '首都', '。']
    """
    return Tokenizer.load(Path(__file__).parents[1] / "data" / "zh.model.gz")


class Verdict(NamedTuple):
    """What becomes of one occurrence of a word.

    ``path`` is the best segmentation that has the word there, ``score`` its score, ``margin`` how far the best path
    is ahead of it, in nats. ``count_to_win`` is the count in the lexicon (with the total as it is), ``weight_to_win``
    the ``weight=`` of :meth:`Tokenizer.with_words`, from which the word wins; None if it has won, or cannot.
    """

    word: str
    start: int
    end: int
    wins: bool
    path: tuple[str, ...]
    score: float
    margin: float
    count_to_win: int | None
    weight_to_win: float | None
    reason: str

    def __str__(self) -> str:
        head = f"{_shown(self.word)} [{self.start}:{self.end}] {'wins' if self.wins else 'loses'}: {self.reason}"
        if self.wins or not self.path:
            return head
        count = "no count" if self.count_to_win is None else f"a count of {self.count_to_win:,}"
        path = " / ".join(map(_shown, self.path))
        return (
            f"{head}\n  its best path: {path}  {self.score:.3f} nats, {self.margin:.3f} behind\n"
            f"  to win it needs {count} or weight={self.weight_to_win}"
        )


class Explanation(NamedTuple):
    """Why a text is cut as it is: every edge of the lattice (``kinds`` says what each is) and the best path.

    ``str()`` prints it as a table, a line for each edge: place, score in nats, ``*`` on the best path, word, kind.
    """

    text: str
    words: list[str]
    score: float
    edges: tuple[Edge, ...]
    kinds: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()

    def __str__(self) -> str:
        ends = [0]
        for word in self.words:
            ends.append(ends[-1] + len(word))
        best = set(pairwise(ends))
        lines = [f"{' / '.join(map(_shown, self.words))}  {self.score:.3f} nats"]
        for edge, kind in zip(self.edges, self.kinds, strict=True):
            mark = "*" if (edge.start, edge.end) in best else " "
            word = self.text[edge.start : edge.end]
            lines.append(f"{edge.start:>4}-{edge.end:<4} {edge.score:>10.3f} {mark} {_shown(word)}  {kind}")
        return "\n".join([*lines, *map(str, self.verdicts)])

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold (what cannot be is None)."""
        rows = [
            {
                "start": edge.start,
                "end": edge.end,
                "word": self.text[edge.start : edge.end],
                "score": edge.score,
                "kind": kind,
            }
            for edge, kind in zip(self.edges, self.kinds, strict=True)
        ]
        verdicts = [
            {name: None if value in (inf, -inf) else value for name, value in verdict._asdict().items()}
            | {"path": list(verdict.path)}
            for verdict in self.verdicts
        ]
        return {"text": self.text, "words": self.words, "score": self.score, "edges": rows, "verdicts": verdicts}


class _Chances:
    """The probabilities of words for :meth:`Tokenizer.log_probability`."""

    def __init__(self, data: _Data) -> None:
        words = _split_words(data.words)
        context = data.context
        known = len(words) if context is not None else 0
        self.whole = log(data.total + known + data.once)
        self.once = log(data.once) - log(len(CLASS_NAMES))
        self.new = log(max(known, 1))
        self.words = [log(count or 0.5) - self.whole for count in data.counts]
        self.place = {word: index for index, word in enumerate(words)}
        self.shapes = {index for index, word in enumerate(words) if is_shape(word)}
        self.numerals = "numerals" in data.settings
        self.spell = None if context is None else context.speller()
        self.ratios: Sequence[Sequence[float]] = ((0.0,),)
        if context is not None:
            self.ratios = self._normalised(context, data)

    def of(self, text: str, word: int) -> float:
        """The logarithm of the probability of a stretch that is this word, or unknown."""
        if word < 0:
            word = self.place.get(text, word)
        if word < 0:
            return self._unknown(text)
        return self.words[word] + (self._runs(text) if word in self.shapes else 0.0)

    def _unknown(self, text: str) -> float:
        number = self.numerals and _NUMERALS.fullmatch(text)
        spelt = self.spell(text) if self.spell is not None and not number else None
        if spelt is not None:
            return self.new - self.whole + spelt
        code = DIGIT if number else char_class(text[0])
        return self.once - self.whole + self._spelling(code, len(text))

    def _spelling(self, code: int, length: int) -> float:
        """Of a stretch of a class: its length, geometric, and its characters, each as likely as any."""
        alphabet, mean = SPELLING[CLASS_NAMES[code]]
        return (length - 1) * log(1.0 - 1.0 / mean) - log(mean) - length * log(alphabet)

    def _runs(self, text: str) -> float:
        """Of the runs that a shape leaves open."""
        total = 0.0
        if self.numerals:
            text = _NUMERALS.sub(lambda found: "0" * len(found[0]), text)
        for code, run in groupby(text, lambda character: DIGIT if character.isdigit() else char_class(character)):
            if code in _RUN_CLASSES:
                total += self._spelling(code, len(list(run)))
        return total

    def _normalised(self, context: Context, data: _Data) -> list[list[float]]:
        """log R(a, b), each row a normalised by the probabilities of the classes; the classes are one higher here.

        Class 0 is the edge of the text: before it anything may end, and what follows is as behind the old class 0.
        """
        classes, table = list(context.classes), context.table()
        chance = [0.0] * len(table)
        for index, group in enumerate(classes):
            chance[group] += exp(self.words[index])
        chance[0] += exp(self.once - self.whole) * len(CLASS_NAMES)
        for length, share in enumerate(context.shares()):
            chance[context.pools[length]] += exp(self.new - self.whole) * share
        rows = []
        for row in table:
            ratios = [value / context.power for value in row]
            total = log(sum(share * exp(ratio) for share, ratio in zip(chance, ratios, strict=True)))
            rows.append([0.0, *(ratio - total for ratio in ratios)])
        return [rows[0], *rows]


# Inner parts -------------------------------------------------------------------------------------------------------


def _shown(word: str) -> str:
    """A word for a table; what cannot be printed is escaped."""
    return word if word.isprintable() else repr(word)


def _as_now(probe: Lattice, now: Mapping[tuple[int, int], float], word: str) -> Iterator[tuple[int, int, float]]:
    """The edges of the probe with the scores that they have now; the word itself is out of the question elsewhere."""
    for edge in probe.edges:
        score = now.get((edge.start, edge.end))
        if score is None:
            score = edge.score if edge.word < 0 or probe.text[edge.start : edge.end] != word else _HOPELESS
        yield edge.start, edge.end, score


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{name}: expected {' or '.join(map(repr, choices))}, got {value!r}")
    return value


def _finite(name: str, value: float) -> float:
    if not -1e6 <= value <= 1e6:
        raise ValueError(f"{name}: expected a number of nats from -1e6 to 1e6, such as 2.0, got {value!r}")
    return float(value)


def _forced_set(name: str, words: Iterable[str]) -> list[str]:
    """The words, each checked as a lexicon checks it, none of them a shape."""
    checked = _word_set(name, words)
    for word in filter(is_shape, checked):
        raise LexiconError(f"{name}: expected words spelt out, such as '5元', got the shape {readable(word)!r}")
    return checked


def _word_set(name: str, words: Iterable[str]) -> list[str]:
    """The words, each checked as a lexicon checks it."""
    if isinstance(words, str):
        raise TypeError(f"{name}: expected words, such as ['云计算', 'C++'], got one str, {words!r}")
    return list(Lexicon(dict.fromkeys(words, 0)))


def _unknown_scores(
    total: int, once: int, override: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """(a, b) of every class: a + b * length."""
    strange = sorted(set(override) - set(CLASS_NAMES))
    if strange:
        raise ValueError(f"unknown: expected names of {', '.join(CLASS_NAMES)}, got {strange[0]!r}")
    share = log(once / (total + once) / len(CLASS_NAMES))
    scores: dict[str, tuple[float, float]] = {}
    for name in CLASS_NAMES:
        alphabet, mean = SPELLING[name]
        derived = share - log(mean - 1.0), log((1.0 - 1.0 / mean) / alphabet)
        a, b = override.get(name, derived)
        scores[name] = _finite("unknown", a), _finite("unknown", b)
    return scores


def _collect_evidence(entries: Sequence[Entry]) -> dict[str, Any]:
    """The columns in which some entry knows something."""
    columns: dict[str, Any] = {name: array("d", [getattr(entry, name) for entry in entries]) for name in _EVIDENCE}
    columns = {name: column for name, column in columns.items() if not all(map(isnan, column))}
    if any(entry.tag for entry in entries):
        columns["tags"] = "\n".join([entry.tag for entry in entries]).encode("utf-8", "surrogatepass")
    return columns


def _reorder(name: str, column: Any, order: Sequence[int]) -> Any:
    """A column of evidence for other words: for each the place where it was, or -1."""
    if name == "tags":
        tags = _text(column).split("\n")
        return "\n".join([tags[index] if index >= 0 else "" for index in order]).encode("utf-8", "surrogatepass")
    return array("d", [column[index] if index >= 0 else nan for index in order])


def _own(column: Any) -> Any:
    """A column that does not lie in the memory of a file."""
    view = memoryview(column)
    return bytes(view) if view.format == "B" else array(view.format, view)


def _text(section: Any) -> str:
    return str(section, "utf-8", "surrogatepass")


def _split_words(joined: str) -> list[str]:
    return joined.split("\n") if joined else []


def _entries(data: _Data) -> Iterator[Entry]:
    """The entries of a lexicon."""
    words = _split_words(data.words)
    unknown = [nan] * len(words)
    columns = [data.evidence.get(name, unknown) for name in _EVIDENCE]
    tags = _text(data.evidence["tags"]).split("\n") if "tags" in data.evidence else [""] * len(words)
    return map(Entry, words, data.counts, *columns, tags)


def _with_compounds(data: _Data, context: Context) -> _Data:
    """The data with the compounds as words."""
    old = _split_words(data.words)
    found = context.joined(old, data.scores)
    words = sorted({*old, *found})
    place = {word: index for index, word in enumerate(old)}
    order = [place.get(word, -1) for word in words]
    pairs = list(zip(words, order, strict=True))
    return data._replace(
        words="\n".join(words),
        counts=array("q", [data.counts[index] if index >= 0 else 0 for index in order]),
        scores=array("d", [data.scores[index] if index >= 0 else found[word][0] for word, index in pairs]),
        evidence={},
        context=context.with_joined(words, order, found),
    )


def _make_engine(data: _Data, cost: float) -> Any:
    """The kernel with every word, known or not, at a cost."""
    runs = bytearray(b"\1" * len(CLASS_NAMES))
    runs[DIGIT] = data.settings["numbers"] == "run"
    runs[LATIN] = data.settings["latin"] == "run"
    unknown = array(
        "d", [number for name in CLASS_NAMES for number in (data.unknown[name][0] - cost, data.unknown[name][1])]
    )
    scores = array("d", [score - cost for score in data.scores]) if cost else data.scores
    whole = data.settings["latin_boundary"] == "whole"
    context = () if data.context is None else (data.context.parts(cost),)
    kinds = _kinds("numerals" in data.settings)
    return kernels.Segmenter(data.words, scores, kinds, unknown, bytes(runs), whole, data.forced, *context)


def _unpickle(*fields: Any) -> Tokenizer:
    return Tokenizer._from_data(_Data(*fields))


def _read_data(header: Mapping[str, Any], sections: Mapping[str, Any]) -> _Data:
    """The contents of a model file, checked; raises KeyError, TypeError or ValueError."""
    settings = header["settings"]
    for name, choices in (("numbers", POLICIES), ("latin", POLICIES), ("latin_boundary", BOUNDARIES)):
        _choice(name, settings[name], choices)
    _choice("numerals", settings.get("numerals", "char"), POLICIES)
    unknown = {name: (_number(a), _number(b)) for name, (a, b) in dict(header["unknown"]).items()}
    if set(unknown) != set(CLASS_NAMES):
        raise ValueError(f"unknown: expected the classes {', '.join(CLASS_NAMES)}, got {', '.join(unknown)}")
    size = header["size"]
    columns = {name: _column(sections[name], code, name, size) for name, code in (("counts", "q"), ("scores", "d"))}
    evidence = {name: _column(sections[name], "d", name, size) for name in _EVIDENCE if name in sections}
    if "tags" in sections:
        evidence["tags"] = sections["tags"]
        if _text(sections["tags"]).count("\n") != size - 1:
            raise ValueError(f"tags: expected {size} of them")
    total, once, provenance = header["total"], header["once"], header["provenance"]
    if not (isinstance(total, int) and isinstance(once, int) and total >= 0 and once >= 1):
        raise ValueError(f"total and once: expected counts, got {total!r} and {once!r}")
    if not isinstance(provenance, dict):
        raise TypeError(f"provenance: expected a JSON object, got {type(provenance).__name__}")
    words, forced = _text(sections["words"]), _text(sections["forced"])
    known = words, columns["counts"], columns["scores"], forced, settings, unknown, total, once, evidence, provenance
    return _Data(*known, Context.read(sections, size), *_read_granularity(header))


def _read_granularity(header: Mapping[str, Any]) -> tuple[float, tuple[tuple[float, float], ...]]:
    """The granularity of a model and its scale, checked."""
    granularity = _number(header.get("granularity", 0.0))
    scale = tuple((_number(share), _number(cost)) for share, cost in header.get("scale", ()))
    rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(scale))
    if not -10 <= granularity <= 10 or not rising or len(scale) == 1 or any(abs(cost) > 100 for _, cost in scale):
        raise ValueError(f"granularity, scale: expected a share and a rising scale, got {granularity} and {scale}")
    return granularity, scale


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)


def _column(section: Any, code: str, name: str, size: int) -> Any:
    view = memoryview(section)
    if view.format != code or len(view) != size:
        raise ValueError(f"{name}: expected {size} numbers of type {code!r}, got {len(view)} of {view.format!r}")
    return section
