"""The lexicon of 50 MB by PySpark on two threads of this machine, beside our own count: equal, with the time of both.

python -m benchmarks.scale.spark [--file mix50.txt] [--out FILE]
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure


def main() -> None:
    parser = measure.options("The lexicon by PySpark and by a run file.")
    parser.add_argument("--file", default="mix50.txt", help="a file of the folder --work")
    options = measure.begin(parser)
    (text,) = measure.needed(options.work, options.file)
    header = measure.header("The lexicon by PySpark, local[2]", [text])
    from pyspark.sql import SparkSession

    from nlp_zero.adapters import spark
    from nlp_zero.text.corpus import Corpus
    from nlp_zero.words.bounded import count_text
    from nlp_zero.words.frequent import words_of_run
    from nlp_zero.words.runs import Run

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        count_text(Corpus(text).blocks(), Path(folder, "run"), max_length=4)
        with Run(Path(folder, "run")) as run:
            local = words_of_run(run)
    rows = [["nlp-zero count + words, one process", f"{time.monotonic() - started:.0f}"]]
    os.environ.update(measure.environment(PYSPARK_PYTHON=sys.executable))
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "2g").getOrCreate()
    started = time.monotonic()
    found = spark.learn_lexicon(session.sparkContext.textFile(str(text), 8))
    wall = time.monotonic() - started
    session.stop()
    rows.append(["PySpark, local[2], without the start of the session", f"{wall:.0f}"])
    equal = "equal" if found == local and found.provenance == local.provenance else "DIFFERENT"
    note = f"{len(found):,} words; the two lexicons are {equal}, counts and evidence to the last digit."
    measure.publish(f"{header}\n{measure.table(['program', 'wall s'], rows)}\n\n{note}", options.out)


if __name__ == "__main__":
    main()
