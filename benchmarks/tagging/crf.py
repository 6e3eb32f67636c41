"""Training a CRF on CoNLL-2000 chunking: objective, time, F1, beside crfsuite at the same problem.

    python -m benchmarks.tagging.crf [--tables peers,dev,chosen,whole,whole-chosen,workers] [--out FILE]

Each table is a run of its own; with ``--out`` it takes its place in the file, and the other tables stay. The template
is CRF++'s own for chunking (19 unigram lines and B). Every engine and problem is a process of its own on one thread.
Seconds are CPU seconds from attributes to a model; making the attributes is not among them (they are the same strings
on both sides). A problem is a set of weights and penalties: "all" takes all attributes and labels, "observed" those
that meet in the data; -log L + c1 |w| + c2 w**2 is crfsuite's objective, and CRF++'s at C = 1 / (2 c2). "same" is the
time at which our objective has come within 1e-5 of where crfsuite stops. F1 is of chunks on the test set. Settings were
chosen on the rest of the training set, sentences 2,001 to 8,936 (the table dev), never on the test set.

Some ten seconds to a minute a row; dev takes six minutes, whole eight (crfsuite's), whole-chosen seven. The table
workers is by the clock, which wants an idle machine: it compares the models of one and two threads to the bit, and says
what two processes of one thread each, side by side, get out of the same cores.
"""

from __future__ import annotations

import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from array import array
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks import measure

STATES = [
    *(f"U0{place}:%x[{place - 2},0]" for place in range(5)),
    "U05:%x[-1,0]/%x[0,0]",
    "U06:%x[0,0]/%x[1,0]",
    *(f"U1{place}:%x[{place - 2},1]" for place in range(5)),
    *(f"U1{place}:%x[{place - 7},1]/%x[{place - 6},1]" for place in range(5, 9)),
    *(f"U2{place}:%x[{place - 2},1]/%x[{place - 1},1]/%x[{place},1]" for place in range(3)),
]
C2, CHOSEN = ("all c2=0.5", {"c2": 0.5}), ("all c1=0.1 c2=0.05 (chosen)", {"c1": 0.1, "c2": 0.05})
FIRST = ("all c2=0.025", {"c2": 0.025})  # chosen before, on 2,000 of the held-out sentences


class Comparison(NamedTuple):
    """A table of problems."""

    title: str
    sentences: int  # of the training set; 0: all of them
    problems: list[tuple[str, dict[str, Any]]]
    beside: bool  # crfsuite


COMPARISONS = {
    "peers": Comparison(
        "First 2,000 sentences, beside crfsuite",
        2000,
        [C2, ("observed c2=1", {"c2": 1.0, "observed": True})],
        True,
    ),
    "chosen": Comparison("First 2,000 sentences, the settings chosen", 2000, [C2, FIRST, CHOSEN], False),
    "whole": Comparison("Whole training set, beside crfsuite", 0, [C2], True),
    "whole-chosen": Comparison("Whole training set, the settings chosen", 0, [FIRST, CHOSEN], False),
}
TABLES = ("peers", "dev", "chosen", "whole", "whole-chosen", "workers")
DEV: list[dict[str, Any]] = [{"c2": c2} for c2 in (0.5, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001)] + [
    *({"c1": 0.1, "c2": c2} for c2 in (0.1, 0.05, 0.01)),
    *({"c2": c2, "observed": True} for c2 in (0.025, 0.005)),
    {"c2": 0.025, "min_count": 2},
]
ROUNDS = 5  # of the table of workers
TITLE = "CRF training, CoNLL-2000 chunking"
Sentences = list[list[list[str]]]


def read(shared: Path, name: str) -> Sentences:
    """The sentences of a column file: of each token word, part of speech, chunk."""
    with lzma.open(shared / "data" / "conll2000" / f"{name}.txt.xz", "rt", encoding="utf-8") as file:
        return [[line.split() for line in block.split("\n")] for block in file.read().strip().split("\n\n")]


