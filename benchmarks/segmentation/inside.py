"""Measurements that need to be inside one fresh process; prints one JSON object. Called by speed.py.

    python -m benchmarks.segmentation.inside build LEXICON MODEL
    python -m benchmarks.segmentation.inside load MODEL
    python -m benchmarks.segmentation.inside batch MODEL TEXT
    python -m benchmarks.segmentation.inside long MODEL TEXT
    python -m benchmarks.segmentation.inside import MODULE

Seconds are CPU seconds, memory is resident, in units of 2**20 bytes.
"""

import gc
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from time import process_time

TURNS = 5
LONG = 100_000


def resident(field: str = "VmRSS") -> float:
    """Resident memory now (VmRSS) or at its highest (VmHWM); 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(rf"{field}:\s*(\d+)", status)
    return int(found[1]) / 2**10 if found else 0.0


def timed(job: Callable[[], object]) -> float:
    """CPU seconds of one call; what it gives is thrown away outside the clock."""
    gc.collect()
    start = process_time()
    result = job()
    used = process_time() - start
    del result
    return used


def build(lexicon: str, model: str) -> dict[str, float]:
    """A model file from a list of words and counts."""
    from nlp_zero import Tokenizer
    from nlp_zero.words.lexicon import Lexicon

    words = Lexicon.load(lexicon)
    Tokenizer(words).save(model)
    return {"words": len(words), "file_mb": Path(model).stat().st_size / 2**20}


def load(model: str) -> dict[str, float]:
    """Time and memory of a model that is loaded and cuts its first sentence."""
    from nlp_zero import Tokenizer

    gc.collect()
    before, start = resident(), process_time()
    tokenizer = Tokenizer.load(model)
    loaded, now = process_time() - start, resident()
    tokenizer.tokenize("我来到北京清华大学。")
    first = process_time() - start
    return {"load": loaded, "first": first, "mb": now - before, "first_mb": resident() - before}


def batch(model: str, text: str) -> dict[str, float]:
    """Characters a second of one call over all lines, and of one call a line."""
    from nlp_zero import Tokenizer

    tokenizer = Tokenizer.load(model)
    lines = Path(text).read_text(encoding="utf-8").split("\n")
    size = sum(map(len, lines))
    whole, single = [], []
    for _ in range(TURNS):
        whole.append(timed(lambda: tokenizer.tokenize_lines(lines)))
        single.append(timed(lambda: [tokenizer.tokenize(line) for line in lines]))
    return {"batch": size / median(whole), "lines": size / median(single)}


def long(model: str, text: str) -> dict[str, float]:
    """One stretch of 100,000 and one of 200,000 Han characters, nothing else between them."""
    from nlp_zero import Tokenizer

    tokenizer = Tokenizer.load(model)
    han = "".join(re.findall("[\u4e00-\u9fff]+", Path(text).read_text(encoding="utf-8")))
    short, twice = han[:LONG], han[: 2 * LONG]
    pairs = [(timed(lambda: tokenizer.tokenize(short)), timed(lambda: tokenizer.tokenize(twice))) for _ in range(9)]
    once, double = (min(column) for column in zip(*pairs, strict=True))
    return {"characters": len(twice), "short": once, "long": double, "ratio": double / once}


def imported(module: str) -> dict[str, float]:
    """What an import takes in a fresh interpreter."""
    return {"import": timed(lambda: import_module(module))}


JOBS: dict[str, Callable[..., dict[str, float]]] = {
    "build": build,
    "load": load,
    "batch": batch,
    "long": long,
    "import": imported,
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
