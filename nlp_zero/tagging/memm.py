"""Maximum-entropy Markov models (最大熵马尔可夫模型, MEMM), from left to right or looking both ways.

Each label is a choice of its own, given the attributes of its position and the label before (A. McCallum, D. Freitag &
F. Pereira 2000, "Maximum entropy Markov models for information extraction and segmentation"). Training is a logistic
regression and so costs positions x labels, not labels squared; the price is label bias: what few choices lead on to is
followed too readily. Looking both ways, the model is the mean of one from left to right and one from right to left
with the same weights, which takes much of the bias away. Decoding is that of any chain (:mod:`nlp_zero.kernels.local`
says why), so that n best, marginals and constraints are there as well.

>>> from .dataset import pack
>>> data = pack([[[0], [1]], [[0], [2]], [[2]]], [[0, 1], [0, 1], [2]], n_attributes=3, n_labels=3)
>>> MEMM.train(data, Scheme.named("free", "BES"), c2=0.1).tag(data)
[['B', 'E'], ['B', 'E'], ['S']]
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import kernels
from ..errors import InputError, ModelError
from ..storage import Section
from .crf import CRF, Constraints, Progress, _check_training, _Watch
from .dataset import Dataset
from .labels import Scheme
from .likelihood import Likelihood
from .optimize import Settings, Team, minimize

__all__ = ["MEMM"]


class MEMM(CRF):
    """Weights as those of a :class:`.crf.CRF`, normalised at each position; ``both`` ways or from left to right."""

    both = True

    @classmethod
    def train(  # type: ignore[override]  # a choice of its own: no descent by sentence
        cls,
        data: Dataset,
        scheme: Scheme,
        *,
        both: bool = True,
        c1: float = 0.0,
        c2: float = 1.0,
        observed: bool = False,
        min_count: int = 1,
        init: CRF | None = None,
        dev: Dataset | None = None,
        patience: int = 10,
        workers: int = 1,
        settings: Settings | None = None,
        progress: Callable[[Progress], None] | None = None,
        names: Sequence[str] = (),
        edge_names: Sequence[str] = (),
    ) -> MEMM:
        """The model that minimises -log p + c1 |w| + c2 w**2; all else as :meth:`.crf.CRF.train` says.

        Raises InputError for labels that are left open: a choice needs the label beside it.
        """
        _check_training(data, scheme, c1, c2)
        if data.allowed is not None:
            raise InputError("data set: expected one label a position; a MEMM cannot learn from labels left open")
        made = _BothWays if both else _OneWay
        with Team(workers) as team:
            function = _Choices(data, c1=c1, c2=c2, observed=observed, min_count=min_count, team=team)
            function.both = both
            watch = _Watch(made, function, scheme, dev, patience, progress)
            start = None if init is None else function.collect(*init._fitting(data, scheme))
            result = minimize(function, start, team=team, settings=settings, watch=watch)
            weights = watch.best_weights if watch.best_weights is not None else result.weights
            return made(scheme, *function.expand(weights), names=names, edge_names=edge_names)

    def _chains(self, data: Dataset, constraints: Constraints | None) -> tuple[Any, ...]:
        starts, scores, edges, *rest = super()._chains(data, constraints)
        kernels.local_scores(starts, scores, edges, len(self.labels), int(self.both))
        if not abs(sum(scores)) < float("inf"):
            raise ModelError("weights: expected numbers whose exponentials are in reach, got some beyond reason")
        return starts, scores, edges, *rest

    def to_sections(self, single: bool = False) -> tuple[dict[str, Any], dict[str, Section]]:
        header, sections = super().to_sections(single)
        return {**header, "both": self.both}, sections

    @classmethod
    def from_sections(cls, header: Mapping[str, Any], sections: Mapping[str, Any]) -> MEMM:
        if cls is MEMM:
            return (_BothWays if header.get("both") else _OneWay).from_sections(header, sections)
        found = super().from_sections(header, sections)
        assert isinstance(found, MEMM)
        return found


class _BothWays(MEMM):
    both = True


class _OneWay(MEMM):
    both = False


class _Choices(Likelihood):
    """The likelihood of labels each of which is a choice, given its neighbour."""

    both = True

    def _losses(self, table: Any, edges: Any, begin: int, end: int) -> float:
        data = self.data
        first, last = data.starts[begin], data.starts[end]
        shape = self.offsets, self.items, self.amounts, self.factors
        kernels.sum_rows(*shape, b"", table, self.width, first, last, self.scores)
        sums = self.sums[begin]
        sums[:] = array("d", bytes(8 * len(sums)))
        both = int(self.both)
        losses = kernels.local_losses(data.starts, self.scores, edges, self.labels, self.width, begin, end, both, sums)
        return float(losses)
