"""Stretches (句段): a sentence cut at its punctuation, which is the one piece of structure that raw text shows.

Between two commas no bracket begins in one part and ends in the other, or hardly ever. Some signs are other than that:

* quotes, titles and parentheses come in pairs, and what stands between is a bracket for certain. It is a stretch, or
  several, of its own, and the whole pair is one piece, named by its two signs, in the stretch around it;
* the middle dot and the dash hold together what stands beside them (names, compounds): they are pieces that no word
  takes part in; so is the pause mark 、, which parts the members of a list.

Every other sign (a word without a letter, a digit or a Han character) ends a stretch.

>>> for stretch in stretches("他 读 《 我 和 你 》 ， 很 好".split()):
...     print(*stretch)
Piece(word='我', start=3, end=4) Piece(word='和', start=4, end=5) Piece(word='你', start=5, end=6)
Piece(word='他', start=0, end=1) Piece(word='读', start=1, end=2) Piece(word='《》', start=2, end=7)
Piece(word='很', start=8, end=9) Piece(word='好', start=9, end=10)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["JOINTS", "PAIRS", "Piece", "is_sign", "stretch_brackets", "stretch_words", "stretches"]

PAIRS = dict(zip("“‘《〈「『（(【〔[", "”’》〉」』）)】〕]", strict=True))
"""Signs that open, with those that close."""

JOINTS = dict.fromkeys("·・‧•", "·") | dict.fromkeys("-－–—/／~～", "-") | {"、": "、"}
"""Signs that do not end a stretch, with the one that stands for them."""

_CLOSING = frozenset(PAIRS.values())
_PAIRED = _CLOSING.union(PAIRS)


class Piece(NamedTuple):
    """A word, a joint or a whole pair; ``start`` and ``end`` are its place among the words of the sentence."""

    word: str
    start: int
    end: int


def is_sign(word: str) -> bool:
    """Whether a word is punctuation: no character of it is a letter, a digit or a Han character.

    >>> is_sign("，"), is_sign("3.5"), is_sign("——")
    (True, False, True)
    """
    return not any(map(str.isalnum, word))


def stretches(words: Sequence[str]) -> list[list[Piece]]:
    """The stretches of a sentence, each of one piece or more, in the order in which they end. O(words).

    No stretch begins or ends with a joint. A sign that closes nothing, or opens what is never closed, ends a stretch.
    """
    found, names, ends = _cut(words)
    return [[Piece(names[start], start, ends.get(start, start + 1)) for start in starts] for starts in found]


def stretch_words(words: Sequence[str]) -> list[list[str]]:
    """The words of the pieces of each stretch, in less time.

    >>> stretch_words("他 读 《 我 和 你 》 ， 很 好".split())
    [['我', '和', '你'], ['他', '读', '《》'], ['很', '好']]
    """
    found, names, _ = _cut(words)
    return [list(map(names.__getitem__, starts)) for starts in found]


def _cut(words: Sequence[str]) -> tuple[list[list[int]], list[str], dict[int, int]]:
    """Where the pieces of each stretch start; by place their words; where a pair ends, by its start."""
    found: list[list[int]] = []
    names, ends = list(words), dict[int, int]()
    closes = {} if _PAIRED.isdisjoint(words) else _pairs(words)
    levels: list[list[int]] = []  # of pieces around a pair that is open
    opened: list[int] = []
    pieces: list[int] = []
    for place, word in enumerate(words):
        if word.isalnum() or not is_sign(word):
            pieces.append(place)
        elif place in closes:
            opened.append(place)
            levels.append(pieces)
            pieces = []
        elif opened and closes[opened[-1]] == place:
            _end(pieces, names, found)
            pieces, start = levels.pop(), opened.pop()
            if start + 1 < place:
                pieces.append(start)
                names[start], ends[start] = words[start] + word, place + 1
        elif word in JOINTS:
            if pieces and names[pieces[-1]] not in JOINTS:
                pieces.append(place)
                names[place] = JOINTS[word]
        else:
            _end(pieces, names, found)
            pieces = []
    _end(pieces, names, found)
    return found, names, ends


def stretch_brackets(
    words: Sequence[str], tree: Callable[[list[Piece]], list[tuple[int, int]]]
) -> list[tuple[int, int]]:
    """The brackets of a sentence whose stretches have those that ``tree`` makes of their pieces.

    A bracket around each stretch and each pair is added, and one around one piece left out; they come in the order of
    their starts, the longer first.

    >>> stretch_brackets("我 读 《 你 的 书 》 ，".split(), lambda pieces: [(0, 2)])
    [(0, 7), (0, 2), (2, 7), (3, 6), (3, 5)]
    """
    found: set[tuple[int, int]] = set()
    for pieces in stretches(words):
        found.update((piece.start, piece.end) for piece in pieces if piece.end - piece.start > 3)
        spans = [*tree(pieces), (0, len(pieces))]
        found.update((pieces[start].start, pieces[end - 1].end) for start, end in spans if end - start > 1)
    return sorted(found, key=lambda span: (span[0], -span[1]))


def _end(pieces: list[int], names: Sequence[str], found: list[list[int]]) -> None:
    while pieces and names[pieces[-1]] in JOINTS:
        pieces.pop()
    if pieces:
        found.append(pieces)


def _pairs(words: Sequence[str]) -> dict[int, int]:
    """The places of the signs that open, with those of the signs that close them; pairs never cross."""
    closes: dict[int, int] = {}
    opened: list[int] = []
    count = dict.fromkeys(_CLOSING, 0)  # how many of those open are waiting for this sign
    for place, word in enumerate(words):
        if word not in _PAIRED:
            continue
        if word in PAIRS:
            opened.append(place)
            count[PAIRS[word]] += 1
        elif count.get(word):
            while True:
                start = opened.pop()
                count[PAIRS[words[start]]] -= 1
                if PAIRS[words[start]] == word:
                    break
            closes[start] = place
    return closes
