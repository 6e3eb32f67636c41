"""Lexicons are values: order-independent, mergeable, and every format reads back what it wrote."""

from __future__ import annotations

import copy
import io
import json
import lzma
import math
import os
import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.errors import LexiconError
from nlp_zero.words.lexicon import Entry, Lexicon

quick = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Words with spaces, tabs, backslashes, signs of formats, lone surrogates, other line ends: all but what is forbidden.
odd = st.text(st.sampled_from('研究生 1 5nv{}"#\\\t\u3000\u2028\x85\x1c\ufeff\ud800\udc00𠮷'), min_size=1, max_size=5)
words = odd | st.text(st.characters(exclude_characters="\n\r\0"), min_size=1, max_size=6)
evidence = st.just(math.nan) | st.floats(allow_nan=False)
tags = st.sampled_from(["", "n", "v", "nz", "x y", "5", "a\tb", "名词", "\ud800"])
entries = st.builds(Entry, words, st.integers(0, 2**40), evidence, evidence, evidence, evidence, tags)
lexicons = st.lists(entries, max_size=6).map(Lexicon)


def lexicon_of(text: str, tmp_path: Path, format: str | None = None) -> Lexicon:
    path = tmp_path / "words"
    path.write_bytes(text.encode("utf-8"))
    lexicon = Lexicon.load(path, format)
    lexicon._check()
    return lexicon


# The structure -----------------------------------------------------------------------------------------------------


def test_words_come_best_first() -> None:
    lexicon = Lexicon({"乙": 5, "甲": 5, "丙": 9})
    lexicon.add("a few", 1, bits=2.0)
    lexicon.add("more", 1, bits=70.0)
    lexicon.add("丁", 8, bits=2.0)
    lexicon.add("less", 99, bits=-1.0)

    assert list(lexicon) == ["more", "丁", "a few", "less", "丙", "乙", "甲"]
    assert [entry.word for entry in lexicon.entries(2)] == ["more", "丁"]
    assert list(lexicon.counts()) == list(lexicon)


def test_adding_again_adds_counts_and_keeps_the_better_evidence() -> None:
    lexicon = Lexicon()
    lexicon.add("葡萄酒", 3, pmi=5.0, left_entropy=1.0)
    lexicon.add("葡萄酒", 4, "n", pmi=2.0, right_entropy=3.0)

    entry = lexicon["葡萄酒"]

    assert entry[:2] == ("葡萄酒", 7)
    assert (entry.pmi, entry.left_entropy, entry.right_entropy, entry.tag) == (5.0, 1.0, 3.0, "n")
    assert math.isnan(entry.bits)
    lexicon._check()


