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
METHODS = ("entropy", "bayes", "pmi", "cohesion")


def peers() -> tuple[list[str], list[str]]:
    """The peers that can run here: names that the shared program knows, and calls of own functions."""
    names = [name for name, module in PEERS.items() if measure.installed(module)]
    for name in PEERS:
        if name not in names:
            measure.skip(name, "not installed")
    if os.environ.get("KENLM_COUNT_NGRAMS"):
        return names + CONTROLS, ["KenLM recipe=benchmarks.discovery.kenlm_recipe:discover"]
    measure.skip("KenLM recipe", "KENLM_COUNT_NGRAMS is not set")
    return names + CONTROLS, []


def ours() -> list[str]:
    """Calls of our program, one a method."""
    if measure.backend() != "not importable":
        return [f"nlp-zero {method}=benchmarks.discovery.ours:{method}" for method in METHODS]
    measure.skip("nlp-zero", "not importable")
    return []


def main() -> None:
    parser = measure.options("Precision of the best words.")
    parser.add_argument("--quick", action="store_true", help="nlp-zero and one control alone")
    options = measure.begin(parser)
    text, gold = measure.needed(options.work, "quality.txt", "quality_gold.txt")
    header = measure.header("Quality of word discovery", [text, gold])
    names, calls = (CONTROLS[-1:], []) if options.quick else peers()
    command = [sys.executable, str(options.shared / "bench" / "bench_discover.py"), "--limit", "600"]
    command += ["--quality", str(text), "--lexicon", str(gold), "--peers", ",".join(names)]
    for call in ours() + calls:
        command += ["--call", call]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=measure.environment(), check=True)
    notes = "\n".join([
        "P@k: percent of the first k words of two or more Han characters that the gold list holds; - where fewer",
        "were found. One run each; seconds are CPU seconds of the whole program, MB its peak resident memory.",
    ])  # fmt: skip
    measure.publish(f"{header}\n{done.stdout.strip()}\n\n{notes}", options.out)


if __name__ == "__main__":
    main()
