"""The gain of method `entropy` on the sets that settings may be chosen on: tails of PKU and MSR training text, UD dev.

    python -m benchmarks.segmentation.gain [--out FILE]

Learns from the raw text of the protocol for each gain; the tails are not in it. PKU and MSR test are not looked at.
"""

import sys

from benchmarks import measure
from nlp_zero import Corpus, WordFinder, segmentation_scores

SETS = ("pku_tail", "msr_tail", "uddev")
GAINS = (0, 2, 4, 5, 6, 7, 8, 10)


def main() -> None:
    options = measure.begin(measure.options(__doc__ or ""))
    text, *golds = measure.needed(options.work, "protocol.txt", *(f"{name}_gold.txt" for name in SETS))
    gold = [[line.split() for line in path.read_text("utf-8").splitlines()] for path in golds]
    rows = []
    for gain in GAINS:
        tokenizer = WordFinder("entropy", gain=gain).train(Corpus(text)).tokenizer()
        cuts = (tokenizer.tokenize_lines(["".join(words) for words in lines]) for lines in gold)
        scores = [segmentation_scores(lines, cut).f1 for lines, cut in zip(gold, cuts, strict=True)]
        rows.append([gain, *(f"{score:.4f}" for score in scores), f"{sum(scores) / len(scores):.4f}"])
        print(f"gain {gain} done", file=sys.stderr)
    title = measure.header("F1 by the gain of method entropy, in bits", [text])
    measure.publish(title + "\n" + measure.table(["gain", *SETS, "mean"], rows), options.out)


if __name__ == "__main__":
    main()
