"""Tagging, text in and labels out, features included, beside CRF++ and python-crfsuite; training of perceptrons.

    python -m benchmarks.tagging.speed [--rounds 5] [--pure] [--out benchmarks/results/tagging_speed.md]

Chunking: CoNLL-2000, the first 2,000 sentences to train, the template of CRF++'s example. Segmentation: the first 5,000
lines of the MSR training tail to train, the rest to tag, six templates. All tag with perceptrons of ten passes over all
attributes and labels. Ours and CRF++ tag with the very same weights, written in CRF++'s layout; ours reads a column
file and writes it with labels, as ``crf_test`` does; CRF++ is called through pycrfpp, a line at a time and then a
sentence, so some of its time is that of the calls; python-crfsuite gets features made in Python, as its users do. CPU
seconds, the least of all rounds, by turns in one process.

The last table holds what was asked of ours against what a peer does in the same run, so that it can be judged on any
machine: the 25,000 tokens/s asked of pure Python were set where python-crfsuite, features included, tags 88,000.
"""

import lzma
import struct
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import begin, header, options, publish, skip, table
from nlp_zero import kernels
from nlp_zero.cli.tagging import _column_jobs, _Writer
from nlp_zero.tagging.tagger import Tagger
from nlp_zero.text.corpus import Corpus

Rows = list[list[list[str]]]


def chunks(shared: Path) -> tuple[Rows, Rows]:
    read = []
    for name in ("train", "test"):
        text = lzma.decompress((shared / f"data/conll2000/{name}.txt.xz").read_bytes()).decode("utf-8")
        read.append([[line.split() for line in block.split("\n")] for block in text.strip().split("\n\n")])
    return read[0][:2000], read[1]


def characters(shared: Path) -> tuple[Rows, Rows]:
    text = lzma.decompress((shared / "data/sighan2005/msr_train_tail10_gold.txt.xz").read_bytes()).decode("utf-8")
    rows = []
    for line in filter(str.strip, text.split("\n")):
        row = []
        for word in line.split():
            tags = "S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E"
            row += [[character, tag] for character, tag in zip(word, tags, strict=True)]
        rows.append(row)
    return rows[:5000], rows[5000:]


