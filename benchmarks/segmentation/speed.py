"""Speed of segmentation with a given lexicon, from Python: str lines in, lists of words out.

    python -m benchmarks.segmentation.speed [--rounds 5] [--out FILE]

    python -m benchmarks.segmentation.speed --learnt [--rounds 5] [--out FILE]     (and a model learnt by `bayes`)

The lexicon is jieba's small dictionary (109,750 words and their counts); jieba and rjieba have their own, larger one,
and jieba meets us with exactly our words as well. Every segmenter runs in fresh processes of the shared
bench_segment.py, in interleaved rounds; a ratio is the median over rounds of the two speeds of one round. --learnt
learns a model from the raw text of the protocol first (20 s), and cuts by all it holds and by its words alone.
"""

import json
import re
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import measure

PEERS = {"jieba HMM=False": "jieba", "jieba": "jieba", "jieba_fast": "jieba_fast", "rjieba": "rjieba"}
ADAPTER = "benchmarks.segmentation.adapter"
OURS, PURE = "nlp-zero, C", "nlp-zero, Python"
LEARNT, PLAIN = "nlp-zero, learnt by bayes", "nlp-zero, its words alone"

Speeds = dict[str, dict[int, float]]


def inside(job: str, *arguments: str, pure: bool = False) -> dict[str, float]:
    """Run one measurement in a fresh process; empty when it fails."""
    command = [sys.executable, "-m", "benchmarks.segmentation.inside", job, *arguments]
    printed = measure.output(command, NLP_ZERO_PURE="1" if pure else "0")
    values: dict[str, float] = json.loads(printed) if printed else {}
    return values


def calls(model: Path, learnt: Path) -> list[str]:
    """The segmenters that the shared program gets from the adapter."""
    out = [f"{LEARNT}={ADAPTER}:learnt", f"{PLAIN}={ADAPTER}:learnt_plain"] if learnt.is_file() else []
    if model.is_file():
        out += [f"{OURS}={ADAPTER}:ours"] if measure.backend() == "c" else []
        out += [f"{PURE}={ADAPTER}:ours_python"]
    if measure.installed("rjieba"):
        out.append(f"rjieba, HMM off={ADAPTER}:rjieba_plain")
    if measure.installed("jieba"):
        out.append(f"jieba, HMM off, our words={ADAPTER}:jieba_same_words")
    return out


def beside(options: Namespace, model: Path, learnt: Path) -> tuple[str, Speeds]:
    """The table of the shared program, and the characters a second of every round."""
    peers = [name for name, module in PEERS.items() if measure.installed(module)]
    for name in PEERS:
        if name not in peers:
            measure.skip(name, "not installed")
    program = str(options.shared.resolve() / "bench" / "bench_segment.py")
    command = [sys.executable, program, "--text", str(options.work.resolve() / "mix10.txt")]
    command += ["--rounds", str(options.rounds), "--peers", ",".join(peers)]
    for call in calls(model, learnt):
        command += ["--call", call]
    lexicon = str(options.work.resolve() / "lexicon.txt")
    child = measure.environment(BENCH_MODEL=str(model), BENCH_LEXICON=lexicon, BENCH_LEARNT=str(learnt))
    done = subprocess.run(command, capture_output=True, text=True, env=child, check=True)
    speeds: Speeds = {}
    for line in done.stderr.split("\n"):
        if found := re.fullmatch(r"round (\d+) (.+): (\d+) chars/s", line):
            speeds.setdefault(found[2].split("=benchmarks.")[0], {})[int(found[1])] = float(found[3])
        elif line:
            print(line, file=sys.stderr)
    return done.stdout.strip(), speeds


def ratios(speeds: Speeds) -> Iterator[list[str]]:
    """Our engines over each peer, within the rounds."""
    for name, rounds in speeds.items():
        cells = [name, f"{median(rounds.values()) / 1e6:.2f}"]
        for engine in (OURS, PURE):
            times = measure.ratio(speeds.get(engine, {}), rounds)
            cells.append("-" if times is None else f"{times:.2f}")
        yield cells


def learnt_rows(speeds: Speeds) -> Iterator[list[str]]:
    """The model that was learnt over its own words alone, and over rjieba, within the rounds."""
    for name in (PLAIN, "rjieba"):
        times = measure.ratio(speeds.get(LEARNT, {}), speeds.get(name, {}))
        if times is not None:
            yield [LEARNT, name, f"{times:.2f}"]


def ours(model: Path, text: Path, pure: bool) -> Iterator[list[str]]:
    """Figures of one engine that no peer shares: one row each."""
    several = [inside("load", str(model), pure=pure) for _ in range(9)]
    several = [values for values in several if values]
    if several:
        middle = {name: median(values[name] for values in several) for name in several[0]}
        yield ["load the model", f"{1e3 * middle['load']:.1f} ms, {middle['mb']:.1f} MB"]
        yield ["load and cut a first sentence", f"{1e3 * middle['first']:.1f} ms, {middle['first_mb']:.1f} MB"]
    if values := inside("batch", str(model), str(text), pure=pure):
        yield ["tokenize_lines, one call", f"{values['batch'] / 1e6:.2f} M characters/s"]
        yield ["tokenize, line by line, same process", f"{values['lines'] / 1e6:.2f} M characters/s"]
    if values := inside("long", str(model), str(text), pure=pure):
        pair = f"{1e3 * values['short']:.1f} ms and {1e3 * values['long']:.1f} ms, ratio {values['ratio']:.2f}"
        yield ["100,000 and 200,000 Han characters without punctuation", pair]
    imports = [inside("import", "nlp_zero", pure=pure) for _ in range(9)]
    if all(imports):
        yield ["import nlp_zero", f"{1e3 * median(values['import'] for values in imports):.1f} ms"]


def main() -> None:
    parser = measure.options("Speed of segmentation.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--learnt", action="store_true", help="also a model learnt by method bayes")
    options = measure.begin(parser)
    text, lexicon = measure.needed(options.work, "mix10.txt", "lexicon.txt")
    parts = [measure.header("Speed of segmentation", [text, lexicon])]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "lexicon.model")
        pure = measure.backend() != "c"
        if built := inside("build", str(lexicon), str(model), pure=pure):
            parts.append(f"- lexicon: {built['words']:,.0f} words, model file {built['file_mb']:.2f} MB\n")
        else:
            measure.skip("nlp-zero", "no model could be built")
        learnt = Path(folder, "learnt.model")
        if options.learnt:
            (raw,) = measure.needed(options.work, "protocol.txt")
            measure.spend([*measure.OURS, "learn", "-q", "--method", "bayes", str(raw), "-o", str(learnt)])
        printed, speeds = beside(options, model, learnt)
        head = ["segmenter", "M characters/s", f"times: {OURS}", f"times: {PURE}"]
        parts += [measure.table(head, ratios(speeds)), ""]
        if options.learnt:
            parts += [measure.table(["a model", "over", "times as fast"], learnt_rows(speeds)), ""]
        parts += ["As the shared program prints it:", "", printed, ""]
        for name, engine in ((OURS, False), (PURE, True)) if model.is_file() else ():
            rows = list(ours(model, text, engine))
            if rows:
                parts += [measure.table([name, "figure"], rows), ""]
    parts.append("CPU time; medians of fresh processes; memory is growth of resident memory.")
    measure.publish("\n".join(parts), options.out)


if __name__ == "__main__":
    main()
