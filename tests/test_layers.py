"""Who may import whom: the rule of the design, read from the source by its syntax trees."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "nlp_zero"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room may use what stands in an earlier row; rooms in one row do not know each other.
ROWS = (
    {"errors"},
    {"kernels", "text", "evaluation", "storage", "drawing"},
    {"words", "tagging"},
    {"syntax", "network"},
    {"report"},
    {"__init__"},
    {"cli", "adapters"},
    {"__main__"},
)
APART = {("syntax", "tagging"), ("network", "tagging")}
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}

# Reading a file must never run it.
UNSAFE_MODULES = {"pickle", "_pickle", "marshal", "shelve", "dbm", "dill", "joblib", "cloudpickle"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
# Loaded inside a try, with a clear error when it is missing: an extra, or a module of a later Python.
OPTIONAL_MODULES = {"backports", "compression"}


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(source: str, module: str, package: bool) -> Iterator[tuple[str, ...]]:
    """Every module that source imports, as absolute dotted parts: ``("nlp_zero", "words", "lexicon")``."""
    here = module.split(".") if package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield (*base, alias.name)


def rooms(file: Path) -> tuple[str, set[str]]:
    """The room that a file stands in, and the rooms of this package that it imports."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if package else parts)
    own = parts[1]
    found = set()
    for name in imports(file.read_text(encoding="utf-8"), module, package):
        if name[0] == "nlp_zero":
            found.add(name[1] if len(name) > 1 and name[1] in ROW_OF else "__init__")
    return own, found - {own}


def breaches(own: str, used: set[str]) -> list[str]:
    """What breaks the rule when a file of the room ``own`` uses the rooms ``used``."""
    return [
        f"{own} may not use {other}" for other in sorted(used) if ROW_OF[other] >= ROW_OF[own] or (own, other) in APART
    ]


def test_every_room_has_its_place() -> None:
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    names |= {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert names <= set(ROW_OF), "a new room needs a row in the design and here"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_uses_only_what_stands_left_of_it(file: Path) -> None:
    own, used = rooms(file)
    assert breaches(own, used) == []


def test_the_rule_itself_can_fail() -> None:
    assert breaches("text", {"errors", "words"}) == ["text may not use words"]
    assert breaches("text", {"kernels"}) == ["text may not use kernels"]
    assert breaches("syntax", {"words", "tagging"}) == ["syntax may not use tagging"]
    assert breaches("cli", {"__init__", "words", "errors"}) == []
    source = "from .. import kernels\nfrom ..text import corpus as c\nimport nlp_zero.words.lexicon\nfrom . import trie"
    assert sorted(imports(source, "nlp_zero.words.tokenizer", False)) == [
        ("nlp_zero", "kernels"),
        ("nlp_zero", "text", "corpus"),
        ("nlp_zero", "words", "lexicon"),
        ("nlp_zero", "words", "trie"),
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_the_standard_library_is_imported_and_nothing_that_runs_data(file: Path) -> None:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if package else parts)
    top = {name[0] for name in imports(file.read_text(encoding="utf-8"), module, package)}
    assert top <= set(sys.stdlib_module_names) | {"nlp_zero"} | OPTIONAL_MODULES
    assert not top & UNSAFE_MODULES
    calls = {
        node.func.id for node in ast.walk(parse(file)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & UNSAFE_CALLS


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_library_prints_nothing_and_configures_no_logging(file: Path) -> None:
    if file.parent.name == "cli":
        return
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in {"print", "logging.basicConfig", "basicConfig"}, f"line {node.lineno}: {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_text_files_are_opened_with_an_encoding(file: Path) -> None:
    for node in ast.walk(parse(file)):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {"open", "io.open"}:
            continue
        mode = ast.unparse(node.args[1]) if len(node.args) > 1 else "'r'"
        mode = next((ast.unparse(word.value) for word in node.keywords if word.arg == "mode"), mode)
        named = any(word.arg == "encoding" for word in node.keywords)
        assert named or "b" in mode or not mode.startswith("'"), f"line {node.lineno}: open without an encoding"
