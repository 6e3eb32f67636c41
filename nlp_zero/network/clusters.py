"""Word clusters (词聚类) from raw text in one go: text, words, profiles, nearest neighbours, communities, names.

The only word clustering that the fifth part of the minimum-entropy series shows (https://kexue.fm/archives/7006) begins
with the vectors of a neural model; here the profiles are counted (:mod:`~nlp_zero.network.similarity`), each word is
linked to its most similar ones, and the map equation cuts the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .communities import Communities, communities
from .graph import Graph
from .similarity import Profiles

__all__ = ["Cluster", "WordClusters", "cluster_words", "word_clusters"]

# Lines cut in one call of the tokenizer.
LINES = 2000


class Cluster(NamedTuple):
    """Words that keep the same company, the most central first, and how often they stand in the text together."""

    words: tuple[str, ...]
    count: int  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """The three most central words, such as ``"茶 酒 水"``."""
        return " ".join(self.words[:3])


@dataclass(frozen=True)
class WordClusters:
    """The clusters, those that stand most often in the text first; the graph they are of; the cut that made them."""

    clusters: tuple[Cluster, ...]
    graph: Graph
    communities: Communities

    def __len__(self) -> int:
        return len(self.clusters)

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self.clusters)

    def partition(self) -> dict[str, int]:
        """The number of the cluster of each word, 1 for the most frequent cluster."""
        return {word: number for number, cluster in enumerate(self.clusters, 1) for word in cluster.words}

    def describe(self) -> str:
        """The result in words."""
        return self.communities.describe()


def word_clusters(
    text: Iterable[str] | Iterable[Iterable[str]],
    *,
    tokenizer: Any = None,
    window: int = 5,
    words: int = 10_000,
    min_count: int | None = None,
    **settings: Any,
) -> WordClusters:
    """Cluster the ``words`` most frequent words of a text by the company they keep.

    ``text`` are lines, which the ``tokenizer`` cuts (anything with ``tokenize_lines``; None: the built-in model), or
    lists of words. The other ``settings`` are those of :func:`cluster_words`. The text is read once, as it comes.

    >>> lines = ["我喝茶。", "你喝茶。", "我喝水。", "你喝水。", "猫吃鱼。", "狗吃鱼。", "猫吃肉。", "狗吃肉。"]
    >>> found = word_clusters([list(line) for line in lines], neighbours=1)
    >>> sorted(sorted(cluster.words) for cluster in found if "茶" in cluster.words)
    [['水', '茶']]
    """
    lists = _cut(iter(text), tokenizer)
    profiles = Profiles(lists, strongest=STRONGEST, window=window, max_words=words, min_count=min_count)
    return cluster_words(profiles, **settings)


# The weights of a profile that the neighbours are sought by: half as many found worse clusters, all of them took ten
# times as long (benchmarks/network/terms.py says by what measure).
STRONGEST = 100


def _cut(text: Iterator[Any], tokenizer: Any) -> Iterator[Iterable[str]]:
    """Lists of words as they are, lines cut into words."""
    lines: list[str] = []
    for item in text:
        if not isinstance(item, str):
            yield item
            continue
        lines.append(item)
        if len(lines) == LINES:
            tokenizer = tokenizer or _builtin()
            yield from tokenizer.tokenize_lines(lines)
            lines = []
    if lines:
        yield from (tokenizer or _builtin()).tokenize_lines(lines)


def _builtin() -> Any:
    from ..words.tokenizer import builtin

    return builtin()


def cluster_words(
    profiles: Profiles,
    *,
    neighbours: int = 10,
    least: float = 0.0,
    words: int | None = None,
    trials: int = 1,
    seed: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> WordClusters:
    """Clusters of words whose profiles are known: the graph of their ``neighbours`` nearest, cut by the map equation.

    Two-level; ``least`` is the cosine below which there is no link, ``words`` how many of the most frequent words take
    part (None: all). A word without a neighbour is a cluster of its own, at the end. ``progress`` is called with the
    words searched and all of them.
    """
    graph = profiles.neighbour_graph(neighbours, least=least, words=words, progress=progress)
    found = communities(graph, two_level=True, trials=trials, seed=seed)
    counts = dict(zip(profiles.words, profiles.counts, strict=True))
    clusters = [
        Cluster(members := tuple(word for word, _ in module.members), sum(map(counts.__getitem__, members)))
        for module in found
    ]
    clusters.sort(key=lambda cluster: (len(cluster.words) == 1, -cluster.count))
    return WordClusters(tuple(clusters), graph, found)
