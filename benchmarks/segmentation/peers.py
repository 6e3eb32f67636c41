"""Every peer of the shared benchmark programs on the gold sets; how protocol.py gets their rows.

Segmenters run in the worker of bench_segment.py, found lexicons in that of bench_discover.py, which cuts with a
unigram model of its own: single characters and the peer's first 20,000 words, counts by two rounds of hard EM.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import measure

DICTIONARY, LABELLED, RAW = "a dictionary", "labelled text", "raw text"


class Peer(NamedTuple):
    """A peer of the shared programs: what it knows, and the module that it wants."""

    knows: str
    module: str
    slow: str = ""  # why it is left out unless asked for


SEGMENTERS = {
    "jieba_fast": Peer(DICTIONARY, "jieba_fast"),
    "rjieba": Peer(DICTIONARY, "rjieba"),
    "cppjieba": Peer(DICTIONARY, "cppjieba"),
    "pkuseg": Peer(LABELLED, "pkuseg"),
    "thulac": Peer(LABELLED, "thulac"),
    "snownlp": Peer(LABELLED, "snownlp"),
    "jiagu": Peer(LABELLED, "jiagu"),
    "jiojio": Peer(LABELLED, "jiojio", slow="35 s to load"),
    "sentencepiece unigram": Peer(RAW, "sentencepiece"),
    "sentencepiece bpe": Peer(RAW, "sentencepiece"),
    "tokenizers BPE": Peer(RAW, "tokenizers"),
    "tokenizers Unigram": Peer(RAW, "tokenizers", slow="70 s to train; its kind is that of sentencepiece unigram"),
    "bojone nlp_zero": Peer(RAW, "bojone_nlp_zero"),
}
FINDERS = {
    "eleve (nVBE)": Peer(RAW, "eleve"),
    "gensim Phrases x2": Peer(RAW, "gensim"),
    "smoothnlp": Peer(RAW, "smoothnlp"),
    "jiagu findword": Peer(RAW, "jiagu"),
    "TopWORDS C++": Peer(RAW, "topwords_adapter"),
    "KenLM recipe=benchmarks.discovery.kenlm_recipe:discover": Peer(RAW, "sys"),
    "control PMI+entropy Python": Peer(RAW, "sys"),
    "jiayan": Peer(RAW, "jiayan", slow="70 s"),
    "harvesttext": Peer(RAW, "harvesttext", slow="25 s a megabyte"),
    "new-words-detection": Peer(RAW, "new_words_detection", slow="more than 60 s a megabyte"),
}


class Result(NamedTuple):
    """Of each gold set precision, recall and F1, in percent (NaN for what is not known); what learning took."""

    name: str
    knows: str
    scores: list[tuple[float, float, float]]
    learning: str


def rows(options: Any, text: Path, golds: dict[str, Path]) -> Iterator[Result | tuple[str, str]]:
    """The result of each peer, or its name and why it was skipped."""
    bench = options.shared.resolve() / "bench"
    marked = [argument for name, path in golds.items() for argument in ("--gold", f"{name}={path}")]
    for name, peer in SEGMENTERS.items():
        training = ["--train", str(text)] if peer.knows == RAW else []
        some = [*training, "--text", str(golds[next(iter(golds))]), "--seconds", "0", *marked]
        found = run(bench / "bench_segment.py", name, peer, some, options)
        if isinstance(found, str):
            yield name, found
            continue
        scores = [(found[key][0], found[key][1], found[key][2]) for key in golds]
        yield Result(name, peer.knows, scores, f"{found['load']:.1f} s, {found['mb']:.0f} MB" if training else "-")
    words = str(options.work / "quality_gold.txt")
    for name, peer in FINDERS.items():
        some = ["--text", str(text), "--lexicon", words, *marked]
        found = run(bench / "bench_discover.py", name, peer, some, options)
        shown = f"{name.split('=')[0]}, its lexicon"
        if isinstance(found, str):
            yield shown, found
            continue
        unknown = float("nan")
        scores = [(unknown, unknown, f1) for f1 in found["f1"]]
        yield Result(shown, peer.knows, scores, f"{found['s']:.1f} s, {found['mb']:.0f} MB")


def run(program: Path, name: str, peer: Peer, arguments: list[str], options: Any) -> dict[str, Any] | str:
    """What the worker of a shared program found, or why it found nothing."""
    if peer.slow and not options.slow:
        return f"{peer.slow}; run with --slow"
    if not measure.installed(peer.module):
        return "not installed"
    if name.startswith("KenLM") and not os.environ.get("KENLM_COUNT_NGRAMS"):
        return "KENLM_COUNT_NGRAMS is not set"
    command = [sys.executable, str(program), "--worker", name, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=measure.environment(), timeout=options.limit)
    except subprocess.TimeoutExpired:
        return f"more than {options.limit:.0f} s"
    if "\n@@" not in done.stdout:
        return (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:100]
    found: dict[str, Any] = json.loads(done.stdout.rsplit("@@", 1)[1])
    return found
