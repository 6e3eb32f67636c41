"""Words from counts: the statistics are those of the counts in memory, the words those that a reader would name."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from nlp_zero.errors import InputError
from nlp_zero.words.bounded import count_text
from nlp_zero.words.frequent import least_count, lexicon_of, read_grams, words_of_run
from nlp_zero.words.ngrams import NgramCounts
from nlp_zero.words.runs import Run, row_size, save_run

WORDS = ["葡萄酒", "咖啡", "研究生", "北京", "大学", "生命", "起源", "的", "是", "在", "和", "很", "人", "水"]


def sentences(seed: int, size: int) -> list[str]:
    source = random.Random(seed)
    return ["".join(source.choice(WORDS) for _ in range(source.randrange(3, 12))) for _ in range(size)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    save_run(tmp_path / "run", NgramCounts(4).train(sentences(1, 400)))
    return Run(tmp_path / "run")


def test_counts_and_entropies_are_those_of_the_counts_in_memory() -> None:
    for lines in (sentences(2, 150), ["5元，2024年ab", "学生会", "学，学生"]):
        counts = NgramCounts(3).train(lines)
        rows, numbers = counts.table()
        size = row_size(3)
        for least in (1, 3):
            blocks = [
                (rows[at * size : (at + 7) * size], memoryview(numbers)[at : at + 7])
                for at in range(0, len(numbers), 7)
            ]
            levels = read_grams(lambda: blocks, 3, least)  # noqa: B023
            found = [(level.word(place), count) for level in levels for place, count in enumerate(level.counts)]
            assert sorted(found) == list(counts.items(min_count=least))
            lexicon = lexicon_of(levels, counts.total(1), least, min_pmi=-99, min_entropy=0)
            for entry in lexicon.entries():
                if len(entry.word) > 1:
                    assert entry.left_entropy == pytest.approx(counts.left_entropy(entry.word), abs=2e-3)
                    assert entry.right_entropy == pytest.approx(counts.right_entropy(entry.word), abs=2e-3)


def test_the_words_are_found_with_the_counts_that_they_have(run: Run) -> None:
    lines = sentences(1, 400)
    with run:
        lexicon = words_of_run(run, min_pmi=2.0)
    assert [word for word in WORDS if len(word) > 1 and word not in lexicon] == []
    first = list(lexicon)[:7]
    assert set(first) == {word for word in WORDS if len(word) > 1}
    for word in first:
        assert lexicon[word].count == pytest.approx(sum(line.count(word) for line in lines), rel=0.15)
    assert "葡萄" not in lexicon and "葡" not in lexicon, "only parts of a longer word"


def test_thresholds_are_kept_with_the_lexicon(run: Run) -> None:
    with run:
        lexicon = words_of_run(run, 5, max_length=2)
    assert lexicon.provenance["min_count"] == 5 and lexicon.provenance["method"] == "counts"
    assert max(map(len, lexicon)) == 2


def test_what_was_forgotten_is_not_counted_upon() -> None:
    lines = sentences(4, 300)
    with tempfile.TemporaryDirectory() as name:
        count_text(lines, Path(name, "run"), max_length=4, min_count=20)
        count_text(lines, Path(name, "all"), max_length=4)
        with Run(Path(name, "run")) as run, Run(Path(name, "all")) as whole:
            assert run.forgotten == 19 and run.rows < whole.rows
            assert words_of_run(run, 3).counts() == words_of_run(whole, 20).counts()


def test_nothing_counted_is_no_text(tmp_path: Path) -> None:
    save_run(tmp_path / "run", NgramCounts(4))
    with Run(tmp_path / "run") as run, pytest.raises(InputError, match="no Chinese text"):
        words_of_run(run)
    assert least_count(0) == 2
