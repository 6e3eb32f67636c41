"""Sampling kernels: a Pitman-Yor model of words, its spelling model, and one sweep of blocked Gibbs sampling.

The model is the unigram part of Mochihashi, Yamada & Ueda 2009, "Bayesian unsupervised word segmentation with nested
Pitman-Yor language modeling": words are the customers of one restaurant, whose base distribution spells them symbol by
symbol. A sweep visits every *chunk* (a stretch of symbols between known boundaries), takes its words
out of the restaurant, draws a new segmentation of it from the posterior (forward filtering, backward sampling: exact
for the weights at that moment) and puts the new words in. With classes, neighbours attract or repel each other.

Chunks are visited in blocks of :data:`BLOCK` that stand side by side, the blocks in random order: what neighbours ask
for lies close together in memory, and a sweep of a large text takes half the time of one from chunk to any chunk.

All state is plain arrays, *substring ids* their indices; n symbols, at most K a word, V distinct substrings:

* ``index`` array('I'), n x K: the id of ``ids[i : i + k]`` at ``i * K + k - 1``, :data:`NONE` across a boundary;
* ``counts``, ``tables`` array('i'), V: customers and tables of each word; ``totals`` array('q'), 3: customers, tables,
  tables of one-symbol words;
* ``lengths`` bytearray, n: the segmentation, the length of a word at its first symbol and 0 elsewhere;
* ``base``, ``boost`` array('f'), V: the probability of the spelling, and a factor of the word's weight (0 bans it);
* ``random`` array('Q'), 1: the state of the generator, splitmix64 (Steele, Lea & Flood 2014, "Fast splittable
  pseudorandom number generators").

What is random is drawn in a fixed order, sums are added in a fixed order, and values kept as float32 are rounded when
they are stored, so that ``sampling.c`` gives the same bytes. A kernel that fails, or is interrupted, has changed
nothing.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import chain
from math import exp, inf, isqrt, log
from typing import TypeAlias

__all__ = ["boosts", "class_counts", "description", "length_prior", "seat", "spelling", "spread", "substrings", "sweep"]

NONE = 0xFFFFFFFF
MAX_LENGTH = 8
WORD_LIMIT = 0xF000
BLOCK = 32  # chunks

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | array[float]"
Chunk: TypeAlias = "tuple[int, int]"


# ---- buffers -------------------------------------------------------------------------------------------------------


def _view(buffer: Buffer, typecode: str, what: str, writable: bool = False) -> memoryview:
    """A buffer as items of a type; TypeError if its items have another size.

    >>> _view(bytes(4), "I", "index")
    Traceback (most recent call last):
    TypeError: index: expected items of 4 bytes, got 1
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(buffer).__name__}'") from None
    if writable and view.readonly:
        raise BufferError("Object is not writable.")
    size = array(typecode).itemsize
    if view.itemsize != size or view.ndim > 1:
        raise TypeError(f"{what}: expected items of {size} bytes, got {view.itemsize}")
    return view if view.format == typecode else view.cast("B").cast(typecode)  # type: ignore[call-overload]


def _sized(view: memoryview, size: int, what: str) -> memoryview:
    if len(view) != size:
        raise ValueError(f"{what}: expected {size} items, got {len(view)}")
    return view


def _floats(view: memoryview) -> list[float]:
    return list(map(float, view))


def _class_view(classes: Buffer, size: int, class_count: int) -> memoryview:
    """Classes of one or two bytes each."""
    try:
        typecode = "B" if memoryview(classes).itemsize == 1 else "H"
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(classes).__name__}'") from None
    view = _sized(_view(classes, typecode, "classes"), size, "classes")
    for word, number in enumerate(view):
        if number >= class_count:
            raise ValueError(f"classes: expected numbers below {class_count}, got {number} at {word}")
    return view


def _check_settings(discount: float, strength: float) -> None:
    if not 0 <= discount < 1:
        raise ValueError(f"discount: expected 0 <= d < 1, such as 0.7, got {discount!r}")
    if not 0 < strength < inf:
        raise ValueError(f"strength: expected more than 0, such as 20000.0, got {strength!r}")


def _check_length(max_length: int) -> None:
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, got {max_length}")


