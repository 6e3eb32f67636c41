"""Quality of discovery: how many of the first 1,000, 5,000 and 10,000 found words are in the gold word list.

    python -m benchmarks.discovery.quality [--out FILE]

Only words of two or more Han characters count. Ours runs as `nlp-zero words`; the peers, each with its own ranking
and default thresholds, run in the same pass of the shared bench_discover.py. For the KenLM recipe set
KENLM_COUNT_NGRAMS to its program.
"""

import os
import subprocess
import sys

from benchmarks import measure

PEERS = {
    "eleve (nVBE)": "eleve",
    "sentencepiece BPE": "sentencepiece",
    "sentencepiece unigram": "sentencepiece",
    "gensim Phrases x2": "gensim",
}
CONTROLS = ["control PMI+entropy Python", "control n-gram frequency"]
METHODS = ("entropy", "pmi", "cohesion")


def chosen(quick: bool) -> tuple[list[str], list[str]]:
    """Names of the peers that can run here, and calls of own functions."""
    peers = [] if quick else [name for name, module in PEERS.items() if measure.installed(module)]
    for name in () if quick else PEERS.keys() - set(peers):
        measure.skip(name, "not installed")
    calls = []
    if measure.backend() == "not importable":
        measure.skip("nlp-zero", "not importable")
    else:
        calls = [f"nlp-zero {method}=benchmarks.discovery.ours:{method}" for method in METHODS]
    if not quick and os.environ.get("KENLM_COUNT_NGRAMS"):
        calls.append("KenLM recipe=benchmarks.discovery.kenlm_recipe:discover")
    elif not quick:
        measure.skip("KenLM recipe", "KENLM_COUNT_NGRAMS is not set")
    return peers + ([] if quick else CONTROLS), calls


def main() -> None:
    parser = measure.options("Precision of the best words.")
    parser.add_argument("--quick", action="store_true", help="nlp-zero alone")
    options = measure.begin(parser)
    text, gold = measure.needed(options.work, "quality.txt", "quality_gold.txt")
    header = measure.header("Quality of word discovery", [text, gold])
    peers, calls = chosen(options.quick)
    command = [sys.executable, str(options.shared / "bench" / "bench_discover.py"), "--limit", "600"]
    command += ["--quality", str(text), "--lexicon", str(gold), "--peers", ",".join(peers)]
    for call in calls:
        command += ["--call", call]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=measure.environment(), check=True)
    notes = "\n".join([
        "P@k: percent of the first k words of two or more Han characters that the gold list holds; - where fewer",
        "were found. One run each; seconds are CPU seconds of the whole program, MB its peak resident memory.",
    ])  # fmt: skip
    measure.publish(f"{header}\n{done.stdout.strip()}\n\n{notes}", options.out)


if __name__ == "__main__":
    main()
