"""The tokenizer: what users rely on, over odd text, user words, boundaries, files; both engines."""

from __future__ import annotations

import itertools
import lzma
import math
import pickle
import random
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels, storage
from nlp_zero.errors import LexiconError, ModelError
from nlp_zero.words.lexicon import Entry, Lexicon
from nlp_zero.words.symbols import LATIN as LETTERS
from nlp_zero.words.symbols import NUMBER, YEAR
from nlp_zero.words.tokenizer import SPELLING, Token, Tokenizer, builtin

WORKED = {
    **{"中": 8, "外": 6, "科": 4, "学": 6, "名": 4, "著": 2},
    **{"中外": 10, "外科": 6, "科学": 20, "学名": 2, "名著": 12},
}
SMALL = {
    **{"研究": 50, "研究生": 20, "生命": 60, "命": 5, "起源": 10, "的": 300, "在": 90, "学习": 80, "机器": 50},
    **{"C++": 3, "a b": 2, "3D打印": 4, "。": 400, "ens": 9, "AT&T": 2, "H7N9": 2, "の": 3, "𠮷野家": 2},
}

lenient = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Characters that meet the lexicon and the rules more often than any character would.
odd = "aA bé\u0301\ufe0f\u200d👩😀🇨🇳\ud800\udfff\n\r\t\x00𠮷"
likely = st.text(st.sampled_from("研究生命起源的在学习C+ens3D打印。.,:/%0129H7N&Tのカー가" + odd))


@pytest.fixture
def small() -> Tokenizer:
    return Tokenizer(SMALL)


# The worked example -------------------------------------------------------------------------------------------------


def worked_tokenizer() -> Tokenizer:
    """The worked example has no mass for unknown words; here they are so dear that they do not matter."""
    tokenizer = Tokenizer(WORKED, unknown={"han": (-1000.0, -1000.0)})
    assert tokenizer._data.total == 80
    return tokenizer


def test_the_built_in_model_is_taken_as_it_lies() -> None:
    built_in = builtin()
    assert Tokenizer()._data == built_in._data, "its scale of granularity among it"
    assert Tokenizer(numbers="char", force=["今天天气"]).tokenize("今天天气12") == ["今天天气", "1", "2"]


def test_worked_example() -> None:
    tokenizer = worked_tokenizer()
    text = "中外科学名著"
    best = tokenizer.nbest(text, 20)
    assert len(best) == 13
    assert best[0][1] == tokenizer.tokenize(text) == ["中外", "科学", "名著"]
    # u = 1 is kept for unknown words, so each word scores log(80 / 81) less than with counts alone.
    assert best[0][0] + 3 * math.log(81 / 80) == pytest.approx(-5.362856, abs=5e-7)
    posterior = tokenizer.lattice(text).probability(best[0][1])
    weights = [math.exp(score) for score, _ in best]
    assert posterior == pytest.approx(weights[0] / sum(weights))
    drawn = Counter(tuple(tokenizer.sample(text, seed)) for seed in range(3000))
    assert drawn["中外", "科学", "名著"] / 3000 == pytest.approx(posterior, abs=0.02)


def test_the_score_of_the_best_path_is_the_score_of_its_words(small: Tokenizer) -> None:
    text = "研究生命起源在C++。H7N9!!"
    score, words = small.nbest(text, 1)[0]
    assert small.score(words) == score
    assert small.score([]) == 0.0


# Nothing is lost, nothing depends on order --------------------------------------------------------------------------


def check_whole(tokenizer: Tokenizer, text: str) -> None:
    words = tokenizer.tokenize(text)
    assert "".join(words) == text
    assert all(words)
    assert tokenizer.spans(text) == [(token.start, token.end) for token in tokenizer.tokens(text)]
    assert [text[start:end] for start, end in tokenizer.spans(text)] == words
    assert tokenizer.tokenize_lines([text, "", text]) == [words, [], words]


@lenient
@given(st.text(st.characters(exclude_categories=())) | likely)
def test_words_joined_are_the_text(text: str) -> None:
    check_whole(Tokenizer(SMALL), text)
    check_whole(Tokenizer(SMALL, numbers="char", latin="char", latin_boundary="any", force=["生命", "a b", "."]), text)


@lenient
@given(likely)
def test_n_best_starts_with_the_best_and_samples_are_paths(text: str) -> None:
    tokenizer = Tokenizer(SMALL)
    best = tokenizer.nbest(text, 4)
    assert best[0][1] == tokenizer.tokenize(text)
    assert [score for score, _ in best] == sorted([score for score, _ in best], reverse=True)
    assert len({tuple(words) for _, words in best}) == len(best)
    drawn = tokenizer.sample(text, seed=5, temperature=3.0)
    assert "".join(drawn) == text
    assert tokenizer.lattice(text).probability(drawn) > 0.0


