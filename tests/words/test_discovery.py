"""WordFinder: three methods on toy corpora worked by hand, and its contract as a whole."""

from __future__ import annotations

import random

import pytest

from nlp_zero.errors import InputError
from nlp_zero.words.discovery import METHODS, WordFinder
from nlp_zero.words.lexicon import Lexicon
from nlp_zero.words.symbols import NUMBER, YEAR

TOY = ["我们的研究", "我们研究", "研究我们", "的我们"]

# Words of an invented language, met in random order: a finder must get them back.
WORDS = ["葡萄酒", "研究", "电磁场", "学生", "的", "在", "图书馆", "很", "看", "生命", "科学家", "了"]


def sentences(seed: int, count: int = 400) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(WORDS, k=chance.randint(3, 9))) + "。" for _ in range(count)]


def test_published_algorithm_on_its_toy_corpus():
    # One event space of 16 symbols: 我们 1.386, 研究 1.674 nats are glued; 的研 0.981 and 们的 0.693 are cut.
    lexicon = WordFinder("pmi", min_pmi=1).train(TOY).find()

    assert lexicon.counts() == {"我们": 4, "研究": 3, "的": 2}


def test_published_algorithm_glues_what_lies_below_its_threshold():
    # At 0.9 nats 的研 is glued as well, and 的研究 stays a word: ln(1/8) - ln(1/8) - ln(2/8) = 1.386 > 0.9.
    lexicon = WordFinder("pmi", min_pmi=0.9).train(TOY).find()

    assert lexicon.counts() == {"我们": 4, "研究": 2, "的研究": 1, "的": 1}


def test_cohesion_rejects_a_chain_that_is_not_cohesive():
    # 各项 and 项目 are cohesive, 各项目 is not: it is formed by chaining and then rejected by the check back.
    others = [f"{a}{b}" for a in "各项目天地人" for b in "金木水火土" * 9]
    text = ["各项目"] * 3 + ["各项天"] * 20 + ["项目地"] * 20 + others
    finder = WordFinder("cohesion", max_length=3, min_count=3, min_ratio=2.2)

    lexicon = finder.train(text).find()

    assert "各项目" not in lexicon


@pytest.mark.parametrize("method", METHODS)
def test_words_of_a_random_language_come_back(method):
    found = WordFinder(method, min_count=4).train(sentences(1)).find()

    best = [entry.word for entry in found.entries() if len(entry.word) > 1][:6]
    assert set(best) <= {word for word in WORDS if len(word) > 1}


def test_training_twice_adds_up():
    first, second = sentences(1), sentences(2)

    twice = WordFinder().train(first).train(second).find()

    assert twice == WordFinder().train(first + second).find()
    assert twice.total > WordFinder().train(first).find().total


def test_merge_equals_training_on_both():
    first, second = sentences(1), sentences(2)

    merged = WordFinder().train(first).merge(WordFinder().train(second))

    assert merged.find() == WordFinder().train(first + second).find()


def test_finding_again_gives_the_same():
    finder = WordFinder().train(sentences(3))

    assert finder.find() == finder.find()


def test_known_words_are_left_out():
    finder = WordFinder().train(sentences(1))

    assert "葡萄酒" in finder.find()
    assert "葡萄酒" not in finder.find(known=["葡萄酒"])
    assert "研究" in finder.find(known=["葡萄酒"])


def test_evidence_is_in_bits_and_of_the_right_word():
    text = ["甲乙丙", "丁乙戊", "甲乙己", "庚乙丙"] * 8
    lexicon = WordFinder(max_length=2, min_count=2, gain=40).train(text).find()

    # 甲乙 stands 16 times among 96 symbols, 甲 16 and 乙 32 times: log2(16 * 96 / (16 * 32)) = log2 3. After it stand
    # 丙 and 己, 8 times each: 1 bit. Before it the line begins, each time a neighbour of its own: log2 16 = 4 bits.
    entry = lexicon["甲乙"]
    assert (entry.count, entry.pmi, entry.left_entropy, entry.right_entropy) == (16, 1.585, 4.0, 1.0)


@pytest.mark.parametrize("method", ["entropy", "pmi", "cohesion"])
def test_what_is_found_is_a_lexicon_as_any_other(method):
    lines = [f"花了{number}元" for number in range(30)] + sentences(3)

    found = WordFinder(method, min_count=2).train(lines).find()

    found._check()
    assert found == Lexicon(found.entries())
    assert "-0.0" not in {str(number) for entry in found.entries() for number in entry[2:6]}


def test_runs_become_words_and_shapes():
    chance, text = random.Random(5), []
    for _ in range(300):
        number, year = chance.randint(1, 99), chance.randint(1900, 1999)
        before, after = chance.choice("用花共赚借还"), chance.choice("钱多呢吧整啊")
        text += [f"{before}{number}元{after}。", f"{before}{year}年{after}。", f"{before}B超{after}。", before + after]

    lexicon = WordFinder(min_count=2).train(text).find()

    assert lexicon[NUMBER + "元"].tag == "shape"
    assert YEAR + "年" in lexicon
    assert "B超" in lexicon
    assert lexicon["B超"].tag == ""


def test_examples_show_the_word_in_its_line():
    finder = WordFinder().train(["他爱喝葡萄酒，我不爱。", "葡萄酒好"])

    assert finder.examples("葡萄酒", width=3) == ["他爱喝【葡萄酒】，我不", "【葡萄酒】好"]
    assert finder.examples("葡萄酒", limit=1, width=0) == ["【葡萄酒】"]
    assert finder.examples("啤酒") == []


def test_thresholds_grow_with_the_text():
    finder = WordFinder()
    assert finder.train(["研究"]).settings["min_count"] == 2
    assert finder.train(["研究生命起源" * 200_000]).settings["min_count"] == 3


def test_little_text_is_said_to_be_little():
    finder = WordFinder().train(["今天天气好"])
    finder.find()

    assert any("little text" in note for note in finder.notes)
    assert any("no word" in note for note in finder.notes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", [[], [""], ["，。！", "\n"]])
def test_no_text_is_an_error(method, text):
    with pytest.raises(InputError, match="no Chinese text"):
        WordFinder(method).train(text).find()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", [["字"], ["字字字字"], ["\ud800研究\x00"], ["12"], ["a"], ["研究" * 300]])
def test_odd_text_is_no_error(method, text):
    finder = WordFinder(method).train(text)

    assert finder.find().total > 0 or any("no word" in note for note in finder.notes)


def test_one_string_is_refused():
    with pytest.raises(TypeError, match="iterable of str"):
        WordFinder().train("今天天气好")
    with pytest.raises(TypeError, match="got bytes at 1"):
        WordFinder().train(["今天", b"x"])  # type: ignore[list-item]


@pytest.mark.parametrize("options", [{"method": "magic"}, {"max_length": 0}, {"max_length": 9}, {"min_count": 0}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        WordFinder(**options)


def test_tokenizer_cuts_by_the_words_found():
    tokenizer = WordFinder().train(sentences(1)).tokenizer()

    assert tokenizer.tokenize("学生在图书馆看葡萄酒") == ["学生", "在", "图书馆", "看", "葡萄酒"]


def test_a_text_that_repeats_itself_is_told_of():
    finder = WordFinder().train(["今天我们研究生命起源问题。"] * 2000)
    assert any("only 12 different characters" in note for note in finder.notes)
    varied = WordFinder().train("".join(map(chr, range(0x4E00 + k, 0x4E00 + k + 60))) for k in range(400))
    assert not any("different characters" in note for note in varied.notes)
