"""Word classes (词类): words that keep the same company, found by exchange.

A hundred thousand words are too many to learn from a million which follow which; 64 classes of words are not. The
classes are found by :func:`nlp_zero.kernels.exchange` (which tells the method and its papers); here is what stands
around it: what is a type, and where to start.

Frequent words are types of their own. The rarer ones say too little about themselves and are *pooled*: all of one
length are one type. At the start the most frequent words have a class each, so do the pools, and the others are
scattered by a fixed hash; so the result depends on nothing but the text.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

from .. import kernels

__all__ = ["CLASSES", "PASSES", "cluster", "cluster_words", "start_classes", "word_classes"]

CLASSES = 64
"""Classes, the edge's among them. Hardly tuned: 24, 160 and 400 cut two development texts .004 to .007 worse."""

PASSES = 8
"""The most passes of exchange; it stops sooner when fewer than 1 type in 200 moves."""

_POOLS = 4  # of words given as strings: of 1, 2, 3, and 4 or more characters


def start_classes(counts: Sequence[int], pools: int, class_count: int = CLASSES) -> array[int]:
    """The class in which each type starts: the edge (type 0) in class 0, then ``pools`` pools, then words.

    ``counts`` are those of the words, the types from ``pools`` + 1 up. The most frequent words, the first of equals,
    get the classes 1, 2, ..., one each, the pools the last ``pools`` classes, the other words any but the edge's: word
    number n (from 0) the class 1 + (n x 0x9E3779B97F4A7C15 mod 2**64 >> 32) mod (``class_count`` - 1).

    >>> list(start_classes([1, 5, 9, 2], pools=1, class_count=4))
    [0, 3, 1, 2, 1, 1]
    """
    alone = max(class_count - 1 - pools, 0)
    shared = class_count - 1 - alone
    others = class_count - 1
    classes = array("H", (0,))
    classes.extend(1 + alone + pool % shared for pool in range(pools))
    classes.extend(1 + (number * 0x9E3779B97F4A7C15 >> 32 & 0xFFFFFFFF) % others for number in range(len(counts)))
    order = sorted(range(len(counts)), key=lambda number: -counts[number])
    for group, number in enumerate(order[:alone], 1):
        classes[1 + pools + number] = group
    return classes


def cluster(tokens: array[int], start: array[int], class_count: int = CLASSES, passes: int = PASSES) -> array[int]:
    """The class of every type: at most ``passes`` passes of exchange, fewer when under 0.5 % of the types move.

    ``tokens`` (``array('I')``) is the text as types, 0 the edge of a chunk; ``start`` the classes to start from.

    >>> tokens = array("I", [1, 3, 0, 1, 4, 0, 2, 3, 0, 2, 4])
    >>> list(cluster(tokens, array("H", [0, 1, 2, 2, 2]), 3))
    [0, 1, 1, 2, 2]
    """
    classes, _ = kernels.exchange(tokens, start, class_count, passes, (len(start) + 198) // 200)
    return array("H", classes)


def word_classes(
    index: array[int] | memoryview,
    max_length: int,
    lengths: bytes,
    sizes: bytes,
    counts: array[int],
    *,
    class_count: int = CLASSES,
    min_count: int = 3,
    passes: int = PASSES,
) -> bytearray:
    """The class of every substring of a segmented text, below 256.

    ``index`` (``max_length`` ids a symbol) and ``lengths`` are the text and its words, as
    :func:`nlp_zero.kernels.word_types` takes them; ``sizes`` and ``counts`` are the length of each substring and how
    often it is a word. What is a word less than ``min_count`` times has the class of the pool of its length.

    >>> index = array("I", [0, 1, 2, 2**32 - 1, 0, 2**32 - 1, 2**32 - 1, 2**32 - 1])
    >>> classes = word_classes(index, 2, bytes([2, 0, 1, 0]), bytes([1, 2, 1]), array("i", [1, 1, 0]), min_count=1)
    >>> len(classes), classes[0] != classes[1]
    (3, True)
    """
    if not 2 <= class_count <= 256:
        raise ValueError(f"class_count: expected 2 to 256, got {class_count}")
    coded, typed = kernels.word_types(index, max_length, lengths, counts, min_count)
    words = array("I", typed)[max_length + 1 :]
    start = start_classes([counts[word] for word in words], max_length, class_count)
    classes = cluster(array("I", coded), start, class_count, passes)
    pools = bytes(list(classes[: max_length + 1])) + bytes(255 - max_length)
    result = bytearray(sizes.translate(pools))
    for word, group in zip(words, classes[max_length + 1 :], strict=True):
        result[word] = group
    return result


def cluster_words(
    sentences: Iterable[Sequence[str]],
    *,
    class_count: int = CLASSES,
    min_count: int = 3,
    passes: int = PASSES,
) -> dict[str, int]:
    """The class, 1 to ``class_count`` - 1, of every word of segmented sentences, whoever cut them.

    Words rarer than ``min_count`` share the class of the rare words of their length (4 and more are one). About 0.3 s
    for a million words of 16,000 types in C, besides reading them.

    >>> sentences = [["猫", "吃", "鱼"], ["狗", "吃", "肉"], ["猫", "看", "肉"], ["狗", "看", "鱼"]] * 3
    >>> classes = cluster_words(sentences, class_count=5)
    >>> classes["猫"] == classes["狗"], classes["吃"] == classes["看"], classes["猫"] == classes["吃"]
    (True, True, False)
    """
    numbers: dict[str, int] = {}
    tokens = array("I")
    for sentence in sentences:
        if isinstance(sentence, str | bytes):
            raise TypeError(f"sentences: expected lists of words, such as ['猫', '吃', '鱼'], got {sentence!r}")
        tokens.append(0)
        tokens.extend(numbers.setdefault(word, len(numbers) + 1) for word in sentence)
    counts = Counter(tokens)
    kept = [word for word, number in numbers.items() if counts[number] >= min_count]
    type_of = {word: min(max(len(word), 1), _POOLS) for word in numbers}
    type_of.update(zip(kept, range(_POOLS + 1, _POOLS + 1 + len(kept)), strict=True))
    types = array("I", [0, *type_of.values()])
    start = start_classes([counts[numbers[word]] for word in kept], _POOLS, class_count)
    classes = cluster(array("I", map(types.__getitem__, tokens)), start, class_count, passes)
    return {word: classes[number] for word, number in type_of.items()}
