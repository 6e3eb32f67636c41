"""What surrounds words: learnt from a segmented text, kept in the model file, used in cutting."""

from __future__ import annotations

import math
import pickle
import random
from array import array
from pathlib import Path

import pytest

from nlp_zero import Tokenizer, WordFinder, kernels, storage
from nlp_zero.errors import ModelError
from nlp_zero.words import expert
from nlp_zero.words.context import BONUS, OLD_BONUS, OLD_POWER, POWER, Context
from nlp_zero.words.symbols import NUMBER, SymbolText

NOUNS = ["研究", "生命", "起源", "中国", "科学", "水", "5元", "2008年", "ABC"]
VERBS = ["看", "喜欢", "讨论", "说明"]
TEXTS = [
    "研究生命起源，中国科学喜欢水2008年",
    "他们讨论ABC和5元的3.5%",
    "",
    "。",
    "甲乙丙丁讨论水",
    "の カナ한국 科\u0301学",
]


def corpus() -> tuple[SymbolText, bytes, dict[str, int]]:
    """Nouns and verbs in turn: a text, its segmentation, its words with counts."""
    source = random.Random(3)
    sentences = [
        [source.choice((NOUNS, VERBS)[place % 2]) for place in range(source.randint(1, 5))] for _ in range(300)
    ]
    text = SymbolText("".join(sentence) for sentence in sentences)
    lengths = bytearray()
    counts: dict[str, int] = {}
    for sentence in sentences:
        for word in sentence:
            size = len(text.shapes([word])[0])
            lengths += bytes((size, *bytes(size - 1)))
            counts[word] = counts.get(word, 0) + 1
        lengths.append(0)
    return text, bytes(lengths), counts


@pytest.fixture
def tokenizer() -> Tokenizer:
    text, lengths, counts = corpus()
    return Tokenizer(counts, context=Context.learn(text, lengths, counts))


def test_both_engines_learn_the_same(engine: str) -> None:
    text, lengths, counts = corpus()
    context = Context.learn(text, lengths, counts)
    kernels.use("python")
    assert Context.learn(text, lengths, counts) == context


def test_words_of_one_kind_have_one_class_and_attract_the_other(tokenizer: Tokenizer) -> None:
    context = tokenizer._data.context
    assert context is not None
    kinds = dict(zip(sorted(tokenizer.lexicon), context.classes, strict=True))
    table = context.table()
    nouns, verbs = [kinds[word] for word in NOUNS[:6]], [kinds[word] for word in VERBS]
    assert not set(nouns) & set(verbs)
    assert all(table[noun][verb] > 0 > table[noun][other] for noun in nouns for verb in verbs for other in nouns)
    assert all(row[0] == 0.0 for row in table)


def test_literals_have_the_class_of_their_shape(tokenizer: Tokenizer) -> None:
    context = tokenizer._data.context
    assert context is not None
    kinds = dict(zip(sorted(tokenizer.lexicon), context.classes, strict=True))
    text, lengths, counts = corpus()
    assert (
        Context.learn(text, lengths, {**counts, "7元": 2}).classes[sorted({**counts, "7元": 2}).index("7元")]
        == kinds["5元"]
    )


def test_a_word_that_nobody_listed_is_found(tokenizer: Tokenizer) -> None:
    assert "甲乙" not in tokenizer.lexicon
    words = tokenizer.tokenize("喜欢甲乙讨论")
    assert words[0] == "喜欢" and words[-1] == "讨论"
    context = tokenizer._data.context
    assert context is not None
    without = context._replace(extents=b"")
    plain = Tokenizer(tokenizer.lexicon, context=without)
    assert plain.tokenize("喜欢甲乙讨论") == ["喜欢", "甲", "乙", "讨论"]


