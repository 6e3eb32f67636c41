"""Redundant words by the published rule of nlp-zero 0.1: what its parts explain goes, from the longest on.

Every candidate is taken out in turn and cut by the words that remain, by their counts. If the word is not more likely
than its parts by more than a threshold, ln p(w) - sum ln p(part) <= threshold nats, it stays out and its occurrences
are counted for its parts; otherwise it comes back. A word with a symbol that is no word stays: nothing explains it.
"""

from __future__ import annotations

from math import inf, log

__all__ = ["drop_redundant"]


def drop_redundant(words: dict[str, int], threshold: float) -> dict[str, int]:
    """The words that their parts do not explain, with the counts of those that went added to their parts.

    Words are visited from the longest on, those of one length in the order of their characters. O(sum over words of
    length x longest word).

    >>> drop_redundant({"我们": 4, "研究": 2, "的研究": 1, "的": 1}, 2.0)
    {'我们': 4, '研究': 3, '的': 2}
    >>> "的研究" in drop_redundant({"我们": 4, "研究": 2, "的研究": 1, "的": 1}, 1.0)
    True
    """
    counts = dict(words)
    total = sum(counts.values())
    longest = max(map(len, counts), default=0)
    for word in sorted((word for word in counts if len(word) > 1), key=lambda word: (-len(word), word)):
        count = counts.pop(word)
        parts, score = _best_split(word, counts, total, longest)
        if log(count / total) - score > threshold:
            counts[word] = count
            continue
        for part in parts:
            counts[part] += count
        total += count * (len(parts) - 1)
    return {word: counts[word] for word in words if word in counts}


def _best_split(word: str, counts: dict[str, int], total: int, longest: int) -> tuple[list[str], float]:
    """The likeliest way to write a word by others, and its log-probability in nats; minus infinity if there is none."""
    size = len(word)
    best, choice = [-inf] * size + [0.0], [size] * size
    for start in range(size - 1, -1, -1):
        for end in range(start + 1, min(start + longest, size) + 1):
            count = counts.get(word[start:end])
            if count and best[end] > -inf and (score := log(count / total) + best[end]) >= best[start]:
                best[start], choice[start] = score, end
    parts, start = [], 0
    while start < size and best[0] > -inf:
        parts.append(word[start : choice[start]])
        start = choice[start]
    return parts, best[0]
