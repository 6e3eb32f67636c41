"""Build the texts of the benchmarks from the development data. Same bytes for the same data, on every machine.

    python -m benchmarks.data [--shared ../shared] [--work benchmarks/work]

| file | what it is |
|---|---|
| mix1.txt, mix10.txt, mix50.txt | all raw sets, lines shuffled (seed 7), cut at a line end before 1, 10, 50 MB |
| quality.txt, quality_gold.txt | MSRA raw + MSR test text; MSR training word list + words of the MSR test gold |
| protocol.txt | the raw training text of the fixed protocol: MSRA, CMRC, PKU test, MSR test, UD dev, labels taken out |
| pku_*, msr_*, uddev_* | gold (words split by one space) and the same lines raw, to be segmented |
| pku_tail_*, msr_tail_* | the same from the gold tails of the training texts, without lines that hold a 0 or an L |
| lexicon.txt | the words and counts of jieba's small dictionary |

The tails serve to choose settings; PKU and MSR test only report. Their source wrote digits as 0 and Latin as L, so
such lines are left out.
"""

import hashlib
import lzma
import random
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.measure import ROOT

SEED = 7
MILLION = 1_000_000
RAW = ("ner/msra_raw", "raw-wiki/cmrc_wiki_simplified", "raw-wiki/drcd_wiki_traditional", "domain-law/laws",
       "raw-novels/novels")  # fmt: skip
DEV = "ud/zh_gsdsimp-ud-dev.conllu"


def lines(path: Path) -> list[str]:
    """The lines of an .xz file, split at line feeds alone, empty ones left out."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line for line in file.read().split("\n") if line]


def unspaced(line: str) -> str:
    """A gold line without the spaces between its words.

    >>> unspaced("共同  创造 美好")
    '共同创造美好'
    """
    return "".join(line.split())


def respaced(line: str) -> str:
    """A gold line with one space between words."""
    return " ".join(line.split())


def treebank(path: Path) -> Iterator[str]:
    """Sentences of a CoNLL-U file as space-separated word forms; ranges such as 3-4 are not words."""
    words: list[str] = []
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file.read().split("\n"):
            columns = line.split("\t")
            if len(columns) == 10 and columns[0].isdigit():
                words.append(unspaced(columns[1]))
            elif words and not line:
                yield " ".join(words)
                words = []


def clean(gold: Iterable[str]) -> list[str]:
    """Gold lines that hold no rewritten number (0) or Latin string (L)."""
    return [line for line in gold if "0" not in line and "L" not in line]


def cut(texts: list[str], size: int) -> list[str]:
    """The longest prefix of the lines, line ends counted, of at most `size` UTF-8 bytes."""
    used = 0
    for index, line in enumerate(texts):
        used += len(line.encode("utf-8")) + 1
        if used > size:
            return texts[:index]
    return texts


def texts(shared: Path) -> Iterator[tuple[str, list[str]]]:
    """Every file to be written: its name and its lines."""
    data = shared / "data"

    def read(name: str) -> list[str]:
        return lines(data / f"{name}.xz")

    msra = read("ner/msra_raw.txt")
    golds = {
        "pku": [respaced(line) for line in read("sighan2005/pku_test_gold.txt")],
        "msr": [respaced(line) for line in read("sighan2005/msr_test_gold.txt")],
        "uddev": list(treebank(data / f"{DEV}.xz")),
        "pku_tail": clean(respaced(line) for line in read("sighan2005/pku_train_tail10_gold.txt")),
        "msr_tail": clean(respaced(line) for line in read("sighan2005/msr_train_tail10_gold.txt")),
    }
    raws = {name: [unspaced(line) for line in gold] for name, gold in golds.items()}
    for name, gold in golds.items():
        yield f"{name}_gold.txt", gold
        yield f"{name}_raw.txt", raws[name]
    yield "quality.txt", msra + raws["msr"]
    known = {word for line in golds["msr"] for word in line.split()}
    known.update(word for line in read("sighan2005/msr_training_words.txt") for word in line.split())
    yield "quality_gold.txt", sorted(known)
    cmrc = read("raw-wiki/cmrc_wiki_simplified.txt")
    yield "protocol.txt", msra + cmrc + raws["pku"] + raws["msr"] + raws["uddev"]
    entries = (line.split(" ") for line in read("lexicons/jieba_dict_small.txt"))
    yield "lexicon.txt", [f"{entry[0]} {entry[1]}" for entry in entries]
    mix = [line for name in RAW for line in read(f"{name}.txt")]
    mix += [unspaced(line) for line in read("ud/gsd_v1_simplified_train.seg.txt")] + raws["uddev"]
    random.Random(SEED).shuffle(mix)
    for size in (1, 10, 50):
        yield f"mix{size}.txt", cut(mix, size * MILLION)


def build(shared: Path, work: Path) -> Iterator[str]:
    """Write all files; yields one Markdown row for each: name, lines, characters, bytes, SHA-256."""
    work.mkdir(parents=True, exist_ok=True)
    for name, content in texts(shared):
        text = "".join(line + "\n" for line in content)
        packed = text.encode("utf-8")
        (work / name).write_bytes(packed)
        digest = hashlib.sha256(packed).hexdigest()
        yield f"| {name} | {len(content):,} | {len(text):,} | {len(packed):,} | `{digest}` |"


def main() -> None:
    parser = ArgumentParser(description="Build the texts of the benchmarks.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work", help="folder to fill")
    options = parser.parse_args()
    print("| file | lines | characters | bytes | SHA-256 |\n| --- | --- | --- | --- | --- |")
    for row in build(options.shared, options.work):
        print(row, flush=True)


if __name__ == "__main__":
    main()
