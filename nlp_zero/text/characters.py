"""The class of every character: where words may be, and where they end for certain.

Words are sought in stretches of *word characters* (Han, Latin, digits, kana, letters of other scripts and the marks
on them); every other character, a space, a sign, a symbol, is a *known boundary* (已知边界). The classes come from
ranges written into this file (made from the character database of Unicode 14, with the blocks of Unicode 17 added
whole), not from :mod:`unicodedata`: so the same text is cut the same way by every version of Python.

:data:`RUN` and :func:`runs` find the runs of digits and of Latin letters that statistics treat as one symbol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

__all__ = [
    "CLASS_NAMES",
    "DIGIT",
    "HAN",
    "KANA",
    "LATIN",
    "LETTER",
    "MARK",
    "OTHER",
    "PUNCTUATION",
    "RUN",
    "SPACE",
    "WORD_CLASSES",
    "Run",
    "char_class",
    "class_table",
    "ranges",
    "runs",
]

OTHER = 0
"""Symbols, emoji, controls, private use, surrogates, code points in no block of the lists below."""
SPACE = 1
"""Spaces and line ends, the ideographic (U+3000) and the zero-width space (U+200B) among them."""
PUNCTUATION = 2
"""Signs of punctuation (标点) of any script."""
HAN = 3
"""Han characters (汉字): every block to Ext J, the compatibility blocks, radicals, 々 〆 〇 and the Suzhou numerals."""
LATIN = 4
"""Latin letters, full-width ones and Roman numerals (Ⅷ) among them."""
DIGIT = 5
"""Decimal digits of any script, full-width ones among them."""
KANA = 6
"""Hiragana and katakana (假名), half-width ones and the prolonged sound mark ー among them."""
LETTER = 7
"""Letters of other scripts: Greek, Cyrillic, Hangul, Thai, Bopomofo..."""
MARK = 8
"""Combining marks, variation selectors, joiners: they belong to the character before."""

CLASS_NAMES = ("other", "space", "punctuation", "han", "latin", "digit", "kana", "letter", "mark")
"""The name of every class, by its code."""

WORD_CLASSES = frozenset({HAN, LATIN, DIGIT, KANA, LETTER, MARK})
"""The classes of which words are made; every other class is a known boundary."""

# The ranges, painted in the order of _LAYERS: a later one covers an earlier one. Between two characters of one class
# code points without a character go along, so the lists stay short.

# Whole blocks. 0370-1FFF are the scripts from Greek to Greek Extended, 10280-16FFF the small and old ones.
_LETTERS = """
    00B5 02B9-02C1 02C6-02D1 02EC 02EE 0370-1FFF 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212C-212D
    212F-2139 213C-213F 2145-2149 2C00-2C5F 2C80-2DFF 2E2F 303C 3105-312F 3131-318E 31A0-31BF A000-A48F A4D0-A6FF
    A717-A71F A788 A800-AB2F AB65 AB70-D7FF FB07-FDFF FE70-FEFE FFA0-FFDC 10000-100FF 10140-10174 10280-16FFF
    17000-18DFF 1B170-1BC9F 1D400-1D7CB 1E000-1EEFF