@pytest.mark.parametrize("text", TEXTS)
def test_everything_agrees_about_the_best_path(tokenizer: Tokenizer, text: str) -> None:
    words = tokenizer.tokenize(text)
    assert "".join(words) == text
    assert tokenizer.tokenize_lines([text]) == [words]
    assert [text[start:end] for start, end in tokenizer.spans(text)] == words
    best = tokenizer.nbest(text, 5)
    assert best[0] == (tokenizer.score(words), words)
    assert [score for score, _ in best] == sorted((score for score, _ in best), reverse=True)
    for score, cut in best:
        assert tokenizer.score(cut) == pytest.approx(score)
    lattice = tokenizer.lattice(text)
    assert lattice.log_partition() >= best[0][0] - 1e-9
    assert lattice.probability(words) == pytest.approx(math.exp(best[0][0] - lattice.log_partition()))
    assert "".join(tokenizer.sample(text, 1)) == text
    assert tokenizer.sample(text, 1, temperature=0.01) == words
    assert all(-1e-9 <= chance <= 1 + 1e-9 for chance in lattice.posteriors())


def test_posteriors_are_those_of_all_segmentations(tokenizer: Tokenizer) -> None:
    text = "喜欢甲乙水"
    lattice = tokenizer.lattice(text)
    every = lattice.n_best(1000)
    whole = math.fsum(math.exp(score) for score, _ in every)
    assert lattice.log_partition() == pytest.approx(math.log(whole))
    for edge, chance in zip(lattice.edges, lattice.posteriors(), strict=True):
        has = [score for score, cut in every if edge[:2] in zip([0, *ends(cut)], ends(cut), strict=False)]
        assert chance == pytest.approx(math.fsum(map(math.exp, has)) / whole, abs=1e-9)
    rests = lattice.rests()
    for index, edge in enumerate(lattice.edges):
        words = lattice.path_through(index)
        assert "".join(words) == text and text[edge.start : edge.end] in words
        assert tokenizer.score(words) == pytest.approx(rests[index] + edge.score)


def ends(words: list[str]) -> list[int]:
    """Where words end."""
    return [sum(map(len, words[: number + 1])) for number in range(len(words))]


def test_a_word_of_yours_beats_its_best_split(tokenizer: Tokenizer) -> None:
    word = "研究生命起源"
    assert tokenizer.tokenize(word) != [word]
    assert tokenizer.with_words([word], weight=0.001).tokenize(word) == [word]
    assert tokenizer.with_words([word], weight=-0.001).tokenize(word) != [word]
    assert "命起" in tokenizer.with_words(["命起"], force=True).tokenize(word)


def test_explain_says_what_makes_a_word_win(tokenizer: Tokenizer) -> None:
    text = "研究生命起源"
    verdict = tokenizer.explain(text, word="命起").verdicts[0]
    assert not verdict.wins and verdict.weight_to_win is not None and "命起" in verdict.path
    assert "命起" in tokenizer.with_words(["命起"], weight=verdict.weight_to_win).tokenize(text)
    assert "命起" not in tokenizer.with_words(["命起"], weight=verdict.weight_to_win - 0.01).tokenize(text)
    assert tokenizer.explain(text, word="生命").verdicts[0].wins
    assert "unknown han" in tokenizer.explain("甲乙").kinds


def test_the_model_file_keeps_all(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "a")
    loaded = Tokenizer.load(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    copied = pickle.loads(pickle.dumps(loaded))
    for text in TEXTS:
        assert loaded.tokenize(text) == copied.tokenize(text) == tokenizer.tokenize(text)
        assert loaded.nbest(text, 3) == tokenizer.nbest(text, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": b"\xff" * 9},
        {"pools": b""},
        {"pools": b"\xff"},
        {"ratios": bytes(12)},
        {"ratios": array("f", [math.nan] * 64 * 64).tobytes()},
        {"alphabet": "研" * 5},
        {"expert": b""},
        {"expert": b"\x16garbage"},
        {"spelling": bytes(16)},
        {"extents": bytes(400)},
        {"penalties": array("f", [-1.0]).tobytes(), "compounds": "研究\t生命"},
    ],
)
def test_a_damaged_context_is_a_model_error(tokenizer: Tokenizer, tmp_path: Path, change: dict[str, object]) -> None:
    context = tokenizer._data.context
    assert context is not None
    data = tokenizer._data._replace(context=context._replace(**change))
    Tokenizer._from_data(data).save(tmp_path / "model")
    with pytest.raises(ModelError, match="model"):
        Tokenizer.load(tmp_path / "model")