def least(rounds: int, runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            run()
            best[name] = min(best.get(name, 1e9), time.process_time() - started)
    return best


# ---- our weights in the layout of CRF++ ------------------------------------------------------------------------------


def double_array(words: list[tuple[bytes, int]]) -> bytes:
    """A double array of sorted words and their numbers: a node's base is the first place where its children fit."""
    bases, checks = array("i", bytes(4 << 16)), array("I", bytes(4 << 16))
    taken, used, free = bytearray(1 << 16), bytearray(1 << 16), 1
    bases[0], taken[0] = 1, 1
    waiting = [(0, 0, len(words), 0)]
    while waiting:
        node, left, right, depth = waiting.pop()
        children: list[tuple[int, int, int]] = []
        place = left
        while place < right:
            word = words[place][0]
            code = word[depth] + 1 if len(word) > depth else 0
            end = place + 1
            while end < right and (words[end][0][depth] + 1 if len(words[end][0]) > depth else 0) == code:
                end += 1
            children.append((code, place, end))
            place = end
        while taken[free]:
            free += 1
        base = start = max(1, free - children[0][0])
        while used[base] or any(taken[base + code] for code, _, _ in children):
            base += 1
            if base + 300 > len(taken):
                grown = len(taken)
                for buffer in (taken, used):
                    buffer.extend(bytes(grown))
                bases.extend(array("i", bytes(4 * grown)))
                checks.extend(array("I", bytes(4 * grown)))
        if base - start > 100:
            free = base  # crowded up to here: do not look again
        used[base] = 1
        bases[node] = base
        for code, first, last in children:
            taken[base + code] = 1
            checks[base + code] = base
            if code:
                waiting.append((base + code, first, last, depth + 1))
            else:
                bases[base] = -words[first][1] - 1
        if len(taken) - base < 1000:
            grown = len(taken)
            for buffer in (taken, used):
                buffer.extend(bytes(grown))
            bases.extend(array("i", bytes(4 * grown)))
            checks.extend(array("I", bytes(4 * grown)))
    size = max(place for place, flag in enumerate(taken) if flag) + 257
    return b"".join(struct.pack("<iI", bases[place], checks[place]) for place in range(size))


def write_crfpp(tagger: Tagger, path: Path) -> None:
    """A tagger with the plain template B as a binary model of CRF++."""
    template = tagger.features.template
    assert template is not None and template.plain
    width = len(tagger.labels)
    words = [(name.encode(), number * width) for number, name in enumerate(tagger.features.names())]
    words.append((b"B", len(words) * width))
    labels = b"".join(label.encode() + b"\0" for label in tagger.labels)
    lines = b"".join(line.encode() + b"\0" for line in template.lines)
    lines += bytes(-(len(labels) + len(lines)) % 4)
    trie = double_array(sorted(words))
    weights = array("f", [*tagger.model.states, *tagger.model.edges])
    head = struct.pack("<IidIII", 100, 0, 1.0, len(weights), tagger.width, len(trie))
    texts = struct.pack("<I", len(labels)) + labels + struct.pack("<I", len(lines)) + lines
    path.write_bytes(head + texts + trie + weights.tobytes())


# ---- the programs ----------------------------------------------------------------------------------------------------


def ours(tagger: Tagger, path: Path) -> str:
    """What ``nlp-zero tag`` prints for a column file."""
    assert tagger.features.template is not None
    writer = _Writer(tagger, "columns", 0, False)
    return "".join(map(writer.text, _column_jobs(Corpus(path), tagger.features.template.width)))


def crfpp(engine: Any, path: Path) -> tuple[list[str], float]:
    """The labels, and the seconds within parse() alone: features, weights and the best labels, all in C++."""
    found, inside = [], 0.0
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        engine.clear()
        for line in block.split("\n"):
            if line:
                engine.add(line)
        started = time.process_time()
        engine.parse()
        inside += time.process_time() - started
        found += [engine.y2(place) for place in range(engine.size())]
    return found, inside


def expand(rows: list[list[str]], template: list[tuple[str, list[tuple[int, int]]]]) -> list[list[str]]:
    """The attributes of a sentence, made in Python."""
    size, found = len(rows), []
    for place in range(size):
        names = []
        for pattern, cells in template:
            read = []
            for row, column in cells:
                at = place + row
                read.append(rows[at][column] if 0 <= at < size else f"_B{at}" if at < 0 else f"_B+{at - size + 1}")
            names.append(pattern % tuple(read))
        found.append(names)
    return found


def patterns(lines: list[str]) -> list[tuple[str, list[tuple[int, int]]]]:
    import re

    cell = re.compile(r"%x\[(-?\d+),(\d+)\]")
    return [(cell.sub("%s", line), [(int(a), int(b)) for a, b in cell.findall(line)]) for line in lines]


def job(name: str, shared: Path, folder: Path, rounds: int, pure: bool) -> list[list[object]]:
    sys.path.insert(0, str(shared / "bench"))
    import bench_crf

    train, test = (chunks if name == "chunking" else characters)(shared)
    lines = bench_crf.CHUNK if name == "chunking" else bench_crf.SEG
    rows = [[row[:-1] for row in sentence] for sentence in train]
    gold = [[row[-1] for row in sentence] for sentence in train]
    tokens = sum(map(len, test))
    path = folder / "test.txt"
    text = "\n".join("".join("\t".join(row[:-1]) + "\n" for row in sentence) for sentence in test)
    path.write_text(text, encoding="utf-8")

    def learn() -> Tagger:
        return Tagger.train("perceptron", rows, gold, template="\n".join([*lines, "B"]), iterations=10)

    started = time.process_time()
    tagger = learn()
    times = {"nlp-zero, C": time.process_time() - started}
    runs: dict[str, Callable[[], Any]] = {"nlp-zero, C": lambda: ours(tagger, path)}
    found = {"nlp-zero, C": [line.rpartition("\t")[2] for line in ours(tagger, path).split("\n") if line]}
    template = patterns(lines)
    parse: dict[str, Callable[[], float]] = {}
    try:
        import pycrfpp

        write_crfpp(tagger, folder / "crfpp")
        engine = pycrfpp.Tagger(f"-m {folder / 'crfpp'}")
        runs["CRF++, same weights"] = lambda: crfpp(engine, path)
        found["CRF++, same weights"] = crfpp(engine, path)[0]
        parse["CRF++, inside parse() alone"] = lambda: crfpp(engine, path)[1]
    except ImportError:
        skip("CRF++", "pycrfpp is not installed")
    try:
        import pycrfsuite

        started = time.process_time()
        trainer = pycrfsuite.Trainer(verbose=False)
        for sentence, labels in zip(rows, gold, strict=True):
            trainer.append(expand(sentence, template), labels)
        trainer.select("ap")
        allowed = {"feature.possible_states": 1, "feature.possible_transitions": 1}
        trainer.set_params({"max_iterations": 10, **allowed})
        middle = time.process_time()
        trainer.train(str(folder / "suite"))
        times["python-crfsuite"] = time.process_time() - started
        times["python-crfsuite, without making features"] = time.process_time() - middle
        suite = pycrfsuite.Tagger()
        suite.open(str(folder / "suite"))

        def tag_suite() -> list[str]:
            return [label for sentence in test for label in suite.tag(expand(sentence, template))]

        runs["python-crfsuite"] = tag_suite
        found["python-crfsuite"] = tag_suite()
    except ImportError:
        skip("crfsuite", "python-crfsuite is not installed")
    best = least(rounds, runs)
    best |= {name: min(run() for _ in range(rounds)) for name, run in parse.items()}
    if pure:
        kernels.use("python")
        best |= least(2, {"nlp-zero, pure Python": runs["nlp-zero, C"]})
        started = time.process_time()
        learn()
        times["nlp-zero, pure Python"] = time.process_time() - started
        kernels.use("c")
    right = [row[-1] for sentence in test for row in sentence]
    first = best["nlp-zero, C"]
    table_rows: list[list[object]] = []
    for engine_name in dict.fromkeys([*best, *times]):
        seconds, its = best.get(engine_name), found.get(engine_name)
        share = "" if its is None else f"{sum(a == b for a, b in zip(its, right, strict=True)) / tokens:.4f}"
        speed = "" if seconds is None else f"{tokens / seconds:,.0f}"
        ratio = "" if seconds is None else f"{seconds / first:.2f}"
        learnt = f"{times[engine_name]:.2f}" if engine_name in times else ""
        table_rows.append([name, engine_name, speed, ratio, share, learnt])
    return table_rows


CHUNKING_THEN = 88_000  # tokens/s of python-crfsuite, features included, where 25,000 of pure Python were asked


def asked(rows: list[list[object]]) -> str:
    """What was asked, beside what it came to."""
    speeds = {(row[0], row[1]): float(str(row[2]).replace(",", "")) for row in rows if row[2]}
    times = {(row[0], row[1]): float(str(row[5])) for row in rows if row[5]}
    pure, suite = "nlp-zero, pure Python", "python-crfsuite"
    wanted = [
        ("tokens/s in C, of CRF++", speeds, "nlp-zero, C", "CRF++, inside parse() alone", "2.00 or more", ""),
        ("tokens/s in pure Python", speeds, pure, suite, f"{25_000 / CHUNKING_THEN:.2f} or more", "25,000 or more"),
        ("perceptron training in C, s", times, "nlp-zero, C", suite, "1.00 or less", ""),
        ("perceptron training in pure Python, s", times, pure, suite, "20.00 or less", ""),
    ]
    found = []
    for what, figures, own, peer, share, figure in wanted:
        for name in dict.fromkeys(str(row[0]) for row in rows):
            if (name, own) not in figures or (name, peer) not in figures or (figure and name != "chunking"):
                continue
            its, theirs = figures[name, own], figures[name, peer]
            shown = [f"{value:,.0f}" if value >= 1000 else f"{value:.2f}" for value in (its, theirs)]
            found.append([name, what, shown[0], figure, peer, shown[1], f"{its / theirs:.2f}", share])
    head = ["job", "what", "ours", "asked", "peer", "the peer's, same run", "ours / peer's", "asked"]
    return table(head, found)


def main() -> None:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pure", action="store_true", help="the pure engine as well (a minute)")
    parser.add_argument("--jobs", default="chunking,segmentation")
    chosen = begin(parser)
    rows: list[list[object]] = []
    for name in chosen.jobs.split(","):
        with tempfile.TemporaryDirectory() as folder:
            rows += job(name, chosen.shared, Path(folder), chosen.rounds, chosen.pure)
    head = ["job", "program", "tokens/s", "times ours", "right labels", "perceptron training, s"]
    parts = [header("Tagging, text in and labels out"), table(head, rows) + "\n", "## Asked\n", asked(rows)]
    publish("\n".join(parts), chosen.out)


if __name__ == "__main__":
    main()
