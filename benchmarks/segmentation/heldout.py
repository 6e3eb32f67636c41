"""Text that was not in the raw text: F1 with and without the test text in it, and bits per character on that text.

    python -m benchmarks.segmentation.heldout [--seed 1] [--out FILE]          (about 2 minutes)

The protocol puts the test text, without its labels, into the raw text. Here it is learnt once with and once without
(PKU, MSR and UD dev left out, and every other line that equals one of theirs), and the test text is cut by the model
file's contents alone. Bits per character are those of the test text under what was learnt without it: minus the log
of its probability, summed over all segmentations, divided by its characters; ends are not predicted. Of a
word model this is an upper bound: it also leaves room for texts that end inside a word.
"""

import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from math import exp, log
from typing import Any

from benchmarks import measure
from benchmarks.segmentation.characters import Trigrams
from benchmarks.segmentation.inner import Learnt, learn
from benchmarks.segmentation.scores import score_lines, segmented
from benchmarks.segmentation.texts import TESTS, protocol
from nlp_zero import Tokenizer
from nlp_zero.words import expert
from nlp_zero.words.context import Context

HAN = re.compile("[\u4e00-\u9fff]+")
WORDS_ALONE: dict[str, Any] = {"rounds": 0, "expert": False}
PLAIN = "bayes, its words as a plain lexicon"
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "bayes, the whole recipe": ("bayes", {}),
    "bayes, unigram stage alone": ("bayes", WORDS_ALONE),
    "entropy (nVBE lexicon)": ("entropy", {}),
}


def bits_of(learnt: Learnt) -> Callable[[str], float]:
    """-log2 p of a line under a tokenizer, over all its segmentations."""
    tokenizer = learnt.tokenizer
    total = getattr(tokenizer, "log_probability", lambda line: tokenizer.lattice(line).log_partition())
    return lambda line: -total(line) / log(2)


def plain(learnt: Learnt) -> Learnt:
    """The same with its words as a plain lexicon: a unigram model."""
    return learnt._replace(tokenizer=Tokenizer(learnt.finder.find()))


def distribution(learnt: Learnt) -> Learnt:
    """The same as a distribution: no expert, and what follows each class sums to one.

    All words, a new one by its spelling among them, are one event: their chances sum to 1 + types / tokens, and behind
    a class to Z more, which is taken off the table of the classes.
    """
    lexicon = learnt.finder.find()
    tokenizer = learnt.tokenizer
    context: Context = tokenizer._data.context  # type: ignore[assignment]
    counts = lexicon.counts()
    total = sum(counts.values())
    shares = [0.0] * len(context.table())
    for word, kind in zip(sorted(counts), context.classes, strict=True):
        shares[kind] += counts[word] / total
    shares[context.pools[1]] += len(counts) / total
    ratios = array("f")
    for row in context.table():
        whole = log(sum(share * exp(ratio) for share, ratio in zip(shares, row, strict=True)))
        ratios.extend([ratio - whole if kind else 0.0 for kind, ratio in enumerate(row)])
    silent = expert.pack(array("f", bytes(4 * 65536)))
    plain_context = context._replace(ratios=ratios.tobytes(), expert=silent)
    return learnt._replace(tokenizer=Tokenizer(lexicon, context=plain_context))


def f1_rows(name: str, inside: Learnt, outside: Learnt, golds: dict[str, list[list[str]]]) -> Iterator[list[str]]:
    """F1 with the test text in the raw text, without it, and what that costs."""
    values = []
    for learnt in (inside, outside):
        cuts = {part: learnt.tokenizer.tokenize_lines(["".join(ws) for ws in gold]) for part, gold in golds.items()}
        values.append({part: score_lines(golds[part], cut).f1 for part, cut in cuts.items()})
    yield [name, "in the raw text", *(f"{values[0][part]:.4f}" for part in golds)]
    yield [name, "not in it", *(f"{values[1][part]:.4f} ({values[1][part] - values[0][part]:+.4f})" for part in golds)]


def stretches(lines: Iterable[str]) -> list[str]:
    """Every stretch of Han characters.

    >>> stretches(["今天2点，下雨"])
    ['今天', '点', '下雨']
    """
    return [found for line in lines for found in HAN.findall(line)]


def bits_row(name: str, bits: Callable[[str], float], tests: dict[str, list[str]]) -> list[str]:
    """Bits per character of each set, and of all of them."""
    sums = {part: sum(map(bits, lines)) for part, lines in tests.items()}
    sizes = {part: sum(map(len, lines)) for part, lines in tests.items()}
    print(f"{name}: bits done", file=sys.stderr, flush=True)
    cells = [f"{sums[part] / sizes[part]:.3f}" for part in tests]
    return [name, *cells, f"{sum(sums.values()) / sum(sizes.values()):.3f}"]


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, help="so many lines of the other text only, to try it out")
    options = measure.begin(parser)
    paths = measure.needed(options.work, *(f"{name}_gold.txt" for name in TESTS))
    golds = {name: segmented(path) for name, path in zip(TESTS, paths, strict=True)}
    rest, tests = protocol(options.work)
    inside = [line for part in tests.values() for line in part]
    known = set(inside)
    rest = [line for line in rest[-(options.lines or len(rest)) :] if line not in known]
    held = {part: stretches(some) for part, some in tests.items()}
    rates: list[list[str]] = []
    bits = [bits_row("character trigrams (Kneser-Ney)", Trigrams(stretches(rest)).bits, held)]
    for name, (method, changes) in METHODS.items():
        outside = learn(rest, method, changes, seed=options.seed)
        models = {name: outside}
        if method == "bayes":
            models[f"{name}, as a distribution"] = distribution(outside)
        if not changes:
            inside_too = learn(rest + inside, method, changes, seed=options.seed)
            rates += f1_rows(name, inside_too, outside, golds)
            if method == "bayes":
                rates += f1_rows(PLAIN, plain(inside_too), plain(outside), golds)
                models[PLAIN] = plain(outside)
        bits += [bits_row(title, bits_of(model), held) for title, model in models.items()]
    size = sum(map(len, rest))
    parts = [
        measure.header("Text that was not in the raw text", [options.work / "protocol.txt"]),
        measure.table(["method", "the test text is", *(f"{part} F1" for part in TESTS)], rates),
        "",
        f"Bits per Han character, learnt from {size:,} characters without the test text:",
        "",
        measure.table(["model", *TESTS, "all"], bits),
        "",
        f"Seed {options.seed}. Stretches of Han characters, each by itself: punctuation and numbers play no part. A",
        "new character costs the trigrams what is left of 14 bits, the word models what their spelling says. What",
        "`bayes` adds for neighbours and for the expert does not sum to one: such a row is a score; as a distribution",
        "(no expert, normalised) it is a code length. Nothing was chosen by these figures.",
    ]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
