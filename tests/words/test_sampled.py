"""Learning on more text than memory: what fits is learnt as ever; of more, a sample that does not depend on order."""

from __future__ import annotations

import io
import random
from pathlib import Path
from unittest import mock

import pytest

from nlp_zero import cli
from nlp_zero.errors import InputError
from nlp_zero.text.corpus import Corpus
from nlp_zero.words import sampled
from nlp_zero.words.discovery import WordFinder
from nlp_zero.words.sampled import sample_lines, train_sampled

WORDS = ["葡萄酒", "咖啡", "研究生", "北京", "大学", "生命", "起源", "的", "是", "在", "和", "很", "人", "水"]
MEMORY = 256 << 20


@pytest.fixture
def text(tmp_path: Path) -> Path:
    source = random.Random(1)
    lines = ["".join(source.choice(WORDS) for _ in range(8)) for _ in range(400)]
    (tmp_path / "text").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "text"


def test_a_sample_does_not_depend_on_the_order_of_lines() -> None:
    lines = [f"第{number}行" for number in range(3000)]
    sample = list(sample_lines(["\n".join(lines[:1000]), *lines[1000:]], 0.1))
    assert sorted(sample) == sorted(sample_lines(lines[::-1], 0.1))
    assert 200 < len(sample) < 400
    assert set(sample) <= set(sample_lines(lines, 0.2)), "a larger sample holds the smaller one"
    assert list(sample_lines(lines, 1.0)) == lines and not list(sample_lines(lines, 0.0))


def test_known_words_are_the_most_frequent_that_fit(text: Path, tmp_path: Path) -> None:
    def known(room: int) -> dict[str, int]:
        with mock.patch.object(sampled, "_WORD", MEMORY // room):
            return sampled.known_words(Corpus(text), MEMORY, str(tmp_path), 1, lambda stage, done, total: None)

    whole = known(1000)
    assert len(whole) > 5 and all(count >= sampled.LEAST_COUNT for count in whole.values())
    best = sorted(whole.items(), key=lambda pair: (-pair[1], pair[0]))
    assert list(known(3).items()) == best[:3]


def test_text_that_fits_is_learnt_as_ever(text: Path) -> None:
    finder, share = train_sampled(Corpus(text), MEMORY, seed=3)
    assert share == 1.0
    assert finder.find() == WordFinder("bayes", seed=3).train(Corpus(text)).find()


def test_of_more_text_a_sample_is_modelled_and_all_is_counted(text: Path) -> None:
    with mock.patch.object(sampled, "_BYTES", 100_000):
        finder, share = train_sampled(Corpus(text), MEMORY)
    assert 0.2 < share < 0.4
    assert finder.symbols < 0.6 * len(text.read_text(encoding="utf-8"))
    assert finder.prior is not None and finder.prior["咖啡"] > 100
    assert {"葡萄酒", "咖啡"} <= set(finder.find())


def test_what_cannot_be_read_twice_or_held_is_refused(text: Path) -> None:
    with pytest.raises(InputError, match="expected files, which are read twice"):
        train_sampled(Corpus(io.BytesIO(b"x")), MEMORY)
    with pytest.raises(InputError, match="memory: expected at least 160 MB to learn in, got 10 MB"):
        train_sampled(Corpus(text), 10 << 20)


def test_learning_under_a_cap_by_the_command_line(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(text.parent / "a.model")
    with mock.patch.object(sampled, "_BYTES", 100_000):
        assert cli.main(["learn", str(text), "-o", model, "--memory", "256M"]) == 0
    assert "of its lines fit into memory and were modelled" in capsys.readouterr().err
    assert cli.main(["learn", str(text), "-o", model, "--memory", "256M", "--method", "pmi"]) == 2