@quick
@given(st.lists(entries, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(rows: list[Entry], chance: random.Random) -> None:
    shuffled = chance.sample(rows, len(rows))
    one, other = Lexicon(rows), Lexicon(shuffled)

    assert one == other
    assert list(one) == list(other)
    assert list(map(str, one.entries())) == list(map(str, other.entries()))


@quick
@given(lexicons, lexicons, lexicons)
def test_merge_is_a_commutative_monoid(one: Lexicon, other: Lexicon, third: Lexicon) -> None:
    for number, lexicon in enumerate((one, other, third)):
        lexicon.provenance = {"part": number, "only": True} if number else {}
    merged = Lexicon.merge(one, other)

    for same in (Lexicon.merge(other, one), Lexicon.merge(Lexicon(), one, other)):
        assert (same, same.provenance) == (merged, merged.provenance)
    left = Lexicon.merge(merged, third)
    right = Lexicon.merge(one, Lexicon.merge(other, third))
    assert (left, left.provenance) == (right, right.provenance) == (Lexicon.merge(one, other, third), left.provenance)
    assert (Lexicon.merge(one), Lexicon.merge(one, Lexicon())) == (one, one)
    assert merged.total == one.total + other.total
    assert {word: merged.count(word) for word in merged} == {
        word: one.count(word) + other.count(word) for word in set(one) | set(other)
    }
    merged._check()


def test_merge_lists_where_the_parts_came_from() -> None:
    parts = [Lexicon({"研究": 1}, provenance={"input": name}) for name in "bac"]

    assert Lexicon.merge(parts[0]).provenance == {"input": "b"}
    assert Lexicon.merge(*parts).provenance == {"merged": [{"input": "a"}, {"input": "b"}, {"input": "c"}]}
    assert Lexicon.merge(parts[0], parts[0]).provenance == {"merged": [{"input": "b"}, {"input": "b"}]}
    assert Lexicon.merge().provenance == {}


def test_merging_leaves_the_parts_alone() -> None:
    one, other = Lexicon({"研究": 1}), Lexicon({"研究": 2, "生命": 1})
    Lexicon.merge(one, other).add("研究", 5)
    assert (one.counts(), other.counts()) == ({"研究": 1}, {"研究": 2, "生命": 1})


@quick
@given(st.lists(st.tuples(st.sampled_from("ardm"), st.sampled_from("甲乙丙"), st.integers(0, 5)), max_size=20))
def test_random_actions_agree_with_a_plain_dict(actions: list[tuple[str, str, int]]) -> None:
    lexicon, model = Lexicon(), dict[str, int]()
    for action, word, count in actions:
        if action == "a":
            lexicon.add(word, count)
            model[word] = model.get(word, 0) + count
        elif action == "d":
            lexicon.discard(word)
            model.pop(word, None)
        elif action == "m":
            lexicon = Lexicon.merge(lexicon, Lexicon({word: count}))
            model[word] = model.get(word, 0) + count
        elif word in model:
            lexicon.remove(word)
            del model[word]
        else:
            with pytest.raises(KeyError):
                lexicon.remove(word)
        lexicon._check()
        assert lexicon.counts() == model
        assert list(lexicon) == sorted(model, key=lambda word: (-model[word], word))
        assert (len(lexicon), lexicon.total) == (len(model), sum(model.values()))
        assert all((word in lexicon) == (word in model) for word in "甲乙丙丁")


def test_subtract_leaves_what_is_new() -> None:
    lexicon = Lexicon({"研究": 3, "葡萄酒": 1, "生命": 2}, provenance={"input": "x"})
    for known in (
        ["研究", "生命"],
        {"研究", "生命"},
        Lexicon(["研究", "生命"]),
        {"研究": 1, "生命": 1},
        iter(["研究", "生命"]),
    ):
        rest = lexicon.subtract(known)
        assert rest.counts() == {"葡萄酒": 1}
        assert (rest.total, rest.provenance) == (1, {"input": "x"})
    with pytest.raises(TypeError, match="such as"):
        lexicon.subtract("研究")


def test_what_is_left_keeps_its_order() -> None:
    lexicon = Lexicon(
        Entry(word, count, bits) for word, count, bits in [("甲", 1, 5.0), ("乙", 9, math.nan), ("丙", 2, 7.0)]
    )
    for ranked_before in (False, True):
        if ranked_before:
            assert list(lexicon) == ["丙", "甲", "乙"]
        rest = lexicon.subtract(["甲"])
        assert (list(rest), rest.total, len(lexicon)) == (["丙", "乙"], 11, 3)
        rest.add("丁", 1, bits=9.0)
        rest._check()
        assert list(rest) == ["丁", "丙", "乙"]


@pytest.mark.parametrize("hole", [1, 2, 3, 4])
def test_tsv_writes_what_is_not_known_as_nothing(hole: int) -> None:
    numbers = [1.5, -2.0, 0.0, math.inf]
    numbers[hole - 1] = math.nan
    file = io.StringIO()

    Lexicon([Entry("词", 3, *numbers, "n")]).write(file)

    written = ["" if number != number else str(number) for number in numbers]
    assert file.getvalue().split("\n")[-2] == "\t".join(["词", "3", *written, "n"])


def test_every_kind_of_entries_is_taken() -> None:
    expected = Lexicon({"研究": 2, "生命": 1})
    assert Lexicon(["研究", "生命", "研究"]) == expected
    assert Lexicon([("研究", 2), ("生命", 1)]) == expected
    assert Lexicon([Entry("研究", 2), Entry("生命")]) == expected
    assert Lexicon(expected) == expected
    assert Lexicon(word for word in ["生命", "研究", "研究"]) == expected
    with pytest.raises(TypeError, match=r"such as \['研究', '生命'\]"):
        Lexicon("研究")


def test_equality_and_the_usual_protocols() -> None:
    lexicon = Lexicon({"研究": 1200}, provenance={"input": "x"})
    lexicon.add("生命", bits=float("nan"), pmi=2)
    for same in (copy.copy(lexicon), copy.deepcopy(lexicon), pickle.loads(pickle.dumps(lexicon))):
        assert (same, same.provenance) == (lexicon, {"input": "x"})
        same.add("生命")
        assert same != lexicon
    assert lexicon != {"研究": 1200}
    assert repr(lexicon) == "<Lexicon of 2 words, 1,201 occurrences>"
    with pytest.raises(TypeError):
        hash(lexicon)
    with pytest.raises(KeyError):
        lexicon["生"]


@pytest.mark.parametrize("word", ["", "a\nb", "a\rb", "a\0b", "字" * 1001])
def test_a_word_that_no_file_could_hold_is_refused(word: str) -> None:
    lexicon = Lexicon()
    with pytest.raises(LexiconError, match="expected a word of 1 to 1,000 characters"):
        lexicon.add(word)
    assert len(lexicon) == 0


@pytest.mark.parametrize("count", [-1, 2**63, 1.5, True, "3", None], ids=repr)
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(LexiconError, match=r"expected a count from 0 to 2\*\*63 - 1, such as 42"):
        Lexicon().add("研究", count)


def test_counts_that_add_up_to_too_much_are_refused() -> None:
    with pytest.raises(LexiconError, match="got an integer of 20,001 bits"):
        Lexicon().add("研究", 1 << 20_000)
    lexicon = Lexicon({"研究": 2**63 - 1})
    with pytest.raises(LexiconError, match="add up to more"):
        lexicon.add("研究")
    lexicon._check()


# Files -------------------------------------------------------------------------------------------------------------


@quick
@given(lexicons, st.dictionaries(st.sampled_from(["input-sha256", "名", "a"]), st.integers() | words, max_size=3))
def test_tsv_reads_back_everything(tmp_path: Path, lexicon: Lexicon, provenance: dict[str, Any]) -> None:
    lexicon.provenance = provenance
    path = tmp_path / "a.tsv"

    lexicon.save(path)

    for found in (Lexicon.load(path), Lexicon.load(path, "tsv")):
        assert found == lexicon
        assert list(found) == list(lexicon)
    # JSON joins the two halves of a surrogate pair; words in rows are escaped one by one and stay apart.
    assert found.provenance == json.loads(json.dumps(provenance))
    data = path.read_bytes()
    found.provenance = provenance
    found.save(path)
    assert path.read_bytes() == data, "the same lexicon gave other bytes"
    data.decode("utf-8")


def keep(lexicon: Lexicon, format: str) -> Lexicon:
    """What a file of this format holds of a lexicon."""
    if format == "jsonl":
        return lexicon
    default = "nz" if format == "hanlp" else ""
    return Lexicon(Entry(entry.word, entry.count, tag=entry.tag or default) for entry in lexicon.entries())


@quick
@given(entries, st.sampled_from(["jieba", "hanlp", "jsonl"]))
def test_other_formats_read_back_what_they_can_hold(tmp_path: Path, entry: Entry, format: str) -> None:
    path = tmp_path / f"a.{format}"
    path.unlink(missing_ok=True)
    lexicon = Lexicon([entry])
    try:
        lexicon.save(path, format)
    except LexiconError as error:
        assert "cannot hold" in str(error)
        assert not path.exists()
        odd = set("\t\ufeff") | {chr(code) for code in range(0xD800, 0xE000)}
        assert odd & set(entry.word + entry.tag) or entry.tag in ("x y", "5") or format == "hanlp"
        return
    found = Lexicon.load(path, format)
    assert found == keep(lexicon, format)
    found._check()


@quick
@given(
    st.lists(
        st.builds(
            lambda word, count, tag: Lexicon([(word, count, *[math.nan] * 4, tag)])[word],
            st.text("研究生命葡萄酒 abc", min_size=1, max_size=5),
            st.integers(0, 999),
            st.sampled_from(["n", "vn"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["tsv", "jieba", "hanlp", "jsonl"]),
)
def test_ordinary_words_survive_every_format_and_are_recognised(tmp_path: Path, rows: list[Entry], format: str) -> None:
    path = tmp_path / "a"
    lexicon = Lexicon(rows)
    # "a b 3" alone may be a word "a b" or, for HanLP, a word "a" with the tag "b": the tags here tell them apart.
    lexicon.save(path, format)
    assert Lexicon.load(path) == lexicon
    assert Lexicon.load(path, format) == lexicon


def test_the_native_file_looks_like_this(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    lexicon = Lexicon(provenance={"input-sha256": "ab12", "characters": 60000})
    lexicon.add("葡萄酒", 12, "n", bits=310.5, pmi=7.25, left_entropy=1.5, right_entropy=2.0)
    lexicon.add("a\tb\\c", 2)

    lexicon.save(path)

    assert path.read_text(encoding="utf-8").splitlines() == [
        "#nlp-zero lexicon 1",
        "#characters 60000",
        '#input-sha256 "ab12"',
        "word\tcount\tbits\tpmi\tleft_entropy\tright_entropy\ttag",
        "葡萄酒\t12\t310.5\t7.25\t1.5\t2.0\tn",
        "a\\tb\\\\c\t2\t\t\t\t\t",
    ]


def test_shapes_in_files(tmp_path: Path) -> None:
    shapes = ["\ufdd0元", "\ufdd1年", "\ufdd2超", "\ufdd3\\", "第\ufdd0"]
    lexicon = Lexicon([Entry(word, 9 - place, tag="shape") for place, word in enumerate(shapes)])
    lexicon.add("研究", 3, "v")
    path = tmp_path / "lexicon"

    assert lexicon.save(path, "tsv") == 0
    lines = path.read_text(encoding="utf-8").splitlines()[2:]
    assert [line.split("\t")[0] for line in lines] == ["\\N元", "\\Y年", "\\L超", "\\R\\\\", "第\\N", "研究"]
    assert Lexicon.load(path) == lexicon
    assert lexicon.save(path, "jsonl") == 0
    assert path.read_text(encoding="utf-8").startswith('{"count": 9, "tag": "shape", "word": "\\ufdd0元"}\n')
    assert Lexicon.load(path) == lexicon
    for format in ("jieba", "hanlp"):
        assert lexicon.save(path, format) == 5
        assert Lexicon.load(path).counts() == {"研究": 3}
    path.write_text("word\tcount\n\ufdd0元\t2\n", encoding="utf-8")
    assert Lexicon.load(path).counts() == {"\ufdd0元": 2}  # As files had it before there were escapes.


def test_jieba_lines_in_all_their_shapes(tmp_path: Path) -> None:
    text = "云计算 5\n李小福 2 nr\ncreate new 7 x\n台中\ndeep learning 12\n石墨烯 n\n 前 3 n\n"
    expected = [
        ("deep learning", 12, ""),
        ("create new", 7, "x"),
        ("云计算", 5, ""),
        (" 前", 3, "n"),
        ("李小福", 2, "nr"),
        ("台中", 1, ""),
        ("石墨烯", 1, "n"),
    ]
    for lexicon in (lexicon_of(text, tmp_path), lexicon_of(text, tmp_path, "jieba")):
        assert [(entry.word, entry.count, entry.tag) for entry in lexicon.entries()] == expected


def test_hanlp_lines_in_all_their_shapes(tmp_path: Path) -> None:
    lexicon = lexicon_of("希望 v 386 n 96\n云 计算 n 5\n中山 ns 30 nr 30\n徐先生\n", tmp_path, "hanlp")
    assert [(entry.word, entry.count, entry.tag) for entry in lexicon.entries()] == [
        ("希望", 482, "v"),
        ("中山", 60, "nr"),
        ("云 计算", 5, "n"),
        ("徐先生", 1, "nz"),
    ]
    assert lexicon_of("希望\tv\t386\tn\t96\n", tmp_path, "hanlp").counts() == {"希望": 482}


def test_plain_lists_and_plain_tables(tmp_path: Path) -> None:
    assert lexicon_of("研究\n  deep learning \n研究\n", tmp_path).counts() == {"研究": 2, "deep learning": 1}
    assert lexicon_of("研究\t3\ndeep learning\t12\n", tmp_path).counts() == {"deep learning": 12, "研究": 3}
    assert lexicon_of("研究\t3\tv\n", tmp_path)["研究"] == Entry("研究", 3)._replace(
        tag="v", **dict.fromkeys(("bits", "pmi", "left_entropy", "right_entropy"), Lexicon(["x"])["x"].bits)
    )
    assert lexicon_of("word\tpmi\tsource\n研究\t2.5\tx\n", tmp_path)["研究"].pmi == 2.5
    assert lexicon_of('{"word": "研究", "count": 3, "x": [1]}\n{"word": "生命"}\n', tmp_path).counts() == {
        "研究": 3,
        "生命": 1,
    }


@pytest.mark.parametrize("text", ["研究 3 v\n生命 5\n", "研究\t3\n生命\t5\n", "研究\n生命\n", "研究 v 3\n生命 n 5\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_bom_line_ends_and_blank_lines_do_not_matter(tmp_path: Path, text: str, bom: bytes, end: str) -> None:
    path = tmp_path / "words"
    lines = text.split("\n")
    path.write_bytes(bom + end.join(["", *lines[:1], "  ", *lines[1:], ""]).encode())
    assert Lexicon.load(path) == lexicon_of(text, tmp_path)


def test_empty_files_are_empty_lexicons(tmp_path: Path) -> None:
    for text in ("", "\n\n", "\ufeff"):
        for format in (None, "tsv", "jieba", "hanlp", "jsonl", "plain"):
            assert len(lexicon_of(text, tmp_path, format)) == 0


BAD = {
    "tsv": [
        ("#nlp-zero lexicon 2\n", 1, "'#nlp-zero lexicon 1'"),
        ("#nlp-zero lexicon 1\n#input {\n", 2, "'#NAME JSON'"),
        ("#nlp-zero lexicon 1\nword\tcount\n研究\t3\n生命\n", 4, "2 columns, word<TAB>count"),
        ("word\tcount\n研究\tx\n", 2, "an integer count"),
        ("word\tcount\n研究\t-3\n", 2, "a count from 0"),
        ("word\tcount\n研究\t" + "9" * 5000 + "\n", 2, "a count from 0|an integer count"),
        ("word\tpmi\n研究\tx\n", 2, "evidence in decimals"),
        ("word\tcount\n\\x\t3\n", 2, r"the escape"),
        ("word\tcount\n\t3\n", 2, "a word of 1 to 1,000"),
        ("研究\t3\n生命\tx\n", 2, "WORD<TAB>COUNT"),
        ("研究\t3\n\n生命\t5\tn\tx\n", 3, "WORD<TAB>COUNT"),
        ("研究\t99999999999999999999\n", 1, "WORD<TAB>COUNT"),
        ("研究\t9999999999999999999\n", 1, "a count from 0"),
        ("研\0究\t5\n", 1, "without line ends or NUL"),
    ],
    "jieba": [("研究 3\n生\t命 5\n", 2, "'WORD COUNT TAG'"), ("a\n" + "长" * 2000 + " 5\n", 2, "a word of 1 to 1,000")],
    "hanlp": [("研究 v 3\n生命 5\n", 2, "'WORD TAG COUNT'"), ("研究 v x3 5 6\n", 1, "'WORD TAG COUNT'")],
    "jsonl": [
        ('{"word": "研究"}\n{"word": 3}\n', 2, "a JSON object"),
        ("[]\n", 1, "a JSON object"),
        ('{"word": "研究"\n', 1, "a JSON object"),
        ("[" * 100_000 + "\n", 1, "a JSON object"),
        ('{"word": "研究", "count": "3"}\n', 1, "a count from 0"),
        ('{"word": "研究", "count": 1e3}\n', 1, "a count from 0"),
        ('{"word": "研究", "pmi": "x"}\n', 1, "a JSON object"),
        ('{"word": "研究", "pmi": ' + "9" * 1000 + "}\n", 1, "a JSON object"),
        ('{"word": "研究", "tag": 1}\n', 1, "a JSON object"),
        ('{"word": "研\\n究"}\n', 1, "a word of 1 to 1,000"),
    ],
    "plain": [("研究\n生\0命\n", 2, "without line ends or NUL")],
}


@pytest.mark.parametrize(("format", "case"), [(format, case) for format, cases in BAD.items() for case in cases])
def test_errors_say_file_line_and_what_was_expected(tmp_path: Path, format: str, case: tuple[str, int, str]) -> None:
    text, line, expected = case
    with pytest.raises(LexiconError, match=expected) as caught:
        lexicon_of(text, tmp_path, format)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'words'}: line {line}: expected ")
    assert len(message) < 400
    assert "\n" not in message


def test_bytes_that_are_not_utf8_are_located(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_bytes("研究 3\r\n".encode() * 5000 + "生命".encode("gb18030") + b" 5\n")
    with pytest.raises(LexiconError) as caught:
        Lexicon.load(path)
    assert str(caught.value) == f"{path}: line 5001: expected UTF-8, got the bytes c9 at offset 50,000"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match=r"missing: cannot be read: No such file"):
        Lexicon.load(tmp_path / "missing")
    with pytest.raises(LexiconError, match="cannot be read"):
        Lexicon.load(tmp_path)
    with pytest.raises(LexiconError, match="expected one of tsv, jieba, hanlp, jsonl, plain, got 'xml'"):
        Lexicon.load(tmp_path, "xml")
    with pytest.raises(LexiconError, match="expected one of tsv, jieba, hanlp, jsonl, got 'plain'"):
        Lexicon().save(tmp_path / "a", "plain")
    with pytest.raises(LexiconError, match="provenance: expected a name without spaces"):
        Lexicon(provenance={"a b": 1}).save(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@quick
@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "words"
    path.write_bytes(data)
    for format in (None, "tsv", "jieba", "hanlp", "jsonl", "plain"):
        try:
            lexicon = Lexicon.load(path, format)
        except LexiconError as error:
            assert str(path) in str(error)
        else:
            lexicon._check()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_lexicon_comes_through_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, "研究 3\n生命 5\n".encode())
    os.close(writer)
    try:
        assert Lexicon.load(f"/dev/fd/{reader}").counts() == {"生命": 5, "研究": 3}
    finally:
        os.close(reader)


def test_the_dictionary_of_jieba_is_read_whole(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "lexicons" / "jieba_dict_small.txt.xz"
    path = tmp_path / "dict.txt"
    path.write_bytes(lzma.decompress(source.read_bytes()))
    counts = {line.split(" ")[0]: int(line.split(" ")[1]) for line in path.read_text(encoding="utf-8").splitlines()}

    lexicon = Lexicon.load(path)

    assert lexicon.counts() == counts
    assert lexicon["龙骨山"].tag == "nr"


def test_a_large_lexicon_loads_soon(tmp_path: Path) -> None:
    """50,000 entries with all evidence: about 0.2 s of CPU time where this was written; the bound leaves room."""
    chance = random.Random(5)
    path = tmp_path / "large.tsv"
    lexicon = Lexicon(
        Entry(f"词{number}", number, chance.random() * 100, chance.random(), chance.random(), chance.random())
        for number in range(50_000)
    )
    lexicon.save(path)
    start = time.process_time()
    assert Lexicon.load(path) == lexicon
    assert time.process_time() - start < 1.5