@lenient
@given(likely, st.permutations(sorted(SMALL)))
def test_the_order_of_the_lexicon_does_not_matter(text: str, order: list[str]) -> None:
    assert Tokenizer({word: SMALL[word] for word in order}).nbest(text, 3) == Tokenizer(SMALL).nbest(text, 3)


def every_segmentation(text: str) -> list[list[str]]:
    cuts = range(1, len(text))
    chosen = itertools.chain.from_iterable(itertools.combinations(cuts, count) for count in range(len(text)))
    return [[text[a:b] for a, b in itertools.pairwise([0, *middle, len(text)])] for middle in chosen]


@pytest.mark.parametrize("seed", range(40))
def test_best_of_all_segmentations(seed: int) -> None:
    source = random.Random(seed)
    text = "".join(source.choice("中外科学名") for _ in range(7))
    pieces = {text[a : a + source.randint(1, 4)] for a in range(7) for _ in range(2)}
    tokenizer = Tokenizer({piece: source.choice([1, 2, 5, 100]) for piece in pieces})
    # Every word is listed, or one unknown Han character.
    allowed = [words for words in every_segmentation(text) if all(word in pieces or len(word) == 1 for word in words)]

    def rank(words: list[str]) -> tuple[float, int, list[int]]:
        return -tokenizer.score(words), len(words), [-len(word) for word in words]

    best = tokenizer.nbest(text, 1000)
    assert sorted(words for _, words in best) == sorted(allowed)
    assert all(score == tokenizer.score(words) for score, words in best)
    # Sums that differ in the last bit at one place may be equal at the next, so ties are settled place by place.
    expected = [tokenizer.score(words) for words in sorted(allowed, key=rank)]
    assert [score for score, _ in best] == pytest.approx(expected)
    assert tokenizer.tokenize(text) == best[0][1]


ODD: list[tuple[str, list[str]]] = [
    ("", []),
    (" ", [" "]),
    ("   ", ["   "]),
    ("\u3000\u3000研究", ["\u3000\u3000", "研究"]),
    ("\x00", ["\x00"]),
    ("研究\x00生命", ["研究", "\x00", "生命"]),
    ("\ud800", ["\ud800"]),
    ("\udc00\ud800", ["\udc00", "\ud800"]),
    ("研究\udfff生命", ["研究", "\udfff", "生命"]),
    ("\ufeff研究", ["\ufeff", "研究"]),
    ("研究\n生命", ["研究", "\n", "生命"]),
    ("研究\r\n生命", ["研究", "\r\n", "生命"]),
    ("研究\r生命", ["研究", "\r", "生命"]),
    ("研究\x85生命", ["研究", "\x85", "生命"]),
    ("研究\u2028生命", ["研究", "\u2028", "生命"]),
    ("研究\t \n生命", ["研究", "\t \n", "生命"]),
    ("㐀㐁", ["㐀", "㐁"]),  # Ext A
    ("𠀀𠀁", ["𠀀", "𠀁"]),  # Ext B
    ("\U0002a700\U0002b740", ["\U0002a700", "\U0002b740"]),  # Ext C, D
    ("\U0002b820\U0002ceb0", ["\U0002b820", "\U0002ceb0"]),  # Ext E, F
    ("\U00030000\U00031350", ["\U00030000", "\U00031350"]),  # Ext G, H
    ("\U0002ebf0\U000323b0", ["\U0002ebf0", "\U000323b0"]),  # Ext I, J
    ("\uf900\U0002f800", ["\uf900", "\U0002f800"]),  # compatibility
    ("〇々", ["〇", "々"]),
    ("吃𠮷野家", ["吃", "𠮷野家"]),
    ("葛\U000e0100城", ["葛\U000e0100", "城"]),  # ideographic variation sequence
    ("研\ufe00究", ["研\ufe00", "究"]),
    ("😀", ["😀"]),
    ("😀😀", ["😀", "😀"]),
    ("👩\u200d💻", ["👩\u200d💻"]),
    ("👨\u200d👩\u200d👧\u200d👦!", ["👨\u200d👩\u200d👧\u200d👦", "!"]),
    ("👍🏽👍", ["👍🏽", "👍"]),
    ("👩🏿\u200d🚀", ["👩🏿\u200d🚀"]),
    ("❤\ufe0f\u200d🔥", ["❤\ufe0f\u200d🔥"]),
    ("🇨🇳", ["🇨🇳"]),
    ("🇨🇳🇯🇵🇨", ["🇨🇳", "🇯🇵", "🇨"]),
    ("#\ufe0f\u20e3", ["#\ufe0f\u20e3"]),
    ("1\ufe0f\u20e3", ["1\ufe0f\u20e3"]),
    ("🏴\U000e0067\U000e0062\U000e007f", ["🏴\U000e0067\U000e0062\U000e007f"]),  # a flag made of tags
    ("e\u0301a", ["e\u0301a"]),
    ("\u0301", ["\u0301"]),
    ("\u0301研究", ["\u0301", "研究"]),
    ("Z\u0351\u036b\u0343\u036aa\u0302lgo", ["Z\u0351\u036b\u0343\u036aa\u0302lgo"]),
    ("\u202e研究\u202c", ["\u202e", "研究", "\u202c"]),  # direction controls
    ("研究\u200b生命", ["研究", "\u200b", "生命"]),
    ("\ue000", ["\ue000"]),  # private use
    ("\U0010ffff", ["\U0010ffff"]),
    ("\U000e0001", ["\U000e0001"]),
    ("ＡＢＣ１２３", ["ＡＢＣ", "１２３"]),
    ("１２．５％", ["１２．５％"]),
    ("3.14", ["3.14"]),
    ("12:30", ["12:30"]),
    ("2024/5/1", ["2024/5/1"]),
    ("1,234,567元", ["1,234,567", "元"]),
    ("1234,567", ["1234", ",", "567"]),
    ("50%的", ["50%", "的"]),
    ("99‰", ["99‰"]),
    ("3.", ["3", "."]),
    (".5", [".", "5"]),
    ("...", ["..."]),
    ("……", ["……"]),
    ("——", ["——"]),
    ("!!!???", ["!!!", "???"]),
    ("。，", ["。", "，"]),
    ("《》", ["《", "》"]),
    ("license", ["license"]),
    ("iPhone15", ["iPhone", "15"]),
    ("naïve", ["naïve"]),
    ("C++在", ["C++", "在"]),
    ("a b", ["a b"]),
    ("3D打印", ["3D打印"]),
    ("AT&T的", ["AT&T", "的"]),
    ("H7N9", ["H7N9"]),
    ("한국어", ["한국어"]),
    ("ひらがな", ["ひらがな"]),
    ("カタカナー", ["カタカナー"]),
    ("Привет", ["Привет"]),
    ("สวัสดี", ["สวัสดี"]),
    ("αβγ研究", ["αβγ", "研究"]),
    ("①②", ["①", "②"]),
    ("㎡", ["㎡"]),
    ("★★", ["★", "★"]),
    ("x²", ["x", "²"]),
]


