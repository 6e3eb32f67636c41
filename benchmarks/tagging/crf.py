"""Training a CRF on CoNLL-2000 chunking: objective, time, F1, beside crfsuite at the same problem.

    python -m benchmarks.tagging.crf [--sentences 2000,0] [--only TEXT] [--dev] [--workers]
        [--alone] [--out FILE]

The template is CRF++'s own for chunking (19 unigram lines and B). Every run is a process of its own on one thread.
Seconds are CPU seconds from attributes to a model; making the attributes is not among them (they are the same strings
on both sides). A problem is a set of weights and penalties: "all" takes all attributes and labels, "observed" those
that meet in the data; -log L + c1 |w| + c2 w**2 is crfsuite's objective, and CRF++'s at C = 1 / (2 c2). "same" is the
time at which our objective has come within 1e-5 of where crfsuite stops. F1 is of chunks on the test set. Settings were
chosen on the rest of the training set, sentences 2,001 to 8,936 (--dev prints the table, some 6 min), never on the
test set. --workers times one and two threads by the clock, which wants an idle machine, and compares the models to the
bit.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from array import array
from pathlib import Path
from typing import Any

from benchmarks import measure

STATES = [
    *(f"U0{place}:%x[{place - 2},0]" for place in range(5)),
    "U05:%x[-1,0]/%x[0,0]",
    "U06:%x[0,0]/%x[1,0]",
    *(f"U1{place}:%x[{place - 2},1]" for place in range(5)),
    *(f"U1{place}:%x[{place - 7},1]/%x[{place - 6},1]" for place in range(5, 9)),
    *(f"U2{place}:%x[{place - 2},1]/%x[{place - 1},1]/%x[{place},1]" for place in range(3)),
]
PROBLEMS: list[tuple[str, dict[str, Any]]] = [
    ("all c2=0.5", {"c2": 0.5}),
    ("observed c2=1", {"c2": 1.0, "observed": True}),
    ("all c1=0.1 c2=0.05 (chosen)", {"c1": 0.1, "c2": 0.05}),
    ("all c1=0.5 c2=0.0001", {"c1": 0.5, "c2": 1e-4}),
]
WHOLE = [*PROBLEMS[:3], ("all c2=0.025", {"c2": 0.025})]
DEV: list[dict[str, Any]] = [{"c2": c2} for c2 in (0.5, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001)] + [
    *({"c1": 0.1, "c2": c2} for c2 in (0.1, 0.05, 0.01)),
    *({"c2": c2, "observed": True} for c2 in (0.025, 0.005)),
    {"c2": 0.025, "min_count": 2},
]
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


def compare(options: Namespace, sentences: int) -> str:
    rows: list[list[object]] = []
    peers = not options.alone and measure.installed("pycrfsuite")
    if not peers and not options.alone:
        measure.skip("crfsuite", "pip install python-crfsuite")
    for name, settings in PROBLEMS if sentences else WHOLE:
        if options.only and options.only not in name:
            continue
        own = start(options, "nlp-zero", settings, sentences)
        peer = start(options, "crfsuite", settings, sentences) if peers else None
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
    size = f"first {sentences:,} sentences" if sentences else "whole training set"
    return f"## {size}\n\n{measure.table(head, rows)}\n"


def choose(options: Namespace) -> str:
    """Settings for 2,000 sentences, judged on the rest of the training set."""
    rows = []
    for settings in DEV:
        own = start(options, "nlp-zero", settings, 2000, dev=True)
        name = " ".join(f"{key}={value}" for key, value in settings.items())
        rows.append([name, own["active"], f"{own['seconds']:.1f}", f"{own['f1']:.4f}"])
    head = ["settings", "weights not 0", "s", "F1 on the held-out sentences"]
    return f"## Choice of settings\n\n{measure.table(head, rows)}\n"


def threads(options: Namespace) -> str:
    runs = [start(options, "nlp-zero", {"c2": 0.5}, 2000, workers=workers) for workers in (1, 2, 1, 2)]
    rows = [
        [workers, f"{min(run['wall'] for run in its):.2f}", f"{min(run['seconds'] for run in its):.2f}"]
        for workers, its in ((1, runs[::2]), (2, runs[1::2]))
    ]
    same = "the same to the bit" if len({run["weights"] for run in runs}) == 1 else "NOT the same"
    head = ["workers", "s by the clock", "CPU s"]
    return f"## Workers\n\nThe better of two runs; models {same}.\n\n{measure.table(head, rows)}\n"


def main() -> None:
    parser = measure.options("Train CRFs beside crfsuite.")
    parser.add_argument("--sentences", default="2000,0", help="training sentences, 0 for all of them")
    parser.add_argument("--only", default="", help="problems whose name has this in it")
    parser.add_argument("--dev", action="store_true", help="print the choice of settings")
    parser.add_argument("--workers", action="store_true", help="time two threads beside one")
    parser.add_argument("--alone", action="store_true", help="without crfsuite, which takes minutes on the whole set")
    parser.add_argument("--child", type=Path)
    options = measure.begin(parser)
    if options.child:
        child(options.child)
        return
    text = [measure.header("CRF training, CoNLL-2000 chunking")]
    if options.dev:
        text.append(choose(options))
    text += [compare(options, int(count)) for count in options.sentences.split(",") if count]
    if options.workers:
        text.append(threads(options))
    measure.publish("\n".join(text), options.out)


if __name__ == "__main__":
    main()
