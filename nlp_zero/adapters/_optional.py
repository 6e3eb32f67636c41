"""Libraries that are not needed, but may be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["optional"]


def optional(name: str) -> Any:
    """A library by name; ImportError that says how to install it where it is missing.

    >>> optional("no_such_library")
    Traceback (most recent call last):
    ImportError: no_such_library is not installed: pip install 'nlp-zero[no_such_library]'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"{name} is not installed: pip install 'nlp-zero[{name}]'", name=name) from None
