r"""A tree over words (句法树): brackets, each with a label, in plain tuples.

A tree is its words and its nodes. A :class:`Node` is a bracket, words ``start`` to ``end`` (without ``end``), with a
label, which a parser sets to the template that made it and which is empty otherwise. Nodes stand in the order in which
their brackets open, the outer before the inner; the first is the whole sentence. Words are no nodes, so a tree of n
words may be flat and have one node. Nothing here calls itself: a tree may be as deep as its sentence is long.

**Text.** :meth:`Tree.brackets` writes a pair of parentheses for each node and a space between neighbours:
``((我 的) (苹果 好 吃))``. Parentheses in words are written as the treebanks do, ``-LRB-`` and ``-RRB-``; white space
as ``\u`` and four hexadecimal digits (``\u0020``); a backslash, and a hyphen that begins a real ``-LRB-``, have a
backslash before them. :meth:`Tree.from_brackets` reads that back to the same words and brackets. Labels are not
written; :meth:`Tree.json` has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..drawing import svg
from ..errors import InputError

__all__ = ["Node", "Tree", "drawing"]

_ESCAPES = {"(": "-LRB-", ")": "-RRB-", "\\": "\\\\"}
_TO_ESCAPE = re.compile(r"[()\\]|-(?=[LR]RB-)|\s")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|-([LR])RB-", re.DOTALL)
_TOKEN = re.compile(r"[()]|[^()\s]+")
_DEEPEST = 40
"""Levels that :meth:`Tree.pretty` indents; deeper ones say their number, so that a line stays short."""

_SIZE, _LEVEL, _GAP = 16.0, 22.0, 14.0


class Node(NamedTuple):
    """A bracket around the words from ``start`` to ``end``, ``end`` not included."""

    start: int
    end: int
    label: str = ""


def _escaped(word: str) -> str:
    def escape(match: re.Match[str]) -> str:
        sign = match[0]
        return "\\-" if sign == "-" else _ESCAPES.get(sign) or f"\\u{ord(sign):04x}"

    return _TO_ESCAPE.sub(escape, word)


def _unescaped(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return match[2] or ("(" if match[3] == "L" else ")")

    return _ESCAPED.sub(sign, text)


class Tree:
    """Brackets over words; it never changes, and is equal to a tree with the same words, brackets and labels.

    ``score`` is what its maker thinks of it, for a parser the total log-probability in nats; equality ignores it.
    A pair of brackets that cross, or lie outside the words, is an :class:`~nlp_zero.errors.InputError`; so is an
    empty word.

    >>> tree = Tree(["我", "的", "苹果", "好", "吃"], [Node(0, 5), Node(0, 2, "_ 的"), Node(2, 5)])
    >>> tree.brackets()
    '((我 的) (苹果 好 吃))'
    >>> tree.spans()
    [(0, 5), (0, 2), (2, 5)]
    >>> print(tree.pretty())
    +---> _ _
    |     +---> 我 的  ← _ 的
    |     +---> 苹果 好 吃
    """

    __slots__ = ("nodes", "score", "words")
    words: tuple[str, ...]
    nodes: tuple[Node, ...]
    score: float

    def __init__(self, words: Iterable[str], nodes: Iterable[Node] = (), score: float = 0.0) -> None:
        kept = tuple(words)
        if not all(kept):
            raise InputError(
                f"word {kept.index('') + 1} of a tree: expected a word, such as '苹果', got an empty string"
            )
        found = tuple(nodes) or (Node(0, len(kept)),)
        _check(found, len(kept))
        set_ = object.__setattr__
        set_(self, "words", kept)
        set_(self, "nodes", found)
        set_(self, "score", score)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Tree never changes: make a new one with another {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Tree never changes: it cannot lose its {name}")

    @classmethod
    def from_spans(cls, words: Iterable[str], spans: Iterable[tuple[int, int]], score: float = 0.0) -> Tree:
        """A tree without labels from spans in any order; that of the whole sentence is added where it is missing.

        O(n log n) in spans.

        >>> Tree.from_spans("abcd", [(2, 4), (0, 2)]).brackets()
        '((a b) (c d))'
        """
        kept = tuple(words)
        spread = sorted({(start, end) for start, end in spans} | {(0, len(kept))}, key=lambda span: (span[0], -span[1]))
        return cls(kept, [Node(start, end) for start, end in spread], score)

    @classmethod
    def from_brackets(cls, text: str) -> Tree:
        r"""The tree of a line of brackets; what stands outside of all of them is put into a pair of its own.

        >>> Tree.from_brackets("(我 的) 苹果 -LRB-红\\u0020的-RRB-").words
        ('我', '的', '苹果', '(红 的)')
        >>> Tree.from_brackets("((我 的)")
        Traceback (most recent call last):
        nlp_zero.errors.InputError: bracket 1 is never closed: expected pairs, such as '((我 的) 苹果)', got '((我 的)'
        """
        words: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        opened: list[int] = []
        for token in _TOKEN.findall(text):
            if token == "(":
                opened.append(len(starts))
                starts.append(len(words))
                ends.append(-1)
            elif token == ")":
                if not opened:
                    raise _unpaired(f"bracket {len(starts) + 1} is closed before it opens", text)
                ends[opened.pop()] = len(words)
            else:
                words.append(_unescaped(token))
        if opened:
            raise _unpaired(f"bracket {opened[0] + 1} is never closed", text)
        nodes = [Node(start, end) for start, end in zip(starts, ends, strict=True)]
        if len(words) and any(node.start == node.end for node in nodes):
            raise _unpaired("a bracket without words", text)
        if not nodes or nodes[0].end < len(words) or nodes[0].start:
            nodes.insert(0, Node(0, len(words)))
        return cls(words, nodes)

    def spans(self) -> list[tuple[int, int]]:
        """The spans of all brackets, as they open; one that stands twice is listed twice."""
        return [(node.start, node.end) for node in self.nodes]

    def parents(self) -> list[int]:
        """For each node the number of the node right around it; -1 for the first. O(nodes)."""
        found: list[int] = []
        around: list[int] = []
        for number, node in enumerate(self.nodes):
            while around and self.nodes[around[-1]].end <= node.start:
                around.pop()
            found.append(around[-1] if around else -1)
            around.append(number)
        return found

    def children(self) -> list[list[int]]:
        """For each node the numbers of the nodes right inside it. O(nodes).

        >>> Tree.from_brackets("((a b) (c (d e)))").children()
        [[1, 2], [], [3], []]
        """
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, parent in enumerate(self.parents()):
            if parent >= 0:
                found[parent].append(number)
        return found

    def brackets(self) -> str:
        r"""One line: words by spaces, a pair of parentheses for each bracket. O(words + nodes).

        >>> Tree(["(", "x y", "-LRB-", "\\"]).brackets()
        '(-LRB- x\\u0020y \\-LRB- \\\\)'
        """
        opens, closes = self._marks()
        if not self.words:
            return "(" * opens[0] + ")" * opens[0]
        return " ".join(
            "(" * opened + _escaped(word) + ")" * closed
            for word, opened, closed in zip(self.words, opens, closes, strict=True)
        )

    def _marks(self) -> tuple[list[int], list[int]]:
        """For each word how many brackets open before it, and how many close behind it."""
        opens, closes = [0] * max(1, len(self.words)), [0] * max(1, len(self.words))
        for node in self.nodes:
            opens[node.start] += 1
            closes[max(0, node.end - 1)] += 1
        return opens, closes

    def _depths(self) -> list[int]:
        depths: list[int] = []
        for parent in self.parents():
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return depths

    def _own(self, number: int, children: Sequence[int]) -> str:
        """The words of a node that no inner bracket holds, ``_`` for each that does."""
        node = self.nodes[number]
        parts: list[str] = []
        place = node.start
        for child in children:
            parts.extend(map(_escaped, self.words[place : self.nodes[child].start]))
            parts.append("_")
            place = self.nodes[child].end
        parts.extend(map(_escaped, self.words[place : node.end]))
        return " ".join(parts)

    def pretty(self) -> str:
        """A line for each bracket: its words, ``_`` for each bracket inside it (they follow), then its label."""
        children = self.children()
        lines: list[str] = []
        for number, depth in enumerate(self._depths()):
            label = self.nodes[number].label
            indent = "|     " * min(depth, _DEEPEST) + (f"({depth}) " if depth > _DEEPEST else "")
            own = self._own(number, children[number])
            lines.append(f"{indent}+---> {own}" + (f"  ← {label}" if label else ""))
        return "\n".join(lines)

    def json(self) -> str:
        """One line of JSON: ``words``, ``score``, and ``spans`` with ``start``, ``end``, ``label``, as they open.

        >>> Tree("ab", score=-1.5).json()
        '{"words": ["a", "b"], "score": -1.5, "spans": [{"start": 0, "end": 2, "label": ""}]}'
        """
        spans = [node._asdict() for node in self.nodes]
        return json.dumps({"words": self.words, "score": self.score, "spans": spans}, ensure_ascii=False)

    def rows(self) -> str:
        """Ten columns a word, as CoNLL-U has them, with an empty line behind: number, word, the last one the brackets.

        The last column says which brackets open before and close behind the word, ``*`` being the word:
        ``Brackets=((*`` or ``Brackets=*)``. A comment line for each label says ``label = first-last LABEL``. Heads and
        tags stay ``_``: a tree of brackets has none.

        >>> print(Tree(["好", "吃"], [Node(0, 2, "好 _")]).rows(), end="")
        # text = 好 吃
        # score = 0
        # label = 1-2 好 _
        1	好	_	_	_	_	_	_	_	Brackets=(*
        2	吃	_	_	_	_	_	_	_	Brackets=*)
        <BLANKLINE>
        """
        lines = [f"# text = {' '.join(map(_escaped, self.words))}", f"# score = {self.score:.9g}"]
        lines += [f"# label = {node.start + 1}-{node.end} {node.label}" for node in self.nodes if node.label]
        for number, (word, opened, closed) in enumerate(zip(self.words, *self._marks(), strict=False), 1):
            columns = [str(number), _escaped(word), *["_"] * 7, f"Brackets={'(' * opened}*{')' * closed}"]
            lines.append("\t".join(columns))
        return "\n".join(lines) + "\n\n"

    def dot(self) -> str:
        """A graph for Graphviz's ``dot``: brackets as points with their labels, words as boxes in one row."""
        lines = ["digraph tree {", "  node [shape=plaintext];"]
        children = self.children()
        for number, node in enumerate(self.nodes):
            lines.append(f"  n{number} [label={_quoted(node.label or '·')}];")
            place = node.start
            for child in children[number]:
                lines += [f"  n{number} -> w{word};" for word in range(place, self.nodes[child].start)]
                lines.append(f"  n{number} -> n{child};")
                place = self.nodes[child].end
            lines += [f"  n{number} -> w{word};" for word in range(place, node.end)]
        row = " ".join(f"w{number};" for number in range(len(self.words)))
        lines.append(f"  {{ rank=same; {row} }}")
        lines += [f"  w{number} [shape=box, label={_quoted(word)}];" for number, word in enumerate(self.words)]
        return "\n".join([*lines, "}"]) + "\n"

    def svg(self) -> str:
        """A drawing: the words in a row, a bar above for each bracket with its label in the middle."""
        return drawing([self])

    def _picture(self) -> tuple[float, float, Iterator[str]]:
        """The width and height of a drawing, and what is in it."""
        heights = self._heights()
        lefts = [_GAP]
        for word in self.words:
            lefts.append(lefts[-1] + svg.width(word, _SIZE) + _GAP)
        high = _GAP + _LEVEL * (1 + max(heights))
        return max(lefts[-1], 4 * _GAP), high + _SIZE + _GAP, self._drawn(lefts, heights, high)

    def _drawn(self, lefts: Sequence[float], heights: Sequence[int], high: float) -> Iterator[str]:
        yield from self._bars(lefts, heights, high)
        for word, left in zip(self.words, lefts, strict=False):
            yield svg.element("text", svg.escaped(word), x=left, y=high + _SIZE, font_size=_SIZE)

    def _bars(self, lefts: Sequence[float], heights: Sequence[int], high: float) -> Iterator[str]:
        for node, height in zip(self.nodes, heights, strict=True):
            left, right, top = lefts[node.start], lefts[node.end] - _GAP, high - _LEVEL * height
            path = f"M{svg.number(left)} {svg.number(top + 5)}v-5H{svg.number(max(left, right))}v5"
            yield svg.element("path", d=path, fill="none", stroke="#789")
            if node.label:
                middle = (left + right) / 2
                yield svg.element(
                    "text",
                    svg.escaped(node.label),
                    x=middle,
                    y=top - 3,
                    font_size=10,
                    text_anchor="middle",
                    fill="#357",
                )

    def _heights(self) -> list[int]:
        """How many levels of brackets stand below each node, itself included."""
        heights = [1] * len(self.nodes)
        parents = self.parents()
        for number in range(len(self.nodes) - 1, 0, -1):
            heights[parents[number]] = max(heights[parents[number]], heights[number] + 1)
        return heights

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and (self.words, self.nodes) == (other.words, other.nodes)

    def __hash__(self) -> int:
        return hash((self.words, self.nodes))

    def __repr__(self) -> str:
        return f"Tree.from_brackets({self.brackets()!r})"

    def __reduce__(self) -> tuple[type[Tree], tuple[tuple[str, ...], tuple[Node, ...], float]]:
        return Tree, (self.words, self.nodes, self.score)


def drawing(trees: Iterable[Tree]) -> str:
    """One SVG document of trees, one below the other; of none, an empty one."""
    drawn: list[str] = []
    widest, place = 4 * _GAP, 0.0
    words: list[str] = []
    for tree in trees:
        wide, high, inside = tree._picture()
        shift = f"translate(0 {svg.number(place)})"
        drawn.append(svg.element("g", *inside, transform=shift))
        words.append(" ".join(tree.words))
        widest, place = max(widest, wide), place + high
    return svg.document((widest, max(place, _GAP)), "\n".join(words[:10]), drawn) + "\n"


def _quoted(text: str) -> str:
    """A quoted name of Graphviz's language."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{plain}"'


def _unpaired(what: str, text: str) -> InputError:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return InputError(f"{what}: expected pairs, such as '((我 的) 苹果)', got {shown!r}")


def _check(nodes: Sequence[Node], size: int) -> None:
    """Brackets must lie within the words and within each other, in the order in which they open. O(nodes)."""
    if (nodes[0].start, nodes[0].end) != (0, size):
        raise InputError(f"the first bracket of a tree: expected the whole sentence, 0 to {size}, got {nodes[0][:2]}")
    around = [nodes[0]]
    before = nodes[0]
    for node in nodes[1:]:
        if not before.start <= node.start < node.end <= size:
            raise InputError(
                f"expected brackets around words, in the order in which they open, 0 to {size}, "
                f"got {tuple(node[:2])} after {tuple(before[:2])}"
            )
        while around[-1].end <= node.start:
            around.pop()
        if node.end > around[-1].end:
            raise InputError(
                f"expected brackets that do not cross, such as (0, 2) in (0, 3), "
                f"got {tuple(node[:2])} and {tuple(around[-1][:2])}"
            )
        around.append(node)
        before = node
