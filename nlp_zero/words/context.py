"""What the surroundings of a word say (上下文): word classes, a boundary expert, and the spelling of unknown words.

A lexicon knows how frequent a word is. :class:`Context` knows the rest of what a segmented text can teach about cutting
new text, and is learnt from it alone, whoever cut it:

* *Classes*: words are clustered by their neighbours (:mod:`nlp_zero.words.classes`); each word that follows another
  adds log R(a, b)**0.9 to the score, R(a, b) = how much more often a word of class b follows one of class a than
  chance would have it. Words that the lexicon does not have take the class that the rare words of their length share.
* *Expert*: what the four symbols around a gap say (:mod:`nlp_zero.words.expert`); the log odds of a cut are added for
  every gap that is the end of a word.
* *Spelling*: any 2 to 4 Han characters may be a word that the lexicon does not have, unless the expert sees a boundary
  inside. It scores log(types / tokens), the chance that a word is new (Pitman & Yor 1997 with a discount near 1), plus
  the logarithms of its length among the words of the lexicon and of its characters among those that begin, continue
  and end them.

On text that was not in the raw text the last is worth most: F1 of .7560 becomes .7990 on UD dev.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import exp, log, sqrt
from typing import Any, NamedTuple

from .. import kernels
from ..text.characters import DIGIT, HAN, KANA, LATIN, LETTER, MARK, char_class
from . import expert
from .classes import CLASSES, word_classes
from .segmentation import count_types
from .symbols import SymbolText, is_shape

__all__ = ["BONUS", "POWER", "Context"]

BONUS = 2.0
"""Nats that each word of a text is given when it is cut, so that words come out a little shorter: F1 of the text that
settings were chosen on (UD dev, PKU tail, MSR tail; four models) rises from .8045, .8236, .8554 with 0 to .8061, .8247,
.8563 with 1 and .8064, .8257, .8570 with 2; with 4 it is .8049, .8269, .8571."""

POWER = 0.9
"""The power of R; with the 1.5 of the sampler (:class:`nlp_zero.words.chain.Settings`) MSR's tail is .0005 worse."""

OLD_POWER, OLD_BONUS = 1.5, 0.0
"""Those of models that do not tell theirs: they cut as they always did."""

MOST = 1.0
"""Above these log odds of a boundary inside it, a stretch is no unknown word; lower, new words are missed."""

LONGEST = 4
"""The longest unknown word, in characters. Of 5 there are too few for anything to gain by them."""

RARE = 3
"""Words with fewer occurrences have the class of the rare words of their length."""

PAIRS, BOND, LEAST_BOND, LONGEST_COMPOUND = 5, 10.0, 2.0, 12
"""Compounds: the fewest occurrences, the bond in nats from which they lose nothing, the least bond, characters."""

TYPES = 60_000
"""Words that compounds are made of, at most: as many symbols as the counting kernel takes."""

HALF = 0.5
"""What is added to every count of a character."""

_FIRST_SYMBOL = 8
_UNIT = 1 / 16  # of the packed weights


