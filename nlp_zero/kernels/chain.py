"""Chain kernels: sums over all labellings of a sentence, and the best ones, in linear chains (线性链).

A sentence with T positions and L labels has ``scores``, T x L doubles, and edges between neighbours; a labelling y has
the score

    sum over t of scores[t][y_t]  +  sum over t > 0 of edge(t, y_{t-1}, y_t)

and, of all labellings, the probability exp(score) / Z. *Edges* are a tuple (offsets, attributes, weights): ``weights``
are tables of L x L doubles (the label before, the label here), one an edge attribute. Without ``offsets`` the one table
counts at every position but the first; with them (int64, int32; a list of rows as in ``rows.py``) edge(t) is the sum
of the tables that position t names. A CRF (Lafferty, McCallum & Pereira 2001, "Conditional random fields") has its
weights there; an HMM the logarithms of its probabilities.

*Legal* labellings are a tuple (firsts, moves, lasts) of bytes, 1 for what may be: labels that begin a sentence (L),
neighbours (L x L), labels that end one (L); each may be ``b""``, and then everything may be. ``allowed`` says the same
of positions (positions x L), or is ``b""``.

Sums go forward and backward in scaled form (Rabiner 1989, "A tutorial on hidden Markov models"): the scores of a
position are taken relative to the best, made probabilities by one exponential each, and the sum of a position is
divided out and kept as a logarithm. O(T x L x L). ``chain.c`` has an exponential of its own, exact to 2 units in the
last place, so that results agree to about 1e-13 relative, not to the bit; labels and scores of best labellings do.
"""

from __future__ import annotations

from array import array
from heapq import heappop, heappush
from itertools import repeat
from math import exp, inf, isfinite, log
from operator import add, mul
from typing import Any, TypeAlias

from .rows import Buffer, _check_width, check_below, check_range, check_rows, view, writable

__all__ = ["best_labellings", "best_labels", "chain_losses", "chain_marginals", "score_labels"]

Edges: TypeAlias = "tuple[Buffer, Buffer, Buffer]"
Legal: TypeAlias = "tuple[Buffer, Buffer, Buffer]"
Row: TypeAlias = "list[float]"


class _Chains:
    """The arguments that every kernel here shares, checked."""

    def __init__(
        self,
        starts: Buffer,
        scores: Buffer,
        edges: Edges,
        legal: Legal,
        allowed: Buffer,
        width: int,
        span: tuple[int, int] | None = None,
    ) -> None:
        _check_width(width)
        self.width = width
        self.scores = view(scores, "d", "scores")
        if len(self.scores) % width:
            raise ValueError(f"scores: expected rows of {width} items, got {len(self.scores)} items")
        positions = len(self.scores) // width
        self.starts = view(starts, "q", "starts")
        self.count = max(len(self.starts) - 1, 0)
        begin, end = span or (0, self.count)
        check_range(begin, end, self.count)
        self.first = self.last = 0  # positions of the span
        if begin < end:
            check_rows("starts", self.starts, begin, end, positions)
            self.first, self.last = self.starts[begin], self.starts[end]
        offsets, attributes, weights = edges
        self.weights = view(weights, "d", "edge weights")
        self.tables, rest = divmod(len(self.weights), width * width)
        if rest or not self.tables:
            raise ValueError(f"edge weights: expected tables of {width * width} items, got {len(self.weights)} items")
        self.offsets, self.attributes = view(offsets, "q", "edge offsets"), view(attributes, "i", "edge attributes")
        self.plain = not len(self.offsets)
        if not self.plain:
            if len(self.offsets) != positions + 1:
                raise ValueError(f"edge offsets: expected {positions + 1} items, got {len(self.offsets)}")
            check_rows("edge offsets", self.offsets, self.first, self.last, len(self.attributes))
            begin, end = self.offsets[self.first], self.offsets[self.last]
            check_below("edge attributes", self.attributes, begin, end, self.tables)
        sizes = (width, width * width, width)
        names = ("firsts", "moves", "lasts")
        self.firsts, self.moves, self.lasts = (
            _flags(name, part, size) for name, part, size in zip(names, legal, sizes, strict=True)
        )
        self.allowed = _flags("allowed", allowed, positions * width)
        self.matrix: tuple[list[Row], list[Row], float] | None = None

    def flags(self, place: int, first: bool, last: bool, allowed: Any) -> list[int] | None:
        """Which labels may stand at a place; None for all of them."""
        width = self.width
        masks = [self.firsts] if first and self.firsts else []
        masks += [self.lasts] if last and self.lasts else []
        masks += [allowed[place * width : place * width + width]] if len(allowed) else []
        return [int(all(flags)) for flags in zip(*masks, strict=True)] if masks else None

    def edge_scores(self, place: int) -> list[Row]:
        """The edge weights of a place, a row for each label before."""
        width = self.width
        size = width * width
        if self.plain:
            total: Any = self.weights
        else:
            total = [0.0] * size
            for item in self.attributes[self.offsets[place] : self.offsets[place + 1]]:
                total = list(map(add, total, self.weights[item * size : item * size + size]))
        return [list(total[before : before + width]) for before in range(0, size, width)]

    def edge_matrix(self, place: int) -> tuple[list[Row], list[Row], float]:
        """Their exponentials relative to the best, by the label before and by the label here, and the best."""
        if self.matrix is not None:
            return self.matrix
        scores = self.edge_scores(place)
        top = max(map(max, scores))
        rows = [[exp(score - top) for score in row] for row in scores]
        if self.moves:
            flags = [self.moves[before : before + self.width] for before in range(0, len(self.moves), self.width)]
            rows = [list(map(mul, row, its)) for row, its in zip(rows, flags, strict=True)]
        found = rows, [list(column) for column in zip(*rows, strict=True)], top
        if self.plain:
            self.matrix = found
        return found


