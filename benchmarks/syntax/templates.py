"""Templates of laws and of novels: the article's checks, dense sentences, speed and memory, held-out bits, the best.

    python -m benchmarks.syntax.templates [--only checks,speed,laws,novels] [--out FILE.md]

Texts are a million words of ../shared/data's novels and of its laws, cut by the built-in model (signs counted).
Held-out text is every tenth line, the others are learnt from; bits are those of nlp_zero/syntax/heldout.py: every word,
template, length and filler of a slot, and every end of a stretch is paid, unknown words are spelt, in both columns
alike. What was learnt is no part of the held-out bits; the description of the text learnt from, in the curve, has it.
Times are CPU seconds, memory the peak of whole processes from start to exit. No setting was chosen on held-out lines:
the numbers of words, of candidates and of passes were chosen by the description length of the novels.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from math import log
from pathlib import Path

from benchmarks import measure
from benchmarks.network.terms import MILLION, TEXTS, cut, lines_of
from benchmarks.tagging.hmm import Encoded, raw, read, yardsticks
from nlp_zero import kernels
from nlp_zero.syntax.grammar import Grammar, Slot, Template
from nlp_zero.syntax.heldout import held_out_bits
from nlp_zero.syntax.paths import best_paths
from nlp_zero.syntax.templates import TemplateFinder

PARTS = ("checks", "speed", "novels", "laws")
SHOWN = 50
YARDSTICK_THEN = 0.24


def million(options: Namespace, name: str) -> Path:
    """A million words of a text, cut, in the work folder."""
    path: Path = options.work / ("million_words.txt" if name == "novels" else f"million_words_{name}.txt")
    if not path.is_file():
        left = MILLION
        with path.open("w", encoding="utf-8") as file:
            for words in cut(options.shared / "data" / TEXTS[name]):
                words = [word for word in words if not word.isspace()]
                file.write(" ".join(words) + "\n")
                left -= len(words)
                if left <= 0:
                    break
    return path


# ---- checks --------------------------------------------------------------------------------------------------------

ARTICLE = ("我爱你吗", "他爱她吗", "你好吗")
PMI = {"爱吗": 1.132229, "你吗": 1.132229, "我爱": 1.537694, "爱你": 0.844547, "他她": 2.230841}
PATHS = {(5, 5): 8, (10, 5): 236, (15, 5): 6930, (18, 5): 52656, (30, 5): 175514464, (50, 5): 1.305e14}
PATHS |= {(5, 3): 7, (10, 3): 149, (15, 3): 3136}


def checks(options: Namespace) -> str:
    """Section 10.1, number by number."""
    finder = TemplateFinder(2, measure="word_pmi", min_score=0.5 / log(2), min_count=1, min_g2=0, weigh=False).train(
        ARTICLE
    )
    scores = {pair.left + pair.right: pair.score * log(2) for pair in finder.pairs()}
    rows = [[f"PMI {pair[0]}, {pair[1]}, nats", f"{value:.6f}", f"{scores[pair]:.6f}"] for pair, value in PMI.items()]
    found = [f"{template} {template.count:.3f}" for words in ARTICLE for template in finder.sentence_templates(words)]
    rows.append(["pairs kept by PMI above .5", "all 11 (13 times)", f"{len(scores)}"])
    for (size, window), number in PATHS.items():
        paths = best_paths(range(size), lambda left, right: 1.0, window, 1)
        rows.append([f"paths of {size} linked words, window {window}", f"{number:.9g}", f"{1 / paths[0].share:.9g}"])
    lines = [
        measure.table(["section 10.1", "stated", "found"], rows),
        "",
        "Its templates, with shares: " + "; ".join(found),
    ]
    return "## Checks\n\n" + "\n".join(lines) + "\n"


def dense(options: Namespace) -> str:
    """Sentences of which all words are linked: sums over all paths, the pieces and the best whole paths."""
    rows = []
    for size in (50, 1000, 100_000):
        words = [f"w{place % 5}" for place in range(size)]
        finder = TemplateFinder(5, min_score=-99, min_count=1, min_g2=0, weigh=False).train([words])
        text = finder.text()
        kept = finder.links()
        ones = kept.ratios
        cells = []
        for engine in kernels.available()[::-1]:
            kernels.use(engine)
            start = time.process_time()
            kernels.path_pieces(text.tokens, kept.starts, kept.columns, ones, 5, 4, 0.05)
            cells.append(f"{time.process_time() - start:.4f}")
        kernels.use(kernels.available()[-1])
        start = time.process_time()
        finder.sentence_templates(words, 8)
        rows.append([f"{size:,}", *cells, f"{time.process_time() - start:.4f}"])
    engines = [f"pieces of paths, {engine}, s" for engine in kernels.available()[::-1]]
    return "\n" + measure.table(["linked words, window 5", *engines, "8 best whole templates, s"], rows) + "\n"


# ---- speed ---------------------------------------------------------------------------------------------------------


def yardstick(options: Namespace) -> float | None:
    """Seconds that the plain loop of benchmarks.tagging.hmm takes for a million characters; None where it is not."""
    bench = yardsticks(options.shared)
    if bench is None:
        return None
    train_path, gold_path = measure.needed(options.work, "msr_tail_gold.txt", "msr_gold.txt")
    lines = raw(read(gold_path))
    encoded = Encoded(bench, read(train_path), lines)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        encoded.plain()
        seconds.append(time.process_time() - start)
    return 1e6 * min(seconds) / sum(map(len, lines))


def speed(options: Namespace) -> str:
    """Whole processes on a million words of novels; beside the machine's speed at that hour."""
    path = million(options, "novels")
    rows = []
    plain = yardstick(options)
    with tempfile.TemporaryDirectory() as folder:
        for engine, pure in (("C", "0"), ("Python", "1")):
            for what, more in (("templates, classes", ["--no-brackets"]), ("and brackets", [])):
                command = [*measure.OURS, "templates", str(path), "--segmented", "-q", "-o", f"{folder}/t.tsv", *more]
                spent = [
                    measure.spend(command, NLP_ZERO_PURE=pure) for _ in range(options.rounds if pure == "0" else 1)
                ]
                seconds = min(one.seconds for one in spent)
                scaled = "" if plain is None else f"{seconds * YARDSTICK_THEN / plain:.1f}"
                rows.append([what, engine, f"{seconds:.1f}", scaled, f"{max(one.megabytes for one in spent):.0f}"])
    again = yardstick(options)
    head = ["`nlp-zero templates` on a million words", "engine", "CPU s", "at the yardstick's speed, s", "MB"]
    note = "" if plain is None or again is None else (
        f"\nThe yardstick, the plain loop of benchmarks/tagging/hmm.py, took {plain:.3f} s for a million characters "
        f"before and {again:.3f} s after; the figures to be reached were set where it takes {YARDSTICK_THEN} s.\n"
    )  # fmt: skip
    return f"## Speed\n\n{measure.table(head, rows)}\n{note}"