def test_a_model_without_power_and_bonus_has_those_of_old_models(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "new.model")
    header, sections = storage.load(tmp_path / "new.model", "tokenizer")
    sections.pop("power")
    storage.save(tmp_path / "old.model", "tokenizer", header, sections)

    old = Tokenizer.load(tmp_path / "old.model")

    new = Tokenizer.load(tmp_path / "new.model").context_of([])
    assert (new.power, new.bonus) == (POWER, BONUS)
    assert (old.context_of([]).power, old.context_of([]).bonus) == (OLD_POWER, OLD_BONUS)
    words = tokenizer.tokenize(TEXTS[0])
    assert tokenizer.score(words) - old.score(words) == pytest.approx(BONUS * len(words))


def test_a_context_of_other_words_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="context: expected one for 1 words"):
        Tokenizer({"水": 1}, context=tokenizer._data.context)


def test_a_finder_by_bayes_gives_its_tokenizer_a_context(tmp_path: Path) -> None:
    finder = WordFinder("bayes").train(["中国科学喜欢水", "水喜欢中国", "科学讨论中国"] * 5)
    assert finder.tokenizer()._data.context is not None
    assert WordFinder().train(["中国科学喜欢水"] * 5).tokenizer()._data.context is None


def test_what_is_opened_is_what_was_packed() -> None:
    weights = array("f", [0.0] * 700 + [1.0, -0.5] + [0.0] * 322)
    bits, skips, values = expert.opened(expert.pack(weights))
    assert (bits, list(array("b", values))) == (10, [0, 0, 16, -8])
    assert list(skips) == [255, 255, 190, 0]


# Granularity ---------------------------------------------------------------------------------------------------------

LENGTHS = [-2.0, -0.5, -0.2, -0.05, 0.0, 0.02, 0.1, 0.5, 2.0]