def _text(index: Buffer, max_length: int, lengths: Buffer, size: int) -> tuple[memoryview, bytearray, list[Chunk], int]:
    """The index, a copy of the segmentation, the chunks and the number of words; ValueError where they disagree."""
    _check_length(max_length)
    items, words = _view(index, "I", "index"), bytearray(_view(lengths, "B", "lengths"))
    if len(items) != len(words) * max_length:
        raise ValueError(f"index: expected {len(words) * max_length} items, got {len(items)}")
    chunks = [match.span() for match in re.finditer(b"\x01+", bytes(item != NONE for item in items[::max_length]))]
    word_count = 0
    for start, end in chunks:
        for length in range(min(max_length, end - start)):
            if max(items[start * max_length + length : (end - length) * max_length : max_length]) >= size:
                _refuse(items, max_length, words, start, end, size)
        place = start
        while place < end:
            length = words[place]
            if not 1 <= length <= min(max_length, end - place) or any(words[place + 1 : place + length]):
                _refuse(items, max_length, words, start, end, size)
            place += length
            word_count += 1
    return items, words, chunks, word_count


def _refuse(items: memoryview, max_length: int, words: bytearray, start: int, end: int, size: int) -> None:
    """Raise ValueError for what is first wrong in a chunk."""
    place = start
    for position in range(start, end):
        first = position * max_length
        for item in range(first, first + min(max_length, end - position)):
            if items[item] >= size:
                raise ValueError(f"index: expected ids below {size} inside chunks, got {items[item]} at {item}")
        length = words[position]
        starts = position == place
        if (not 1 <= length <= min(max_length, end - position)) if starts else length:
            raise ValueError(f"lengths: expected words that fill the chunk, got length {length} at {position}")
        place += length


# ---- the generator -------------------------------------------------------------------------------------------------

_MASK = (1 << 64) - 1


class _Random:
    """splitmix64 on one number of 64 bits.

    >>> _Random(0).bits() == 0xE220A8397B1DCDAF
    True
    """

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        self.state = state

    def bits(self) -> int:
        """64 random bits."""
        self.state = mixed = self.state + 0x9E3779B97F4A7C15 & _MASK
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
        return mixed ^ mixed >> 31

    def uniform(self) -> float:
        """From 0 up to, but not, 1: the upper 53 of the bits, here again for speed."""
        self.state = mixed = self.state + 0x9E3779B97F4A7C15 & _MASK
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
        return ((mixed ^ mixed >> 31) >> 11) * 2.0**-53

    def shuffle(self, items: list[list[Chunk]]) -> None:
        """Fisher and Yates, from the last place to the second."""
        for place in range(len(items) - 1, 0, -1):
            other = (self.bits() >> 32) * (place + 1) >> 32
            items[place], items[other] = items[other], items[place]


# ---- substrings ----------------------------------------------------------------------------------------------------