class Context(NamedTuple):
    """What surrounds the words of a lexicon: plain strings and bytes, as they stand in a file.

    ``classes``: a byte for each word, in code-point order; ``pools``: the classes of unknown words of 1, 2, ...
    symbols; ``ratios``: float32, a row for each class; ``alphabet``: the symbols from 8 up; ``expert``: packed weights;
    ``spelling``: float32, three for each symbol; ``extents``: float32, one for each length. The kernel
    :mod:`nlp_zero.kernels.lattice` says what they mean. ``compounds``: the parts of each, joined by tabs, a line each;
    ``penalties``: float32, what each loses against its parts, in nats. ``power``: that of R in the ratios;
    ``bonus``: what each word is given, in nats. ``rights`` and ``joints`` are filled in where compounds are words.

    >>> from nlp_zero.words.symbols import SymbolText
    >>> text = SymbolText(["猫吃鱼", "狗吃肉", "小猫吃肉"] * 3)
    >>> context = Context.learn(text, bytes([1, 1, 1, 0, 1, 1, 1, 0, 2, 0, 1, 1, 0] * 3), {"吃": 9, "小猫": 3, "猫": 3})
    >>> context.alphabet, len(context.classes), len(context.pools)
    ('猫吃鱼狗肉小', 3, 8)
    """

    classes: bytes
    pools: bytes
    ratios: bytes
    alphabet: str
    expert: bytes
    spelling: bytes
    extents: bytes
    compounds: str = ""
    penalties: bytes = b""
    rights: bytes = b""
    joints: bytes = b""
    power: float = POWER
    bonus: float = BONUS

    @classmethod
    def learn(
        cls,
        text: SymbolText,
        lengths: bytes,
        words: Mapping[str, int],
        seed: int = 0,
        report: Callable[[str], None] = lambda step: None,
    ) -> Context:
        """From a text, its segmentation (the length of a word at its first symbol) and the counts of its lexicon.

        O(symbols): 4 s and 200 MB for 3 million. ``report`` hears what is being learnt.
        """
        report("classes of words")
        kinds, pools, ratios, (compounds, penalties) = _learn_classes(text, lengths, words)
        report("boundary expert")
        weights = expert.pack(expert.learn(text.ids, lengths, seed))
        spelling, extents = _learn_spelling(words, text.alphabet)
        classes = _classes_of(sorted(words), text, kinds, pools)
        return cls(classes, pools, ratios, text.alphabet, weights, spelling, extents, compounds, penalties)

    def parts(self, cost: float = 0.0) -> tuple[Any, ...]:
        """The context as the kernel wants it, with unknown words at a cost; ModelError if the expert is damaged."""
        extents = array("f", [number - cost for number in array("f", self.extents)]).tobytes()
        bits, skips, values = expert.opened(self.expert)
        return (
            self.classes,
            self.rights or self.classes,
            self.joints or bytes(4 * len(self.classes)),
            self.pools,
            self.ratios,
            self.alphabet,
            skips,
            values,
            bits,
            _UNIT,
            expert.LIMIT,
            self.spelling,
            extents,
            MOST,
        )

    def table(self) -> list[list[float]]:
        """The logarithms of the ratios: ``table()[a][b]`` for a word of class b behind one of class a."""
        values = array("f", self.ratios).tolist()
        count = max(round(len(values) ** 0.5), 1)
        return [values[row : row + count] for row in range(0, len(values), count)]

    def shares(self) -> list[float]:
        """The share of each length, 1, 2, ..., among unknown words of Han characters."""
        extents = array("f", self.extents).tolist()
        whole = sum(map(exp, extents))
        return [exp(number) / whole for number in extents]

    def speller(self) -> Callable[[str], float | None]:
        """The logarithm of the probability of an unknown word of Han characters, given that one comes; None of others.

        A single one is any of the alphabet, which one that is not in it has a place in.
        """
        numbers = iter(array("f", self.spelling).tolist())
        triples = list(zip(numbers, numbers, numbers, strict=True))
        places = dict(zip(self.alphabet, triples[_FIRST_SYMBOL:], strict=True))
        rare, shares = triples[0], [log(share) for share in self.shares()]

        def spell(word: str) -> float | None:
            if len(word) > len(shares) or any(char_class(character) != HAN for character in word):
                return None
            if len(word) == 1:
                return shares[0] - log(len(places) + 1)
            spelt = [places.get(character, rare) for character in word]
            inner = sum(triple[1] for triple in spelt[1:-1])
            return shares[len(word) - 1] + spelt[0][0] + inner + spelt[-1][2]

        return spell

    def stranger(self, code: int, length: int) -> int:
        """The class of an unknown stretch: ``code`` is that of its first character, ``length`` in characters."""
        if code in (DIGIT, LATIN):
            return self.pools[0]
        return self.pools[min(length, len(self.pools)) - 1] if code in (HAN, KANA, LETTER, MARK) else 0

    def pool(self, word: str) -> int:
        """The class of a word that nothing is known about: that of the rare words of its length in symbols."""
        codes = [MARK if is_shape(character) else char_class(character) for character in word]
        joined = sum(1 for a, b in pairwise(codes) if a == b and a in (DIGIT, LATIN))
        return self.pools[min(len(codes) - joined, len(self.pools)) - 1]

    def reordered(self, words: Sequence[str], order: Sequence[int]) -> Context:
        """For other words: for each the place where it was, or -1 for a new one."""
        pairs = zip(words, order, strict=True)
        return self._replace(classes=bytes(self.classes[n] if n >= 0 else self.pool(word) for word, n in pairs))

    def sections(self) -> dict[str, Any]:
        """For a model file."""
        return {
            "classes": self.classes,
            "pools": self.pools,
            "ratios": array("f", self.ratios),
            "alphabet": self.alphabet.encode("utf-8", "surrogatepass"),
            "expert": self.expert,
            "spelling": array("f", self.spelling),
            "extents": array("f", self.extents),
            "power": array("d", (self.power, self.bonus)),
            **({"compounds": self.compounds.encode("utf-8")} if self.compounds else {}),
            **({"penalties": array("f", self.penalties)} if self.compounds else {}),
        }

    @classmethod
    def read(cls, sections: Mapping[str, Any], size: int) -> Context | None:
        """From a model file with so many words, or None; raises KeyError, TypeError or ValueError."""
        if "classes" not in sections:
            return None
        formats = {name: memoryview(sections[name]).format for name in ("classes", "ratios", "spelling", "extents")}
        if list(formats.values()) != ["B", "f", "f", "f"] or len(sections["classes"]) != size:
            raise ValueError(f"classes: expected {size} bytes, and three tables of floats, got {formats}")
        alphabet = str(sections["alphabet"], "utf-8", "surrogatepass")
        before, after = (
            [bytes(sections[name]) for name in names]
            for names in (("classes", "pools", "ratios"), ("expert", "spelling", "extents"))
        )
        told = memoryview(sections["power"]).cast("B").cast("d") if "power" in sections else (OLD_POWER, OLD_BONUS)
        power, bonus = told
        if not (0.0 < power < 100.0 and -100.0 < bonus < 100.0):
            raise ValueError(f"power: expected a power and a bonus, such as {POWER} and {BONUS}, got {power}, {bonus}")
        context = cls(before[0], before[1], before[2], alphabet, after[0], after[1], after[2], power=power, bonus=bonus)
        if "compounds" not in sections:
            return context
        compounds, penalties = str(sections["compounds"], "utf-8"), memoryview(sections["penalties"])
        lines = compounds.count("\n") + 1
        if penalties.format != "f" or len(penalties) != lines or not all(0 <= number <= 1e6 for number in penalties):
            raise ValueError(f"penalties: expected {lines} floats of at least 0")
        return context._replace(compounds=compounds, penalties=bytes(penalties))

    def joined(self, words: Sequence[str], scores: Sequence[float]) -> dict[str, tuple[float, int, int, int]]:
        """The compounds of words of a lexicon: score, classes to the left and the right, joints.

        A compound scores as its parts one after another, and at its joints the expert is heard, less its penalty: so
        it never wins by itself, but where a word costs more than that.
        """
        place = {word: index for index, word in enumerate(words)}
        table = self.table()
        found: dict[str, tuple[float, int, int, int]] = {}
        lines = self.compounds.split("\n") if self.compounds else []
        for line, penalty in zip(lines, array("f", self.penalties), strict=True):
            parts = [place.get(part, -1) for part in line.split("\t")]
            word = line.replace("\t", "")
            if min(parts) < 0 or word in place or len(word) > 32:
                continue
            score, joints, end = -penalty, 0, 0
            for part, behind in pairwise(parts):
                score += scores[part] + table[self.classes[part]][self.classes[behind]]
                end += len(words[part])
                joints |= 1 << (end - 1)
            found[word] = score + scores[parts[-1]], self.classes[parts[0]], self.classes[parts[-1]], joints
        return found

    def with_joined(self, words: Sequence[str], order: Sequence[int], found: Mapping[str, Any]) -> Context:
        """The context of words with compounds among them, the new ones; ``order`` as for :meth:`reordered`."""
        company = [
            (self.classes[place], self.classes[place], 0) if place >= 0 else found[word][1:]
            for word, place in zip(words, order, strict=True)
        ]
        return self._replace(
            classes=bytes(left for left, _, _ in company),
            rights=bytes(right for _, right, _ in company),
            joints=array("I", [joints for _, _, joints in company]).tobytes(),
        )


