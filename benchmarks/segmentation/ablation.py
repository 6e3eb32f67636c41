"""Every part of the recipe of method `bayes` that stayed in, switched off one at a time.

    python -m benchmarks.segmentation.ablation [--seeds 1,2] [--only steer,merge] [--out FILE]

Parts that can be switched are the true-or-false fields of the recipe's Settings; numbers that stand for a part are in
EXTRAS (of the last two, one is the default). A row scores the model: learn, then cut the lines of every gold set by
what was learnt. The second table scores the segmentation that the chain itself came to, on the sets that lie in its
text. UD dev and the tails are what settings are chosen on; PKU and MSR report. About 20 s a row and seed.
"""

import sys
from collections.abc import Iterator
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks import measure
from benchmarks.segmentation.inner import learn, own_cut
from benchmarks.segmentation.scores import score_lines, seeds, segmented, spread
from benchmarks.segmentation.texts import TESTS, lines
from nlp_zero import Tokenizer
from nlp_zero.words.pitman_yor import Settings
from nlp_zero.words.symbols import SymbolText

CHOSEN_ON = ("uddev", "pku_tail", "msr_tail")
SETS = (*CHOSEN_ON, "pku", "msr")
EXTRAS: dict[str, dict[str, Any]] = {
    "no round with classes": {"rounds": 0},
    "one round with classes": {"rounds": 1},
    "three rounds with classes": {"rounds": 3},
    "words alone: no classes, no expert": {"rounds": 0, "expert": False},
    "classes without weight (class_power 0)": {"class_power": 0.0},
    "no autonomy in the words (gamma 0)": {"gamma": 0.0},
    "no autonomy in the classes (class_gamma 0)": {"class_gamma": 0.0},
    "theta 1000 instead of 20000 (strength)": {"strength": 1000.0},
    "words of up to 6 symbols (max_length)": {"max_length": 6},
    "words seen once in the lexicon too (min_count 1)": {"min_count": 1},
    "no words in the lexicon that were seen once (min_count 2)": {"min_count": 2},
}
OF_THE_FINDER = ("max_length", "min_count")
FULL = "the whole recipe"
PLAIN = "its words as a plain lexicon"


class Run(NamedTuple):
    """F1 of the model on every set, of its words as a plain lexicon, of the chain's own segmentation; words found, CPU
    seconds."""

    model: dict[str, float]
    plain: dict[str, float]
    own: dict[str, float]
    words: int
    seconds: float


def variants() -> dict[str, dict[str, Any]]:
    """What is tried: a title, and the settings that it changes.

    >>> variants()["without steer"]
    {'steer': False}
    """
    found: dict[str, dict[str, Any]] = {FULL: {}}
    for name, value in Settings()._asdict().items():
        if isinstance(value, bool):
            found[f"{'without' if value else 'with'} {name}"] = {name: not value}
    known = {*Settings._fields, *OF_THE_FINDER}
    return found | {title: changes for title, changes in EXTRAS.items() if known.issuperset(changes)}


def run(
    raw: list[str], coded: SymbolText, golds: dict[str, list[list[str]]], seed: int, changes: dict[str, Any]
) -> Run:
    """Learn once and score."""
    outer = {name: value for name, value in changes.items() if name in OF_THE_FINDER}
    inner = {name: value for name, value in changes.items() if name not in outer}
    learnt = learn(raw, changes=inner, seed=seed, **outer)
    model, plain = (cut_f1(one, golds) for one in (learnt.tokenizer, Tokenizer(learnt.finder.find())))
    inside = [line for name in TESTS for line in golds[name]]
    own_lines, own, start = own_cut(coded, learnt.lengths, len(inside)), {}, 0
    for name in TESTS:
        end = start + len(golds[name])
        own[name] = score_lines(golds[name], own_lines[start:end]).f1
        start = end
    return Run(model, plain, own, len(learnt.finder.find()), learnt.seconds)


def cut_f1(tokenizer: Tokenizer, golds: dict[str, list[list[str]]]) -> dict[str, float]:
    """F1 of a tokenizer on the lines of every set."""
    cuts = {name: tokenizer.tokenize_lines(["".join(words) for words in gold]) for name, gold in golds.items()}
    return {name: score_lines(golds[name], cut).f1 for name, cut in cuts.items()}


def rows(runs: dict[str, list[Run]], names: tuple[str, ...], kind: str) -> Iterator[list[str]]:
    """One row a variant: mean F1, and in brackets what it is above the whole recipe, in thousandths."""
    full = {name: fmean(getattr(one, kind)[name] for one in runs[FULL]) for name in names}
    for title, some in runs.items():
        cells = []
        for name in names:
            values = [getattr(one, kind)[name] for one in some]
            less = 1000 * (fmean(values) - full[name])
            cells.append(spread(values) if title == FULL else f"{fmean(values):.4f} ({less:+.1f})")
        words, seconds = fmean(one.words for one in some), fmean(one.seconds for one in some)
        yield [title, *cells, *([f"{words:,.0f}", f"{seconds:.1f} s"] if kind == "model" else [])]


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--seeds", default="1,2", help="separated by commas")
    parser.add_argument("--only", help="fields or words of titles, separated by commas: these variants alone")
    parser.add_argument("--text", help="another raw text; it has to end with the lines of PKU, MSR and UD dev")
    options = measure.begin(parser)
    text, *golds = measure.needed(options.work, "protocol.txt", *(f"{name}_gold.txt" for name in SETS))
    text = type(text)(options.text) if options.text else text
    gold = {name: segmented(path) for name, path in zip(SETS, golds, strict=True)}
    raw = lines(text)
    coded = SymbolText(raw, numerals=True)
    chosen = [
        FULL,
        *(title for title in variants() if any(word in title for word in (options.only or title).split(","))),
    ]
    runs: dict[str, list[Run]] = {}
    for title in dict.fromkeys(chosen):
        for seed in seeds(options.seeds):
            runs.setdefault(title, []).append(run(raw, coded, gold, seed, variants()[title]))
            print(f"{title}, seed {seed} done", file=sys.stderr, flush=True)
    shown = {FULL: runs[FULL], PLAIN: [one._replace(model=one.plain) for one in runs[FULL]]} | runs
    notes = [
        f"Means over seeds {options.seeds}; in brackets the difference to the whole recipe, in thousandths; of the",
        "whole recipe the least and the greatest F1. Differences below 3 are within what a seed moves.",
    ]
    parts = [
        measure.header("Parts of the recipe switched off, F1", [text]),
        f"The model cuts the gold lines; settings are chosen on {', '.join(CHOSEN_ON)}, PKU and MSR report.\n",
        measure.table(["recipe", *SETS, "words", "learn"], rows(shown, SETS, "model")),
        "\nThe chain's own segmentation of its text:\n",
        measure.table(["recipe", *TESTS], rows(runs, TESTS, "own")),
        "",
        *notes,
    ]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
