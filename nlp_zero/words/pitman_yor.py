"""The Bayesian word model: sampled, steered, with word classes and a local expert (method ``bayes``).

From a first segmentation by branching entropies the text is segmented again and again, each chunk in turn, under a
Pitman-Yor model of words fed by all other chunks (:mod:`nlp_zero.kernels.sampling`; Mochihashi, Yamada & Ueda 2009).
The recipe has three stages, each of which hands on nothing but its segmentation:

1. **Words.** A unigram model. A word w of n symbols weighs p(w) exp(gamma A(w) + b (n - 1)), where A is n times its
   autonomy in bits (Magistry & Sagot 2012). The prior of word lengths is learnt from the words seen at least twice,
   and the bonus b is steered after each sweep so that the share q1 of one-symbol words among all draws from the base
   measure comes to :data:`nlp_zero.words.chain.TARGET`: on news that share, not gamma, is what quality depends on.
2. **Classes**, four times. Words are clustered by their neighbours (:mod:`nlp_zero.words.classes`), pairs of one-symbol
   words that the model would rather see joined are joined everywhere at once (:mod:`nlp_zero.words.merging`; token by
   token the sampler cannot get there), and the sampler goes on with the classes of neighbours in its weights.
3. **Expert.** The same five times more, with a logistic model of boundaries by the symbols around them, each half of
   the text judged by what was learnt on the other (:mod:`nlp_zero.kernels.experts`).

A round of classes or with the expert is short, one sampled sweep and one that takes the best: what a round can change
it changes in its first sweep, and what lets the chain go on are new classes, new merges, a new expert.

Before that, a text whose parts are too unlike for one rule is taken apart (:mod:`nlp_zero.words.genres`); and a *gate*
(:mod:`nlp_zero.words.gate`) sees to it that none of this is done where every symbol is a word. Several *chains* with
seeds of their own may run side by side, in threads; then they vote on each boundary (:mod:`nlp_zero.words.vote`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import Any, NamedTuple

from .. import kernels
from .chain import Chain, Settings, Substrings, Sweep
from .gate import Verdict, judge
from .genres import Genre, genres
from .prior import Prior
from .rules import Signs
from .symbols import WORD_LIMIT
from .vote import majority

__all__ = ["Outcome", "Progress", "Report", "Settings", "Stage", "Sweep", "schedule", "segment"]


EXPERT = "expert"
"""How the names of the stages with the expert begin."""

STOPPED = "stopped after sweep"
"""The fact that a Ctrl-C ended the sampling."""


class Stage(NamedTuple):
    """A part of the recipe: so many sampled sweeps, then so many that take the best segmentation."""

    name: str
    sampled: int
    final: int

    @property
    def sweeps(self) -> int:
        return self.sampled + self.final


class Progress(NamedTuple):
    """A sweep has ended: ``done`` of ``total``, over all chains."""

    done: int
    total: int
    chain: int  # from 1
    sweep: Sweep

    def describe(self) -> str:
        """Stage, sweep, length of the description, words, for people."""
        sweep = self.sweep
        place = f"chain {self.chain}, {sweep.stage}, sweep {sweep.number} of {sweep.total}"
        return f"{place}: {sweep.bits:.2f} bits a symbol, {sweep.words:,} words"


class Outcome(NamedTuple):
    """A segmentation, and what was observed and chosen on the way."""

    lengths: bytes
    facts: dict[str, Any]


Report = Callable[[Progress], None]


def schedule(settings: Settings) -> list[Stage]:
    """The stages of a chain, in order.

    >>> sum(stage.sweeps for stage in schedule(Settings()))
    32
    """
    rounds = [Stage(f"classes {number + 1}", 1, 1) for number in range(settings.rounds)]
    experts = range(settings.expert_rounds if settings.expert else 0)
    return [Stage("words", 11, 3), *rounds, *(Stage(f"{EXPERT} {number + 1}", 1, 1) for number in experts)]


def segment(
    ids: array[int],
    scores: bytes,
    settings: Settings,
    report: Report = lambda progress: None,
    *,
    chains: int = 1,
    workers: int = 1,
    keep_going: bool = False,
    prior: Prior | None = None,
    signs: Signs | None = None,
) -> Outcome:
    """The segmentation of a text by the whole recipe. ``scores`` as :func:`nlp_zero.kernels.branching` gives them.

    ``chains`` chains with the seeds seed, seed + 1, ... run in ``workers`` threads; the result does not depend on the
    number of threads. ``prior``: what is known of words beforehand. ``signs``: the symbols that the rules by hand
    speak of (:mod:`nlp_zero.words.rules`), if ``settings.rules``. With ``keep_going`` a Ctrl-C ends the sampling, and
    what the last complete sweep of each chain left is the result. About 30 sweeps a chain, O(n) each; in C one takes
    0.3 to 0.5 s for three million symbols.
    """
    options = _Options(settings, chains, workers, keep_going, prior, signs or Signs())
    start = kernels.segment(ids, memoryview(scores).cast("h"), settings.max_length, 0)
    parts = genres(ids, start)
    own = [scores]
    del scores  # 27 MB for three million symbols, if the caller has let go of them too
    if len(parts) == 1:
        return _segment_one(ids, own, start, options, report)
    own.clear()
    return _segment_each(ids, parts, start, options, report)


class _Options(NamedTuple):
    """What :func:`segment` was asked for."""

    settings: Settings
    chains: int
    workers: int
    keep_going: bool
    prior: Prior | None
    signs: Signs


def _segment_one(ids: array[int], scores: list[bytes], start: bytes, options: _Options, report: Report) -> Outcome:
    """A text of one genre; ``scores`` is emptied when they are no longer needed."""
    settings = options.settings
    verdict = judge(ids, settings)
    if verdict.one_symbol:
        return Outcome(bytes(1 if 0 < symbol < WORD_LIMIT else 0 for symbol in ids), verdict.facts())
    text = Substrings(ids, scores.pop(), settings.max_length, options.prior)
    if settings.rules:
        text.bar(options.signs)
    runs = _Runs(text, start, settings, options.chains, report)
    try:
        runs.run(options.workers)
    except KeyboardInterrupt:
        if not options.keep_going:
            raise
        facts = {**runs.facts(verdict), STOPPED: f"{runs.done} of {runs.total}"}
        return Outcome(majority(ids, runs.kept, settings.max_length), facts)
    return Outcome(majority(ids, runs.kept, settings.max_length), runs.facts(verdict))


def _segment_each(ids: array[int], parts: list[Genre], start: bytes, options: _Options, report: Report) -> Outcome:
    """Each genre as if it were alone; a Ctrl-C leaves those that have not begun as they were at the start."""
    width = options.settings.max_length
    sweeps = options.chains * sum(stage.sweeps for stage in schedule(options.settings))
    lengths, done = bytearray(start), 0
    facts: dict[str, Any] = {
        "genres": len(parts),
        "genres: share of the text": [round(part.size / len(ids), 4) for part in parts],
        "genres: symbols a word at the start": [round(part.mean, 4) for part in parts],
    }
    for number, part in enumerate(parts):
        name = f"genre {number + 1}"

        def tell(state: Progress, name: str = name, before: int = number * sweeps) -> None:
            nonlocal done
            done = before + state.done
            sweep = state.sweep._replace(stage=f"{name}, {state.sweep.stage}")
            report(Progress(done, len(parts) * sweeps, state.chain, sweep))

        try:
            own = part.of(ids)
            scores = [kernels.branching(own, width, len(own) + 1, True)[0]]
            first = kernels.segment(own, memoryview(scores[0]).cast("h"), width, 0)
            outcome: Outcome | None = _segment_one(own, scores, first, options, tell)
        except KeyboardInterrupt:
            if not options.keep_going or not done:
                raise
            outcome = None
        if outcome is not None:
            part.put(outcome.lengths, lengths)
            facts.update((f"{name}, {fact}", value) for fact, value in outcome.facts.items() if fact != STOPPED)
        if outcome is None or STOPPED in outcome.facts:
            facts[STOPPED] = f"{done} of {len(parts) * sweeps}"
            break
    return Outcome(bytes(lengths), facts)


class _Stopped(Exception):
    """Raised inside a chain when another thread wants it to end."""


class _Runs:
    """Chains over one text, and what each last left complete."""

    def __init__(
        self,
        text: Substrings,
        start: bytes,
        settings: Settings,
        chains: int,
        report: Report,
    ) -> None:
        self.text, self.start, self.settings = text, start, settings
        self.report = report
        self.stages = schedule(settings)
        self.total = chains * sum(stage.sweeps for stage in self.stages)
        self.done = 0
        self.kept = [start] * chains
        self.last: list[dict[str, Sweep]] = [{} for _ in range(chains)]
        self.merged: list[list[int]] = [[] for _ in range(chains)]
        self.stop = Event()
        self.lock = Lock()

    def run(self, workers: int) -> None:
        """All chains; one alone runs in the calling thread, where a Ctrl-C ends even a sweep."""
        if len(self.kept) == 1:
            self._chain(0)
            return
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._chain, number) for number in range(len(self.kept))]
            try:
                wait(futures)
            except KeyboardInterrupt:
                self.stop.set()
                raise
        for future in futures:
            future.result()

    def _chain(self, number: int) -> None:
        try:
            self._sample(number)
        except _Stopped:
            pass
        except BaseException:
            self.stop.set()  # Whatever ends one chain ends the others too.
            raise

    def _sample(self, number: int) -> None:
        settings = self.settings._replace(seed=self.settings.seed + number)
        chain = Chain(self.text, self.start, settings)
        self.merged[number] = chain.merged

        def report(sweep: Sweep) -> None:
            self._tell(number, sweep, bytes(chain.lengths))

        for stage in self.stages:
            if stage.name == "words":
                chain.words_stage(stage.sampled, stage.final, report)
            else:
                chain.class_stage(stage.name, stage.sampled, stage.final, report, stage.name.startswith(EXPERT))

    def _tell(self, number: int, sweep: Sweep, lengths: bytes) -> None:
        with self.lock:
            self.kept[number] = lengths
            self.last[number][sweep.stage] = sweep
            self.done += 1
            self.report(Progress(self.done, self.total, number + 1, sweep))
        if self.stop.is_set():
            raise _Stopped

    def facts(self, verdict: Verdict) -> dict[str, Any]:
        """What was observed and chosen, in the order in which it happened; several chains as lists."""
        facts = verdict.facts()
        for stage in self.stages:
            sweeps = [last[stage.name] for last in self.last if stage.name in last]
            if sweeps:
                facts[f"{stage.name}: share of one-symbol words"] = _one([round(sweep.share, 4) for sweep in sweeps])
                facts[f"{stage.name}: words"] = _one([sweep.words for sweep in sweeps])
            if sweeps and stage.name == "words":
                facts["words: target of the share"] = self.settings.target
                facts["words: bonus, nats a symbol"] = _one([round(sweep.bonus, 4) for sweep in sweeps])
        for place, counts in enumerate(zip(*self.merged, strict=False), 1):
            facts[f"merges, round {place}"] = _one(list(counts))
        return facts


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
