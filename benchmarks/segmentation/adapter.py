"""Segmenters as the shared bench_segment.py wants them: a factory without arguments, a callable str -> list of words.

    python ../shared/bench/bench_segment.py --text TEXT --peers "jieba HMM=False" --call ours=benchmarks.segmentation.adapter:ours

BENCH_MODEL names our model file, BENCH_LEXICON the same words for jieba ("word count" a line), BENCH_LEARNT a model
learnt by method `bayes`.
"""  # noqa: E501

import os
from collections.abc import Callable
from functools import partial

Cut = Callable[[str], list[str]]


def ours() -> Cut:
    """nlp-zero with the model of BENCH_MODEL; NLP_ZERO_PURE chooses the engine as everywhere."""
    from nlp_zero import Tokenizer

    cut: Cut = Tokenizer.load(os.environ["BENCH_MODEL"]).tokenize
    return cut


def ours_python() -> Cut:
    """The same in the pure engine."""
    os.environ["NLP_ZERO_PURE"] = "1"
    return ours()


def learnt() -> Cut:
    """nlp-zero with the model of BENCH_LEARNT."""
    from nlp_zero import Tokenizer

    cut: Cut = Tokenizer.load(os.environ["BENCH_LEARNT"]).tokenize
    return cut


def learnt_plain() -> Cut:
    """The words and counts of that model alone, as a plain lexicon."""
    from nlp_zero import Tokenizer

    cut: Cut = Tokenizer(dict(Tokenizer.load(os.environ["BENCH_LEARNT"]).lexicon.counts())).tokenize
    return cut


def rjieba_plain() -> Cut:
    """rjieba without its HMM."""
    import rjieba

    return partial(rjieba.cut, hmm=False)


def jieba_same_words() -> Cut:
    """jieba, HMM off, with exactly the words and counts of our model."""
    import jieba

    jieba.setLogLevel(60)
    tokenizer = jieba.Tokenizer(os.environ["BENCH_LEXICON"])
    tokenizer.initialize()
    return partial(tokenizer.lcut, HMM=False)
