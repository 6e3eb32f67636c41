"""The trie agrees with a dict, finds every word in a text, and leaves no dead branches."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.errors import LexiconError
from nlp_zero.words.trie import Trie

quick = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

near = st.text("研究生 ", min_size=1, max_size=4)  # few characters, so that words share branches
words = near | st.text(st.characters(), min_size=1, max_size=5)  # any text, lone surrogates among it


def test_all_words_of_a_text_are_found() -> None:
    words = ["中", "外", "科", "学", "名", "著", "中外", "外科", "科学", "学名", "名著"]
    counts = dict(zip(words, [8, 6, 4, 6, 4, 2, 10, 6, 20, 2, 12], strict=True))
    trie = Trie(counts)
    text = "中外科学名著"

    found = [(text[start:end], value) for start, end, value in trie.search(text)]

    assert found == [
        ("中", 8), ("中外", 10), ("外", 6), ("外科", 6), ("科", 4), ("科学", 20),
        ("学", 6), ("学名", 2), ("名", 4), ("名著", 12), ("著", 2),
    ]  # fmt: skip
    assert trie.longest_prefix(text, 2) == (4, 20)
    assert trie.longest_prefix("不", 0) is None
    assert trie.longest_prefix(text, 6) is None
    assert list(trie.matches(text, 99)) == []


@quick
@given(st.dictionaries(words, st.integers(), max_size=12), st.text("研究生 ", max_size=12) | st.text(max_size=8))
def test_search_agrees_with_looking_up_every_slice(entries: dict[str, int], text: str) -> None:
    size = len(text)
    expected = [
        (start, end, entries[text[start:end]])
        for start in range(size)
        for end in range(start + 1, size + 1)
        if text[start:end] in entries
    ]
    trie = Trie(entries)

    assert list(trie.search(text)) == expected
    for start in range(size + 1):
        here = [(end, value) for begin, end, value in expected if begin == start]
        assert list(trie.matches(text, start)) == here
        assert trie.longest_prefix(text, start) == (here[-1] if here else None)


@quick
@given(st.lists(st.tuples(st.booleans(), near, st.none() | st.integers()), max_size=40))
def test_random_actions_agree_with_a_dict(actions: list[tuple[bool, str, Any]]) -> None:
    trie: Trie[Any] = Trie()
    model: dict[str, Any] = {}
    for adding, word, value in actions:
        if adding:
            trie.add(word, value)
            model[word] = value
        elif word in model:
            trie.remove(word)
            del model[word]
        else:
            with pytest.raises(KeyError):
                trie.remove(word)
        trie._check()
        assert len(trie) == len(model)
        assert (word in trie) == (word in model)
    assert list(trie.items()) == sorted(model.items(), key=lambda item: item[0])
    assert list(trie) == sorted(model)
    for word in model:
        assert trie[word] == trie.get(word) == model[word]


@quick
@given(st.dictionaries(words, st.integers(), max_size=10), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_removing_all_leaves_nothing(entries: dict[str, int], chance: Any) -> None:
    shuffled = chance.sample(list(entries.items()), len(entries))
    trie = Trie(shuffled)
    assert trie == Trie(entries)
    assert list(trie) == list(Trie(entries)) == sorted(entries)
    for word, _ in shuffled:
        trie.remove(word)
        trie._check()
    assert (list(trie), len(trie), trie._root.children) == ([], 0, {})


def test_a_value_may_be_none_and_a_prefix_is_no_word() -> None:
    trie: Trie[int | None] = Trie([("研究生", None)])
    assert "研究生" in trie
    assert "研究" not in trie
    assert "研究生命" not in trie
    assert "" not in trie
    assert 5 not in trie
    assert trie.get("研究", 7) == 7
    for word in ("研究", "研究生命", "", "无"):
        with pytest.raises(KeyError):
            trie[word]
        with pytest.raises(KeyError):
            trie.remove(word)
    assert list(trie.search("研究生")) == [(0, 3, None)]


def test_what_is_no_word_is_refused() -> None:
    trie: Trie[int] = Trie()
    with pytest.raises(LexiconError, match="at least one character"):
        trie.add("", 1)
    with pytest.raises(TypeError, match="expected a word"):
        trie.add(5, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="start: expected a place in the text, such as 0, got -1"):
        list(trie.matches("研究", -1))
    trie._check()


def test_a_word_of_20000_characters_needs_no_deep_stack() -> None:
    trie = Trie({"哈" * 20_000: 1, "哈": 2})
    assert list(trie.items()) == [("哈", 2), ("哈" * 20_000, 1)]
    assert pickle.loads(pickle.dumps(trie)) == trie == copy.deepcopy(trie)
    trie.remove("哈" * 20_000)
    trie._check()
    assert trie == Trie({"哈": 2})
    assert repr(trie) == "<Trie of 1 words>"
    assert trie != {"哈": 2}
