"""Word clusters from raw text: the sides of a made-up language, the order of clusters, what may be given."""

from __future__ import annotations

import random

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.clusters import word_clusters

SIDES = {"茶水酒汤": "喝倒温", "船帆桨舵": "划摇修", "马牛羊驴": "牧骑赶"}


def lines() -> list[str]:
    source = random.Random(3)
    made = []
    for _ in range(600):
        things, deeds = source.choice(list(SIDES.items()))
        made.append(source.choice("我你他") + source.choice(deeds) + source.choice(things) + "。")
    return made


def test_words_of_a_kind_come_together() -> None:
    found = word_clusters([list(line) for line in lines()], neighbours=3)
    partition = found.partition()
    for things in SIDES:
        assert len({partition[thing] for thing in things}) == 1
    assert len({partition[things[0]] for things in SIDES}) == 3
    counts = [cluster.count for cluster in found if len(cluster.words) > 1]
    assert counts == sorted(counts, reverse=True) and sum(cluster.count for cluster in found) == 1800
    assert found.clusters[0].name.split() == list(found.clusters[0].words[:3]) and "modules" in found.describe()


def test_lines_are_cut_by_the_tokenizer() -> None:
    class Characters:
        def tokenize_lines(self, lines: list[str]) -> list[list[str]]:
            return [list(line) for line in lines]

    given, cut = (
        word_clusters(text, neighbours=3, **more)
        for text, more in (([list(line) for line in lines()], {}), (lines(), {"tokenizer": Characters()}))
    )
    assert given.clusters == cut.clusters


def test_raw_text_goes_through_the_built_in_model() -> None:
    found = word_clusters(["他喝茶。", "我喝水。", "他喝水，我喝茶。"] * 3, neighbours=1)
    assert {"他", "我"} <= set(found.partition())


def test_progress_and_a_limit_of_words() -> None:
    steps: list[tuple[int, int]] = []
    found = word_clusters([list(line) for line in lines()], words=8, progress=lambda *step: steps.append(step))
    assert len(found.partition()) == 8 and steps == [(8, 8)]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(InputError, match="expected text with words"):
        word_clusters([])
