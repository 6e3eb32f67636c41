"""What the user sees while a verb works: notes, errors, a progress line; all on standard error."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import IO


class Console:
    """Standard error: notes unless ``-q``, more of them with ``-v``, a progress line while it is a terminal."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet, self.verbose = quiet, verbose
        # On a terminal the words of `cut` would run through the line, unless they go to a file.
        self.live = not quiet and is_terminal(sys.stderr) and not is_terminal(sys.stdout)
        self.shown = False
        self.next = 0.0
        self.began: tuple[int, float] | None = None

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is, ten times a second at most; ``total`` 0 stands for unknown.

        With ``-v`` and no terminal, every step of a known total has a line of its own.
        """
        now = time.monotonic()
        line = f"{stage} {done / total:4.0%}{self._left(done, total, now)}" if total else f"{stage} {done:,}"
        if total and self.verbose and not self.live:
            self.error(line)
        if self.live and now >= self.next:
            self.next, self.shown = now + 0.1, True
            self._put(f"\r\x1b[K{line}")

    def _left(self, done: int, total: int, now: float) -> str:
        """The time left, by the pace since the first step."""
        if self.began is None or self.began[0] >= done:
            self.began = done, now
            return ""
        first, started = self.began
        return f", {(now - started) / (done - first) * (total - done):,.0f} s left"

    def clear(self) -> None:
        """Take the progress line away."""
        if self.shown:
            self.shown = False
            self._put("\r\x1b[K")

    def note(self, message: str) -> None:
        """Say something useful that is not a result."""
        if not self.quiet:
            self.error(message)

    def detail(self, message: str) -> None:
        """Say something that only ``-v`` wants to know."""
        if self.verbose:
            self.error(message)

    def error(self, message: str) -> None:
        """Say it in one line, whatever came in with a file name or a message."""
        self.clear()
        self._put(f"nlp-zero: {_one_line(message)}\n")

    def _put(self, text: str) -> None:
        # A closed standard error is no reason to fail: the exit status still tells.
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(text)
                sys.stderr.flush()


def is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _one_line(message: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\t" else repr(sign)[1:-1] for sign in message.strip())
