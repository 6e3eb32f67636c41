"""Cutting by several workers: the same text in the same order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from nlp_zero.errors import NlpZeroError
from nlp_zero.words.parallel import cut_blocks
from nlp_zero.words.tokenizer import Tokenizer

TOKENIZER = Tokenizer({"今天": 2, "天气": 2, "很好": 3, "研究生": 2, "生命": 2})


def blocks(number: int) -> Iterator[str]:
    for block in range(number):
        yield "\n".join([("今天天气很好" * (1 + (block * line) % 7))[line % 3 :] for line in range(20)] + [""])


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_does_not_show(workers: int) -> None:
    wanted = list(cut_blocks(TOKENIZER, blocks(15), "/"))
    assert wanted[0].startswith("今天/天气/很好\n".encode())
    assert list(cut_blocks(TOKENIZER, blocks(15), "/", workers)) == wanted
    assert list(cut_blocks(TOKENIZER, [], "/", workers)) == []


def test_a_reader_may_leave_early() -> None:
    text = cut_blocks(TOKENIZER, blocks(500), workers=2)
    assert next(text).startswith("今天 天气 很好".encode())
    text.close()  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals of Unix")
def test_a_process_that_is_killed_is_told(engine: str) -> None:
    if engine == "c":
        pytest.skip("threads share the one process")
    text = cut_blocks(TOKENIZER, blocks(500), workers=2)
    next(text)
    pool = text.gi_frame.f_locals["pool"]  # type: ignore[attr-defined]
    os.kill(next(iter(pool._processes)), signal.SIGKILL)
    with pytest.raises(NlpZeroError, match="a worker process was stopped from outside"):
        list(text)


def test_workers_have_limits() -> None:
    with pytest.raises(ValueError, match="workers: expected 1 or more, such as 2, got 0"):
        list(cut_blocks(TOKENIZER, blocks(1), workers=0))