# Classes -------------------------------------------------------------------------------------------------------------


def _learn_classes(
    text: SymbolText, lengths: bytes, words: Mapping[str, int]
) -> tuple[dict[str, int], bytes, bytes, tuple[str, bytes]]:
    """The class of each word of the segmentation, those of rare words by their length, the ratios, the compounds."""
    width = max(lengths, default=1) or 1
    columns = kernels.substrings(text.ids, width)
    index, sizes = array("I", columns[0]), columns[2]
    counts = array("i", kernels.seat(index, width, lengths, len(sizes), None, 0.0, 1.0, array("Q", (0,)))[0])
    classes = word_classes(index, width, lengths, sizes, counts, min_count=RARE)
    types = count_types(text.ids, lengths)
    kinds = {
        text.word(place, size): classes[index[place * width + size - 1]]
        for place, size in zip(types.positions, types.lengths, strict=True)
    }
    pools = bytearray(8)
    for size in range(1, 9):
        rare = _first_rare(sizes, counts, size)
        pools[size - 1] = classes[rare] if rare >= 0 else pools[size - 2] if size > 1 else 1
    pairs = array("I", kernels.class_counts(index, width, lengths, classes, CLASSES))
    starts = array("I", columns[1])
    coded, typed = kernels.word_types(index, width, lengths, counts, RARE)
    names = [""] * (width + 1) + [text.word(starts[word], sizes[word]) for word in array("I", typed)[width + 1 :]]
    compounds = _learn_compounds(array("I", coded), [name if name in words else "" for name in names])
    return kinds, bytes(pools), _log_ratios(pairs, POWER).tobytes(), compounds