def sentences(seed: int) -> list[str]:
    """Sentences of known and unknown words."""
    source = random.Random(seed)
    return ["".join(source.choices([*NOUNS, *VERBS, "甲", "乙丙", "，"], k=12)) for _ in range(10)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("calibrated", [False, True])
def test_words_never_get_shorter_with_granularity(tokenizer: Tokenizer, seed: int, calibrated: bool) -> None:
    lines = sentences(seed)
    plain = Tokenizer({**tokenizer.lexicon.counts(), "研究生命": 1, "中国科学": 1})
    for model in (tokenizer, plain):
        scaled = model.calibrate(sentences(99)) if calibrated else model
        for line in lines:
            cuts = [scaled.tokenize(line, granularity) for granularity in LENGTHS]
            assert all("".join(words) == line for words in cuts)
            assert [len(words) for words in cuts] == sorted(map(len, cuts), reverse=True)
        assert scaled.with_granularity(0).tokenize_lines(lines) == model.tokenize_lines(lines)
        if calibrated:
            assert len(scaled.tokenize(lines[0], -2.0)) > len(scaled.tokenize(lines[0]))


def test_equal_steps_change_the_length_of_words_alike(tokenizer: Tokenizer) -> None:
    lines = sentences(99)
    scaled = tokenizer.calibrate(lines)
    learnt = sum(map(len, scaled.tokenize_lines(lines)))
    scale = scaled._data.scale
    assert [share for share, _ in scale] == sorted(share for share, _ in scale) and (0.0, 0.0) in scale
    for share, _ in scale:
        got = sum(map(len, scaled.with_granularity(share).tokenize_lines(lines)))
        assert learnt / got - 1 == pytest.approx(share)


def test_scores_have_the_granularity_in_them(tokenizer: Tokenizer) -> None:
    for granularity in (-0.3, 0.3):
        model = tokenizer.with_granularity(granularity)
        for text in TEXTS:
            words = model.tokenize(text)
            assert words == tokenizer.tokenize(text, granularity)
            assert model.spans(text) == tokenizer.spans(text, granularity)
            assert model.nbest(text, 1)[0] == (model.score(words), words)
        word = "研究生命起源"
        assert model.with_words([word], weight=0.001).tokenize(word) == [word]
        assert model.with_words([word], weight=-0.001).tokenize(word) != [word]


def test_a_model_keeps_its_granularity(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = tokenizer.calibrate(sentences(1)).with_granularity(-1.0)
    model.save(tmp_path / "model")
    loaded = Tokenizer.load(tmp_path / "model")
    assert loaded.granularity == -1.0
    assert loaded.tokenize(TEXTS[0]) == model.tokenize(TEXTS[0]) != loaded.tokenize(TEXTS[0], 0.0)
    assert pickle.loads(pickle.dumps(loaded)).tokenize(TEXTS[0]) == model.tokenize(TEXTS[0])


def test_nested_words_make_up_the_longer_ones(tokenizer: Tokenizer) -> None:
    text = sentences(3)[0]
    nested = tokenizer.with_granularity(-10).nested(text, 0.3)
    assert "".join(word for word, _ in nested) == text
    assert all("".join(inner) == word for word, inner in nested)
    assert any(len(inner) > 1 for _, inner in nested)


@pytest.mark.parametrize("granularity", [math.nan, 11, -10.5])
def test_a_granularity_beyond_reason_is_refused(tokenizer: Tokenizer, granularity: float) -> None:
    with pytest.raises(ValueError, match="granularity: expected a share"):
        tokenizer.with_granularity(granularity)


# What a text costs ---------------------------------------------------------------------------------------------------


def test_the_probability_of_a_text_is_the_sum_over_its_segmentations() -> None:
    tokenizer = Tokenizer({"研究": 2, "生命": 1, "命": 1, "生": 3})
    both = [2 / 9 * (1 / 9), 2 / 9 * (3 / 9) * (1 / 9)]  # 研究 生命, 研究 生 命: 7 words counted, 2 of them once
    others = tokenizer.log_probability("研究生命") - math.log(math.fsum(both))
    assert 0 <= others < 1e-9  # 研 and 究 are hardly words


def test_no_more_than_all_is_given_to_the_next_word(tokenizer: Tokenizer) -> None:
    plain = Tokenizer(tokenizer.lexicon)
    for model in (plain, tokenizer):
        texts = [word for word in tokenizer.lexicon if word < "\ufdd0"] + ["甲", "乙", "甲乙", "。", "の"]
        assert math.fsum(math.exp(model.log_probability(text)) for text in texts) < 1.0
    assert math.fsum(math.exp(tokenizer.log_probability(text)) for text in NOUNS) > 0.3


def test_classes_make_the_order_of_words_count(tokenizer: Tokenizer) -> None:
    assert tokenizer.log_probability("科学喜欢生命") > tokenizer.log_probability("科学生命喜欢")
    same = Tokenizer(tokenizer.lexicon)
    assert same.log_probability("科学喜欢生命") == pytest.approx(same.log_probability("科学生命喜欢"))


def test_the_probability_has_no_granularity_and_no_end(tokenizer: Tokenizer) -> None:
    assert tokenizer.log_probability("") == 0.0
    text = TEXTS[0]
    assert tokenizer.with_granularity(0.3).log_probability(text) == tokenizer.log_probability(text)
    for other in TEXTS:
        assert tokenizer.log_probability(other) <= 0.0


# Compounds -----------------------------------------------------------------------------------------------------------


def test_words_that_stand_together_are_one_in_a_longer_reading() -> None:
    source = random.Random(4)
    others = ["研究", "喜欢", "讨论", *(chr(0x4E00 + 7 * number) for number in range(25))]
    lines = ["".join(source.sample([*others, "科学院"], 3)) for _ in range(1500)]
    text = SymbolText(lines)
    sizes = {word: [len(word)] for word in others} | {"科学院": [2, 1]}  # 科学 院, always side by side
    lengths = bytearray()
    counts: dict[str, int] = {}
    for line in lines:
        place = 0
        while place < len(line):
            word = next(word for word in sizes if line.startswith(word, place))
            for size in sizes[word]:
                counts[line[place : place + size]] = counts.get(line[place : place + size], 0) + 1
                lengths += bytes((size, *bytes(size - 1)))
                place += size
        lengths.append(0)
    tokenizer = Tokenizer(counts, context=Context.learn(text, bytes(lengths), counts)._replace(extents=b""))
    context = tokenizer._data.context
    assert context is not None and "科学\t院" in context.compounds
    assert tokenizer.tokenize("喜欢科学院") == ["喜欢", "科学", "院"]
    longer = tokenizer.with_granularity(0.7)
    assert longer.tokenize("喜欢科学院") == ["喜欢", "科学院"]
    assert tokenizer.nested("喜欢科学院", 0.7) == [("喜欢", ["喜欢"]), ("科学院", ["科学", "院"])]
    assert longer.nbest("喜欢科学院", 1)[0] == (longer.score(["喜欢", "科学院"]), ["喜欢", "科学院"])
    assert "科学院" not in longer.lexicon
    assert longer.log_probability("喜欢科学院") == tokenizer.log_probability("喜欢科学院")
    assert longer.with_words(["讨论喜欢"], weight=0.001).tokenize("讨论喜欢") == ["讨论喜欢"]
    assert longer.explain("喜欢科学院", word="科学院").verdicts[0].wins


# Numerals


NUMERALS = Tokenizer({"二": 4, "十": 4, "日": 3, "有": 3, NUMBER + "日": 5, "二十": 3}, numerals="run")


@pytest.mark.parametrize("text", ["二十三日有", "有二十", "二日有十", "有二十5日", "三十二十一"])
def test_a_number_in_numerals_is_scored_as_it_is_cut(text: str) -> None:
    words = NUMERALS.tokenize(text)
    best = next(score for score, path in NUMERALS.nbest(text, 1) if path == words)

    assert NUMERALS.score(words) == pytest.approx(best)
    assert math.isfinite(NUMERALS.log_probability(text)) and NUMERALS.log_probability(text) < 0


def test_numerals_are_a_number_if_wanted_and_in_the_model_file(tmp_path: Path) -> None:
    NUMERALS.save(tmp_path / "numerals.model")
    again = Tokenizer.load(tmp_path / "numerals.model")

    assert again.tokenize("二十三日有") == NUMERALS.tokenize("二十三日有") == ["二十三日", "有"]
    assert again.settings["numerals"] == "run"
    assert Tokenizer({"二": 4, "十": 4, NUMBER + "日": 5}).tokenize("二十三日") == ["二", "十", "三", "日"]
    with pytest.raises(ValueError, match="numerals: expected"):
        Tokenizer({"二": 4}, numerals="some")


def test_a_finder_by_bayes_takes_numerals_for_numbers() -> None:
    finder = WordFinder("bayes", min_count=1).train(["三月二十三日开会", "六月十九日开会", "五月三十日放假"] * 20)

    assert finder.tokenizer().settings["numerals"] == "run"
    assert "二十三" in finder.tokenizer().tokenize("三月二十三日开会")[1]


def test_a_bonus_of_ones_own_makes_words_shorter_or_longer(tokenizer: Tokenizer, tmp_path: Path) -> None:
    shorter, longer = tokenizer.with_bonus(20.0), tokenizer.with_bonus(-20.0)
    longer.save(tmp_path / "longer.model")

    assert Tokenizer.load(tmp_path / "longer.model").tokenize_lines(TEXTS) == longer.tokenize_lines(TEXTS)
    assert (longer.context_of([]).bonus, tokenizer.context_of([]).bonus) == (-20.0, BONUS)
    most, some, least = (sum(map(len, made.tokenize_lines(TEXTS))) for made in (shorter, tokenizer, longer))
    assert most > some >= least
    words = tokenizer.tokenize(TEXTS[0])
    assert shorter.score(words) - tokenizer.score(words) == pytest.approx((20.0 - BONUS) * len(words))


@pytest.mark.parametrize("bonus", [-100.0, 100.0, float("nan"), float("inf")])
def test_a_bonus_is_a_number_of_nats(tokenizer: Tokenizer, bonus: float) -> None:
    with pytest.raises(ValueError, match=r"bonus: expected nats between -100 and 100, such as 2.0"):
        tokenizer.with_bonus(bonus)


def test_a_plain_lexicon_has_no_bonus():
    with pytest.raises(ValueError, match="expected a model with context"):
        Tokenizer({"北京": 1}).with_bonus(1.0)
