"""Word discovery (新词发现): raw text in, a ranked lexicon with its evidence out.

:class:`WordFinder` keeps the text as symbols (2 bytes a character), cuts it by one of four methods and lets the pieces
compete:

* ``bayes``: a Pitman-Yor word model sampled from the text, with word classes (:mod:`nlp_zero.words.pitman_yor`); the
  best segmentation, and the slowest.
* ``entropy`` (default): nVBE (see :mod:`nlp_zero.words.segmentation`); then every piece that costs more bits than it
  saves is dropped and the text is cut again by the rest (:mod:`nlp_zero.words.description`).
* ``pmi``: the algorithm of nlp-zero 0.1 as its article states it ("minimum entropy, part 2: cut decisively"): cut
  weak bonds, keep frequent pieces, drop from the longest on those that their parts explain.
* ``cohesion``: n-gram cohesion with a back-check: a long piece must be cohesive throughout.

Thresholds that are not given follow from the size of the text; :attr:`WordFinder.settings` says what they became.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import islice
from math import log, log2
from typing import Any, TypeAlias

from ..errors import InputError
from .context import Context
from .description import prune, symbol_bits
from .evidence import check_back, collect, words_of
from .lexicon import Lexicon
from .prior import encode
from .redundancy import drop_redundant
from .rules import Signs
from .segmentation import Rows, Types, branching_rows, by_cohesion, by_entropy, by_pmi, count_types
from .symbols import SymbolText
from .tokenizer import Tokenizer

__all__ = ["METHODS", "WordFinder"]

METHODS = ("entropy", "bayes", "pmi", "cohesion")
"""The methods of :class:`WordFinder`, the default first."""

GAIN = 6.0
"""Bits that method ``entropy`` gives every word of two symbols or more. Chosen on the UD dev set and the tails of the
PKU and MSR training text, where 0, 4, 6, 8 and 10 bits give a mean F1 of .734, .765, .772, .773 and .773: the least on
the plateau (benchmarks/segmentation/gain.py)."""

_SAMPLE = 20_000  # symbols on which the steps of granularity are measured

LITTLE_TEXT = 20_000
"""Below so many symbols the finder warns that it knows little."""

FEW_CHARACTERS = 200
"""Different characters below which the finder says of a text a hundred times as long that it repeats itself."""

Progress = Callable[[str, int, int], None]
_Found: TypeAlias = "tuple[Types, bytes, Rows]"


def _silent(stage: str, done: int, total: int) -> None:
    pass


class WordFinder:
    """Finds the words of a text that nobody labelled.

    ``method``: one of :data:`METHODS`. ``max_length``: the longest word of method ``entropy`` and the longest n-gram
    of ``cohesion``, in symbols (default 4). ``min_count``: fewer occurrences make no word (default: 2, and one more
    for each doubling of the text beyond a million symbols). For ``entropy``, ``gain`` is what a word of two symbols or
    more gains, in bits (default 6). For ``pmi``, ``min_pmi`` in nats (default 1) and ``min_proba``, of all symbols
    (default 1e-7, that of nlp-zero 0.1). For ``cohesion``, ``min_ratio`` is what every split of n symbols must exceed
    chance by, to the power n - 1 (default 5).

    ``bayes`` draws its samples from ``seed``: the same seed, the same words. ``chains`` of them vote on each boundary
    (default 1), in ``workers`` threads, which change nothing but the time. ``prior``: words known beforehand, each with
    the number of times it counts as read. ``base``: a tokenizer whose words are known with the counts they have there;
    they stay in what is found. ``rules``: whether the rules by hand of :mod:`nlp_zero.words.rules` hold. With
    ``keep_going``, a Ctrl-C while sampling takes what the last complete sweep left.

    >>> finder = WordFinder(min_count=2).train(["葡萄酒很好", "红葡萄酒", "白葡萄酒呢", "喝葡萄酒吧"])
    >>> next(finder.find().entries()).word
    '葡萄酒'
    """

    def __init__(
        self,
        method: str = "entropy",
        *,
        max_length: int | None = None,
        min_count: int | None = None,
        gain: float | None = None,
        min_pmi: float | None = None,
        min_proba: float | None = None,
        min_ratio: float | None = None,
        seed: int = 0,
        chains: int = 1,
        workers: int = 1,
        prior: Mapping[str, int] | None = None,
        base: Tokenizer | None = None,
        rules: bool = True,
        keep_going: bool = False,
    ) -> None:
        if method not in METHODS:
            raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
        if max_length is not None and not 1 <= max_length <= 8:
            raise ValueError(f"max_length: expected 1 to 8, got {max_length}")
        if min_count is not None and min_count < 1:
            raise ValueError(f"min_count: expected 1 or more, got {min_count}")
        for name, value in (("chains", chains), ("workers", workers)):
            if not 1 <= value <= 255:
                raise ValueError(f"{name}: expected 1 to 255, got {value}")
        if method != "bayes" and (prior or base or chains > 1 or not rules or keep_going):
            raise ValueError("chains, prior, base, rules and keep_going: expected with the method bayes only")
        self.method = method
        self.max_length = max_length
        self.min_count = min_count
        self.gain = gain
        self.min_pmi = min_pmi
        self.min_proba = min_proba
        self.min_ratio = min_ratio
        self.seed = seed
        self.chains = chains
        self.workers = workers
        self.prior = prior
        self.base = base
        self.rules = rules
        self.keep_going = keep_going
        self.observations: dict[str, Any] = {}
        self._text = SymbolText(numerals=method == "bayes")
        self._characters = 0
        self._sources: list[str] = []
        self._found: Lexicon | None = None
        self._spelling: dict[int, float] = {}
        self._lengths: bytes | None = None  # the segmentation of method bayes

    # ---- text in

    def train(self, sentences: Iterable[str], *, progress: Progress | None = None) -> WordFinder:
        """Read text; again adds. Any iterable of ``str``; a :class:`nlp_zero.text.corpus.Corpus` is read in blocks."""
        if isinstance(sentences, str | bytes):
            kind = type(sentences).__name__
            raise TypeError(f"sentences: expected an iterable of str, such as ['今天天气好'], got one {kind}")
        blocks = getattr(sentences, "blocks", None)
        self._text.extend(self._watched(blocks() if callable(blocks) else sentences, progress or _silent))
        digest = getattr(sentences, "sha256", None)
        if isinstance(digest, str):
            self._sources.append(digest)
        self._found = self._lengths = None
        return self

    def _watched(self, sentences: Iterable[str], progress: Progress) -> Iterator[str]:
        for number, sentence in enumerate(sentences):
            if not isinstance(sentence, str):
                kind = type(sentence).__name__
                raise TypeError(f"sentences: expected str, such as '今天天气好', got {kind} at {number}")
            self._characters += len(sentence) - sentence.count("\n")
            progress("reading", self._characters, 0)
            yield sentence

    def merge(self, other: WordFinder) -> WordFinder:
        """A finder that has read the text of both, with the options of this one."""
        merged = WordFinder(self.method, **self._options())
        for finder in (self, other):
            merged._text.append(finder._text)
            merged._characters += finder._characters
            merged._sources.extend(finder._sources)
        return merged

    def _options(self) -> dict[str, Any]:
        thresholds = ("max_length", "min_count", "gain", "min_pmi", "min_proba", "min_ratio")
        names = (*thresholds, "seed", "chains", "workers", "prior", "base", "rules", "keep_going")
        return {name: getattr(self, name) for name in names}

    # ---- what the size of the text chose

    @property
    def symbols(self) -> int:
        """Symbols of words that were read; a number or a run of Latin letters is one."""
        return self._text.size

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds in force, given or chosen by the size of the text."""
        size = max(self._text.size, 1)
        common: dict[str, Any] = {"method": self.method, "min_count": self._or(self.min_count, _least_count(size))}
        if self.method == "entropy":
            return {**common, "max_length": self._or(self.max_length, 4), "gain": self._or(self.gain, GAIN)}
        if self.method == "bayes":
            # A word seen twice is a word: the model itself weighs what a rare one costs.
            common["min_count"] = self._or(self.min_count, 2)
            return {
                **common,
                "max_length": self._or(self.max_length, 4),
                "seed": self.seed,
                "chains": self.chains,
                "rules": self.rules,
            }
        if self.method == "cohesion":
            return {**common, "max_length": self._or(self.max_length, 4), "min_ratio": self._or(self.min_ratio, 5.0)}
        # As published: what bounds the counts is min_proba.
        common["min_count"] = self._or(self.min_count, 1)
        return {**common, "min_proba": self._or(self.min_proba, 1e-7), "min_pmi": self._or(self.min_pmi, 1.0)}

    @staticmethod
    def _or(value: Any, default: Any) -> Any:
        return default if value is None else value

    @property
    def notes(self) -> list[str]:
        """What a reader of the result should know."""
        size, notes = self._text.size, []
        least = self.settings["min_count"]
        if size < LITTLE_TEXT:
            notes.append(
                f"{size:,} characters are little text: only words of at least {least} occurrences can show, "
                "and their order says little; a million characters show most words"
            )
        if size > FEW_CHARACTERS * 100 and self._text.variety < FEW_CHARACTERS:
            notes.append(
                f"the text repeats itself: {size:,} symbols hold only {self._text.variety:,} different characters; "
                "what is found says little about other text"
            )
        if self._found is not None and not any(len(entry.word) > 1 for entry in self._found.entries(limit=1)):
            notes.append(f"no word of two or more characters was found at {least} occurrences or more")
        if "stopped after sweep" in self.observations:
            notes.append(f"sampling was stopped after sweep {self.observations['stopped after sweep']}")
        return notes

    # ---- words out

    def find(self, known: Container[str] | Iterable[str] | None = None, *, progress: Progress | None = None) -> Lexicon:
        """The lexicon, ranked by the bits that words save; without the words that are ``known``.

        Evidence of each word: ``bits``, the smallest ``pmi`` over its splits and the branching entropies, in bits (NaN
        where the word or its parts are rarer than the counts reach). Raises :class:`InputError` without any text.
        """
        if self._found is None:
            self._found = self._find(progress or _silent)
        return self._found if known is None else self._found.subtract(known)

    def _find(self, progress: Progress) -> Lexicon:
        text = self._text
        if not text.size:
            raise InputError("no Chinese text: expected at least one character of a word, got none")
        cut: _Found = getattr(self, f"_by_{self.method}")(progress)
        progress("collecting evidence", 0, 0)
        entries = collect(text, *cut, self.settings["min_count"], self._spelling)
        found = Lexicon._of_entries(entries, self._provenance())
        known = self._known_before()
        if not known:
            return found
        merged = Lexicon.merge(found, Lexicon(known))
        merged.provenance = {**found.provenance, "known-words": len(known)}
        return merged

    def _provenance(self) -> dict[str, Any]:
        size = {"characters": self._characters, "symbols": self._text.size}
        sources = {"input-sha256": self._sources} if self._sources else {}
        return {"program": "nlp-zero", **size, **sources, **self.settings}

    def _by_entropy(self, progress: Progress) -> _Found:
        ids, settings = self._text.ids, self.settings
        progress("branching entropies", 0, 0)
        lengths, rows = by_entropy(
            ids, self._text.size, settings["max_length"], settings["min_count"], settings["gain"]
        )
        progress("dropping redundant words", 0, 0)
        types = count_types(ids, lengths)
        self._spelling = symbol_bits(ids, types)
        types, lengths = prune(ids, types, settings["min_count"], self._spelling)
        return types, lengths, rows

    def _by_bayes(self, progress: Progress) -> _Found:
        from . import pitman_yor  # slow to import, and only this method wants it

        ids, settings = self._text.ids, self.settings
        progress("branching entropies", 0, 0)
        found, rows = branching_rows(ids, self._text.size, settings["max_length"], settings["min_count"], True)
        scores = [found]
        del found
        recipe = pitman_yor.Settings(max_length=settings["max_length"], rules=self.rules, seed=self.seed)

        def report(state: pitman_yor.Progress) -> None:
            progress(state.describe(), state.done, state.total)

        lengths, self.observations = pitman_yor.segment(
            ids,
            scores.pop(),  # the callee lets go of them early
            recipe,
            report,
            chains=self.chains,
            workers=self.workers,
            keep_going=self.keep_going,
            prior=encode(self._text, self._known_before()),
            signs=Signs.of(self._text),
        )
        self._lengths = lengths
        types = count_types(ids, lengths)
        self._spelling = symbol_bits(ids, types)
        return types, lengths, rows

    def _known_before(self) -> dict[str, int]:
        """The words known before the text was read, with the counts that they have as such."""
        known = dict(self.base.lexicon.counts()) if self.base else {}
        for word, count in (self.prior or {}).items():
            known[word] = known.get(word, 0) + count
        return known

    def _by_pmi(self, progress: Progress) -> _Found:
        ids, settings = self._text.ids, self.settings
        progress("pairs", 0, 0)
        bits = settings["min_pmi"] / log(2)
        lengths, rows = by_pmi(ids, self._text.size, self.max_length or 4, settings["min_proba"], bits)
        progress("dropping redundant words", 0, 0)
        types = count_types(ids, lengths)
        self._spelling = symbol_bits(ids, types)
        total = sum(types.counts)
        types = types.select(
            index
            for index, count in enumerate(types.counts)
            if count >= settings["min_count"] and count / total > settings["min_proba"]
        )
        words = dict(zip(words_of(ids, types), types.counts, strict=True))
        counts = drop_redundant(words, settings["min_pmi"])
        kept = types.select(index for index, word in enumerate(words) if word in counts)
        return kept._replace(counts=array("I", counts.values())), lengths, rows

    def _by_cohesion(self, progress: Progress) -> _Found:
        ids, settings = self._text.ids, self.settings
        progress("n-grams", 0, 0)
        order = settings["max_length"]
        lengths, rows, cohesive = by_cohesion(ids, self._text.size, order, settings["min_count"], settings["min_ratio"])
        progress("checking back", 0, 0)
        types = count_types(ids, lengths)
        self._spelling = symbol_bits(ids, types)
        rows_of = enumerate(zip(types.lengths, types.counts, strict=True))
        types = types.select(index for index, (size, n) in rows_of if size == 1 or n >= settings["min_count"])
        return types.select(check_back(rows, types, order, cohesive)), lengths, rows

    # ---- from words on

    def tokenizer(self) -> Tokenizer:
        """A tokenizer over the words found, shapes included; of method ``bayes`` with their context."""
        found = self.find()
        if self._lengths is None:
            return Tokenizer(found)
        context = self._context(found)
        return Tokenizer(found, context=context, numerals="run").calibrate(self._text.sample(_SAMPLE))

    def _context(self, found: Lexicon) -> Context:
        """What surrounds the words: by this text, or by that of the base if the base has seen more."""
        assert self._lengths is not None
        counts = found.counts()
        known = self.base.context_of(sorted(counts)) if self.base else None
        if self.base is None or known is None or sum(map(bool, self._lengths)) > self.base.lexicon.total:
            return Context.learn(self._text, self._lengths, counts, self.seed)
        return known

    def examples(self, word: str, limit: int = 3, width: int = 12) -> list[str]:
        """The first contexts of a word: up to ``width`` characters of its line on either side, the word in 【】."""
        return [f"{before}【{word}】{after}" for before, after in islice(self._text.contexts(word, width), limit)]


def _least_count(size: int) -> int:
    """The default of ``min_count``: 2, and one more for each doubling beyond a million symbols."""
    return 2 + max(0, int(log2(size / 1_000_000)) + 1 if size > 1_000_000 else 0)
