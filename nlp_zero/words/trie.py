"""Trie (前缀树): words with values, found in a text from any start by walking character by character.

The readable structure for a few words, for programs and for tests; the tokenizer matches a whole lexicon with the
kernel ``lattice``. A node holds its children by character and the value of the word that ends there. Nothing recurses,
so a word may be as long as memory allows.

>>> trie = Trie({"中外": 10, "外科": 10, "科学": 20})
>>> list(trie.search("中外科学"))
[(0, 2, 10), (1, 3, 10), (2, 4, 20)]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from ..errors import LexiconError

__all__ = ["Trie"]

Value = TypeVar("Value")


class _None:
    """What stands where no word ends; a class, so that it survives pickling and copying as itself."""


class _Node:
    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.value: Any = _None


class Trie(Generic[Value]):
    """Words (any text but the empty one) with values.

    ``words`` is a mapping of words to values or an iterable of pairs. Adding, removing and looking up cost O(length of
    the word); the order in which words came in never shows.
    """

    __slots__ = ("_root", "_size")
    __hash__ = None  # type: ignore[assignment]  # it can change

    def __init__(self, words: Mapping[str, Value] | Iterable[tuple[str, Value]] = ()) -> None:
        self._root = _Node()
        self._size = 0
        for word, value in words.items() if isinstance(words, Mapping) else words:
            self.add(word, value)

    def add(self, word: str, value: Value) -> None:
        """Add a word, or give it another value.

        >>> trie = Trie()
        >>> trie.add("研究", 3)
        >>> "研究" in trie, "研" in trie, len(trie)
        (True, False, 1)
        """
        if not isinstance(word, str):
            raise TypeError(f"expected a word, such as '研究', got {word!r}")
        if not word:
            raise LexiconError("expected a word of at least one character, such as '研究', got ''")
        node = self._root
        for character in word:
            child = node.children.get(character)
            if child is None:
                child = node.children[character] = _Node()
            node = child
        self._size += node.value is _None
        node.value = value

    def remove(self, word: str) -> None:
        """Take a word out, and the branch that led to it alone; KeyError if it is not there."""
        path = [self._root]
        for character in word:
            child = path[-1].children.get(character)
            if child is None:
                raise KeyError(word)
            path.append(child)
        if path[-1].value is _None:
            raise KeyError(word)
        path[-1].value = _None
        self._size -= 1
        for depth in range(len(word), 0, -1):
            if path[depth].children or path[depth].value is not _None:
                break
            del path[depth - 1].children[word[depth - 1]]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._find(word) is not _None

    def __getitem__(self, word: str) -> Value:
        value = self._find(word)
        if value is _None:
            raise KeyError(word)
        return value  # type: ignore[no-any-return]

    def get(self, word: str, default: Value | None = None) -> Value | None:
        """The value of a word, or ``default``."""
        value = self._find(word)
        return default if value is _None else value

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        """The words by code points."""
        return (word for word, _ in self.items())

    def items(self) -> Iterator[tuple[str, Value]]:
        """Words with values, by code points; do not change the trie while it runs."""
        # Each level holds the characters still to visit; the path spells the word, grown and cut as we go.
        path: list[str] = []
        levels = [(self._root, iter(sorted(self._root.children)))]
        while levels:
            node, characters = levels[-1]
            character = next(characters, None)
            if character is None:
                levels.pop()
                if path:
                    path.pop()
                continue
            child = node.children[character]
            path.append(character)
            levels.append((child, iter(sorted(child.children))))
            if child.value is not _None:
                yield "".join(path), child.value

    def matches(self, text: str, start: int = 0) -> Iterator[tuple[int, Value]]:
        """The words that begin at ``start``, shortest first, as (end, value).

        >>> list(Trie({"中": 8, "中外": 10, "外": 6}).matches("中外科学"))
        [(1, 8), (2, 10)]
        """
        if start < 0:
            raise ValueError(f"start: expected a place in the text, such as 0, got {start}")
        children = self._root.children
        for end in range(start, len(text)):
            node = children.get(text[end])
            if node is None:
                return
            if node.value is not _None:
                yield end + 1, node.value
            children = node.children

    def longest_prefix(self, text: str, start: int = 0) -> tuple[int, Value] | None:
        """The longest word that begins at ``start``, as (end, value); None if there is none.

        >>> Trie({"中": 8, "中外": 10}).longest_prefix("中外科学")
        (2, 10)
        """
        longest = None
        for longest in self.matches(text, start):  # noqa: B007  (the last one is what we want)
            pass
        return longest

    def search(self, text: str) -> Iterator[tuple[int, int, Value]]:
        """Every word in the text as (start, end, value), by start, then by end.

        O(length of the text times the longest word it holds a part of).
        """
        for start in range(len(text)):
            for end, value in self.matches(text, start):
                yield start, end, value

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == dict(other.items()) if isinstance(other, Trie) else NotImplemented

    def __repr__(self) -> str:
        return f"<Trie of {self._size:,} words>"

    def __reduce__(self) -> tuple[Any, ...]:
        # A list of words: nodes in nodes would exhaust the stack of pickle and copy.
        return type(self), (list(self.items()),)

    def _find(self, word: str) -> Any:
        node = self._root
        for character in word:
            child = node.children.get(character)
            if child is None:
                return _None
            node = child
        return node.value

    def _check(self) -> None:
        """Assert the invariants; for tests."""
        assert self._root.value is _None, "the empty word is no word"
        found = 0
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            found += node.value is not _None
            for character, child in node.children.items():
                assert len(character) == 1
                assert child.children or child.value is not _None, "a dead branch"
                nodes.append(child)
        assert found == self._size