def _flags(name: str, part: Buffer, size: int) -> bytes:
    found = bytes(view(part, "B", name))
    if found and len(found) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(found)}")
    return found


def _emissions(chains: _Chains, start: int, end: int, allowed: Any) -> tuple[list[Row], float]:
    """The exponentials of the scores, each relative to the best of its position, and the sum of the best."""
    width, total, rows = chains.width, 0.0, []
    for place in range(start, end):
        scores = chains.scores[place * width : place * width + width]
        flags = chains.flags(place, place == start, place + 1 == end, allowed)
        top = (
            max(scores)
            if flags is None
            else max((s for s, flag in zip(scores, flags, strict=True) if flag), default=-inf)
        )
        if top == -inf:
            return [], -inf
        if flags is None:
            rows.append([exp(score - top) for score in scores])
        else:
            rows.append([exp(score - top) if flag else 0.0 for score, flag in zip(scores, flags, strict=True)])
        total += top
    return rows, total


def _forward_backward(
    chains: _Chains, start: int, end: int, allowed: Any
) -> tuple[list[Row], list[Row], list[Row], float]:
    """Of each position the forward sums, what comes back to it, the marginals; and log Z (-inf if all sums vanish)."""
    emissions, total = _emissions(chains, start, end, allowed)
    fore: list[Row] = []
    scales: Row = []
    for step, emission in enumerate(emissions):
        if step:
            _, columns, top = chains.edge_matrix(start + step)
            before = fore[-1]
            row = [sum(map(mul, before, column)) * here for column, here in zip(columns, emission, strict=True)]
            total += top
        else:
            row = emission
        scale = sum(row)
        if not 0.0 < scale < inf:
            return [], [], [], -inf
        total += log(scale)
        scales.append(scale)
        fore.append([item / scale for item in row])
    if not emissions:
        return [], [], [], total
    back: list[Row] = []
    marginals: list[Row] = []
    beta = [1.0] * chains.width
    for step in range(len(emissions) - 1, -1, -1):
        marginals.append(list(map(mul, fore[step], beta)))
        scale = scales[step]
        back.append([here * there / scale for here, there in zip(emissions[step], beta, strict=True)])
        if step:
            rows, _, _ = chains.edge_matrix(start + step)
            arriving = back[-1]
            beta = [sum(map(mul, row, arriving)) for row in rows]
    return fore, back[::-1], marginals[::-1], total


def _count_edges(
    chains: _Chains, start: int, fore: list[Row], back: list[Row], sign: float, sums: Any, matrix_free: Any
) -> None:
    """Adds the expected edges of a sentence; those of the one table still want to be multiplied by its matrix."""
    width = chains.width
    for step in range(1, len(fore)):
        arriving = back[step]
        if chains.plain:
            for before, weight in enumerate(fore[step - 1]):
                row = matrix_free[before]
                matrix_free[before] = [sofar + sign * weight * item for sofar, item in zip(row, arriving, strict=True)]
            continue
        place = start + step
        items = chains.attributes[chains.offsets[place] : chains.offsets[place + 1]]
        if not len(items):
            continue
        rows, _, _ = chains.edge_matrix(place)
        for before, weight in enumerate(fore[step - 1]):
            pairs = [sign * weight * edge * item for edge, item in zip(rows[before], arriving, strict=True)]
            for item in items:
                base = (item * width + before) * width
                for label, pair in enumerate(pairs):
                    sums[base + label] += pair