# ---- texts ---------------------------------------------------------------------------------------------------------


def lines(path: Path, held: bool) -> Iterator[list[str]]:
    """Every tenth line, or the others."""
    for number, words in enumerate(lines_of(str(path))):
        if (number % 10 == 9) == held:
            yield words


def text(options: Namespace, name: str) -> str:
    """The curve, held-out bits, the best templates, some classes."""
    path = million(options, name)
    finder = TemplateFinder().train(lines(path, False))
    grammar = finder.find()
    curve = [
        [step.number, step.templates, step.classes, f"{step.data:,.0f}", f"{step.grammar:,.0f}", f"{step.total:,.0f}"]
        for step in finder.curve
    ]
    held = held_out_bits(finder, lines(path, True))
    bits = [
        [
            *(f"{number:,.0f}" for number in held),
            f"{held.alone / held.words:.3f}",
            f"{held.templates / held.words:.3f}",
            f"{100 * (held.templates / held.alone - 1):+.2f} %",
        ]
    ]
    gapped = [template for template in grammar.templates if Slot() in template.parts]
    others = [template for template in grammar.templates if Slot() not in template.parts]
    parts = [
        f"## {name.capitalize()}: {finder!r}"[:-1].replace("<TemplateFinder: ", ""),
        measure.table(["round", "templates", "classes", "bits of the text", "of the grammar", "in all"], curve),
        "Held-out lines:",
        measure.table(
            ["words", "unknown", "bits, words alone", "with templates", "a word, alone", "with templates", "change"],
            bits,
        ),
        f"The {SHOWN} templates with a slot of any words that save most: uses; bits saved; entropy of the first slot "
        "in bits, its commonest fillers.",
        measure.table(["template", "uses", "bits", "entropy", "fillers"], map(_row, gapped[:SHOWN])),
        f"The {SHOWN} without such a slot that save most, classes by their first words: "
        + "; ".join(f"{_glossed(template, grammar)} {template.count:.0f}" for template in others[:SHOWN]),
        "Classes: "
        + "; ".join(f"{name}: {' '.join(words[:10])}" for name, words in list(grammar.classes.items())[:24]),
    ]
    return "\n\n".join(parts) + "\n"


def _row(template: Template) -> list[object]:
    first = template.slots[0]
    fillers = "、".join(filler for filler, _ in first.fillers[:5])
    return [str(template), f"{template.count:.0f}", f"{template.bits:,.0f}", f"{first.entropy:.1f}", fillers]


def _glossed(template: Template, grammar: Grammar) -> str:
    parts = []
    for part in template.parts:
        if isinstance(part, Slot):
            parts.append(f"[{'/'.join(grammar.classes[part.words][:3])}]")
        else:
            parts.append(part)
    return " ".join(parts)


def main() -> None:
    """All parts, or those named."""
    parser = measure.options(__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by commas")
    parser.add_argument("--rounds", type=int, default=3, help="times of C; the least counts")
    options = measure.begin(parser)
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"--only: expected some of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    results = [measure.header("Templates", [million(options, "novels"), million(options, "laws")])]
    for part in wanted:
        if part == "checks":
            results += [checks(options), dense(options)]
        elif part == "speed":
            results.append(speed(options))
        else:
            results.append(text(options, part))
        print(f"{part}: done", file=sys.stderr, flush=True)
    measure.publish("\n".join(results), options.out)


if __name__ == "__main__":
    main()
