"""Every test meets both engines: the id says ``python`` or ``c``; a missing build shows as a skip.

A shell that starts a job in the background has it ignore SIGINT; Ctrl-C is tested all the same.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlp_zero import kernels

# NLP_ZERO_PURE narrows the run to one engine, as it does for a user.
ENGINES = {"1": ["python"], "0": ["c"]}.get(os.environ.get("NLP_ZERO_PURE", ""), ["python", "c"])
SHARED = Path(__file__).resolve().parents[2] / "shared"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine under test; the one chosen at import comes back afterwards."""
    before = kernels.backend
    if request.param not in kernels.available():
        pytest.skip("the C kernels are not built")
    kernels.use(request.param)
    yield request.param
    kernels.use(before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring data beside the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the measuring data in {SHARED / 'data'}")
    return SHARED