@pytest.mark.parametrize(("text", "words"), ODD, ids=[ascii(text) for text, _ in ODD])
def test_odd_input(small: Tokenizer, text: str, words: list[str]) -> None:
    assert small.tokenize(text) == words
    check_whole(small, text)


def test_there_are_enough_odd_inputs() -> None:
    assert len(ODD) >= 60


def test_words_of_every_han_block_come_out_whole() -> None:
    blocks = [0x3400, 0x4E00, 0x20000, 0x2A700, 0x2B740, 0x2B820, 0x2CEB0, 0x2EBF0, 0x30000, 0x31350, 0x323B0, 0xF900]
    words = [chr(first) + chr(first + 1) + "家" for first in blocks]
    assert Tokenizer(dict.fromkeys(words, 2)).tokenize("".join(words)) == words


# Policies and boundaries --------------------------------------------------------------------------------------------


def test_latin_boundary() -> None:
    text = "license中ens，ens2 ens"
    assert Tokenizer(SMALL).tokenize(text) == ["license", "中", "ens", "，", "ens", "2", " ", "ens"]
    # Where words may stand inside a run, a heavy one cuts it; an ordinary one is still dearer than the run as one word.
    free = Tokenizer(SMALL, latin_boundary="any")
    assert free.tokenize("license") == ["license"]
    assert free.with_words(["ens"], weight=40.0).tokenize("license") == ["lic", "ens", "e"]
    assert Tokenizer(SMALL).with_words(["ens"], weight=40.0).tokenize("license") == ["license"]
    assert Tokenizer({"3": 100}).tokenize("3.14 3%") == ["3.14", " ", "3%"]
    assert Tokenizer({"T恤": 5}).tokenize("IT恤T恤") == ["IT", "恤", "T恤"]