def substrings(ids: Buffer, max_length: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """All distinct substrings of the chunks, of at most ``max_length`` symbols.

    Returns ``index`` (as above) and, for every substring: its first position (uint32), its length (uint8), the ids of
    it without its last symbol and without its first (uint32, :data:`NONE` for single symbols). Short ones come
    first, of one length the most frequent, and equals in the order of first occurrence: so what is asked for often lies
    close together, and so does what one chunk alone asks for (three in four, of news). O(n x K).

    >>> index, starts, sizes, prefix, suffix = substrings(array("H", [8, 9, 8, 0]), 2)
    >>> list(array("i", index)), list(array("I", starts)), list(sizes)
    ([0, 2, 1, 3, 0, -1, -1, -1], [0, 1, 0, 1], [1, 1, 2, 2])
    >>> list(array("i", prefix)), list(array("i", suffix))
    ([-1, -1, 0, 1], [-1, -1, 1, 0])
    """
    _check_length(max_length)
    symbols = _view(ids, "H", "ids")
    size = len(symbols)
    index = array("I", [NONE]) * (size * max_length)
    starts, sizes, prefix, counts = array("I"), bytearray(), array("I"), array("I")
    known: dict[int, int] = {}  # by (id of the prefix + 1, last symbol)
    for position in range(size):
        last, item = NONE, position * max_length
        for end in range(position, min(position + max_length, size)):
            symbol = symbols[end]
            if not 0 < symbol < WORD_LIMIT:
                break
            key = (last + 1 & NONE) << 16 | symbol
            found = known.setdefault(key, len(starts))
            if found == len(starts):
                starts.append(position)
                sizes.append(end - position + 1)
                prefix.append(last)
                counts.append(0)
            counts[found] += 1
            index[item] = last = found
            item += 1
    suffix = array("I")
    for start, length in zip(starts, sizes, strict=True):
        suffix.append(NONE if length == 1 else index[(start + 1) * max_length + length - 2])
    order = sorted(range(len(starts)), key=lambda number: (sizes[number], -counts[number]))
    number = dict(zip(order, range(len(order)), strict=True))
    number[NONE] = NONE
    columns = [array("I", map(number.__getitem__, map(column.__getitem__, order))) for column in (prefix, suffix)]
    return (
        array("I", map(number.__getitem__, index)).tobytes(),
        array("I", map(starts.__getitem__, order)).tobytes(),
        bytes(map(sizes.__getitem__, order)),
        columns[0].tobytes(),
        columns[1].tobytes(),
    )


def spread(scores: Buffer, starts: Buffer, sizes: Buffer, max_length: int) -> bytes:
    """The score of every substring, int16, out of those of all places (n x K) as ``branching`` gives them.

    >>> list(array("h", spread(array("h", [1, 2, 3, 4]), array("I", [1, 0]), bytes([1, 2]), 2)))
    [3, 2]
    """
    _check_length(max_length)
    values, places, extents = _view(scores, "h", "scores"), _view(starts, "I", "starts"), _view(sizes, "B", "sizes")
    _sized(places, len(extents), "starts")
    result = array("h")
    for place, length in zip(places, extents, strict=True):
        item = place * max_length + length - 1
        if not 1 <= length <= max_length or item >= len(values):
            raise ValueError(f"scores: expected one for every substring, got none for {len(result)}")
        result.append(values[item])
    return result.tobytes()


def boosts(scores: Buffer, sizes: Buffer, gamma: float) -> bytes:
    """exp(gamma x length x score) of every substring, float32; ``scores`` in 2**-10 bits, by substring.

    >>> list(array("f", boosts(array("h", [0, 512]), bytes([1, 2]), 0.0)))
    [1.0, 1.0]
    """
    extents = _view(sizes, "B", "sizes")
    values = _sized(_view(scores, "h", "scores"), len(extents), "scores")
    factor = gamma / 1024.0
    result = array("f")
    for score, length in zip(values, extents, strict=True):
        result.append(_single(exp(min(80.0, max(-80.0, factor * (score * length))))))
    return result.tobytes()


def _single(value: float) -> float:
    """Kept where float32 has numbers that are not 0, if it was not 0."""
    return 2.0**-126 if 0.0 < value < 2.0**-126 else value


# ---- the restaurant ------------------------------------------------------------------------------------------------


class _Restaurant:
    """Customers are words; a new one sits at a table where its word is served, or opens one.

    A table opens with probability proportional to (theta + d T) p0(w) against c_w - d t_w. When a customer leaves, a
    table closes with probability d t_w / c_w, which leaves out who sits where (and for certain if every table has one
    customer).
    """

    __slots__ = (
        "base",
        "counts",
        "customers",
        "discount",
        "random",
        "single_tables",
        "strength",
        "table_count",
        "tables",
    )

    def __init__(self, size: int, base: list[float], discount: float, strength: float, random: _Random) -> None:
        self.counts, self.tables = [0] * size, [0] * size
        self.customers = self.table_count = self.single_tables = 0
        self.base, self.discount, self.strength, self.random = base, discount, strength, random

    def add(self, word: int, length: int) -> None:
        """Seat one customer. A number is drawn unless the word is new."""
        count = self.counts[word]
        if count:
            opening = (self.strength + self.discount * self.table_count) * self.base[word]
            staying = count - self.discount * self.tables[word]
        if not count or self.random.uniform() * (staying + opening) < opening:
            self.tables[word] += 1
            self.table_count += 1
            self.single_tables += length == 1
        self.counts[word] = count + 1
        self.customers += 1

    def remove(self, word: int, length: int) -> None:
        """Take one customer out. A number is drawn if the word has several tables, and fewer than customers."""
        count, tables = self.counts[word], self.tables[word]
        if count == tables or (tables > 1 and self.random.uniform() * count < self.discount * tables):
            self.tables[word] = tables - 1
            self.table_count -= 1
            self.single_tables -= length == 1
        self.counts[word] = count - 1
        self.customers -= 1


def _chunk_words(
    index: memoryview, max_length: int, lengths: bytearray, chunk: Chunk
) -> Iterator[tuple[int, int, int]]:
    """Position, id and length of the words of a chunk."""
    position, end = chunk
    while position < end:
        length = lengths[position]
        yield position, index[position * max_length + length - 1], length
        position += length


def seat(
    index: Buffer,
    max_length: int,
    lengths: Buffer,
    size: int,
    base: Buffer | None,
    discount: float,
    strength: float,
    random: Buffer,
) -> tuple[bytes, bytes, bytes]:
    """Counts, tables and totals of a segmentation: every word is seated by the Pitman-Yor rule, in the order of the
    text; without a ``base``, every type has one table. ``size`` is the number of substrings. O(n x K).

    >>> index = array("I", substrings(array("H", [8, 8, 8, 9]), 1)[0])
    >>> counts, tables, totals = seat(index, 1, bytes([1, 1, 1, 1]), 2, None, 0.7, 20000.0, array("Q", [1]))
    >>> list(array("i", counts)), list(array("i", tables)), list(array("q", totals))
    ([3, 1], [1, 1], [4, 2, 2])
    """
    items, words, chunks, _ = _text(index, max_length, lengths, size)
    chances = [0.0] * size if base is None else _floats(_sized(_view(base, "f", "base"), size, "base"))
    state = _sized(_view(random, "Q", "random", writable=True), 1, "random")
    _check_settings(discount, strength)
    restaurant = _Restaurant(size, chances, discount, strength, _Random(state[0] if base is not None else 0))
    for chunk in chunks:
        for _, word, length in _chunk_words(items, max_length, words, chunk):
            restaurant.add(word, length)
    if base is not None:
        state[0] = restaurant.random.state
    totals = (restaurant.customers, restaurant.table_count, restaurant.single_tables)
    counts, tables = array("i", restaurant.counts), array("i", restaurant.tables)
    return counts.tobytes(), tables.tobytes(), array("q", totals).tobytes()


# ---- the base distribution -----------------------------------------------------------------------------------------


def length_prior(sizes: Buffer, counts: Buffer, tables: Buffer, max_length: int, min_count: int) -> bytes:
    """The probability of each length, from the tables of words with at least ``min_count`` customers, and half a table
    more for each length. float64. O(V).

    Words seen once are mostly accidents of the sampler, and long: with them, the lengths would drift.

    >>> list(array("d", length_prior(bytes([1, 2, 2]), array("i", [5, 3, 1]), array("i", [2, 1, 1]), 2, 2)))
    [0.625, 0.375]
    """
    _check_length(max_length)
    extents = _view(sizes, "B", "sizes")
    customers = _sized(_view(counts, "i", "counts"), len(extents), "counts")
    seats = _sized(_view(tables, "i", "tables"), len(extents), "tables")
    sums = [0] * max_length
    for length, count, table in zip(extents, customers, seats, strict=True):
        if count >= min_count and 1 <= length <= max_length:
            sums[length - 1] += table
    total = 0.0
    for number in sums:
        total += number + 0.5
    return array("d", [(number + 0.5) / total for number in sums]).tobytes()


def description(counts: Buffer, base: Buffer) -> float:
    """The length of a text in nats when its words are listed once, spelt by ``base``, and then named one by one: the
    sum of -ln p0(w) over the words, and of ln(N / c) over the N customers. O(V).

    >>> round(description(array("i", [3, 1, 0]), array("f", [0.5, 0.25, 0.25])) / log(2), 6)
    6.245112
    """
    customers = _view(counts, "i", "counts")
    chances = _sized(_view(base, "f", "base"), len(customers), "base")
    total = 0
    for count in customers:
        total += max(count, 0)
    nats = 0.0
    for count, chance in zip(customers, chances, strict=True):
        if count > 0:
            nats += count * log(total / count)
            if chance > 0.0:
                nats -= log(chance)
    return nats


class _Counts:
    """What the spelling model counts, by substring id; all of words' tables, S the start of a word.

    ``whole[x]`` of a symbol: S x; of two: S x; of three: x itself. ``total`` and ``types`` of what follows: of a symbol
    a: S a; of two symbols: these. ``contexts`` of a symbol or two: the distinct symbols (or S) before it;
    ``context_total`` and ``context_types`` of a symbol: the sums and the number of those of the pairs that begin with
    it.
    """

    def __init__(self, sizes: memoryview, prefix: memoryview, suffix: memoryview, tables: memoryview) -> None:
        self.sizes, self.prefix, self.suffix = bytes(sizes), prefix.tolist(), suffix.tolist()
        size = len(sizes)
        self.whole, self.total, self.types = [0] * size, [0] * size, [0] * size
        self.contexts, self.context_total, self.context_types = [0] * size, [0] * size, [0] * size
        for word, number in enumerate(tables):
            if number > 0:
                self._count_word(word, number)
        self.symbols = [word for word, length in enumerate(sizes) if length == 1]
        self.pairs = [word for word, length in enumerate(sizes) if length == 2]
        self.triples = [word for word, length in enumerate(sizes) if length == 3]
        self._count_contexts()

    def last_three(self, word: int) -> int:
        """The id of the last three symbols."""
        for _ in range(self.sizes[word] - 3):
            word = self.suffix[word]
        return word

    def _count_word(self, word: int, number: int) -> None:
        for length in range(self.sizes[word], 0, -1):
            self.whole[self.last_three(word) if length > 3 else word] += number
            word = self.prefix[word]

    def _count_contexts(self) -> None:
        for triple in self.triples:
            if self.whole[triple]:
                self.contexts[self.suffix[triple]] += 1
                self._add_following(triple)
        for pair in self.pairs:
            if self.whole[pair]:
                self.contexts[pair] += 1
                self._add_following(pair)
            if self.contexts[pair]:
                self.contexts[self.suffix[pair]] += 1
                self.context_total[self.prefix[pair]] += self.contexts[pair]
                self.context_types[self.prefix[pair]] += 1
        for symbol in self.symbols:
            self.contexts[symbol] += self.whole[symbol] > 0

    def _add_following(self, word: int) -> None:
        self.total[self.prefix[word]] += self.whole[word]
        self.types[self.prefix[word]] += 1


def spelling(
    sizes: Buffer, prefix: Buffer, suffix: Buffer, tables: Buffer, length_chances: Buffer, discount: float
) -> bytes:
    """The base probability of every substring, float32: that of its length (``length_chances``, array('d'), 1 to K)
    times that of its symbols, each given the two before it.

    An interpolated trigram with absolute discount over the tables of words; its lower orders count distinct contexts
    (Kneser & Ney 1995, "Improved backing-off for m-gram language modeling"), and below them all symbols of the text are
    alike. One start marker stands before the first symbol, none after the last. What is not 0 is at least 2**-126.
    O(V x K), no hashing: contexts are prefixes and suffixes.

    In a text of 8 9 the only word is 8 9; of its two symbols, both equally likely after a start:

    >>> _, _, sizes, prefix, suffix = substrings(array("H", [8, 9]), 2)
    >>> prefix, suffix = array("I", prefix), array("I", suffix)
    >>> base = spelling(sizes, prefix, suffix, array("i", [0, 0, 1]), array("d", [0.5, 0.5]), 0.0)
    >>> list(array("f", base))
    [0.5, 0.0, 0.5]
    """
    extents = _view(sizes, "B", "sizes")
    before = _sized(_view(prefix, "I", "prefix"), len(extents), "prefix")
    after = _sized(_view(suffix, "I", "suffix"), len(extents), "suffix")
    seats = _sized(_view(tables, "i", "tables"), len(extents), "tables")
    chances = _floats(_view(length_chances, "d", "length_chances"))
    _check_length(len(chances))
    if not 0 <= discount < 1:
        raise ValueError(f"discount: expected 0 <= d < 1, such as 0.7, got {discount!r}")
    for word, (length, shorter, later) in enumerate(zip(extents, before, after, strict=True)):
        if not max(extents[word - 1] if word else 1, 1) <= length <= len(chances):
            raise ValueError(f"sizes: expected 1 to {len(chances)} in ascending order, got {length} at {word}")
        if not (
            shorter == later == NONE
            if length == 1
            else max(shorter, later) < word and extents[shorter] == extents[later] == length - 1
        ):
            raise ValueError(f"prefix: expected ids of substrings one symbol shorter, got others at {word}")
    counts = _Counts(extents, before, after, seats)
    below = _following(counts, discount)
    return _spelled(counts, below, chances, discount).tobytes()


def _smooth(count: int, total: int, types: int, below: float, discount: float) -> float:
    """Of a count in a context, with what is discounted given to the order below.

    >>> _smooth(3, 4, 2, 0.5, 0.5)
    0.75
    """
    if not total:
        return below
    return ((count - discount if count else 0.0) + discount * types * below) / total


def _lowest(counts: _Counts, discount: float) -> dict[int, float]:
    """The probability of every symbol in no context."""
    total = types = 0
    for symbol in counts.symbols:
        total += counts.contexts[symbol]
        types += counts.contexts[symbol] > 0
    alike = 1.0 / len(counts.symbols) if counts.symbols else 0.0
    return {symbol: _smooth(counts.contexts[symbol], total, types, alike, discount) for symbol in counts.symbols}


def _following(counts: _Counts, discount: float) -> array[float]:
    """By pair: its second symbol after its first, of the lower order; by triple: its third after the others; by
    symbol: it at the start of a word."""
    prefix, suffix = counts.prefix, counts.suffix
    chances = array("f", bytes(4 * len(counts.sizes)))
    lowest = _lowest(counts, discount)
    for pair in counts.pairs:
        first, below = prefix[pair], lowest[suffix[pair]]
        context = counts.context_total[first], counts.context_types[first]
        chances[pair] = _smooth(counts.contexts[pair], *context, below, discount)
    for triple in counts.triples:
        pair = prefix[triple]
        below = chances[suffix[triple]]
        chances[triple] = _smooth(counts.whole[triple], counts.total[pair], counts.types[pair], below, discount)
    total = types = 0
    for symbol in counts.symbols:
        total += counts.whole[symbol]
        types += counts.whole[symbol] > 0
    for symbol in counts.symbols:
        chances[symbol] = _smooth(counts.whole[symbol], total, types, lowest[symbol], discount)
    return chances


def _spelled(counts: _Counts, chances: array[float], length_chances: list[float], discount: float) -> array[float]:
    """The product over the symbols of every substring, times the probability of its length."""
    base, prefix, suffix = array("f", chances), counts.prefix, counts.suffix
    for word, length in enumerate(counts.sizes):
        if length == 1:
            continue
        shorter = prefix[word]
        if length == 4:
            chance = chances[suffix[word]]
        elif length == 2:
            context = counts.total[shorter], counts.types[shorter]
            chance = _smooth(counts.whole[word], *context, chances[word], discount)
        else:
            chance = chances[counts.last_three(word)]
        base[word] = _single(base[shorter] * chance)
    for word, length in enumerate(counts.sizes):
        base[word] = _single(base[word] * length_chances[length - 1])
    return base


# ---- one sweep -----------------------------------------------------------------------------------------------------

_LOW, _HIGH = 2.0**-400, 2.0**400
_STEP_LOG = 400 * 0.6931471805599453


def sweep(
    index: Buffer,
    max_length: int,
    counts: Buffer,
    tables: Buffer,
    totals: Buffer,
    lengths: Buffer,
    base: Buffer,
    boost: Buffer,
    factors: Buffer,
    discount: float,
    strength: float,
    random: Buffer,
    sampled: bool,
    expert: Buffer | None = None,
    classes: Buffer | None = None,
    ratios: Buffer | None = None,
) -> float:
    """Segment every chunk anew, blocks of them in random order; ``counts``, ``tables``, ``totals``, ``lengths`` and
    ``random`` change in place. Returns the sum of the logarithms (nats) of what the segmentations of each chunk
    weigh together.

    A segmentation weighs the product over its words w of n symbols of p(w) x boost[w] x factors[n - 1], with
    p(w) = (c_w - d t_w + (theta + d T) p0(w)) / (theta + C), d the ``discount``, theta the ``strength``, C and T the
    numbers of customers and tables without the chunk's own. One is drawn in proportion to its weight, or, with
    ``sampled`` false, the heaviest is taken (and its weight alone returned); then the longer last word wins a tie,
    then the longer one before it, and so on.

    ``expert`` (array('f'), n): log-odds s of a boundary after each symbol; a word over symbols b..e weighs
    exp(.5 (s_e - sum of s_b..s_e-1)) more. ``classes`` (array('B') or 'H', V) and ``ratios`` (array('d'), C x C): a
    word of class c after one of class u weighs ``ratios[u * C + c]`` more; at the start of a chunk u is 0.

    There may be more customers than words in ``lengths``: those of other texts, whose words stay seated.

    A chunk for which no segmentation weighs anything, or one without bound, keeps its words. O(n x K), with classes
    O(n x K squared); the time of a chunk is linear in its length.

    >>> index = array("I", substrings(array("H", [8, 9, 0, 8, 9, 0, 8, 9]), 2)[0])
    >>> lengths, random = bytearray([1, 1, 0, 1, 1, 0, 1, 1]), array("Q", [1])
    >>> seats = seat(index, 2, lengths, 3, None, 0.7, 1.0, random)
    >>> counts, tables, totals = array("i", seats[0]), array("i", seats[1]), array("q", seats[2])
    >>> ones = array("f", [1.0, 1.0, 1.0])
    >>> score = sweep(
    ...     index, 2, counts, tables, totals, lengths, ones, ones, array("d", [1.0, 9.0]), 0.7, 1.0, random, False
    ... )
    >>> list(lengths), list(counts)
    ([2, 0, 0, 2, 0, 0, 2, 0], [0, 0, 3])
    """
    size = len(customers := _view(counts, "i", "counts", writable=True))
    seats = _sized(_view(tables, "i", "tables", writable=True), size, "tables")
    sums = _sized(_view(totals, "q", "totals", writable=True), 3, "totals")
    new_lengths = _view(lengths, "B", "lengths", writable=True)
    state = _sized(_view(random, "Q", "random", writable=True), 1, "random")
    items, words, chunks, word_count = _text(index, max_length, lengths, size)
    chances = _floats(_sized(_view(base, "f", "base"), size, "base"))
    _check_settings(discount, strength)
    if sums[0] < word_count:
        raise ValueError(f"totals: expected at least {word_count} customers, got {sums[0]}")
    lattice = _Lattice(items, max_length, sampled)
    lattice.boost = _floats(_sized(_view(boost, "f", "boost"), size, "boost"))
    lattice.factors = _floats(_sized(_view(factors, "d", "factors"), max_length, "factors"))
    if expert is not None:
        lattice.expert = _floats(_sized(_view(expert, "f", "expert"), len(words), "expert"))
    if classes is not None:
        table = _ratio_rows(ratios)
        lattice.classes, lattice.columns = (
            _class_view(classes, size, len(table)).tolist(),
            list(zip(*table, strict=True)),
        )
    restaurant = _Restaurant(0, chances, discount, strength, _Random(state[0]))
    restaurant.counts, restaurant.tables = customers.tolist(), seats.tolist()
    restaurant.customers, restaurant.table_count, restaurant.single_tables = sums
    lattice.restaurant = restaurant
    blocks = [chunks[start : start + BLOCK] for start in range(0, len(chunks), BLOCK)]
    restaurant.random.shuffle(blocks)
    score = 0.0
    for chunk in chain.from_iterable(blocks):
        score += lattice.resegment(words, chunk)
    customers[:], seats[:] = array("i", restaurant.counts), array("i", restaurant.tables)
    sums[:] = array("q", (restaurant.customers, restaurant.table_count, restaurant.single_tables))
    new_lengths[:], state[0] = words, restaurant.random.state
    return score


def _ratio_rows(ratios: Buffer | None) -> list[list[float]]:
    values = _floats(_view(ratios, "d", "ratios"))  # type: ignore[arg-type]
    count = isqrt(len(values))
    if not values or count * count != len(values):
        raise ValueError(f"ratios: expected a square table, got {len(values)} items")
    for item, value in enumerate(values):
        if not 0 <= value < inf:
            raise ValueError(f"ratios: expected finite numbers of at least 0, got {value!r} at {item}")
    return [values[row : row + count] for row in range(0, len(values), count)]


class _Lattice:
    """All words of one chunk, and what the segmentations up to each of them weigh.

    A *row* belongs to a place between symbols: its item n - 1 is the weight of all (or the heaviest of) segmentations
    up to there that end in a word of n symbols. Only ratios inside a row matter in the end; of the last K rows, which
    are still needed, the weights are scaled by powers of two, which is exact.
    """

    boost: list[float]
    factors: list[float]
    restaurant: _Restaurant
    classes: list[int]

    def __init__(self, index: memoryview, max_length: int, sampled: bool) -> None:
        self.index, self.max_length, self.sampled = index, max_length, sampled
        self.expert: list[float] | None = None
        self.columns: list[tuple[float, ...]] | None = None  # the ratios by the class of the second word
        columns = [index[length - 1 :: max_length].tolist() for length in range(1, max_length + 1)]
        self.ending = list(
            zip(*(([NONE] * n + column)[: len(column)] for n, column in enumerate(columns)), strict=True)
        )

    def resegment(self, lengths: bytearray, chunk: Chunk) -> float:
        """Take the words of a chunk out, segment it anew, put the new words in. Returns the logarithm of the weight."""
        restaurant, (start, end) = self.restaurant, chunk
        for position, word, length in _chunk_words(self.index, self.max_length, lengths, chunk):
            if restaurant.counts[word] < 1:
                raise ValueError(
                    f"counts: expected customers of every word, got {restaurant.counts[word]} at {position}"
                )
            restaurant.remove(word, length)
        weights, logs = self._weights(start, end), 0.0
        rows, total, steps = self._filter(weights) if self.columns is None else self._filter_classes(weights, start)
        if 0.0 < total < inf:
            logs = log(total) + steps * _STEP_LOG
            if self.expert is not None:
                for value in self.expert[start:end]:
                    logs -= 0.5 * value
            lengths[start:end] = bytes(end - start)
            self._choose_words(rows, lengths, start, end)
        for _, word, length in _chunk_words(self.index, self.max_length, lengths, chunk):
            restaurant.add(word, length)
        return logs

    def _weights(self, start: int, end: int) -> Iterator[list[float]]:
        """Of the words that end at each symbol, by length.

        The expert's factor for a boundary is exp(s) instead of exp(.5 s), and 1 instead of exp(-.5 s) for none.
        """
        restaurant, boost, expert = self.restaurant, self.boost, self.expert
        counts, tables, base, discount = restaurant.counts, restaurant.tables, restaurant.base, restaurant.discount
        opening = restaurant.strength + discount * restaurant.table_count
        share = 1.0 / (restaurant.strength + restaurant.customers)
        scales = [factor * share for factor in self.factors]
        for place, words in enumerate(self.ending[start:end], 1):
            if place < self.max_length:
                words = words[:place]
            weights = [
                (counts[word] - discount * tables[word] + opening * base[word]) * (boost[word] * scale)
                for word, scale in zip(words, scales, strict=False)
            ]
            if expert is not None:
                odds = exp(min(80.0, max(-80.0, expert[start + place - 1])))
                weights = [weight * odds for weight in weights]
            yield weights

    def _filter(self, weights: Iterator[list[float]]) -> tuple[list[list[float]], float, int]:
        """All rows, the weight of the whole, and how many times it was divided by 2**400."""
        latest, rows, steps = [1.0], [], 0  # latest: the sums of the last K rows, from the last backwards
        total, size, sampled = 1.0, self.max_length, self.sampled
        for at_place in weights:
            row = [before * weight for before, weight in zip(latest, at_place, strict=False)]
            total = 0.0
            if sampled:
                for value in row:
                    total += value
            else:
                for value in row:
                    if not value <= total:
                        total = value
            rows.append(row)
            latest.insert(0, total)
            if len(latest) > size:
                latest.pop()
            if not _LOW <= total <= _HIGH and total > 0.0:
                step = 1 if total > _HIGH else -1
                latest = [value * (_LOW if step > 0 else _HIGH) for value in latest]
                total, steps = latest[0], steps + step
        return rows, total, steps

    def _filter_classes(self, weights: Iterator[list[float]], start: int) -> tuple[list[list[float]], float, int]:
        """The same, with a factor for each two neighbours."""
        classes, columns, size, sampled = self.classes, self.columns, self.max_length, self.sampled
        assert columns is not None
        rows, steps, total = [], 0, 1.0
        latest: list[tuple[list[float], list[int]]] = [([1.0], [0])]  # the last K rows with their classes, backwards
        for place, at_place in enumerate(weights, start):
            kinds = [classes[word] for word in self.ending[place][: len(at_place)]]
            row = []
            for weight, kind, (before, others) in zip(at_place, kinds, latest, strict=False):
                column, value = columns[kind], 0.0
                if sampled:
                    for chance, other in zip(before, others, strict=True):
                        value += chance * column[other]
                else:
                    for chance, other in zip(before, others, strict=True):
                        term = chance * column[other]
                        if not term <= value:
                            value = term
                row.append(value * weight)
            total = 0.0
            for value in row:
                total += value
            rows.append(row)
            latest.insert(0, (row, kinds))
            if len(latest) > size:
                latest.pop()
            if not _LOW <= total <= _HIGH and total > 0.0:
                step = 1 if total > _HIGH else -1
                for row, _ in latest:
                    row[:] = [value * (_LOW if step > 0 else _HIGH) for value in row]
                total, steps = total * (_LOW if step > 0 else _HIGH), steps + step
        if not sampled and rows:
            total = 0.0
            for value in rows[-1]:
                if not value <= total:
                    total = value
        return rows, total, steps

    def _choose_words(self, rows: list[list[float]], lengths: bytearray, start: int, end: int) -> None:
        """From the last word to the first."""
        place = end
        length = self._choose(rows[-1])
        while True:
            lengths[place - length] = length
            if place - length == start:
                return
            row = rows[place - length - start - 1]
            if self.columns is not None:
                column = self.columns[self.classes[self.ending[place - 1][length - 1]]]
                words = self.ending[place - length - 1]
                row = [chance * column[self.classes[word]] for chance, word in zip(row, words, strict=False)]
            place -= length
            length = self._choose(row)

    def _choose(self, row: list[float]) -> int:
        """A length, in proportion to its weight, or the heaviest."""
        if not self.sampled:
            best = 1
            for length, value in enumerate(row, 1):
                if value >= row[best - 1]:
                    best = length
            return best
        total = 0.0
        for value in row:
            total += value
        rest = self.restaurant.random.uniform() * total
        last = 1
        for length, value in enumerate(row, 1):
            rest -= value
            if rest < 0.0:
                return length
            if value > 0.0:
                last = length
        return last  # rounding only


def class_counts(index: Buffer, max_length: int, lengths: Buffer, classes: Buffer, class_count: int) -> bytes:
    """How often a word of class b follows one of class a, at ``a * class_count + b``; the edges of chunks are words of
    class 0. uint32. O(n x K).

    >>> index = array("I", substrings(array("H", [8, 8, 9]), 1)[0])
    >>> list(array("I", class_counts(index, 1, bytes([1, 1, 1]), bytes([1, 2]), 3)))
    [0, 1, 0, 0, 1, 1, 1, 0, 0]
    """
    if not 1 <= class_count <= 65536:
        raise ValueError(f"class_count: expected 1 to 65536, got {class_count}")
    try:
        size = len(memoryview(classes))
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(classes).__name__}'") from None
    numbers = _class_view(classes, size, class_count).tolist()
    items, words, chunks, _ = _text(index, max_length, lengths, size)
    result = array("I", bytes(4 * class_count * class_count))
    for chunk in chunks:
        last = 0
        for _, word, _ in _chunk_words(items, max_length, words, chunk):
            result[last + numbers[word]] += 1
            last = numbers[word] * class_count
        result[last] += 1
    return result.tobytes()