# Compounds -----------------------------------------------------------------------------------------------------------


def _learn_compounds(tokens: array[int], names: list[str]) -> tuple[str, bytes]:
    """Words that often stand side by side, and pairs of such pairs: for readings longer than the learnt one.

    ``names`` are those of the types, "" for what is in no compound. The penalty is :data:`BOND` less the pointwise
    mutual information in nats, of a count less its standard deviation; a part that is a compound adds its own.
    """
    frequent, grams = _frequent_grams(tokens, names)
    total = len(tokens)
    counts: dict[tuple[int, ...], int] = {(type_,): count for type_, count in frequent.items()}
    counts.update(grams)
    penalties: dict[tuple[int, ...], float] = {(type_,): 0.0 for type_ in frequent}
    for gram, count in sorted(grams.items(), key=lambda item: (len(item[0]), item[0])):
        if sum(len(names[type_]) for type_ in gram) > LONGEST_COMPOUND:
            continue
        # Three words are a pair and a word, four are two pairs.
        for split in (2,) if len(gram) == 4 else range(1, len(gram)):
            left, right = gram[:split], gram[split:]
            if left in penalties and right in penalties:
                bond = log((count - sqrt(count)) * total / (counts[left] * counts[right]))
                if bond >= LEAST_BOND:
                    penalty = penalties[left] + penalties[right] + max(BOND - bond, 0.0)
                    penalties[gram] = min(penalty, penalties.get(gram, penalty))
    found: dict[tuple[str, ...], float] = {}
    for gram, penalty in penalties.items():
        if len(gram) > 1:
            words = tuple(names[type_] for type_ in gram)
            found[words] = min(penalty, found.get(words, penalty))
    ordered = sorted(found)
    return "\n".join(map("\t".join, ordered)), array("f", [found[words] for words in ordered]).tobytes()