def _gold(chains: _Chains, labels: Any, start: int, end: int, sums: Any) -> float:
    """The score of the labels of a sentence; their edges are taken from the sums."""
    width, score = chains.width, 0.0
    size = width * width
    for place in range(start, end):
        score += chains.scores[place * width + labels[place]]
        if place == start:
            continue
        entry = labels[place - 1] * width + labels[place]
        items = (0,) if chains.plain else chains.attributes[chains.offsets[place] : chains.offsets[place + 1]]
        for item in items:
            score += chains.weights[item * size + entry]
            sums[item * size + entry] -= 1.0
    return score


def chain_losses(
    starts: Buffer,
    scores: Buffer,
    edges: Edges,
    labels: Buffer,
    allowed: Buffer,
    width: int,
    begin: int,
    end: int,
    sums: Buffer,
) -> float:
    """How surprising the labels of sentences ``begin`` to ``end`` are, in nats: the sum of log Z - score.

    ``labels`` (int32) are known for every position, or ``allowed`` leaves some of them open; then it is log Z - log Z',
    Z' being the sum over the labellings that are allowed. The scores of these sentences are turned into the gradient of
    the loss: probabilities of labels less what was seen. ``sums``, as large as the edge weights, gets the gradient by
    edge weights added. Infinite where sums vanish: weights are beyond reason, or nothing is allowed. O(T x L x L).

    >>> scores, sums = array("d", [1, 0, 0.2, 0.5, 0, 1]), array("d", bytes(32))
    >>> edges = b"", b"", array("d", [0.5, -0.5, -0.3, 0.4])
    >>> loss = chain_losses(array("q", [0, 3]), scores, edges, array("i", [0, 0, 1]), b"", 2, 0, 1, sums)
    >>> round(loss, 6), [round(item, 6) for item in sums]
    (1.625744, [-0.377179, -0.486476, 0.148681, 0.714974])
    """
    chains = _Chains(starts, scores, edges, (b"", b"", b""), allowed, width, (begin, end))
    target = writable(scores, "d", "scores")
    counts = writable(sums, "d", "sums", len(chains.weights))
    known = view(labels, "i", "labels", 0 if chains.allowed else len(chains.scores) // width)
    if not chains.allowed:
        check_below("labels", known, chains.first, chains.last, width)
    loss = 0.0
    matrix_free = [[0.0] * width for _ in range(width)]
    for sentence in range(begin, end):
        start, stop = chains.starts[sentence], chains.starts[sentence + 1]
        if start == stop:
            continue
        gold = 0.0 if chains.allowed else _gold(chains, known, start, stop, counts)
        fore, back, marginals, total = _forward_backward(chains, start, stop, b"")
        if not isfinite(total):
            return inf
        _count_edges(chains, start, fore, back, 1.0, counts, matrix_free)
        seen = [[0.0] * width for _ in marginals]
        if chains.allowed:
            fore, back, seen, gold = _forward_backward(chains, start, stop, chains.allowed)
            if not isfinite(gold):
                return inf
            _count_edges(chains, start, fore, back, -1.0, counts, matrix_free)
        else:
            for step, label in enumerate(known[start:stop]):
                seen[step][label] = 1.0
        loss += total - gold
        for step, (row, its) in enumerate(zip(marginals, seen, strict=True)):
            place = (start + step) * width
            target[place : place + width] = array("d", [p - q for p, q in zip(row, its, strict=True)])
    if chains.plain:
        rows, _, _ = chains.edge_matrix(0)
        for before, (row, free) in enumerate(zip(rows, matrix_free, strict=True)):
            for label, (edge, item) in enumerate(zip(row, free, strict=True)):
                counts[before * width + label] += edge * item
    return loss


def chain_marginals(starts: Buffer, scores: Buffer, edges: Edges, legal: Legal, allowed: Buffer, width: int) -> bytes:
    """Turns the scores into the probabilities of labels, in place; returns log Z of each sentence (double).

    Sums go over the legal and allowed labellings. log Z is -inf where there are none, or where scores lie so far apart
    that the sums vanish; the scores of such a sentence stay. An empty sentence has log Z = 0. O(T x L x L).

    >>> scores, edges = array("d", [1, 0, 0.2, 0.5, 0, 1]), (b"", b"", array("d", [0.5, -0.5, -0.3, 0.4]))
    >>> totals = chain_marginals(array("q", [0, 3]), scores, edges, (b"", b"", b""), b"", 2)
    >>> round(array("d", totals)[0], 6), [round(item, 6) for item in scores[::2]]
    (3.825744, [0.677764, 0.458581, 0.312921])
    """
    chains = _Chains(starts, scores, edges, legal, allowed, width)
    target = writable(scores, "d", "scores")
    totals = array("d")
    for sentence in range(chains.count):
        start, stop = chains.starts[sentence], chains.starts[sentence + 1]
        _, _, marginals, total = _forward_backward(chains, start, stop, chains.allowed)
        totals.append(total if isfinite(total) else -inf)
        for step, row in enumerate(marginals):
            place = (start + step) * width
            target[place : place + width] = array("d", row)
    return totals.tobytes()


def score_labels(starts: Buffer, scores: Buffer, edges: Edges, labels: Buffer, width: int) -> bytes:
    """The score of the labels (int32) of each sentence (double): emissions and edges in the order of positions. O(T).

    >>> edges = b"", b"", array("d", [0.5, -0.5, -0.3, 0.4])
    >>> scores, labels = array("d", [1, 0, 0.2, 0.5, 0, 1]), array("i", [0, 1, 1])
    >>> [round(score, 6) for score in array("d", score_labels(array("q", [0, 3]), scores, edges, labels, 2))]
    [2.4]
    """
    chains = _Chains(starts, scores, edges, (b"", b"", b""), b"", width)
    known = view(labels, "i", "labels", len(chains.scores) // width)
    check_below("labels", known, 0, len(known), width)
    totals = array("d")
    for sentence in range(chains.count):
        total = 0.0
        for place in range(chains.starts[sentence], chains.starts[sentence + 1]):
            if place > chains.starts[sentence]:
                total += _edge(chains, place, known[place - 1], known[place])
            total += chains.scores[place * width + known[place]]
        totals.append(total)
    return totals.tobytes()


def _edge(chains: _Chains, place: int, before: int, label: int) -> float:
    size, entry = chains.width * chains.width, before * chains.width + label
    if chains.plain:
        return float(chains.weights[entry])
    total = 0.0
    for item in chains.attributes[chains.offsets[place] : chains.offsets[place + 1]]:
        total += chains.weights[item * size + entry]
    return total


# ---- best labellings -----------------------------------------------------------------------------------------------


def _moves(chains: _Chains, place: int) -> list[Row]:
    """The edge scores of a place by the label here, and then by the label before; -inf for illegal moves."""
    rows = chains.edge_scores(place)
    if chains.moves:
        width = chains.width
        rows = [
            [score if flag else -inf for score, flag in zip(row, chains.moves[before * width :], strict=False)]
            for before, row in enumerate(rows)
        ]
    return [list(column) for column in zip(*rows, strict=True)]


def _reaches(rows: list[Row]) -> list[Row]:
    """For labels a and b before: the most that b can gain on a in one step, over all labels here."""
    return [[max((y - x for x, y in zip(a, b, strict=True) if y > -inf), default=-inf) for b in rows] for a in rows]


def _best_scores(chains: _Chains, start: int, end: int, tables: Any) -> tuple[list[Row], list[list[int]]]:
    """Of each position and label the best score of a labelling up to there, and the label before it in that one.

    Of labels that score alike the first wins. A label before that cannot catch up with the leader in one step is
    passed over, which changes nothing but the time.
    """
    width, free = chains.width, not (chains.firsts or chains.lasts or chains.allowed)
    best: list[Row] = []
    origins: list[list[int]] = []
    for place in range(start, end):
        row = list(chains.scores[place * width : place * width + width])
        flags = None if free else chains.flags(place, place == start, place + 1 == end, chains.allowed)
        if place > start:
            columns, rows, reaches = tables(place)
            before = best[-1]
            lead = max(before)
            if lead == -inf:
                alive = [0]
            else:
                slack = 1e-9 * (1.0 + abs(lead))
                reach = reaches[before.index(lead)]
                alive = [a for a, score in enumerate(before) if score + reach[a] + slack >= lead]
            if len(alive) == 1:
                (only,) = alive
                first = before[only]
                origins.append(alive * width)
                row = list(map(add, map(add, repeat(first), rows[only]), row))
            else:
                its: list[int] = []
                for label, column in enumerate(columns):
                    found, origin = -inf, alive[0]
                    for a in alive:
                        score = before[a] + column[a]
                        if score > found:
                            found, origin = score, a
                    its.append(origin)
                    row[label] = found + row[label]
                origins.append(its)
        if flags is not None:
            row = [score if flag else -inf for score, flag in zip(row, flags, strict=True)]
        best.append(row)
    return best, origins


def _tables(chains: _Chains) -> Any:
    """A function from a place to its moves, by the label here and by the label before, and its reaches; made once where
    all places are alike."""

    def at(place: int) -> tuple[list[Row], list[Row], list[Row]]:
        columns = _moves(chains, place)
        rows = [list(row) for row in zip(*columns, strict=True)]
        return columns, rows, _reaches(rows)

    if chains.plain:
        found = at(0)
        return lambda place: found
    return at


def best_labels(
    starts: Buffer, scores: Buffer, edges: Edges, legal: Legal, allowed: Buffer, width: int
) -> tuple[bytes, bytes]:
    """The best legal and allowed labelling of each sentence: labels (int32) and scores (double). O(T x L x L).

    Viterbi 1967; of labellings that score alike, the one with the smaller label at the last place where they differ.
    The score is -inf and the labels are 0 where there is no such labelling. An empty sentence scores 0.

    >>> scores, edges = array("d", [1, 0, 0.2, 0.5, 0, 1]), (b"", b"", array("d", [0.5, -0.5, -0.3, 0.4]))
    >>> labels, totals = best_labels(array("q", [0, 3]), scores, edges, (b"", b"", b""), b"", 2)
    >>> list(array("i", labels)), round(array("d", totals)[0], 6)
    ([0, 1, 1], 2.4)
    """
    chains = _Chains(starts, scores, edges, legal, allowed, width)
    tables = _tables(chains)
    found, totals = array("i", bytes(4 * (len(chains.scores) // width))), array("d")
    for sentence in range(chains.count):
        start, end = chains.starts[sentence], chains.starts[sentence + 1]
        if start == end:
            totals.append(0.0)
            continue
        best, origins = _best_scores(chains, start, end, tables)
        total = max(best[-1])
        totals.append(total)
        if total == -inf:
            continue
        label = best[-1].index(total)
        for place in range(end - 1, start, -1):
            found[place] = label
            label = origins[place - 1 - start][label]
        found[start] = label
    return found.tobytes(), totals.tobytes()


def best_labellings(
    starts: Buffer,
    scores: Buffer,
    edges: Edges,
    legal: Legal,
    allowed: Buffer,
    width: int,
    sentence: int,
    count: int,
) -> list[tuple[bytes, float]]:
    """The ``count`` best legal and allowed labellings of one sentence, best first: (labels int32, score).

    Best-first search from the last position, in which the best scores up to a position say exactly what is still to
    come (Soong & Huang 1991, "A tree-trellis based fast search"). Fewer where there are no more. Of partial labellings
    that promise alike, the one found first is followed first. O(T x L x (L + count x log)).

    >>> scores, edges = array("d", [1, 0, 0.2, 0.5, 0, 1]), (b"", b"", array("d", [0.5, -0.5, -0.3, 0.4]))
    >>> found = best_labellings(array("q", [0, 3]), scores, edges, (b"", b"", b""), b"", 2, 0, 2)
    >>> [(list(array("i", labels)), round(score, 6)) for labels, score in found]
    [([0, 1, 1], 2.4), ([1, 1, 1], 2.3)]
    """
    chains = _Chains(starts, scores, edges, legal, allowed, width)
    check_range(sentence, sentence + 1, chains.count)
    start, end = chains.starts[sentence], chains.starts[sentence + 1]
    if count < 1:
        return []
    if start == end:
        return [(b"", 0.0)]
    tables = _tables(chains)
    best, _ = _best_scores(chains, start, end, tables)
    # A node is a label at a position, with the node after it; its score is that of what comes after the position.
    nodes: list[tuple[int, int, int, float]] = []
    waiting: list[tuple[float, int]] = []
    for label, score in enumerate(best[-1]):
        if score > -inf:
            heappush(waiting, (-score, len(nodes)))
            nodes.append((end - 1, label, -1, 0.0))
    results: list[tuple[bytes, float]] = []
    while waiting and len(results) < count:
        promise, number = heappop(waiting)
        place, label, _, after = nodes[number]
        if place == start:
            labels = array("i")
            while number >= 0:
                _, label, number, _ = nodes[number]
                labels.append(label)
            results.append((labels.tobytes(), -promise))
            continue
        column = tables(place)[0][label]
        here = after + chains.scores[place * width + label]
        for before, score in enumerate(best[place - 1 - start]):
            later = here + column[before]
            if score + later > -inf:
                heappush(waiting, (-(score + later), len(nodes)))
                nodes.append((place - 1, before, number, later))
    return results
