"""Taggers that cut words, trained on segmented text and tested on UD dev: HMM 1 and 2, perceptron, MEMM, CRF.

    python -m benchmarks.tagging.segmentation [--only crf] [--out benchmarks/results/tagging-segmentation.md]

Training text: the gold tails of the PKU and MSR training text (without lines in which digits were written as 0 and
Latin as L) and UD train; the words of UD dev that it has not are the unknown ones. Every system is two whole programs,
``nlp-zero train`` and ``nlp-zero tag``; times are CPU seconds. Settings were not chosen on UD dev: they are defaults of
the program, but for the penalties of CRF and MEMM and the limit on iterations, which were chosen on lines held out of
the training text (1,200 lines to train on, 300 to judge by). There, after 50 iterations, the CRF had word F1 .836 with
c1 = .1 and c2 = .01, and .815 with c2 = 1 alone, which is far from its minimum then and comes to .832 after 100.
"""

import lzma
import tempfile
from pathlib import Path

from benchmarks.measure import OURS, begin, header, needed, options, output, publish, spend, table
from nlp_zero.evaluation import segmentation_scores

LIMIT = ["--iterations", "60"]
SPARSE = ["--c1", "0.1", "--c2", "0.01", *LIMIT]
SYSTEMS = {
    "HMM, order 1": ["hmm"],
    "HMM, order 2": ["hmm", "--order", "2"],
    "perceptron, characters": ["perceptron", "--features", "characters"],
    "perceptron": ["perceptron"],
    "MEMM, left to right": ["memm", "--one-way", *SPARSE],
    "MEMM, both ways": ["memm", *SPARSE],
    "CRF": ["crf", *SPARSE],
    "CRF, c2 = 1 alone": ["crf", *LIMIT],
}


def training_text(work: Path, shared: Path) -> str:
    lines: list[str] = []
    for path in needed(work, "pku_tail_gold.txt", "msr_tail_gold.txt"):
        lines += path.read_text(encoding="utf-8").splitlines()
    with lzma.open(shared / "data/ud/gsd_v1_simplified_train.seg.txt.xz", "rt", encoding="utf-8") as file:
        lines += [line.strip() for line in file]
    return "".join(f"{line}\n" for line in lines if line.split())


def main() -> None:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="systems whose name holds this")
    chosen = begin(parser)
    gold, raw = needed(chosen.work, "uddev_gold.txt", "uddev_raw.txt")
    words = [line.split() for line in gold.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        train, model = Path(folder, "train.txt"), Path(folder, "tagger")
        train.write_text(training_text(chosen.work, chosen.shared), encoding="utf-8")
        known = set(train.read_text(encoding="utf-8").split())
        rows = []
        for name, arguments in SYSTEMS.items():
            if chosen.only not in name:
                continue
            learnt = spend([*OURS, "train", *arguments, str(train), "-o", str(model), "-q"])
            cut = spend([*OURS, "tag", "-m", str(model), str(raw)])
            found = [line.split() for line in output([*OURS, "tag", "-m", str(model), str(raw)]).split("\n")]
            scores = segmentation_scores(words, found, known=known)
            size = model.stat().st_size / 1e6
            costs = f"{learnt.seconds:.1f}", f"{cut.seconds:.2f}", f"{size:.1f}", f"{learnt.megabytes:.0f}"
            rows.append([name, f"{scores.f1:.4f}", f"{scores.oov_recall:.3f}", *costs])
            print(rows[-1], flush=True)
        head = ["system", "word F1", "OOV recall", "train s", "tag s", "model MB", "peak MB of training"]
        publish(header("Taggers for segmentation", [train, raw]) + "\n" + table(head, rows), chosen.out)


if __name__ == "__main__":
    main()
