"""What stands in the slots of templates (填充词), and the word classes that come of it.

The fillers of a slot are the equivalence class that the source article imagines. Here slots with like fillers and words
that fill like slots are put into classes together, by the exchange algorithm (:func:`nlp_zero.kernels.exchange`): its
text is the chunks *slot, filler*, one for each slot of one word, and the text itself, which says for each word what
stands beside it; what keeps the same company comes into one class. Frequent words, most of them grammar, stay words:
templates are made of them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from .. import kernels
from ..words.classes import start_classes
from .description import Choice, Steps, Text, walk

PASSES = 4

__all__ = ["slot_fillers", "slot_words", "word_groups"]


def slot_fillers(choice: Choice) -> Iterator[tuple[Steps, int, Sequence[int]]]:
    """Of each slot of each template in the text: the template, the number of the slot in it, what fills it.

    Slots are numbered from 0 as they are written: first the slot before a part, then the part, if it is a class.
    """
    text = choice.text
    words = len(text.counts)
    with_slots = choice.matches.places(
        choice.found, lambda steps: any(step & 1 or step >> 1 >= words for step in steps)
    )
    for begin, steps, lengths in with_slots:
        slot, end = 0, begin
        for place, step in walk(begin, steps, lengths):
            if step & 1:
                yield steps, slot, text.tokens[end:place]
                slot += 1
            end = place + 1
            if step >> 1 >= words:
                yield steps, slot, text.tokens[place:end]
                slot += 1


def slot_words(choice: Choice) -> Iterator[tuple[tuple[Steps, int], int]]:
    """Of the slots that one word fills, each time: the slot, the number of the word."""
    return (((steps, slot), filler[0]) for steps, slot, filler in slot_fillers(choice) if len(filler) == 1)


def word_groups(
    text: Text,
    fillers: Iterable[tuple[tuple[Steps, int], int]],
    *,
    class_count: int,
    own_words: int,
    min_count: int,
    min_fillers: int,
) -> array[int]:
    """For each number of the text that of the class of its word, or 0: ``groups`` of :class:`Text`.

    The ``own_words`` most frequent words have none, and those that occur less than ``min_count`` times. A slot counts
    if it is filled ``min_fillers`` times. Classes are numbered by their first words, the most frequent first.
    O(types x classes x the classes beside each), types being the words that count and the slots.
    """
    counts = text.counts
    order = sorted((word for word, count in enumerate(counts) if count >= min_count), key=lambda word: -counts[word])
    types = array("I", bytes(4 * (len(counts) + 1)))
    for number, word in enumerate(order, 1):
        types[word + 1] = number
    chunks = array("I", map(types.__getitem__, text.tokens))
    pairs = [(slot, types[word]) for slot, word in fillers if types[word]]
    often = Counter(slot for slot, _ in pairs)
    slots: dict[tuple[Steps, int], int] = {}
    for slot, number in pairs:
        if often[slot] >= min_fillers:
            chunks.extend((0, slots.setdefault(slot, len(order) + 1 + len(slots)), number))
    size = len(order) + len(slots)
    numbers = Counter(chunks)
    start = start_classes([numbers[number] for number in range(1, size + 1)], 0, class_count)
    found, _ = kernels.exchange(chunks, start, class_count, PASSES, (size + 199) // 200)
    classes = array("H", found)
    groups = array("I", bytes(4 * (len(counts) + 1)))
    names: dict[int, int] = {}
    for word in order[own_words:]:
        groups[word + 1] = names.setdefault(classes[types[word + 1]], len(counts) + 1 + len(names))
    return groups