def chunks(labels: list[str]) -> set[tuple[int, int, str]]:
    """The chunks of a row of labels by the rule of the CoNLL-2000 scorer."""
    found, start, kind = set(), -1, ""
    for place, label in enumerate([*labels, "O"]):
        role, _, its = label.partition("-")
        if start >= 0 and (role in "OB" or its != kind):
            found.add((start, place, kind))
            start = -1
        if role == "B" or (role == "I" and start < 0):
            start, kind = place, its
    return found


def f1(gold: list[list[str]], got: list[list[str]]) -> float:
    """F1 of chunks.

    >>> f1([["B-NP", "I-NP", "O"]], [["B-NP", "O", "O"]])
    0.0
    """
    expected, found = [chunks(row) for row in gold], [chunks(row) for row in got]
    right = sum(len(a & b) for a, b in zip(expected, found, strict=True))
    return 2 * right / max(1, sum(map(len, expected)) + sum(map(len, found)))


# ---- children: one engine, one problem -------------------------------------------------------------------------------


def dataset(train: Sentences, *others: Sentences) -> tuple[Any, list[Any]]:
    """The scheme of the labels, and data sets in numbers, the first with its labels."""
    from nlp_zero.tagging.columns import cells_of_rows
    from nlp_zero.tagging.features import Features, Template
    from nlp_zero.tagging.labels import Scheme

    labels = sorted({row[-1] for sentence in train for row in sentence})
    scheme = Scheme.named("free", labels)
    tables = [cells_of_rows([[row[:2] for row in sentence] for sentence in part]) for part in (train, *others)]
    features, data = Features.learn(Template.parse("\n".join([*STATES, "B"])), tables[0])
    known = array("i", (scheme.index[row[-1]] for sentence in train for row in sentence))
    sets = [data._replace(labels=known, n_labels=len(labels))]
    return scheme, sets + [features.dataset(table, len(labels)) for table in tables[1:]]


def ours(job: dict[str, Any], train: Sentences, test: Sentences) -> dict[str, Any]:
    from nlp_zero.tagging.crf import CRF, Progress

    scheme, (data, asked) = dataset(train, test)
    trace: list[tuple[float, float]] = []
    began, clock = time.process_time(), time.perf_counter()

    def watch(step: Progress) -> None:
        trace.append((time.process_time() - began, step.objective))

    crf = CRF.train(data, scheme, progress=watch, workers=job.get("workers", 1), **job["options"])
    spent, wall = time.process_time() - began, time.perf_counter() - clock
    return {
        "seconds": spent,
        "wall": wall,
        "trace": trace,
        "objective": trace[-1][1],
        "active": crf.n_active,
        "f1": f1([[row[-1] for row in sentence] for sentence in test], crf.tag(asked)),
        "weights": hash(crf.states.tobytes() + crf.edges.tobytes()),
    }


def crfsuite(job: dict[str, Any], train: Sentences, test: Sentences) -> dict[str, Any]:
    import pycrfsuite

    def attributes(sentence: list[list[str]]) -> list[list[str]]:
        return [[line % tuple(cell(sentence, place + row, col) for row, col in its) for line, its in PARTS] for place
                in range(len(sentence))]  # fmt: skip

    options = job["options"]
    both = not options.get("observed", False)
    trainer = pycrfsuite.Trainer(verbose=False)
    for sentence in train:
        trainer.append(attributes(sentence), [row[-1] for row in sentence])
    trainer.select("lbfgs")
    trainer.set_params(
        {
            "c1": options.get("c1", 0.0),
            "c2": options.get("c2", 1.0),
            "feature.possible_states": both,
            "feature.possible_transitions": both,
        }
    )
    began = time.process_time()
    trainer.train(job["model"])
    spent = time.process_time() - began
    tagger = pycrfsuite.Tagger()
    tagger.open(job["model"])
    got = [tagger.tag(attributes(sentence)) for sentence in test]
    last = trainer.logparser.last_iteration
    gold = [[row[-1] for row in sentence] for sentence in test]
    return {
        "seconds": spent,
        "iterations": last["num"],
        "objective": last["loss"],
        "active": last["active_features"],
        "f1": f1(gold, got),
    }