SHAPES = {
    **{NUMBER + "元": 30, YEAR + "年": 40, f"{NUMBER}月{NUMBER}日": 20, "第" + NUMBER: 25, LETTERS + "超": 4},
    **{NUMBER: 60, YEAR: 5, LETTERS: 20, "花": 9, "了": 30, "做": 9, "个": 9, "B超": 2, "年": 20, "月": 10, "3D": 20},
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("花了5元", "花 了 5元"),
        ("12.50元", "12.50元"),
        ("1,234元", "1,234元"),
        ("１９９８年", "１９９８年"),
        ("1998年", "1998年"),
        ("98年", "98 年"),
        ("2月3日", "2月3日"),
        ("2月", "2 月"),
        ("第3个", "第3 个"),
        ("做B超", "做 B超"),
        ("做CT超", "做 CT超"),
        ("1998年2月3日花了5元", "1998年 2月3日 花 了 5元"),
        ("3D", "3D"),
        (NUMBER + "元", NUMBER + " 元"),
    ],
)
def test_shapes(text: str, words: str) -> None:
    tokenizer = Tokenizer(SHAPES)
    assert tokenizer.tokenize(text) == words.split()
    score, best = tokenizer.nbest(text, 1)[0]
    assert best == words.split()
    assert tokenizer.score(best) == score


def test_shapes_follow_the_policies() -> None:
    assert Tokenizer(SHAPES, numbers="char").tokenize("12元B超CT超") == ["1", "2", "元", "B超", "CT超"]
    assert Tokenizer(SHAPES, latin="char").tokenize("12元B超CT超") == ["12元", "B超", "C", "T", "超"]


def test_shapes_score_as_words_do_and_words_spelt_out_come_first() -> None:
    tokenizer = Tokenizer(SHAPES)
    total = sum(SHAPES.values())
    for text, count in (("5元", 30), ("B超", 2), ("X超", 4), ("7", 60), ("2024", 5)):
        assert tokenizer.score([text]) == pytest.approx(math.log(count / (total + 1)))
    assert tokenizer.score([NUMBER]) == tokenizer._spelling_score(NUMBER)


@lenient
@given(st.text(st.sampled_from("花了月日年元第超B12.,%５\u0301の" + NUMBER + YEAR + LETTERS)))
def test_with_shapes_nothing_is_lost(text: str) -> None:
    tokenizer = Tokenizer({**SHAPES, "の" + NUMBER: 3, NUMBER + "の": 3})
    check_whole(tokenizer, text)
    if text:
        score, best = tokenizer.nbest(text, 1)[0]
        assert best == tokenizer.tokenize(text)
        assert tokenizer.score(best) == score


def test_shapes_survive_pickle_and_files(tmp_path: Path) -> None:
    tokenizer, path = Tokenizer(SHAPES), tmp_path / "model"
    tokenizer.save(path)
    text = "1998年2月3日做CT超花了5元"
    for copy in (Tokenizer.load(path), pickle.loads(pickle.dumps(tokenizer))):
        assert copy.tokenize(text) == tokenizer.tokenize(text)
        assert copy.lexicon == Lexicon(SHAPES)
    Lexicon(SHAPES).save(tmp_path / "words.tsv")
    assert Tokenizer(Lexicon.load(tmp_path / "words.tsv")).tokenize(text) == tokenizer.tokenize(text)


def test_shapes_as_words_of_ones_own() -> None:
    tokenizer = Tokenizer({"花": 9, "元": 50, "月": 90})
    assert tokenizer.tokenize("花5元") == ["花", "5", "元"]
    assert tokenizer.with_words([NUMBER + "元"]).tokenize("花5元12.5元") == ["花", "5元", "12.5元"]
    assert tokenizer.with_words({YEAR + "月": 0.5}).tokenize("1998月98月") == ["1998月", "98", "月"]
    # A word of one's own takes the place of a shape, and is no worse than the shape was.
    shaped = Tokenizer(SHAPES)
    assert shaped.with_words(["5元"], weight=-50.0).score(["5元"]) == shaped.score(["5元"])
    assert shaped.with_words(["5元"], weight=30.0).score(["5元"]) > shaped.score(["5元"])


def test_shapes_cannot_be_forced() -> None:
    message = "expected words spelt out, such as '5元', got the shape '〈number〉元'"
    with pytest.raises(LexiconError, match=message):
        Tokenizer(SHAPES, force=[NUMBER + "元"])
    with pytest.raises(LexiconError, match=message):
        Tokenizer(SHAPES).with_words([NUMBER + "元"], force=True)
    assert Tokenizer(SHAPES, force=["月3"]).tokenize("2月3日") == ["2", "月3", "日"]


def test_explain_names_shapes() -> None:
    explanation = Tokenizer(SHAPES).explain("花5元", word="5元")
    assert "5元  shape 〈number〉元" in str(explanation)
    assert explanation.kinds == ("lexicon", "shape 〈number〉", "shape 〈number〉元", "unknown han")
    assert explanation.verdicts[0].wins
    loses = Tokenizer({**SHAPES, "元": 10**6, "花": 10**6, NUMBER: 10**6, NUMBER + "元": 1}).explain("花5元", "5元")
    assert not loses.verdicts[0].wins
    assert loses.verdicts[0].reason == "the best path scores higher"
    assert loses.verdicts[0].margin > 0


