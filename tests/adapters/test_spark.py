"""PySpark in local mode: the lexicon and the words of a cluster are those of this process."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nlp_zero.adapters import spark
from nlp_zero.errors import InputError
from nlp_zero.words.bounded import count_text
from nlp_zero.words.frequent import words_of_run
from nlp_zero.words.runs import Run
from nlp_zero.words.tokenizer import Tokenizer

WORDS = [
    "葡萄酒",
    "咖啡",
    "研究生",
    "北京",
    "大学",
    "生命",
    "起源",
    "的",
    "是",
    "在",
    "和",
    "很",
    "人",
    "水",
    "5元",
    "，",
]

ROOT = Path(__file__).resolve().parents[2]

# What PySpark itself warns of as it starts and stops is not ours.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def sentences(seed: int, size: int) -> list[str]:
    source = random.Random(seed)
    return ["".join(source.choice(WORDS) for _ in range(source.randrange(3, 12))) for _ in range(size)]


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Two threads of this machine as a cluster."""
    sql = pytest.importorskip("pyspark.sql")
    if not shutil.which("java"):
        pytest.skip("PySpark needs Java")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
        builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        running = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
        running.sparkContext.setLogLevel("OFF")
        yield running
        running.stop()


def local(lines: list[str], path: Path, max_length: int, min_count: int | None) -> Any:
    count_text(lines, path, max_length=max_length)
    with Run(path) as run:
        return words_of_run(run, min_count, max_length)


@pytest.mark.parametrize("min_count", [None, 3])
def test_the_lexicon_is_that_of_a_run_file(session: Any, min_count: int | None, tmp_path: Path) -> None:
    lines = sentences(1, 800)
    wanted = local(lines, tmp_path / "run", 4, min_count)
    rdd = session.sparkContext.parallelize(lines, 3)

    found = spark.learn_lexicon(rdd, min_count=min_count, batch=2000)

    assert len([word for word in found if len(word) > 1]) >= 5
    assert found == wanted and found.provenance == wanted.provenance


def test_a_table_will_do_and_text_without_words_will_not(session: Any, tmp_path: Path) -> None:
    lines = sentences(2, 300)
    frame = session.createDataFrame([(line,) for line in lines] + [(None,)], "text string")
    assert spark.learn_lexicon(frame, column="text") == local(lines, tmp_path / "run", 4, None)
    with pytest.raises(InputError, match="no Chinese text"):
        spark.learn_lexicon(session.sparkContext.parallelize(["", "，"], 2))


def test_text_is_cut_as_here(session: Any) -> None:
    lines = [*sentences(3, 2500), ""]
    tokenizer = Tokenizer({word: 9 for word in WORDS if len(word) > 1})
    wanted = tokenizer.tokenize_lines(lines)
    assert spark.cut(session.sparkContext.parallelize(lines, 3), tokenizer).collect() == wanted
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = session.createDataFrame([(line,) for line in lines], "value string")
    rows = frame.select(spark.cut_udf(session, tokenizer)("value")).collect()
    assert [list(row[0]) for row in rows] == wanted


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql.functions", None)
    with pytest.raises(ImportError, match=r"spark needs pyspark.sql.functions: pip install nlp-zero\[spark\]"):
        spark.cut_udf(None, Tokenizer({"学生": 1}))
