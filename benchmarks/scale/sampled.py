"""What learning within a memory cap loses: F1 of a model of a fifth of the lines, with and without the words of all.

    python -m benchmarks.scale.sampled [--file mix10.txt] [--out FILE]

Word F1 on the tails of the PKU and MSR training text and on UD dev, on which the settings were chosen.
"""

import tempfile
import time
from collections.abc import Iterator

from benchmarks import measure

SHARE = 0.2
SETS = ("pku_tail", "msr_tail", "uddev")


def main() -> None:
    parser = measure.options("What a sample loses.")
    parser.add_argument("--file", default="mix10.txt", help="a file of the folder --work")
    options = measure.begin(parser)
    (text,) = measure.needed(options.work, options.file)
    header = measure.header("Learning by a sample of a fifth of the lines", [text])
    from nlp_zero.evaluation import segmentation_scores
    from nlp_zero.text.corpus import Corpus
    from nlp_zero.words.discovery import WordFinder
    from nlp_zero.words.sampled import known_words, sample_lines

    golds = [
        [line.split() for line in (options.work / f"{name}_gold.txt").read_text(encoding="utf-8").splitlines()]
        for name in SETS
    ]

    def row(name: str, lines: list[str], prior: dict[str, int] | None = None) -> Iterator[str]:
        started = time.process_time()
        model = WordFinder("bayes", seed=1, prior=prior).train(lines).tokenizer()
        seconds = time.process_time() - started
        found = [segmentation_scores(gold, model.tokenize_lines(["".join(line) for line in gold])).f1 for gold in golds]
        yield from (name, f"{seconds:.1f}", *(f"{100 * f1:.1f}" for f1 in (*found, sum(found) / len(found))))

    lines = list(Corpus(text))
    sample = list(sample_lines(lines, SHARE))
    with tempfile.TemporaryDirectory() as folder:
        known = known_words(Corpus(text), 512 << 20, folder, 1, lambda stage, done, total: None)
    rows = [
        list(row("a fifth of the lines", sample)),
        list(row(f"a fifth, {len(known):,} words known from the counts of all", sample, known)),
        list(row("all lines", lines)),
    ]
    head = ["learnt from", "CPU s", *SETS, "mean F1"]
    measure.publish(f"{header}\n{measure.table(head, rows)}", options.out)


if __name__ == "__main__":
    main()