def test_policies() -> None:
    text = "买iPad2.5%"
    assert Tokenizer({}).tokenize(text) == ["买", "iPad", "2.5%"]
    assert Tokenizer({}, numbers="char").tokenize(text) == ["买", "iPad", "2", ".", "5", "%"]
    assert Tokenizer({}, latin="char").tokenize(text) == ["买", "i", "P", "a", "d", "2.5%"]
    assert Tokenizer({"iPad": 1}, latin="char").tokenize("iPad iPads") == ["iPad", " ", *"iPads"]


def test_punctuation_and_spaces_of_the_lexicon_match_on_the_untouched_text() -> None:
    words = {"Louis Vuitton": 2, "《红楼梦》": 2, "……": 1, "你好，世界": 3, "-": 1, "10 000": 2}
    text = "买Louis Vuitton《红楼梦》……你好，世界10 000-"
    assert Tokenizer(words).tokenize(text) == [
        "买", "Louis Vuitton", "《红楼梦》", "……", "你好，世界", "10 000", "-"
    ]  # fmt: skip


# User words ---------------------------------------------------------------------------------------------------------


def test_weight_is_what_a_word_beats_its_best_split_by(small: Tokenizer) -> None:
    for weight in (0.5, 1.0, 7.0):
        heavier = small.with_words(["机器学习"], weight=weight)
        scores = {tuple(words): score for score, words in heavier.nbest("机器学习", 2)}
        assert scores["机器学习",] - scores["机器", "学习"] == pytest.approx(weight)
    assert small.with_words(["机器学习"], weight=-1.0).tokenize("机器学习") == ["机器", "学习"]
    assert small.tokenize("机器学习") == ["机器", "学习"]


def test_weights_of_a_mapping_and_a_score_that_is_higher_stays(small: Tokenizer) -> None:
    heavier = small.with_words({"机器学习": 2.0, "研究": -50.0})
    assert heavier.tokenize("机器学习研究") == ["机器学习", "研究"]
    assert heavier.score(["研究"]) == small.score(["研究"])


def test_words_of_one_call_do_not_depend_on_their_order(small: Tokenizer) -> None:
    words = ["机器学习", "学习的", "机器", "器学"]
    text = "机器学习的机器学习"
    expected = small.with_words(words, weight=2.0).nbest(text, 5)
    for order in itertools.permutations(words):
        assert small.with_words(order, weight=2.0).nbest(text, 5) == expected


def test_heavy_unknown_words(small: Tokenizer) -> None:
    text = "吃麻辣烫和iPhone 15"
    assert small.with_words(["麻辣烫", "iPhone 15"]).tokenize(text) == ["吃", "麻辣烫", "和", "iPhone 15"]


def test_forced_words(small: Tokenizer) -> None:
    forced = small.with_words(["生命起", "C++ 入门：第1版", " 的 "], force=True)
    assert forced.tokenize("研究生命起源") == ["研究", "生命起", "源"]
    assert forced.tokenize("《C++ 入门：第1版》在 的 C++") == ["《", "C++ 入门：第1版", "》", "在", " 的 ", "C++"]
    assert forced.tokenize("第1版本") == ["第", "1", "版", "本"]
    assert forced.forced == (" 的 ", "C++ 入门：第1版", "生命起")
    assert small.forced == ()


def test_forced_words_longest_first_and_over_everything() -> None:
    tokenizer = Tokenizer({"研究生": 10**6}, force=["研究", "研究生命", "命"])
    assert tokenizer.tokenize("研究生命研究生命令") == ["研究生命", "研究生命", "令"]
    assert tokenizer.tokenize("研究生") == ["研究", "生"]
    assert Tokenizer({}, force=["ens"]).tokenize("license ens") == ["license", " ", "ens"]
    assert Tokenizer({}, force=["ens"], latin_boundary="any").tokenize("license") == ["lic", "ens", "e"]


def test_user_words_with_every_kind_of_character() -> None:
    words = ["a b", "C#/.NET", "-", "１２３ａｂｃ", "👩\u200d💻君", "e\u0301", "\u200b", "\ud800x", "%", "𠮷"]
    tokenizer = Tokenizer({}, force=words)
    for word in words:
        assert tokenizer.tokenize(f"（{word}）") == ["（", word, "）"]
        assert Tokenizer({word: 1000}).tokenize(f"（{word}）") == ["（", word, "）"]