"""

# Signs, numbers and format characters that stand inside the blocks above.
_SYMBOLS = """
    0375 0384-0385 03F6 0482 058D-058F 0600-0608 060B 060E-060F 061C 06DD-06DE 06E9 06FD-06FE 070F 07F6
    07FE-07FF 0888 0890-0891 08E2 09F2-09FB 0AF1 0B70 0B72-0B77 0BF0-0BFA 0C78-0C7F 0D4F 0D58-0D5E 0D70-0D79
    0E3F 0F01-0F03 0F13 0F15-0F17 0F1A-0F1F 0F2A-0F34 0F36 0F38 0FBE-0FC5 0FC7-0FCF 0FD5-0FD8 109E-109F
    1369-137C 1390-1399 166D 17DB 17F0-17F9 180E 1940 19DA-19FF 1B61-1B6A 1B74-1B7C 1FBD 1FBF-1FC1 1FCD-1FCF
    1FDD-1FDF 1FED-1FEF 1FFD-1FFE 2CE5-2CEA 2CFD A700-A716 A828-A82B A830-A839 AA77-AA79 FB29 FBB2-FBC2
    FD40-FD4F FDCF-FDEF FDFC-FDFF 102E1-102FB 10320-10323 10858-1085F 10877-1087F 108A7-108AF 108FB-108FF 10916-1091B
    109BC-109BD 109C0-109FF 10A40-10A48 10A7D-10A7E 10A9D-10A9F 10AC8 10AEB-10AEF 10B58-10B5F 10B78-10B7F
    10BA9-10BAF 10CFA-10CFF 10E60-10E7E 10F1D-10F26 10F51-10F54 10FC5-10FCB 11052-11065 110BD 110CD 111E1-111F4
    1173A-1173B 1173F 118EA-118F2 11C5A-11C6C 11FC0-11FF1 13430-1345F 16B3C-16B3F 16B45 16B5B-16B61 16E80-16E96
    1BC9C 1D6C1 1D6DB 1D6FB 1D715 1D735 1D74F 1D76F 1D789 1D7A9 1D7C3 1E14F 1E2FF 1E8C7-1E8CF 1EC71-1ED3D
    1EEF0-1EEF1
"""

_LATIN = """
    0041-005A 0061-007A 00AA 00BA 00C0-00D6 00D8-00F6 00F8-02B8 02E0-02E4 1D00-1D25 1D2C-1D5C 1D62-1D65 1D6B-1D77
    1D79-1DBE 1E00-1EFF 2071 207F 2090-209C 212A-212B 2132 214E 2160-2188 2C60-2C7F A722-A787 A78B-A7FF AB30-AB5A
    AB5C-AB64 AB66-AB69 FB00-FB06 FF21-FF3A FF41-FF5A 10780-107BF 1DF00-1DFFF
"""

_KANA = "3031-3035 3041-3096 309B-309F 30A1-30FA 30FC-30FF 31F0-31FF FF66-FF9F 1AFF0-1B16F"

_HAN = """
    2E80-2FDF 3005-3007 3021-3029 3038-303B 3400-4DBF 4E00-9FFF F900-FAFF 16FE3 20000-2A6DF 2A700-2B73F
    2B740-2B81F 2B820-2CEAF 2CEB0-2EBEF 2EBF0-2EE5F 2F800-2FA1F 30000-3134F 31350-323AF 323B0-3347F
