"""The hot loops. Python is the specification; C, where it was built, gives the same bits sooner.

The engine is chosen once, by the environment variable ``NLP_ZERO_PURE``: unset takes C if it was built, ``1`` takes
Python, ``0`` takes C or fails. Callers look kernels up as they call, ``kernels.encode(...)``, so that :func:`use`
(which the tests call) can swap the engine.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from . import (
    attributes,
    brackets,
    chain,
    chart,
    clustering,
    counting,
    experts,
    flow,
    grams,
    hmm,
    lattice,
    local,
    merges,
    pairs,
    perceptron,
    profiles,
    reach,
    rows,
    runs,
    sampling,
    sieve,
    templates,
    vectors,
    windows,
)

_MODULES = (
    attributes,
    brackets,
    chain,
    chart,
    clustering,
    counting,
    experts,
    flow,
    grams,
    hmm,
    lattice,
    local,
    merges,
    pairs,
    perceptron,
    profiles,
    reach,
    rows,
    runs,
    sampling,
    sieve,
    templates,
    vectors,
    windows,
)
_TWINS = {name: module for module in _MODULES for name in module.__all__}

__all__ = ["available", "backend", "use", *_TWINS]

backend: str
"""``"c"`` or ``"python"``: the engine in use."""


def _load_fast() -> ModuleType | None:
    try:
        from . import _fast
    except ImportError:
        return None
    # A build of older sources lacks kernels: it is as good as none, until it is built again.
    return _fast if all(hasattr(_fast, name) for name in _TWINS) else None


def available() -> tuple[str, ...]:
    """The engines that can be used here.

    >>> "python" in available()
    True
    """
    return ("python",) if _load_fast() is None else ("python", "c")


def use(engine: str) -> None:
    """Take every kernel from the engine ``"python"`` or ``"c"``."""
    if engine not in ("python", "c"):
        raise ValueError(f"engine: expected 'python' or 'c', got {engine!r}")
    fast = _load_fast() if engine == "c" else None
    if engine == "c" and fast is None:
        raise ImportError("NLP_ZERO_PURE=0 asks for the C kernels, but they are not built")
    for name, module in _TWINS.items():
        globals()[name] = getattr(module if fast is None else fast, name)
    globals()["backend"] = engine


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_wish = os.environ.get("NLP_ZERO_PURE")
use("python" if _wish == "1" or (_wish != "0" and _load_fast() is None) else "c")