@pytest.mark.parametrize("word", ["", "a\nb", "\r", "x\0", "长" * 1001])
def test_words_that_cannot_be(small: Tokenizer, word: str) -> None:
    for force in (False, True):
        with pytest.raises(LexiconError):
            small.with_words([word], force=force)
    with pytest.raises(LexiconError):
        Tokenizer({}, force=[word])
    with pytest.raises(LexiconError):
        Tokenizer({word: 1})


def test_one_str_is_not_words(small: Tokenizer) -> None:
    for call in (small.with_words, small.tokenize_lines, Tokenizer):
        with pytest.raises(TypeError, match="got"):
            call("机器学习")  # type: ignore[operator]
    with pytest.raises(TypeError, match="force: expected words"):
        Tokenizer({}, force="机器")


# Scores -------------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_formula() -> None:
    tokenizer = Tokenizer({"研究": 6, "生命": 1, "起源": 1, "无": 0})
    assert tokenizer.score(["研究"]) == math.log(6 / (8 + 2))
    assert tokenizer.score(["无"]) == math.log(0.5 / 10)
    share = math.log(2 / 10 / 9)
    for word, name in [("abc", "latin"), ("国", "han"), ("2024", "digit"), ("!", "punctuation"), ("カナ", "kana")]:
        size, mean = SPELLING[name]
        length = math.log(1 / mean) + (len(word) - 1) * math.log(1 - 1 / mean)
        assert tokenizer.score([word]) == pytest.approx(share + length - len(word) * math.log(size))


def test_unknown_scores_are_probabilities() -> None:
    tokenizer = Tokenizer({"研究": 6, "生命": 1, "起源": 1})
    mass = 0.0
    for name, (a, b) in tokenizer.unknown.items():
        ratio = SPELLING[name][0] * math.exp(b)  # All spellings of one length more, against those of the length.
        mass += math.exp(a) * ratio / (1.0 - ratio)
    assert mass == pytest.approx(2 / 10)
    assert math.fsum(math.exp(tokenizer.score([word])) for word in ("研究", "生命", "起源")) + mass == pytest.approx(
        1.0
    )


def test_unknown_can_be_replaced() -> None:
    tokenizer = Tokenizer({"研究": 6}, unknown={"han": (-1.0, -2.0)})
    assert tokenizer.unknown["han"] == (-1.0, -2.0)
    assert tokenizer.unknown["latin"] == Tokenizer({"研究": 6}).unknown["latin"]
    assert tokenizer.score(["国"]) == -3.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numbers": "runs"}, "numbers: expected 'run' or 'char', got 'runs'"),
        ({"latin": None}, "latin: expected"),
        ({"latin_boundary": "half"}, "latin_boundary: expected 'whole' or 'any', got 'half'"),
        ({"unknown": {"hanzi": (0, 0)}}, "unknown: expected names of other, space"),
        ({"unknown": {"han": (float("nan"), 0)}}, "unknown: expected a number"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tokenizer({"研究": 1}, **options)


def test_bad_arguments(small: Tokenizer) -> None:
    for bad in (None, b"\xe4", 5):
        with pytest.raises(TypeError, match="text: expected str, got"):
            small.tokenize(bad)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="text: expected str, got"):
            small.tokenize_lines(["研究", bad])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="n: expected at least 1"):
        small.nbest("研究", 0)
    with pytest.raises(ValueError, match="temperature"):
        small.sample("研究", 1, temperature=0.0)
    with pytest.raises(ValueError, match="weight: expected a number"):
        small.with_words(["研究"], weight=float("inf"))
    with pytest.raises(LexiconError):
        small.score(["研究", ""])


# explain ------------------------------------------------------------------------------------------------------------


def test_explain_lists_the_lattice(small: Tokenizer) -> None:
    explanation = small.explain("研究生命!")
    assert explanation.words == ["研究", "生命", "!"]
    assert explanation.score == small.score(explanation.words)
    table = {(edge.start, edge.end): kind for edge, kind in zip(explanation.edges, explanation.kinds, strict=True)}
    assert table[0, 2] == table[0, 3] == table[2, 4] == "lexicon"
    assert table[0, 1] == "unknown han"
    assert table[4, 5] == "unknown punctuation"
    assert small.with_words(["!"], force=True).explain("!").kinds == ("forced",)
    assert explanation.to_dict()["words"] == explanation.words
    assert "研究 / 生命 / !" in str(explanation)