"""

_MARKS = """
    0300-036F 0483-0489 0591-05BD 05BF 05C1-05C2 05C4-05C5 05C7 0610-061A 064B-065F 0670 06D6-06DC 06DF-06E4
    06E7-06E8 06EA-06ED 0711 0730-074A 07A6-07B0 07EB-07F3 07FD 0816-0819 081B-0823 0825-0827 0829-082D
    0859-085B 0898-089F 08CA-08E1 08E3-0903 093A-093C 093E-094F 0951-0957 0962-0963 0981-0983 09BC 09BE-09CD
    09D7 09E2-09E3 09FE-0A03 0A3C-0A51 0A70-0A71 0A75 0A81-0A83 0ABC 0ABE-0ACD 0AE2-0AE3 0AFA-0B03 0B3C
    0B3E-0B57 0B62-0B63 0B82 0BBE-0BCD 0BD7 0C00-0C04 0C3C 0C3E-0C56 0C62-0C63 0C81-0C83 0CBC 0CBE-0CD6
    0CE2-0CE3 0D00-0D03 0D3B-0D3C 0D3E-0D4D 0D57 0D62-0D63 0D81-0D83 0DCA-0DDF 0DF2-0DF3 0E31 0E34-0E3A
    0E47-0E4E 0EB1 0EB4-0EBC 0EC8-0ECD 0F18-0F19 0F35 0F37 0F39 0F3E-0F3F 0F71-0F84 0F86-0F87 0F8D-0FBC 0FC6
    102B-103E 1056-1059 105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F 109A-109D 135D-135F 1712-1715
    1732-1734 1752-1753 1772-1773 17B4-17D3 17DD 180B-180D 180F 1885-1886 18A9 1920-193B 1A17-1A1B 1A55-1A7F
    1AB0-1B04 1B34-1B44 1B6B-1B73 1B80-1B82 1BA1-1BAD 1BE6-1BF3 1C24-1C37 1CD0-1CD2 1CD4-1CE8 1CED 1CF4
    1CF7-1CF9 1DC0-1DFF 200C-200D 20D0-20F0 2CEF-2CF1 2D7F 2DE0-2DFF 302A-302F 3099-309A A66F-A672 A674-A67D
    A69E-A69F A6F0-A6F1 A802 A806 A80B A823-A827 A82C A880-A881 A8B4-A8C5 A8E0-A8F1 A8FF A926-A92D A947-A953
    A980-A983 A9B3-A9C0 A9E5 AA29-AA36 AA43 AA4C-AA4D AA7B-AA7D AAB0 AAB2-AAB4 AAB7-AAB8 AABE-AABF AAC1
    AAEB-AAEF AAF5-AAF6 ABE3-ABEA ABEC-ABED FB1E FE00-FE0F FE20-FE2F 101FD 102E0 10376-1037A 10A01-10A0F
    10A38-10A3F 10AE5-10AE6 10D24-10D27 10EAB-10EAC 10F46-10F50 10F82-10F85 11000-11002 11038-11046 11070
    11073-11074 1107F-11082 110B0-110BA 110C2 11100-11102 11127-11134 11145-11146 11173 11180-11182 111B3-111C0
    111C9-111CC 111CE-111CF 1122C-11237 1123E 112DF-112EA 11300-11303 1133B-1133C 1133E-1134D 11357 11362-11374
    11435-11446 1145E 114B0-114C3 115AF-115C0 115DC-115DD 11630-11640 116AB-116B7 1171D-1172B 1182C-1183A
    11930-1193E 11940 11942-11943 119D1-119E0 119E4 11A01-11A0A 11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B
    11A8A-11A99 11C2F-11C3F 11C92-11CB6 11D31-11D45 11D47 11D8A-11D97 11EF3-11EF6 16AF0-16AF4 16B30-16B36 16F4F
    16F51-16F92 16FE4-16FF1 1BC9D-1BC9E 1CF00-1CF46 1D165-1D169 1D16D-1D172 1D17B-1D182 1D185-1D18B 1D1AA-1D1AD
    1D242-1D244 1DA00-1DA36 1DA3B-1DA6C 1DA75 1DA84 1DA9B-1DAAF 1E000-1E02A 1E130-1E136 1E2AE 1E2EC-1E2EF
    1E8D0-1E8D6 1E944-1E94A E0020-E01EF
"""

_DIGITS = """
    0030-0039 0660-0669 06F0-06F9 07C0-07C9 0966-096F 09E6-09EF 0A66-0A6F 0AE6-0AEF 0B66-0B6F 0BE6-0BEF
    0C66-0C6F 0CE6-0CEF 0D66-0D6F 0DE6-0DEF 0E50-0E59 0ED0-0ED9 0F20-0F29 1040-1049 1090-1099 17E0-17E9
    1810-1819 1946-194F 19D0-19D9 1A80-1A99 1B50-1B59 1BB0-1BB9 1C40-1C49 1C50-1C59 A620-A629 A8D0-A8D9
    A900-A909 A9D0-A9D9 A9F0-A9F9 AA50-AA59 ABF0-ABF9 FF10-FF19 104A0-104A9 10D30-10D39 11066-1106F 110F0-110F9
    11136-1113F 111D0-111D9 112F0-112F9 11450-11459 114D0-114D9 11650-11659 116C0-116C9 11730-11739 118E0-118E9
    11950-11959 11C50-11C59 11D50-11D59 11DA0-11DA9 16A60-16A69 16AC0-16AC9 16B50-16B59 1D7CE-1D7FF 1E140-1E149
    1E2F0-1E2F9 1E950-1E959 1FBF0-1FBF9
