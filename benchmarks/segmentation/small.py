"""Little text: UD dev alone with random blocks of the protocol's text, 74 and 300 thousand symbols in all; UD dev F1.

    python -m benchmarks.segmentation.small [--seeds 1,2,3] [--out FILE]          (about half a minute)

A seed draws the blocks (about 200 stretches between known boundaries each, from the protocol's text without UD dev)
and the samples of method `bayes`. The UD dev set is among what settings are chosen on.
"""

from collections.abc import Iterator

from benchmarks import measure
from benchmarks.segmentation.inner import learn, own_cut
from benchmarks.segmentation.scores import Score, mean, score_lines, seeds, segmented, spread
from benchmarks.segmentation.texts import filled, protocol
from nlp_zero.words.symbols import SymbolText

SIZES = (74_000, 300_000)


def row(size: int, method: str, texts: dict[int, list[str]], gold: list[list[str]]) -> list[str]:
    """One size and method: F1 of the model and of the chain's own segmentation, over the seeds."""
    model: list[Score] = []
    own: list[Score] = []
    seconds = 0.0
    for seed, text in texts.items():
        learnt = learn(text, method, seed=seed)
        model.append(score_lines(gold, learnt.tokenizer.tokenize_lines(["".join(words) for words in gold])))
        if learnt.lengths:
            own.append(score_lines(gold, own_cut(SymbolText(text, numerals=True), learnt.lengths, len(gold))))
        seconds += learnt.seconds
    middle = mean(model)
    rates = f"{middle.precision:.4f} / {middle.recall:.4f} / **{spread([one.f1 for one in model])}**"
    inside = spread([one.f1 for one in own]) if own else "-"
    return [f"{size:,}", method, rates, inside, f"{seconds / len(texts):.2f} s"]


def rows(rest: list[str], dev: list[str], gold: list[list[str]], numbers: list[int]) -> Iterator[list[str]]:
    for size in SIZES:
        texts = {seed: filled(dev, rest, size, seed) for seed in numbers}
        for method in ("bayes", "entropy"):
            yield row(size, method, texts, gold)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--seeds", default="1,2,3", help="separated by commas")
    options = measure.begin(parser)
    (path,) = measure.needed(options.work, "uddev_gold.txt")
    rest, tests = protocol(options.work)
    source = rest + tests["pku"] + tests["msr"]
    found = rows(source, tests["uddev"], segmented(path), seeds(options.seeds))
    head = ["symbols", "method", "UD dev P / R / F1", "F1 of the chain's own segmentation", "learn"]
    parts = [
        measure.header("Little text", [options.work / "protocol.txt", path]),
        measure.table(head, found),
        "",
        f"Means over seeds {options.seeds}, in brackets the least and the greatest F1. A symbol is a character, a",
        "number or a Latin word. jieba, with its dictionary, has .791.",
    ]
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