def test_explain_says_what_makes_a_listed_word_win(small: Tokenizer) -> None:
    verdict = small.explain("研究生命", word="研究生").verdicts[0]
    assert not verdict.wins
    assert verdict.path == ("研究生", "命")
    assert verdict.score == pytest.approx(small.score(verdict.path))
    assert verdict.margin == pytest.approx(small.score(["研究", "生命"]) - small.score(verdict.path))
    assert verdict.weight_to_win is not None and verdict.count_to_win is not None
    assert small.with_words(["研究生"], weight=verdict.weight_to_win).tokenize("研究生命") == ["研究生", "命"]
    assert small.with_words(["研究生"], weight=verdict.weight_to_win - 0.01).tokenize("研究生命") == ["研究", "生命"]
    assert Tokenizer({**SMALL, "研究生": verdict.count_to_win}).tokenize("研究生命") == ["研究生", "命"]
    assert Tokenizer({**SMALL, "研究生": verdict.count_to_win - 2}).tokenize("研究生命") == ["研究", "生命"]


@pytest.mark.parametrize(("text", "word"), [("机器学习", "机器学习"), ("在学习的", "习的"), ("ひらがの", "がの")])
def test_explain_says_what_makes_an_unlisted_word_win(small: Tokenizer, text: str, word: str) -> None:
    verdict = small.explain(text, word=word).verdicts[0]
    assert not verdict.wins
    assert verdict.weight_to_win is not None
    assert word in small.with_words([word], weight=verdict.weight_to_win).tokenize(text)
    assert word not in small.with_words([word], weight=verdict.weight_to_win - 0.01).tokenize(text)
    assert word in verdict.path


def test_explain_covers_every_occurrence_and_winners(small: Tokenizer) -> None:
    verdicts = small.explain("研究生命研究", word="研究").verdicts
    assert [(verdict.start, verdict.wins, verdict.margin) for verdict in verdicts] == [(0, True, 0.0), (4, True, 0.0)]
    assert "wins" in str(verdicts[0])


def test_explain_a_word_that_cannot_stand_there(small: Tokenizer) -> None:
    verdict = small.explain("license", word="ens").verdicts[0]
    assert not verdict.wins
    assert verdict.weight_to_win is None
    assert verdict.margin == math.inf
    assert "run of Latin letters" in str(verdict)
    assert small.explain("license", word="ens").to_dict()["verdicts"][0]["margin"] is None
    with pytest.raises(LexiconError, match="in the text"):
        small.explain("研究", word="生命")


def test_explain_prints_what_cannot_be_printed(small: Tokenizer) -> None:
    for text in ("", "\x00\ud800\n", "研究\u202e"):
        printed = str(small.explain(text))
        printed.encode("utf-8")


# Files --------------------------------------------------------------------------------------------------------------


def full_lexicon() -> Lexicon:
    entries = [Entry("研究", 5, 10.0, 3.0, 1.5, math.nan, "vn"), Entry("生命", 1), Entry("a\tb \ud800", 0, tag="x y")]
    return Lexicon(entries, provenance={"sources": ["a"], "sha256": "0" * 64})


def test_save_and_load(tmp_path: Path) -> None:
    options: dict[str, Any] = {"numbers": "char", "latin_boundary": "any", "force": ["x y", "起源"]}
    tokenizer = Tokenizer(full_lexicon(), unknown={"han": (-1, -2)}, **options)
    tokenizer = tokenizer.with_words(["研究生"], weight=2.5)
    tokenizer.save(tmp_path / "model")
    loaded = Tokenizer.load(tmp_path / "model")
    assert loaded.lexicon == tokenizer.lexicon
    assert loaded.provenance == {"sources": ["a"], "sha256": "0" * 64}
    assert loaded.settings == tokenizer.settings == {"numbers": "char", "latin": "run", "latin_boundary": "any"}
    assert loaded.unknown == tokenizer.unknown
    assert loaded.forced == tokenizer.forced
    text = "研究生命起源12x yz"
    assert loaded.nbest(text, 9) == tokenizer.nbest(text, 9)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
    entry = loaded.lexicon["研究"]
    assert entry[:5] == ("研究", 5, 10.0, 3.0, 1.5) and math.isnan(entry.right_entropy) and entry.tag == "vn"


def test_empty_lexicon(tmp_path: Path) -> None:
    tokenizer = Tokenizer({})
    assert tokenizer.tokenize("研究a1") == ["研", "究", "a", "1"]
    tokenizer.save(tmp_path / "model")
    assert Tokenizer.load(tmp_path / "model").tokenize("研究a1") == ["研", "究", "a", "1"]
    assert len(tokenizer.lexicon) == 0
    assert repr(tokenizer) == "<Tokenizer of 0 words, 0 of them forced>"