def parts(line: str) -> tuple[str, list[tuple[int, int]]]:
    """A template line as a format and the cells that go into it.

    >>> parts("U05:%x[-1,0]/%x[0,0]")
    ('U05:%s/%s', [(-1, 0), (0, 0)])
    """
    pieces = line.split("%x[")
    cells = [tuple(map(int, piece.split("]")[0].split(","))) for piece in pieces[1:]]
    return "%s".join([pieces[0], *(piece.split("]")[1] for piece in pieces[1:])]), [(row, col) for row, col in cells]


PARTS = [parts(line) for line in STATES]


def cell(sentence: list[list[str]], row: int, column: int) -> str:
    """A cell, or what CRF++ writes beyond the ends of a sentence."""
    if 0 <= row < len(sentence):
        return sentence[row][column]
    return f"_B{row}" if row < 0 else f"_B+{row - len(sentence) + 1}"


def child(path: Path) -> None:
    job = json.loads(path.read_text(encoding="utf-8"))
    shared, count = Path(job["shared"]), job["sentences"]
    train = read(shared, "train")
    test = train[2000:] if job.get("dev") else read(shared, "test")
    run = {"nlp-zero": ours, "crfsuite": crfsuite}[job["engine"]]
    print(json.dumps(run(job, train[:count] if count else train, test)))