def _frequent_grams(tokens: array[int], names: list[str]) -> tuple[dict[int, int], dict[tuple[int, ...], int]]:
    """The types of Han names that occur often enough for compounds, the most frequent :data:`TYPES` of them; and the
    sequences of two to four such types that do.

    They are counted by the kernel that counts symbols: a type is a symbol, any other type a boundary.
    """
    han = [type_ for type_, name in enumerate(names) if name and all(char_class(sign) == HAN for sign in name)]
    counts = Counter(tokens)
    often = sorted((type_ for type_ in han if counts[type_] >= PAIRS), key=lambda type_: (-counts[type_], type_))
    symbols = [0] * len(names)
    for symbol, type_ in enumerate(often[:TYPES], _FIRST_SYMBOL):
        symbols[type_] = symbol
    ids = array("H", map(symbols.__getitem__, tokens))
    _, positions, sizes, found, *_ = kernels.branching(ids, 4, PAIRS, False)
    rows = zip(array("I", positions), sizes, array("I", found), strict=True)
    grams = {tuple(tokens[place : place + size]): count for place, size, count in rows if size > 1}
    return {type_: counts[type_] for type_ in often[:TYPES]}, grams


def _first_rare(sizes: bytes, counts: Sequence[int], size: int) -> int:
    """The first substring of a length that is a rare word, or none; -1 if there is none."""
    place = sizes.find(size)
    while place >= 0 and counts[place] >= RARE:
        place = sizes.find(size, place + 1)
    return place


def _log_ratios(pairs: Sequence[int], power: float) -> array[float]:
    """log R(a, b) times a power, float32, from how often class b follows class a; 0 for what precedes the edge.

    As the sampler smoothes them: up to five pairs as expected are added to what was counted.

    >>> [round(value, 2) for value in _log_ratios([0, 4, 4, 0], 1.0)]
    [0.0, 0.25, 0.0, -0.34]
    """
    count = round(len(pairs) ** 0.5)
    rows = [sum(pairs[a * count : (a + 1) * count]) for a in range(count)]
    columns = [sum(pairs[b::count]) for b in range(count)]
    total = max(sum(rows), 1)
    ratios = array("f")
    for a in range(count):
        for b in range(count):
            expected = rows[a] * columns[b] / total
            prior = 5.0 * min(1.0, expected)
            ratio = (pairs[a * count + b] + prior + 0.01) / (expected + prior + 0.01)
            ratios.append(power * log(ratio) if b else 0.0)
    return ratios


def _classes_of(words: Sequence[str], text: SymbolText, kinds: dict[str, int], pools: bytes) -> bytes:
    """The class of each word of a lexicon: its own, or that of its shape; 0 if it holds what is no part of words."""
    others = [word for word in words if word not in kinds]
    known = dict(zip(others, text.shapes(others), strict=True))

    def find(word: str) -> int:
        shape = known.get(word, word)
        return kinds.get(shape, pools[min(len(shape), len(pools)) - 1]) if shape else 0

    return bytes(map(find, words))


# Spelling ------------------------------------------------------------------------------------------------------------


def _learn_spelling(words: Mapping[str, int], alphabet: str) -> tuple[bytes, bytes]:
    """The logarithms of the characters (three each: first, inner, last) and of the lengths of unknown words."""
    lengths: Counter[int] = Counter()
    places: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
    for word in words:
        if is_shape(word):
            continue
        lengths[min(len(word), LONGEST)] += 1
        if len(word) > 1:
            places[0][word[0]] += 1
            places[1].update(word[1:-1])
            places[2][word[-1]] += 1
    sums = [sum(counts.values()) + HALF * (len(alphabet) + 1) for counts in places]
    spelling = array("f")
    for character in [""] * _FIRST_SYMBOL + list(alphabet):
        spelling.extend(log((counts[character] + HALF) / total) for counts, total in zip(places, sums, strict=True))
    types = sum(lengths.values())
    new = log(max(types, 1) / max(sum(words.values()), types, 1))
    extents = array("f", [new + log((lengths[n] + HALF) / (types + HALF * LONGEST)) for n in range(1, LONGEST + 1)])
    return spelling.tobytes(), extents.tobytes()