def test_pickle_and_lexicon(small: Tokenizer, tmp_path: Path) -> None:
    text = "研究生命在C++的H7N9。"
    small.save(tmp_path / "model")
    tagged = Tokenizer(full_lexicon(), force=["C++"])
    tagged.save(tmp_path / "tagged")
    for tokenizer in (small, tagged, Tokenizer.load(tmp_path / "model"), Tokenizer.load(tmp_path / "tagged")):
        tokenizer.tokenize(text)
        copy = pickle.loads(pickle.dumps(tokenizer))
        assert copy.nbest(text, 5) == tokenizer.nbest(text, 5)
        assert copy.lexicon == tokenizer.lexicon
    assert small.lexicon.counts() == Lexicon(SMALL).counts()


def test_a_tokenizer_does_not_change(small: Tokenizer) -> None:
    with pytest.raises(AttributeError, match="does not change"):
        small.settings = {}  # type: ignore[misc]
    small.lexicon.add("起源的", 10**9)
    small.settings["numbers"] = "char"
    assert small.tokenize("起源的12") == ["起源", "的", "12"]


def damaged(tmp_path: Path, **changes: Any) -> Path:
    """A model file, sound as a container, with some things changed; None takes them out."""
    Tokenizer(SMALL).save(tmp_path / "model")
    header, sections = storage.load(tmp_path / "model", "tokenizer")
    everything: dict[str, Any] = {**header, **sections}
    everything.update(changes)
    everything = {name: value for name, value in everything.items() if value is not None}
    path = tmp_path / "damaged"
    storage.save(
        path,
        "tokenizer",
        {name: everything[name] for name in header if name in everything},
        {name: value for name, value in everything.items() if name not in header},
    )
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": None},
        {"settings": 5},
        {"settings": {"numbers": "run"}},
        {"settings": {"numbers": "run", "latin": "run", "latin_boundary": "no"}},
        {"unknown": {}},
        {"unknown": {"han": 5}},
        {"unknown": "x"},
        {"total": "x"},
        {"total": -1},
        {"once": 0},
        {"provenance": []},
        {"words": None},
        {"counts": None},
        {"counts": array("q", [1])},
        {"counts": array("d", [1.0])},
        {"scores": array("d", [1.0])},
        {"scores": b"12345678"},
        {"scores": array("d", [float("nan")] * len(SMALL))},
        {"forced": None},
        {"forced": b"\xff"},
        {"forced": b"b\na"},
        {"bits": array("d", [1.0])},
        {"tags": b"a\nb"},
    ],
    ids=str,
)
def test_damaged_models_are_one_clear_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = damaged(tmp_path, **changes)
    with pytest.raises(ModelError, match="damaged: not the model of a tokenizer"):
        Tokenizer.load(path)


def test_other_files_are_not_models(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("研究", encoding="utf-8")
    storage.save(tmp_path / "other", "lexicon", {}, {})
    for name in ("text", "other", "missing"):
        with pytest.raises(ModelError, match=name):
            Tokenizer.load(tmp_path / name)


# Measured data --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dictionary(shared: Path) -> Tokenizer:
    counts: Counter[str] = Counter()
    with lzma.open(shared / "data/lexicons/jieba_dict_small.txt.xz", "rt", encoding="utf-8") as file:
        for line in file:
            word, count, _ = line.rsplit(" ", 2)
            counts[word] += int(count)
    return Tokenizer(counts)


@pytest.mark.parametrize(("name", "expected"), [("pku", 0.884), ("msr", 0.879)])
def test_f1_with_a_dictionary(shared: Path, dictionary: Tokenizer, name: str, expected: float) -> None:
    """The figures of jieba without its HMM and with the same dictionary: .880 on PKU, .866 on MSR."""
    with lzma.open(shared / f"data/sighan2005/{name}_test_gold.txt.xz", "rt", encoding="utf-8") as file:
        gold = [line.split() for line in file]
    right = words = 0
    for line, cut in zip(gold, dictionary.tokenize_lines(["".join(line) for line in gold]), strict=True):
        ends, found = set(itertools.accumulate(map(len, line))), list(itertools.accumulate(map(len, cut)))
        true = set(itertools.pairwise([0, *sorted(ends)]))
        right += sum(span in true for span in itertools.pairwise([0, *found]))
        words += len(line) + len(cut)
    assert 2 * right / words > expected


# Length -------------------------------------------------------------------------------------------------------------


def test_a_million_characters_without_punctuation(small: Tokenizer) -> None:
    size = 1_000_000 if kernels.backend == "c" else 100_000
    text = ("研究生命起源在学习的机器" * (size // 11 + 1))[:size]
    assert "".join(small.tokenize(text)) == text


# The tuple and the call ---------------------------------------------------------------------------------------------


def test_token_is_a_tuple(small: Tokenizer) -> None:
    assert small.tokens("研究生命") == [Token("研究", 0, 2), Token("生命", 2, 4)]
    assert small("研究生命") == small.tokenize("研究生命")
