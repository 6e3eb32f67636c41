"""``eval``: how well a segmentation, or the brackets of trees, agree with others."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .arguments import add_verb, encoding, positive
from .console import Console
from .streams import put, report_reading

if TYPE_CHECKING:
    from ..errors import InputError
    from ..evaluation import Interval, LineCounts, Scores

# What is taken where no number is given, and the lines below which there is a warning of the bootstrap.
RESAMPLES, DIFFERENCES, FEW_LINES = 1000, 20, 30


def evaluate(options: argparse.Namespace, console: Console) -> None:
    """The numbers of the SIGHAN scoring script; if asked for, what differs, how sure they are, a second system."""
    from ..evaluation import KINDS, differences
    from ..text.corpus import Corpus
    from ..words.lexicon import Lexicon

    if options.trees:
        return _evaluate_trees(options, console)
    known = set(Lexicon.load(options.known)) if options.known else None
    paths = [path for path in (options.gold, options.system, options.versus) if path is not None]
    corpora = [Corpus([path], encoding=options.encoding, errors=options.errors) for path in paths]
    resamples = options.bootstrap or (RESAMPLES if options.versus is not None else 0)
    # What is gone through more than once is held, as standard input comes but once; plain scores take line by line.
    lines: list[Iterable[str]] = [list(text) if resamples or options.differences else text for text in corpora]
    facts: dict[str, Any] = {}
    for place, prefix in enumerate(("", "versus_")[: len(paths) - 1], 1):
        scores = _scores(lines[0], lines[place], known, (options.gold, paths[place]), console)
        facts |= {prefix + name: value for name, value in scores._asdict().items()}
    for corpus in corpora:
        report_reading(corpus, console)
    if resamples:
        facts |= _certainty(lines, resamples, options.seed, console)
    facts = {name: _known_only(value) for name, value in facts.items()}
    if options.differences:
        found = differences(*(map(str.split, side) for side in lines[:2]))
        kinds = {kind: [difference for difference in found if difference.kind == kind] for kind in KINDS}
        facts |= {kind: sum(difference.count for difference in some) for kind, some in kinds.items()}
        shown = (difference for some in kinds.values() for difference in some[: options.differences])
        facts["differences"] = [difference._asdict() for difference in shown]
    put(json.dumps(facts, ensure_ascii=False) + "\n" if options.json else _fact_rows(facts))


def _scores(
    gold: Iterable[str], system: Iterable[str], known: set[str] | None, paths: tuple[str, str], console: Console
) -> Scores:
    """The scores of one system; errors and notes name the files."""
    from ..errors import InputError
    from ..evaluation import segmentation_scores

    try:
        scores = segmentation_scores(map(str.split, gold), map(str.split, system), known=known)
    except InputError as error:
        raise _of_file(error, paths) from None
    if scores.differing_lines:
        console.note(
            f"{paths[1]}: {scores.differing_lines:,} of {scores.lines:,} lines hold other characters than "
            f"{paths[0]}; their words are aligned as the scoring script does"
        )
    return scores


def _of_file(error: InputError, paths: tuple[str, str]) -> InputError:
    """The error with the file in the place of the side."""
    side, _, rest = str(error).partition(": ")
    return type(error)(f"{paths[side == 'system']}: {rest}") if side in ("gold", "system") else error


def _evaluate_trees(options: argparse.Namespace, console: Console) -> None:
    """Unlabelled precision, recall and F1 of brackets."""
    from ..errors import InputError
    from ..evaluation import bracket_scores
    from ..text.corpus import Corpus

    wrong = ("known", "bootstrap", "versus", "differences")
    if given := [name for name in wrong if getattr(options, name)]:
        options.usage(f"--trees goes without --{given[0].replace('differences', 'errors N')}")
    paths = (options.gold, options.system)
    gold, system = (Corpus([path], encoding=options.encoding, errors=options.errors) for path in paths)
    try:
        scores = bracket_scores(_spans(gold, "gold"), _spans(system, "system"))
    except InputError as error:
        raise _of_file(error, paths) from None
    for corpus in (gold, system):
        report_reading(corpus, console)
    facts = {name: _known_only(value) for name, value in scores._asdict().items()}
    put(json.dumps(facts, ensure_ascii=False) + "\n" if options.json else _fact_rows(facts))


def _spans(lines: Iterable[str], side: str) -> Iterator[tuple[Sequence[str], list[tuple[int, int]]]]:
    """The words and the brackets of every line."""
    from ..errors import InputError
    from ..syntax.tree import Tree

    for number, line in enumerate(lines, 1):
        try:
            tree = Tree.from_brackets(line)
        except InputError as error:
            raise InputError(f"{side}: line {number}: {error}") from None
        yield tree.words, tree.spans()


def _certainty(lines: list[Iterable[str]], resamples: int, seed: int, console: Console) -> dict[str, Any]:
    """95 % intervals of the rates, and the paired test where there are two systems."""
    from ..evaluation import bootstrap, line_counts, paired_bootstrap

    def counts(side: Iterable[str]) -> list[LineCounts]:
        return line_counts(map(str.split, lines[0]), map(str.split, side))

    tables = [counts(side) for side in lines[1:]]
    facts: dict[str, Any] = {"resamples": resamples, "seed": seed}
    drawn = 0
    for prefix, table in zip(("", "versus_"), tables, strict=False):
        *intervals, drawn, _ = bootstrap(table, resamples=resamples, seed=seed, progress=console.progress)
        for name, interval in zip(("precision", "recall", "f1"), intervals, strict=True):
            facts[f"{prefix}{name}_interval"] = interval
    if len(tables) == 2:
        result = paired_bootstrap(*tables, resamples=resamples, seed=seed, progress=console.progress)
        facts |= {"f1_difference": result.difference, "f1_difference_interval": result.interval}
        facts["p_value"] = result.p_value
    if drawn < FEW_LINES:
        console.note(f"few lines for a bootstrap ({drawn}): intervals and p-value look surer than they are")
    return facts


def _fact_rows(facts: dict[str, Any]) -> str:
    """A name and a value by line, rates of nothing left out; then a table of the differences.

    >>> facts = {"f1": 2 / 3, "oov_recall": None, "f1_interval": [0.61, 0.72], "f1_difference": 0.0125, "split": 49}
    >>> print(_fact_rows(facts).expandtabs(24), end="")
    f1                      0.667
    f1_interval             0.6100                  0.7200
    f1_difference           +0.0125
    split                   49
    """
    forms = {"f1_difference": "+.4f", "p_value": ".3g"}
    rows = []
    for name, value in facts.items():
        if isinstance(value, float):
            rows.append(f"{name}\t{value:{forms.get(name, '.3f')}}\n")
        elif isinstance(value, int) and not name.endswith("differing_lines"):
            rows.append(f"{name}\t{value}\n")
        elif name.endswith("_interval") and value is not None:
            rows.append(f"{name}\t{value[0]:.4f}\t{value[1]:.4f}\n")
    if "differences" in facts:
        rows.append("\nkind\tgold -> system\tcount\tfirst line\n")
        for found in facts["differences"]:
            change = f"{'/'.join(found['gold'])} -> {'/'.join(found['system'])}"
            rows.append(f"{found['kind']}\t{change}\t{found['count']}\t{found['line']}\n")
    return "".join(rows)


def _known_only(value: float | Interval) -> object:
    """What JSON can say: a rate, the two ends of an interval, null for a rate of nothing."""
    if isinstance(value, tuple):
        return None if math.isnan(value[0]) else list(value)
    return None if math.isnan(value) else value


class _EvalErrors(argparse.Action):
    """``eval --errors`` asks for a list of errors by a number; a word says, as elsewhere, what bad bytes become."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        if values in ("strict", "replace", "skip"):
            namespace.errors = values
            return
        try:
            namespace.differences = positive(str(values))
        except argparse.ArgumentTypeError:
            expected = "a whole number of at least 1, such as 20, or strict, replace or skip"
            raise argparse.ArgumentError(self, f"expected {expected}, got {values!r}") from None


