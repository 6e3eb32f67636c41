"""What the documents show is what happens: their Python and their shell lines run, their links lead somewhere."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [*READMES, *GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path, language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(document.read_text(encoding="utf-8")) if name == language]


def without_comments(block: str) -> list[str]:
    """The code of each line; what stands after two spaces and a # is for the reader, in the language of the page."""
    return [re.sub(r"\s+# .*$", "", line) for line in block.splitlines()]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_python_in_the_readme_runs_as_shown(readme: Path) -> None:
    result = doctest.testfile(
        str(readme), module_relative=False, encoding="utf-8", optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 5 and result.failed == 0


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_python_in_a_guide_runs_as_shown(guide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(
        str(guide), module_relative=False, encoding="utf-8", optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0


def test_shell_lines_in_the_readme_run(tmp_path: Path, engine: str) -> None:
    """Every ``nlp-zero`` line of the README, in order, in one folder that has the sample texts."""
    shutil.copytree(ROOT / "corpora", tmp_path / "corpora")
    program = tmp_path / "bin" / "nlp-zero"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W error -m nlp_zero "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    lines = [line for block in blocks(READMES[0], "sh") for line in without_comments(block) if "nlp-zero " in line]
    assert len(lines) > 8
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": path,
            "NLP_ZERO_PURE": {"python": "1", "c": "0"}[engine],
        },
        capture_output=True,
        encoding="utf-8",
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "cut.txt").read_text(encoding="utf-8").replace(" ", "") == (
        (tmp_path / "corpora" / "medicine.txt").read_text(encoding="utf-8").replace(" ", "")
    )


def test_both_readmes_show_the_same_code() -> None:
    for language in ("sh", "python"):
        english, chinese = (list(map(without_comments, blocks(readme, language))) for readme in READMES)
        assert english and english == chinese


def test_the_readme_has_its_two_commands_on_one_line_each() -> None:
    """``.ci/run`` takes the lines that begin so, and runs them."""
    for readme in READMES:
        commands = re.findall(r"^python3 -m venv .*$", readme.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(commands) == 2
        assert commands[0].endswith("benchmarks/demo.py") and commands[1].endswith("pytest")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_options_that_exist(document: Path) -> None:
    from nlp_zero import cli

    modules = Path(cli.__file__).parent.glob("*.py")
    source = "".join(module.read_text(encoding="utf-8") for module in modules)
    text = re.sub(
        r"^(?!.*nlp-zero).*(pip|pytest|venv).*$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}:
        assert f'"{option}"' in source, option
