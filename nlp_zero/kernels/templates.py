"""Template kernels: paths of linked words, pieces of them as candidates, and the text covered by templates.

A text is a sequence of numbers (uint32): 0 ends a stretch, n + 1 is symbol n. A *link* leads from a symbol to one at
most ``window`` places on, if the pair of the two is in a table of weights. A *path* begins at a place that no link
leads to and ends at one that no link leaves; a place without links is a path of its own. The *weight* of a path is the
product of the weights of its links, and its share is that over the sum of all paths of its stretch. There may be 1e14
of them in fifty words; their sums, place by place from the right, are done in O(places x window), and with them the
chance that a path drawn by its share goes on from a place to another. No path is listed.

A *trie* holds rows of steps: of each node but the root (number 0) its parent, a lower number, and its step, which is a
symbol times two, plus one if a slot of one or more places is between it and the symbol of the parent.

``templates.c`` gives the same bytes: sums are made in the same order.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from math import inf
from typing import Any

from .counting import Buffer, _items

__all__ = ["cover_text", "path_pieces", "rest_values", "template_matches"]

MOST_SYMBOLS = 0x7FFFFFFF
MOST_WINDOW, MOST_STEPS = 16, 8
GAP_BITS = 4
GIANT = 2.0**512  # sums of paths are kept below it, by levels of this size


def _sized(buffer: Buffer, typecode: str, size: int, name: str) -> Any:
    items = _items(buffer, typecode, name)
    if len(items) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(items)}")
    return items


def _check_below(items: Any, size: int, name: str) -> None:
    if len(items) and max(items) >= size:
        place = next(place for place, item in enumerate(items) if item >= size)
        raise ValueError(f"{name}: expected numbers below {size}, got {items[place]} at {place}")


def _check_window(window: int) -> None:
    if not 1 <= window <= MOST_WINDOW:
        raise ValueError(f"window: expected 1 to {MOST_WINDOW}, got {window}")


def _check_length(text: Any) -> None:
    if len(text) >> 31:
        raise OverflowError(f"tokens: expected less than 2**31 items, got {len(text)}")


def _stretch_end(text: Any, start: int) -> int:
    """The place of the next zero, or the end."""
    try:
        return int(text.index(0, start))
    except ValueError:
        return len(text)


# ---- paths ---------------------------------------------------------------------------------------------------------


def path_pieces(
    tokens: Buffer, starts: Buffer, columns: Buffer, weights: Buffer, window: int, most: int, least: float
) -> tuple[bytes, bytes, bytes]:
    """The trie of the pieces of paths: parents (uint32), steps (uint32), and chances (double) summed over the text.

    The links are a table, row by row (``starts`` uint64, ``columns`` uint32, rising in a row, ``weights``
    double, 1 or more). A piece is
    up to ``most`` places one after the other on a path; its chance is that a path drawn by its share runs through it.
    Pieces of a chance below ``least`` in their stretch are left out, and those that go on from them: from a place on
    there are never more than ``most`` / ``least``. O(places x (window + most / least)).

    In the stretch 0 1 2, all linked, there are two paths: 0 1 2 and, with a slot, 0 _ 2.

    >>> rows = array("Q", [0, 2, 3, 3]), array("I", [1, 2, 2]), array("d", [1, 1, 1])
    >>> parts = path_pieces(array("I", [1, 2, 3]), *rows, 2, 3, 0.1)
    >>> parents, steps, chances = (list(array(code, part)) for code, part in zip("IId", parts, strict=True))
    >>> list(zip(parents, steps, chances))[1:]
    [(0, 0, 1.0), (1, 2, 0.5), (2, 4, 0.5), (1, 5, 0.5), (0, 2, 0.5), (5, 4, 0.5), (0, 4, 1.0)]
    """
    text = _items(tokens, "I", "tokens")
    begins, places = _items(starts, "Q", "starts"), _items(columns, "I", "columns")
    numbers = _sized(weights, "d", len(places), "weights")
    if not len(begins) or begins[0] != 0 or begins[-1] != len(places) or any(map(int.__gt__, begins, begins[1:])):
        raise ValueError(f"starts: expected rising numbers from 0 to {len(places)}")
    size = len(begins) - 1
    if size > MOST_SYMBOLS:
        raise ValueError(f"starts: expected at most {MOST_SYMBOLS} rows, got {size}")
    _check_length(text)
    _check_window(window)
    if not 1 <= most <= MOST_STEPS:
        raise ValueError(f"most: expected 1 to {MOST_STEPS}, got {most}")
    if not 0.0 < least <= 1.0:
        raise ValueError(f"least: expected a chance above 0 and at most 1, got {least!r}")
    _check_below(text, size + 1, "tokens")
    _check_below(places, size, "columns")
    for row in range(size):
        for place in range(begins[row] + 1, begins[row + 1]):
            if places[place] <= places[place - 1]:
                raise ValueError(f"columns: expected rising numbers in a row, got {places[place]} at {place}")
    for place, number in enumerate(numbers):
        if not 1.0 <= number < GIANT:
            raise ValueError(f"weights: expected numbers of 1 or more, got {number!r} at {place}")
    pieces = _Pieces(begins, places, numbers, window, most, least)
    start = 0
    while start < len(text):
        end = _stretch_end(text, start)
        if end > start:
            pieces.add(text[start:end].tolist())
        start = end + 1
    return array("I", pieces.parents).tobytes(), array("I", pieces.steps).tobytes(), array("d", pieces.sums).tobytes()


class _Pieces:
    """The trie of pieces, stretch after stretch."""

    def __init__(self, begins: Any, columns: Any, weights: Any, window: int, most: int, least: float) -> None:
        self.window, self.most, self.least = window, most, least
        self.rows: list[dict[int, float]] = [{}]  # by number: the weights of the links, by the number they lead to
        for begin, end in pairwise(begins):
            self.rows.append({columns[place] + 1: weights[place] for place in range(begin, end)})
        self.children: dict[int, int] = {}
        self.parents, self.steps, self.sums = [0], [0], [0.0]

    def add(self, stretch: Any) -> None:
        """Add the pieces of one stretch."""
        size, least = len(stretch), self.least
        chances, links = self._chances(stretch)
        for place in range(size):
            chance = chances[place]
            onward = links[place]
            for other, share, _ in onward:
                chances[other] += chance * share
            if chance >= least:
                self._list(place, chance, stretch, links)

    def _chances(self, stretch: Any) -> tuple[list[float], list[list[tuple[int, float, int]]]]:
        """The chance that a path begins at each place; and its links: the place, the chance to take it, if it skips."""
        size, window, rows = len(stretch), self.window, self.rows
        sums, levels = [1.0] * size, [0] * size
        begins, high = [True] * size, False
        links: list[list[tuple[int, float, int]]] = [[]] * size
        for place in range(size - 1, -1, -1):
            row = rows[stretch[place]]
            if not row:
                continue
            found = [
                (place + ahead, row[word])
                for ahead, word in enumerate(stretch[place + 1 : place + window + 1], 1)
                if word in row
            ]
            if not found:
                continue
            level, total, parts = 0, 0.0, []
            if high:
                level = max([levels[other] for other, _ in found])
            for other, weight in found:
                begins[other] = False
                part = weight * (_lowered(sums[other], level - levels[other]) if high else sums[other])
                total += part
                parts.append((other, part))
            links[place] = [(other, part / total, int(other > place + 1)) for other, part in parts]
            if total > GIANT:
                total /= GIANT
                level, high = level + 1, True
            sums[place], levels[place] = total, level
        whole = 0.0
        if not high:
            for number, begin in zip(sums, begins, strict=True):
                if begin:
                    whole += number
            return [number / whole if begin else 0.0 for number, begin in zip(sums, begins, strict=True)], links
        top = max([level for level, begin in zip(levels, begins, strict=True) if begin])
        for place in range(size):
            if begins[place]:
                whole += _lowered(sums[place], top - levels[place])
        return [
            _lowered(sums[place], top - levels[place]) / whole if begins[place] else 0.0 for place in range(size)
        ], links

    def _list(self, place: int, chance: float, stretch: Any, links: list[list[tuple[int, float, int]]]) -> None:
        """Add the pieces that begin at a place: each before those that go on from it."""
        children, parents, steps, sums = self.children, self.parents, self.steps, self.sums
        most, least = self.most, self.least
        waiting = [(place, chance, 0, 1, 0)]
        while waiting:
            place, chance, node, length, gap = waiting.pop()
            step = (stretch[place] - 1) << 1 | gap
            child = children.get(node << 32 | step)
            if child is None:
                children[node << 32 | step] = child = len(parents)
                parents.append(node)
                steps.append(step)
                sums.append(chance)
            else:
                sums[child] += chance
            onward = links[place]
            if onward and length < most:
                length += 1
                waiting += [
                    (other, onto, child, length, skips)
                    for other, share, skips in reversed(onward)
                    if (onto := chance * share) >= least
                ]


def _lowered(number: float, levels: int) -> float:
    """A number of a lower level, as one of a level so many above."""
    return number if not levels else number / GIANT if levels == 1 else 0.0


# ---- templates in the text -----------------------------------------------------------------------------------------


def template_matches(
    tokens: Buffer, classes: Buffer, parents: Buffer, steps: Buffer, templates: Buffer, window: int
) -> tuple[bytes, bytes, bytes, bytes]:
    """Every place where a template of a trie stands: begins, ends, templates, slots (all uint32).

    ``classes`` (uint32) gives for each number of the text that of the class of its symbol, a symbol as well, or 0; such
    a symbol in a template stands for any word of the class. ``templates`` (uint32) names the template that ends at a
    node, 0xFFFFFFFF none. A slot covers 1 to ``window`` - 1 places of a stretch; how many, the fourth result says, four
    bits a slot, the first lowest. In the order of their begins, then of the trie: short before long, narrow slots
    before wide ones, words before classes. O(places x (window + matches)).

    The template 0 _ 2 in the text 0 1 2:

    >>> trie = array("I", [0, 0, 1]), array("I", [0, 0, 5]), array("I", [0xFFFFFFFF, 0xFFFFFFFF, 7])
    >>> found = template_matches(array("I", [1, 2, 3]), array("I", bytes(16)), *trie, 5)
    >>> [list(array("I", part)) for part in found]
    [[0], [3], [7], [1]]
    """
    text, groups = _items(tokens, "I", "tokens"), _items(classes, "I", "classes")
    above = _items(parents, "I", "parents")
    onto = _sized(steps, "I", len(above), "steps")
    named = _sized(templates, "I", len(above), "templates")
    _check_length(text)
    _check_window(window)
    _check_below(text, len(groups), "tokens")
    _check_depths(above)
    children = _children(above, onto)
    words = [(number - 1) << 1 for number in text]
    places = [(number - 1) << 1 if number else -1 for number in map(groups.__getitem__, text)]
    begins, ends, found, slots = array("I"), array("I"), array("I"), array("I")
    inner = bytearray(len(above))
    for node in range(1, len(above)):
        inner[above[node]] = 1
    get = children.get
    for begin, word in enumerate(words):
        if word < 0:
            continue
        waiting = [
            (begin, node, 0, 0)
            for node in (get(places[begin]) if places[begin] >= 0 else None, get(word))
            if node is not None
        ]
        while waiting:
            place, node, gaps, shift = waiting.pop()
            if named[node] != 0xFFFFFFFF:
                begins.append(begin)
                ends.append(place + 1)
                found.append(named[node])
                slots.append(gaps)
            if not inner[node]:
                continue
            base = node << 32
            after = []
            for ahead, word in enumerate(words[place + 1 : place + window + 1], 1):
                if word < 0:
                    break
                gap = ahead > 1
                child = get(base | word | gap)
                other = places[place + ahead]
                if child is not None:
                    after.append((place + ahead, child, gaps | (ahead - 1) << shift, shift + GAP_BITS * gap))
                if other >= 0:
                    child = get(base | other | gap)
                    if child is not None:
                        after.append((place + ahead, child, gaps | (ahead - 1) << shift, shift + GAP_BITS * gap))
            if after:
                waiting.extend(reversed(after))
    return begins.tobytes(), ends.tobytes(), found.tobytes(), slots.tobytes()


def _children(parents: Any, steps: Any) -> dict[int, int]:
    """The child of a node by a step: by node << 32 | step."""
    children: dict[int, int] = {}
    for node in range(1, len(parents)):
        if children.setdefault(parents[node] << 32 | steps[node], node) != node:
            raise ValueError(f"steps: expected each step of a node once, got {steps[node]} again at {node}")
    return children


def _check_depths(parents: Any) -> None:
    depths = array("B", [0])
    if not len(parents):
        raise ValueError("parents: expected one item or more, 0 for the root, got 0 items")
    for node in range(1, len(parents)):
        if parents[node] >= node:
            raise ValueError(f"parents: expected a node below {node}, got {parents[node]}")
        depths.append(depths[parents[node]] + 1)
        if depths[node] > MOST_STEPS:
            raise ValueError(f"parents: expected at most {MOST_STEPS} steps from the root, got more at node {node}")


def cover_text(
    size: int,
    begins: Buffer,
    ends: Buffer,
    templates: Buffer,
    slots: Buffer,
    values: Buffer,
    costs: Buffer,
    word: float,
) -> bytes:
    """The matches (numbers, uint32) that cover a text of ``size`` places best; they do not overlap.

    A match brings the value (double) of its template, less the sum of the ``costs`` (16 doubles) of the lengths of its
    slots, and ``word`` for each place that it covers. Matches come as
    :func:`template_matches` gives them. Of equal covers that with a word, not a template, at the first difference, then
    that with the first match. O(size + matches).

    >>> one = array("I", [0, 1]), array("I", [2, 3]), array("I", [0, 1]), array("I", [0, 0])
    >>> list(array("I", cover_text(3, *one, array("d", [1.0, 2.0]), array("d", bytes(128)), 1.0)))
    [1]
    """
    firsts = _items(begins, "I", "begins")
    lasts = _sized(ends, "I", len(firsts), "ends")
    kinds = _sized(templates, "I", len(firsts), "templates")
    gaps = _sized(slots, "I", len(firsts), "slots")
    worth = _items(values, "d", "values")
    prices = _sized(costs, "d", 1 << GAP_BITS, "costs")
    if not 0 <= size < 1 << 31:
        raise ValueError(f"size: expected 0 to {(1 << 31) - 1}, got {size}")
    _check_below(kinds, len(worth), "templates")
    before = 0
    for place, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        if first < before or last <= first or last > size:
            raise ValueError(f"begins: expected matches in rising order within {size} places, got another at {place}")
        before = first
    best, choice = [0.0] * (size + 1), [-1] * size
    known = {packed: _slot_costs(packed, prices) for packed in set(gaps)}
    # What each match brings but for what follows it.
    brings = [
        worth[kind] - known[packed] + word * (last - first)
        for first, last, kind, packed in zip(firsts, lasts, kinds, gaps, strict=True)
    ]
    match, place = len(firsts) - 1, size
    while match >= 0:
        first, behind = firsts[match], match
        while match >= 0 and firsts[match] == first:
            match -= 1
        # No match begins between here and the place before.
        best[first:place] = [best[place]] * (place - first)
        place, highest = first, best[first]
        for number in range(match + 1, behind + 1):
            value = brings[number] + best[lasts[number]]
            if value > highest:
                highest, choice[first] = value, number
        best[first] = highest
    cover = array("I")
    place = 0
    while place < size:
        if choice[place] < 0:
            place += 1
        else:
            cover.append(choice[place])
            place = lasts[choice[place]]
    return cover.tobytes()


def _slot_costs(packed: int, prices: Any) -> float:
    total = 0.0
    while packed:
        total += prices[packed & 15]
        packed >>= GAP_BITS
    return total


# ---- templates without one ------------------------------------------------------------------------------------------


def rest_values(
    parents: Buffer, steps: Buffer, templates: Buffer, values: Buffer, classes: Buffer, unit: float
) -> bytes:
    """For each template of a trie the most that its parts bring without it (double).

    Each part is a word (or a class), which brings ``unit`` less than nothing, or another template of two steps or more,
    with these words or with their ``classes`` (as in :func:`template_matches`), which brings its value (double). A slot
    before the first step of a part counts for nothing. The ends of the trie are templates, each once.
    O(templates x 2**steps at most).

    0 1 2 is 0 1, a template worth 5, and the word 2; or 1 2, worth 4.5:

    >>> trie = array("I", [0, 0, 1, 2, 0, 4]), array("I", [0, 0, 2, 4, 2, 4]), array("I", [2**32 - 1] * 6)
    >>> for name, node in enumerate([2, 3, 5]):
    ...     trie[2][node] = name
    >>> list(array("d", rest_values(*trie, array("d", [5, 7, 4.5]), array("I", bytes(16)), 1.0)))
    [-2.0, 4.0, -2.0]
    """
    above = _items(parents, "I", "parents")
    onto = _sized(steps, "I", len(above), "steps")
    named = _sized(templates, "I", len(above), "templates")
    worth, groups = _items(values, "d", "values"), _items(classes, "I", "classes")
    _check_depths(above)
    children = _children(above, onto)
    ends = _ends(named, len(worth))
    found = array("d")
    for name, end in enumerate(ends):
        row = array("I")
        while end:
            row.append(onto[end])
            end = above[end]
        found.append(_rest(row[::-1], name, children, named, worth, groups, unit))
    return found.tobytes()


def _ends(named: Any, size: int) -> array[int]:
    """The node of each template; 0 is none."""
    ends = array("I", bytes(4 * size))
    for node, name in enumerate(named):
        if name != 0xFFFFFFFF:
            if name >= size:
                raise ValueError(f"templates: expected numbers below {size}, got {name} at {node}")
            ends[name] = node
    return ends


def _rest(
    row: array[int], name: int, children: dict[int, int], named: Any, worth: Any, groups: Any, unit: float
) -> float:
    size, get = len(row), children.get
    others = []  # each step with its class
    for step in row:
        number = (step >> 1) + 1
        group = groups[number] if number < len(groups) else 0
        others.append((group - 1) << 1 | step & 1 if group else -1)
    best = [0.0] + [0.0] * size
    reached = [-inf] * (size + 1)  # by parts of several steps that end there
    for start in range(size):
        if start:
            best[start] = max(best[start - 1] - unit, reached[start])
        nodes = [
            node for node in (get(row[start] & ~1), get(others[start] & ~1) if others[start] >= 0 else None) if node
        ]
        for end in range(start + 1, size):
            if not nodes:
                break
            step, other = row[end], others[end]
            after = [node for node in [get(node << 32 | step) for node in nodes] if node]
            if other >= 0:
                after += [node for node in [get(node << 32 | other) for node in nodes] if node]
            nodes = after
            for node in nodes:
                here = named[node]
                if here != 0xFFFFFFFF and here != name:
                    reached[end + 1] = max(reached[end + 1], best[start] + worth[here])
    return max(best[size - 1] - unit, reached[size]) if size else 0.0