"""

_PUNCTUATION = """
    0021-0023 0025-002A 002C-002F 003A-003B 003F-0040 005B-005D 005F 007B 007D 00A1 00A7 00AB 00B6-00B7 00BB
    00BF 037E 0387 055A-055F 0589-058A 05BE 05C0 05C3 05C6 05F3-05F4 0609-060A 060C-060D 061B 061D-061F
    066A-066D 06D4 0700-070D 07F7-07F9 0830-083E 085E 0964-0965 0970 09FD 0A76 0AF0 0C77 0C84 0DF4 0E4F
    0E5A-0E5B 0F04-0F12 0F14 0F3A-0F3D 0F85 0FD0-0FD4 0FD9-0FDA 104A-104F 10FB 1360-1368 1400 166E 169B-169C
    16EB-16ED 1735-1736 17D4-17D6 17D8-17DA 1800-180A 1944-1945 1A1E-1A1F 1AA0-1AA6 1AA8-1AAD 1B5A-1B60
    1B7D-1B7E 1BFC-1BFF 1C3B-1C3F 1C7E-1C7F 1CC0-1CC7 1CD3 2010-2027 2030-2043 2045-2051 2053-205E 207D-207E
    208D-208E 2308-230B 2329-232A 2768-2775 27C5-27C6 27E6-27EF 2983-2998 29D8-29DB 29FC-29FD 2CF9-2CFC
    2CFE-2CFF 2D70 2E00-2E2E 2E30-2E4F 2E52-2E5D 3001-3003 3008-3011 3014-301F 3030 303D 30A0 30FB A4FE-A4FF
    A60D-A60F A673 A67E A6F2-A6F7 A874-A877 A8CE-A8CF A8F8-A8FA A8FC A92E-A92F A95F A9C1-A9CD A9DE-A9DF
    AA5C-AA5F AADE-AADF AAF0-AAF1 ABEB FD3E-FD3F FE10-FE19 FE30-FE61 FE63 FE68 FE6A-FE6B FF01-FF03 FF05-FF0A
    FF0C-FF0F FF1A-FF1B FF1F-FF20 FF3B-FF3D FF3F FF5B FF5D FF5F-FF65 10100-10102 1039F 103D0 1056F 10857 1091F
    1093F 10A50-10A58 10A7F 10AF0-10AF6 10B39-10B3F 10B99-10B9C 10EAD 10F55-10F59 10F86-10F89 11047-1104D
    110BB-110BC 110BE-110C1 11140-11143 11174-11175 111C5-111C8 111CD 111DB 111DD-111DF 11238-1123D 112A9
    1144B-1144F 1145A-1145D 114C6 115C1-115D7 11641-11643 11660-1166C 116B9 1173C-1173E 1183B 11944-11946 119E2
    11A3F-11A46 11A9A-11A9C 11A9E-11AA2 11C41-11C45 11C70-11C71 11EF7-11EF8 11FFF 12470-12474 12FF1-12FF2
    16A6E-16A6F 16AF5 16B37-16B3B 16B44 16E97-16E9A 16FE2 1BC9F 1DA87-1DA8B 1E95E-1E95F
