"""Parsing with templates: the article's scores and ties, long sentences, words a second.

    python -m benchmarks.syntax.parsing [--templates TSV] [--text SEGMENTED] [--out FILE.md]

The scores are those of ../shared/spec/algorithms.md, section 10.2. Times are CPU seconds of this process for each
engine, memory is the peak of a child above what it held before. Long sentences have no punctuation, so that nothing but
the limit on a chart parts them. Without --templates a grammar is made of the text itself: each of its 800 most
frequent words between two slots and beside one, and the 3,000 most frequent pairs within four words, beside each other
and around slots; 10,000 templates or so.
"""

import gc
import json
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks import measure
from benchmarks.network.infomap import resident
from nlp_zero import kernels
from nlp_zero.syntax.grammar import Grammar, Template
from nlp_zero.syntax.parser import LONGEST, Parser
from nlp_zero.text.corpus import Corpus

ARTICLE = {
    "_ 呢": 10,
    "_ 可以 _ 吗": 9,
    "我 _": 8,
    "_ 的 _ 是 _": 7,
    "_ 的 _ 是 _ 呢": 7,
    "_ 的 _": 12,
    "_ 和 _": 12,
}
CHECKS = (
    ("鸡蛋 可以 吃 吗", -1.977163),
    ("牛肉 鸡蛋 可以 吃 吗", -21.977163),
    ("苹果 的 颜色 是 什么 呢", -2.228477),
    ("我 的 美味 的 苹果 的 颜色 是 什么 呢", -5.607438),
    ("雪梨 和 苹果 和 香蕉", None),
)
TEXT = "ud/gsd_v1_simplified_train.seg.txt.xz"
PURE = 4_000  # words of text for the pure engine


def made_of(sentences: list[list[str]]) -> Grammar:
    """A grammar as rich as a learnt one, of the frequent words and pairs of a text.

    >>> print(*made_of([["我", "的", "书"]] * 2).templates[:3], sep=" | ")
    我 _ | _ 我 | _ 我 _
    """
    words = Counter(word for sentence in sentences for word in sentence if word.isalnum())
    frequent = dict(words.most_common(800))
    counts: Counter[str] = Counter()
    for word, count in frequent.items():
        counts.update({f"{word} _": count, f"_ {word}": count, f"_ {word} _": count})
    pairs = Counter(
        (left, right)
        for sentence in sentences
        for place, left in enumerate(sentence)
        for right in sentence[place + 1 : place + 5]
        if left in frequent and right in frequent
    )
    for (left, right), count in pairs.most_common(3000):
        counts.update({f"{left} {right}": count, f"{left} _ {right}": count, f"_ {left} _ {right} _": count})
    return Grammar(Template.parse(text, count) for text, count in counts.items())


def check_rows() -> list[list[object]]:
    """The article's sentences: the score that was computed for it, ours, our tree, how many trees tie."""
    parser = Parser(Grammar(Template.parse(text, count) for text, count in ARTICLE.items()))
    rows: list[list[object]] = []
    for sentence, wanted in CHECKS:
        best = parser.parse(sentence.split())
        tied = sum(abs(tree.score - best.score) < 1e-9 for tree in parser.nbest(sentence.split(), 50))
        shown = "" if wanted is None else f"{wanted:.6f}"
        rows.append([sentence, shown, f"{best.score:.6f}", tied, f"`{best.brackets()}`"])
    return rows


def grammar_of(options: Namespace) -> tuple[Grammar, list[list[str]]]:
    path = options.text or str(Path(options.shared) / "data" / TEXT)
    sentences = [line.split() for line in Corpus([path])]
    return Grammar.load(options.templates) if options.templates else made_of(sentences), sentences


def long_sentence(sentences: list[list[str]], size: int) -> list[str]:
    """So many words of the text without its punctuation."""
    words = [word for sentence in sentences for word in sentence if any(map(str.isalnum, word))]
    return (words * (size // len(words) + 1))[:size]


def child(options: Namespace) -> None:
    """One long sentence, told as a line of JSON: its words, the limit, the engine."""
    size, longest, engine = int(options.child[0]), int(options.child[1]), options.child[2]
    kernels.use(engine)
    grammar, sentences = grammar_of(options)
    parser, words = Parser(grammar, longest=longest), long_sentence(sentences, size)
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
    before, started = resident("VmRSS"), time.process_time()
    tree = parser.parse(words)
    seconds, megabytes = time.process_time() - started, resident("VmHWM") - before
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "brackets": len(tree.nodes)}))


def long_rows(options: Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    for engine in ("c", "python"):
        for size, longest in ((2000, 24), (2000, LONGEST), (2000, 256), (100_000, LONGEST)):
            if engine == "python" and (longest > LONGEST or size > 2000):
                continue
            command = [sys.executable, "-m", "benchmarks.syntax.parsing", "--child", str(size), str(longest), engine]
            command += ["--shared", options.shared]
            for name in ("templates", "text"):
                if getattr(options, name):
                    command += [f"--{name}", getattr(options, name)]
            told = subprocess.run(command, capture_output=True, text=True, env=measure.environment(), cwd=measure.ROOT)
            if told.returncode:
                measure.skip(f"{engine}, {size:,} words", (told.stderr.strip().splitlines() or ["no message"])[-1])
                continue
            found = json.loads(told.stdout.splitlines()[-1])
            rows.append(
                [
                    f"{size:,}",
                    longest,
                    engine,
                    f"{found['seconds']:.3f}",
                    f"{found['megabytes']:.1f}",
                    found["brackets"],
                ]
            )
    return rows


def speed_rows(grammar: Grammar, sentences: list[list[str]]) -> list[list[object]]:
    rows: list[list[object]] = []
    for engine in ("c", "python"):
        kernels.use(engine)
        some, words = [], 0
        for sentence in sentences:
            if engine == "c" or words < PURE:
                some.append(sentence)
                words += len(sentence)
        for name, count in (("best", 1), ("5 best", 5)):
            if count > 1:
                some = some[:200]
                words = sum(map(len, some))
            parser, began = Parser(grammar), time.process_time()
            for sentence in some:
                if count == 1:
                    parser.parse(sentence)
                else:
                    parser.nbest(sentence, count)
            seconds = time.process_time() - began
            rows.append([name, engine, f"{words:,}", f"{seconds:.2f}", f"{words / seconds:,.0f}"])
    return rows


def main() -> None:
    parser = measure.options(__doc__.splitlines()[0])
    parser.add_argument("--templates", metavar="TSV", help="what `nlp-zero templates` wrote")
    parser.add_argument("--text", metavar="FILE", help="segmented text to parse (default: UD, the train part)")
    parser.add_argument("--child", nargs=3, metavar=("WORDS", "LONGEST", "ENGINE"), help="the script calls itself")
    options = measure.begin(parser)
    if options.child:
        child(options)
        return
    heading = measure.header("Parsing with templates")
    grammar, sentences = grammar_of(options)
    parts = [
        heading,
        measure.table(
            ["sentence", "section 10.2", "score, nats", "trees that tie", "tree by the tie rule"], check_rows()
        ),
        f"\nOne sentence without punctuation, {grammar!r}:\n",
        measure.table(["words", "longest", "engine", "s", "MB", "brackets"], long_rows(options)),
        f"\nReal sentences, {len(sentences):,} of them:\n",
        measure.table(["trees", "engine", "words", "s", "words/s"], speed_rows(grammar, sentences)),
        "\nThe scores" + __doc__.partition("The scores")[2].rstrip(),
    ]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