def start(options: Namespace, engine: str, settings: dict[str, Any], sentences: int, **more: Any) -> dict[str, Any]:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        described = {"engine": engine, "options": settings, "sentences": sentences, "shared": str(options.shared)}
        described |= {"model": str(Path(folder) / "model"), **more}
        job.write_text(json.dumps(described), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.tagging.crf", "--child", str(job)]
        environment = measure.environment(PYTHONHASHSEED="0")
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


# ---- tables ----------------------------------------------------------------------------------------------------------


def compare(options: Namespace, what: Comparison) -> str:
    rows: list[list[object]] = []
    peers = what.beside and measure.installed("pycrfsuite")
    if what.beside and not peers:
        measure.skip("crfsuite", "pip install python-crfsuite")
    for name, settings in what.problems:
        own = start(options, "nlp-zero", settings, what.sentences)
        peer = start(options, "crfsuite", settings, what.sentences) if peers else None
        target = peer["objective"] * (1 + 1e-5) if peer else 0.0
        same = next((seconds for seconds, objective in own["trace"] if objective <= target), None)
        rows.append(
            [
                name,
                "nlp-zero",
                len(own["trace"]),
                f"{own['objective']:.3f}",
                own["active"],
                f"{own['seconds']:.1f}",
                f"{same:.1f}" if same is not None else "-",
                f"{(same if same is not None else own['seconds']) / peer['seconds']:.2f}" if peer else "-",
                f"{own['f1']:.4f}",
            ]
        )
        if peer:
            its = [peer["iterations"], f"{peer['objective']:.3f}", peer["active"], f"{peer['seconds']:.1f}", "", ""]
            rows.append([name, "crfsuite", *its, f"{peer['f1']:.4f}"])
    head = ["problem", "engine", "iterations", "objective", "weights not 0", "s", "same s", "ratio", "F1"]
    return measure.table(head, rows)


def choose(options: Namespace) -> str:
    """Settings for 2,000 sentences, judged on the rest of the training set."""
    rows = []
    for settings in DEV:
        own = start(options, "nlp-zero", settings, 2000, dev=True)
        name = " ".join(f"{key}={value}" for key, value in settings.items())
        rows.append([name, own["active"], f"{own['seconds']:.1f}", f"{own['f1']:.4f}"])
    head = ["settings", "weights not 0", "s", "F1 on the held-out sentences"]
    text = "Trained on the first 2,000 sentences, judged on the other 6,936 of the training set; one standard error is"
    return f"{text} about 0.001.\n\n{measure.table(head, rows)}"


def threads(options: Namespace) -> str:
    """One thread, two threads, and two processes of one thread at the same time: what the cores can give."""

    def run(workers: int) -> dict[str, Any]:
        return start(options, "nlp-zero", {"c2": 0.5}, 2000, workers=workers)

    ones, twos, pairs = [], [], []
    for _ in range(ROUNDS):
        ones.append(run(1))
        twos.append(run(2))
        with ThreadPoolExecutor(2) as pool:
            pairs.append(list(pool.map(run, (1, 1))))
    slower = [max(one["wall"] for one in pair) for pair in pairs]
    kinds = [
        ("1 thread", [its["wall"] for its in ones], [its["seconds"] for its in ones], 1),
        ("2 threads", [its["wall"] for its in twos], [its["seconds"] for its in twos], 1),
        ("2 processes of 1 thread, a model each", slower, [sum(one["seconds"] for one in pair) for pair in pairs], 2),
    ]
    rows = []
    for name, walls, spent, models in kinds:
        ratios = [models * own["wall"] / wall for own, wall in zip(ones, walls, strict=True)]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        rows.append([name, f"{median(walls):.2f}", f"{median(spent):.2f}", spread])
    weights = {its["weights"] for its in (*ones, *twos, *chain.from_iterable(pairs))}
    same = "the same to the bit" if len(weights) == 1 else "NOT the same"
    head = ["how", "s by the clock", "CPU s", "times the work of 1 thread in the time"]
    text = (
        f"All c2=0.5, the first 2,000 sentences, medians of {ROUNDS} rounds (in brackets the least and the greatest);\n"
        f"models {same}. The last row is what two cores of this machine give where nothing is shared."
    )
    return f"{text}\n\n{measure.table(head, rows)}"


def section(options: Namespace, name: str) -> str:
    """A table with its title, its command and when it was made."""
    measured = measure.header("").splitlines()
    when = "; ".join(line[2:] for line in measured if line.startswith(("- machine", "- backend")))
    if name in COMPARISONS:
        title, body = COMPARISONS[name].title, compare(options, COMPARISONS[name])
    elif name == "dev":
        title, body = "Choice of settings", choose(options)
    else:
        title, body = "Workers", threads(options)
    return f"## {title}\n\n`python -m benchmarks.tagging.crf --tables {name}`\n({when})\n\n{body}\n"


def merged(old: str, sections: list[str]) -> str:
    """A file with these sections in the place of those with their titles.

    >>> merged("# A\\n\\n## B\\n\\n1\\n\\n## C\\n\\n2\\n", ["## B\\n\\n3\\n"])
    '# A\\n\\n## B\\n\\n3\\n\\n## C\\n\\n2\\n'
    """
    head, *kept = re.split(r"\n(?=## )", old)
    parts = {part.partition("\n")[0]: part for part in (*kept, *sections)}
    return "\n".join([head, *parts.values()])


def main() -> None:
    parser = measure.options("Train CRFs beside crfsuite.")
    parser.add_argument("--tables", default=",".join(TABLES), help="which tables, by name")
    parser.add_argument("--child", type=Path)
    options = measure.begin(parser)
    if options.child:
        child(options.child)
        return
    names = options.tables.split(",")
    strange = sorted(set(names) - set(TABLES))
    if strange:
        sys.exit(f"--tables: expected names of {', '.join(TABLES)}, got {strange[0]!r}")
    for name in names:
        found = section(options, name)
        print(found, flush=True)
        if options.out is not None:
            old = options.out.read_text(encoding="utf-8") if options.out.is_file() else f"# {TITLE}\n"
            options.out.write_text(merged(old, [found]), encoding="utf-8")


if __name__ == "__main__":
    main()
