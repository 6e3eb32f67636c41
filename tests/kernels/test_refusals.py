"""What is no buffer is refused in the same words by both engines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import brackets, clustering, hmm, profiles, sieve, templates, windows

MODULES: list[ModuleType] = [brackets, clustering, hmm, profiles, sieve, templates, windows]
FUNCTIONS = [
    (module, name) for module in MODULES for name in module.__all__ if inspect.isfunction(getattr(module, name))
]


def refusal(function: Callable[..., Any], count: int) -> str:
    with pytest.raises((TypeError, ValueError)) as raised:
        function(*[5] * count)
    return f"{raised.type.__name__}: {raised.value}"


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=[name for _, name in FUNCTIONS])
def test_a_number_is_no_buffer(module: ModuleType, name: str) -> None:
    specification = getattr(module, name)
    count = len(inspect.signature(specification).parameters)

    assert refusal(getattr(kernels, name), count) == refusal(specification, count)