def add(verbs: Any) -> None:
    """Add ``eval``."""
    purpose = "precision, recall, F1 and OOV recall, as the SIGHAN script counts; of the brackets of trees with --trees"
    verb = add_verb(verbs, "eval", evaluate, purpose)
    verb.add_argument("gold", metavar="GOLD", help="words separated by spaces")
    verb.add_argument("system", metavar="SYSTEM", help="the same lines in the words to be scored")
    verb.add_argument(
        "--trees",
        action="store_true",
        help="both files hold a tree a line, such as ((我 的) (苹果 好 吃)): unlabelled brackets without punctuation",
    )
    verb.add_argument("--known", metavar="LEXICON", help="words seen in training: gives OOV rate and recalls")
    verb.add_argument(
        "--errors",
        action=_EvalErrors,
        nargs="?",
        const=str(DIFFERENCES),
        default="strict",
        metavar="N|MODE",
        help=f"a number (default: {DIFFERENCES}): count the differences by kind (split, merge, crossing, characters), "
        "list the N most frequent of each; strict, replace or skip: what undecodable bytes become, as with other verbs",
    )
    verb.add_argument(
        "--bootstrap",
        type=positive,
        nargs="?",
        const=RESAMPLES,
        metavar="R",
        help=f"95 %% intervals of P, R and F1 from R resamples of the lines (default: {RESAMPLES})",
    )
    verb.add_argument(
        "--versus", metavar="SYSTEM2", help="a second system: difference of F1, its interval and p-value, by bootstrap"
    )
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of the resamples; default: 0")
    verb.add_argument("--json", action="store_true", help="everything as one JSON object")
    verb.add_argument("--encoding", type=encoding, default="utf-8", metavar="NAME", help="default: utf-8")
    verb.set_defaults(differences=0)
