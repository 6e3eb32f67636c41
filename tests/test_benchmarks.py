"""The benchmark scripts that show figures: what they compute, on texts of a few lines; nothing here is measured."""

from __future__ import annotations

import doctest
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "segmentation"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "adapter", "inside"))

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not here")

TEXT = ["今天天气很好", "今天下雨,明天天气很好", "明天很好", "我们在北京大学学习", "北京大学很好!!"] * 20


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def module(name: str) -> SimpleNamespace:
    return importlib.import_module(f"benchmarks.segmentation.{name}")  # type: ignore[return-value]


@pytest.mark.parametrize("name", MODULES)
def test_doctests_of_the_scripts(name: str) -> None:
    assert doctest.testmod(module(name), optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_scripts_with_a_main_say_what_they_do(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = module(name)
    if not hasattr(script, "main") or name in ("gain", "speed"):
        return
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as leaving:
        script.main()
    assert leaving.value.code == 0 and "--out" in capsys.readouterr().out
    assert f"`python -m benchmarks.segmentation.{name}`" in (ROOT / "benchmarks" / "README.md").read_text("utf-8")


def test_trigram_probabilities_sum_to_one() -> None:
    model = module("characters").Trigrams(["今天天气好", "今天下雨", "天天下雨"])
    known = set("今天气好下雨")
    for before in ("\n\n", "\n今", "今天", "天天", "雨天", "猫狗"):
        seen = sum(model.probability(before + character) for character in known)
        new = model.probability(before + "猫")
        assert seen + new * (module("characters").ALPHABET - len(known)) == pytest.approx(1.0)


def test_the_recipe_keeps_what_its_chain_cut_and_leaves_no_trace() -> None:
    from nlp_zero.words import pitman_yor
    from nlp_zero.words.symbols import SymbolText

    inner, before = module("inner"), pitman_yor.segment
    learnt = inner.learn(TEXT, changes={"rounds": 0, "expert": False}, seed=3)
    assert pitman_yor.segment is before
    cut = inner.own_cut(SymbolText(TEXT, numerals=True), learnt.lengths, len(TEXT))
    assert ["".join(words) for words in cut] == TEXT
    assert cut[4][-1] == "!!" and "北京大学" in cut[-2]
    assert learnt.lengths == inner.learn(TEXT, changes={"rounds": 0, "expert": False}, seed=3).lengths


def test_the_recipe_is_put_back_after_an_error() -> None:
    from nlp_zero.words import pitman_yor

    before = pitman_yor.segment
    with pytest.raises(ValueError, match="no_such_setting"):
        module("inner").learn(TEXT, changes={"no_such_setting": 1})
    assert pitman_yor.segment is before


def test_every_switch_of_the_recipe_is_in_the_ablation() -> None:
    from nlp_zero.words.pitman_yor import Settings

    variants = module("ablation").variants()
    changed = {name for changes in variants.values() for name in changes}
    assert {name for name, value in Settings()._asdict().items() if isinstance(value, bool)} <= changed
    settings = Settings()._asdict()
    inner = [changes for changes in variants.values() if changes and "min_count" not in changes]
    assert all(settings[name] != value for changes in inner for name, value in changes.items())


def test_the_protocol_text_falls_into_its_parts(tmp_path: Path) -> None:
    parts = {"pku": ["今天"], "msr": ["明天", "后天"], "uddev": ["昨天"]}
    for name, lines in parts.items():
        (tmp_path / f"{name}_raw.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (tmp_path / "protocol.txt").write_text("很好\n今天\n明天\n后天\n昨天\n", encoding="utf-8")
    assert module("texts").protocol(tmp_path) == (["很好"], parts)
    (tmp_path / "protocol.txt").write_text("很好\n今天\n明天\n后天\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"benchmarks\.data"):
        module("texts").protocol(tmp_path)


def test_a_plot_is_a_picture_with_every_point_inside() -> None:
    plot = module("plot")
    lines = {name: [(3e5, 0.7 + shift), (3e6, 0.8 + shift)] for name, shift in (("PKU", 0.0), ("MSR", 0.001))}
    picture = ElementTree.fromstring(plot.svg("F1 < 1", "symbols", lines, {"+ laws": [(1.1e7, 0.79)]}, [3e5, 3e6]))
    circles = [item for item in picture.iter() if item.tag.endswith("circle")]
    assert len(circles) == 6  # one of them in the legend
    assert all(plot.LEFT < float(item.get("cx", "nan")) < plot.WIDTH - plot.RIGHT for item in circles[:-1])
    assert float(circles[-1].get("cx", "nan")) > plot.WIDTH - plot.RIGHT
    assert all(plot.TOP <= float(item.get("cy", "nan")) <= plot.HEIGHT - plot.BOTTOM for item in circles)
    names = [item for item in picture.iter() if item.text in ("PKU", "MSR")]
    assert abs(float(names[0].get("y", "nan")) - float(names[1].get("y", "nan"))) >= 12
