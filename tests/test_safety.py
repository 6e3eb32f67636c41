"""Nothing in the library runs what a file says, and nothing it imports comes from outside the standard library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "nlp_zero").rglob("*.py"))

UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}


def unsafe_parts(source: str) -> list[str]:
    """The imports and calls of a module by which a file could come to run as a program."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # Any spelling of importlib.import_module("pickle").
            names = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
        elif isinstance(node, ast.Name) and node.id in UNSAFE_CALLS:
            found.append(f"line {node.lineno}: {node.id}")
        found += [f"line {node.lineno}: {name}" for name in names if name.split(".")[0] in UNSAFE_MODULES]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_can_run_what_a_file_says(path: Path) -> None:
    assert unsafe_parts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, marshal as m",
        "from pickle import loads",
        "from shelve import open",
        "def f():\n    import dill.detect",
        "importlib.import_module('pickle')",
        "eval('1')",
        "f = exec",
        "map(compile, x)",
        "__import__('pickle')",
    ],
)
def test_the_search_finds_each_of_them(source: str) -> None:
    assert unsafe_parts(source)


def test_the_search_leaves_the_harmless_alone() -> None:
    assert unsafe_parts("import re, json\nre.compile('x')\nfrom . import pickle_free\n'eval'\n") == []


IMPORT_ALL = """
import importlib, pkgutil, sys

class OnlyStandard:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top != "nlp_zero" and top not in sys.stdlib_module_names and top not in known:
            outside.append(name)
        return None

outside = []
known = {"org", *sys.modules}  # copy, which dataclasses want, asks for a module of Jython
sys.meta_path.insert(0, OnlyStandard())
sys.path.insert(0, sys.argv[1])
import nlp_zero
for module in pkgutil.walk_packages(nlp_zero.__path__, "nlp_zero."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for name in nlp_zero.__all__:
    getattr(nlp_zero, name)
print(outside)
"""


@pytest.mark.parametrize("engine", ["0", "1"])
def test_every_module_imports_only_the_standard_library(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an interpreter without site-packages; optional libraries are imported by the functions that want them."""
    fast = any((ROOT / "nlp_zero" / "kernels").glob("_fast*"))
    monkeypatch.setenv("NLP_ZERO_PURE", engine if fast else "1")
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", IMPORT_ALL, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)
