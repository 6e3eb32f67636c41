"""The Bayesian word model: sampled, steered, with word classes and a local expert (method ``bayes``).

From a first segmentation by branching entropies the text is segmented again and again, each chunk in turn, under a
Pitman-Yor model of words fed by all other chunks (:mod:`nlp_zero.kernels.sampling`; Mochihashi, Yamada & Ueda 2009).
The recipe has three stages, each of which hands on nothing but its segmentation:

1. **Words.** A unigram model. A word w of n symbols weighs p(w) exp(gamma A(w) + b (n - 1)), where A is n times its
   autonomy in bits (Magistry & Sagot 2012). The prior of word lengths is learnt from the words seen at least twice,
   and the bonus b is steered after each sweep so that the share q1 of one-symbol words among all draws from the base
   measure comes to :data:`nlp_zero.words.chain.TARGET`: on news that share, not gamma, is what quality depends on.
2. **Classes**, twice. Words are clustered by their neighbours (:mod:`nlp_zero.words.classes`), pairs of one-symbol
   words that the model would rather see joined are joined everywhere at once (:mod:`nlp_zero.words.merging`; token by
   token the sampler cannot get there), and the sampler goes on with the classes of neighbours in its weights.
3. **Expert.** Once more, with a logistic model of boundaries by the symbols around them, each half of the text judged
   by what was learnt on the other (:mod:`nlp_zero.kernels.experts`).

A *gate* comes first (:mod:`nlp_zero.words.gate`): where every symbol is a word, none of this is done.
"""

from __future__ import annotations

from array import array

from .. import kernels
from .chain import Chain, Report, Settings, Sweep
from .gate import is_one_symbol_text
from .symbols import WORD_LIMIT

__all__ = ["Settings", "Sweep", "segment"]


def segment(ids: array[int], scores: bytes, settings: Settings, report: Report) -> bytes:
    """The segmentation of a text by the whole recipe. ``scores`` as :func:`nlp_zero.kernels.branching` gives them.

    About 30 sweeps; O(n) each, n symbols. In C a sweep takes 0.3 to 0.5 s for three million symbols.
    """
    if is_one_symbol_text(ids, settings):
        return bytes(1 if 0 < symbol < WORD_LIMIT else 0 for symbol in ids)
    lengths = kernels.segment(ids, memoryview(scores).cast("h"), settings.max_length, 0)
    chain = Chain(ids, scores, lengths, settings)
    chain.words_stage(11, 3, report)
    for number in range(settings.rounds):
        chain.class_stage(f"classes {number + 1}", 3, 1, report)
    if settings.expert:
        chain.class_stage("expert", 4, 2, report, with_expert=True)
    return bytes(chain.lengths)
