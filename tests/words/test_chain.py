"""The state of a chain."""

from __future__ import annotations

from invented import first_scores

from nlp_zero.words.chain import Chain, Settings, Substrings
from nlp_zero.words.prior import encode
from nlp_zero.words.symbols import SymbolText


def test_share_is_that_of_one_symbol_tables():
    text = SymbolText(["山水山水火"])
    lengths = bytes([2, 0, 1, 1, 1, 0])
    chain = Chain(Substrings(text.ids, first_scores(text.ids), 4), lengths, Settings())

    assert chain.totals[0] == 4
    assert chain.share == (chain.totals[1] - chain.tables[chain.sizes.index(2)]) / chain.totals[1]


def test_known_words_are_guests_that_stay():
    text = SymbolText(["山水山水火"])
    lengths = bytes([2, 0, 1, 1, 1, 0])
    scores = first_scores(text.ids)
    alone = Chain(Substrings(text.ids, scores, 4), lengths, Settings())
    chain = Chain(Substrings(text.ids, scores, 4, encode(text, {"水": 7, "木": 5})), lengths, Settings())

    water = chain.index[4]
    assert chain.counts[water] == alone.counts[water] + 7
    assert chain.totals[0] == alone.totals[0] + 12
    assert sum(chain.counts) == chain.totals[0] - 5  # 木 does not stand in the text
    for _ in range(5):
        chain.sweep(chain.boost(0.1), 0.0, True)
    assert chain.counts[water] >= 7
    assert sum(chain.counts) == chain.totals[0] - 5
