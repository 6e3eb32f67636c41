"""Any amount of text, made on the spot, the same bytes for the same seed.

    python -m benchmarks.scale.texts repeated|zipf MEGABYTES FILE [--seed 7] [--shared ../shared]

* ``repeated``: the novels and laws of the development data over and over; from the second time on one character in
  twenty is another, drawn by its frequency, so that every pass brings some 30 % new 7-grams.
* ``zipf``: words of one to four characters, 200,000 of them with the frequencies 1 / rank ** 1.07, in lines of 20.
"""

import lzma
import random
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from benchmarks.measure import ROOT

MILLION = 1_000_000
SOURCES = ("raw-novels/novels", "domain-law/laws")
CHANGED = 0.05
VOCABULARY, EXPONENT = 200_000, 1.07


def repeated(shared: Path, seed: int) -> Iterator[str]:
    """Passes over the novels and laws, without end."""
    files = (shared / "data" / f"{name}.txt.xz" for name in SOURCES)
    base = "".join(lzma.decompress(path.read_bytes()).decode("utf-8") for path in files)
    yield base
    source = random.Random(seed)
    for _ in iter(int, 1):
        yield changed(base, source)


def changed(text: str, source: random.Random) -> str:
    """The text with one character in twenty replaced by one from elsewhere in it; signs and line ends stay.

    >>> changed("山水" * 10 + "。", random.Random(1)) == "山水" * 10 + "。"
    False
    """
    characters = list(text)
    number = max(1, int(len(text) * CHANGED))
    places = source.choices(range(len(text)), k=number)
    for place, other in zip(places, source.choices(text, k=number), strict=True):
        if characters[place].isalpha() and other.isalpha() and characters[place] != other:
            characters[place] = other
    return "".join(characters)


def zipf(seed: int) -> Iterator[str]:
    """Lines of words by Zipf's law, without end, some 2 MB at a time."""
    source = random.Random(seed)
    sizes = source.choices((1, 2, 3, 4), (2, 10, 4, 3), k=VOCABULARY)
    words = ["".join(chr(0x4E00 + int(6000 * source.random() ** 2)) for _ in range(size)) for size in sizes]
    weights = list(accumulate((rank + 1) ** -EXPONENT for rank in range(VOCABULARY)))
    for _ in iter(int, 1):
        drawn = source.choices(words, cum_weights=weights, k=400_000)
        yield "".join("".join(drawn[place : place + 20]) + "\n" for place in range(0, len(drawn), 20))


def write(parts: Iterator[str], size: int, path: Path) -> None:
    """The beginning of a text, up to a line end, at most ``size`` bytes."""
    left = size
    with path.open("wb") as file:
        while left > 0:
            part = next(parts).encode("utf-8")
            part = part if len(part) <= left else part[: part.rfind(b"\n", 0, left) + 1]
            if not part:
                break
            file.write(part)
            left -= len(part)


def make(kind: str, megabytes: int, path: Path, shared: Path, seed: int = 7) -> None:
    """Write one text."""
    write(repeated(shared, seed) if kind == "repeated" else zipf(seed), megabytes * MILLION, path)


def main() -> None:
    parser = ArgumentParser(description="Any amount of text.")
    parser.add_argument("kind", choices=("repeated", "zipf"))
    parser.add_argument("megabytes", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    options = parser.parse_args()
    make(options.kind, options.megabytes, options.file, options.shared, options.seed)


if __name__ == "__main__":
    main()