"""

_SPACES = "0009-000D 001C-0020 0085 00A0 1680 2000-200B 2028-2029 202F 205F 3000"

_LAYERS = (
    (LETTER, _LETTERS),
    (OTHER, _SYMBOLS),
    (LATIN, _LATIN),
    (KANA, _KANA),
    (HAN, _HAN),
    (MARK, _MARKS),
    (DIGIT, _DIGITS),
    (PUNCTUATION, _PUNCTUATION),
    (SPACE, _SPACES),
)


def _read_ranges(text: str) -> Iterator[tuple[int, int]]:
    """First and last code point of each range in a list such as ``"0041-005A 00AA"``."""
    for item in text.split():
        first, _, last = item.partition("-")
        yield int(first, 16), int(last or first, 16)


@cache
def class_table() -> bytes:
    """The class code of every code point: 0x110000 bytes, made at the first call (some 1 ms) and kept.

    >>> table = class_table()
    >>> [CLASS_NAMES[table[ord(character)]] for character in "汉Aあ9，"]
    ['han', 'latin', 'kana', 'digit', 'punctuation']
    """
    table = bytearray(0x110000)
    for code, text in _LAYERS:
        for first, last in _read_ranges(text):
            table[first : last + 1] = bytes((code,)) * (last + 1 - first)
    return bytes(table)


def char_class(character: str) -> int:
    """The class code of one character.

    >>> char_class("〇") == char_class("𠮷") == HAN
    True
    >>> char_class("。") in WORD_CLASSES
    False
    """
    return class_table()[ord(character)]


def ranges(*codes: int) -> list[tuple[int, int]]:
    """The first and last code points of the stretches that hold only these classes, in order.

    >>> [(hex(first), hex(last)) for first, last in ranges(KANA)[:2]]
    [('0x3031', '0x3035'), ('0x3041', '0x3096')]
    """
    wanted = re.compile(b"[" + b"".join(re.escape(bytes((code,))) for code in codes) + b"]+")
    return [(match.start(), match.end() - 1) for match in wanted.finditer(class_table())]


def _character_set(text: str) -> str:
    """A list of ranges as the inside of a regular expression's ``[...]``."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _read_ranges(text))


def _run_pattern() -> str:
    letters, digit = _character_set(_LATIN), f"[{_character_set(_DIGITS)}]"
    # The marks that Latin text uses; a mark of another script does not stand on a Latin letter.
    marks = _character_set("0300-036F 1AB0-1AFF 1DC0-1DFF 200C-200D 20D0-20FF FE00-FE0F FE20-FE2F")
    # A comma joins groups of three only (1,234,567): 2008,2009 are two numbers, and 1998，100 are as well.
    grouped = "[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[０-９]{1,3}(?:，[０-９]{3})+(?![０-９])"
    return (
        f"(?P<number>(?:{grouped}|{digit}+)(?:[.:/．：／]{digit}+)*[%‰％]?)"  # 3.14, 12:30, 2004/5/1, 15%
        f"|(?P<latin>[{letters}][{letters}{marks}]*)"
    )


RUN = re.compile(_run_pattern())
"""One run: group ``number``, digits with ``. : /`` or grouping commas inside and ``% ‰`` at the end (full-width forms
as well), or group ``latin``, Latin letters and the marks on them. No sign begins a run, and a search is linear."""


class Run(NamedTuple):
    """A run of digits (``kind`` is ``"number"``) or of Latin letters (``"latin"``): ``text[start:end]``."""

    start: int
    end: int
    kind: str


def runs(text: str) -> Iterator[Run]:
    """The runs of digits and of Latin letters in a text, from left to right; O(n).

    Statistics count each of them as one symbol (数字串、字母串), as Han characters are counted one by one.

    >>> text = "iPhone15售价5,999.00元，涨3.5%。"
    >>> [(text[run.start : run.end], run.kind) for run in runs(text)]
    [('iPhone', 'latin'), ('15', 'number'), ('5,999.00', 'number'), ('3.5%', 'number')]
    """
    for match in RUN.finditer(text):
        yield Run(match.start(), match.end(), match.lastgroup or "")
