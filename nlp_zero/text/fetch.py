"""Recipes of public corpora, and fetching one: resumed where it was cut, checked, whole or not at all.

None of these corpora belongs to nlp-zero; each has its own licence, which the recipe names. Nothing is fetched unless
:func:`fetch` is called. The bytes go to ``TARGET.part``; when all are there and the size and SHA-256 are right, that
file becomes the target. A connection that breaks, or Ctrl-C, leaves the part, and the next call asks the server for
the rest only (``Range``, with ``If-Range`` so that a file that has changed meanwhile starts from the beginning).

Where a recipe has no checksum (the site remakes the file from time to time, or none was published), the SHA-256 of
what came is written to ``TARGET.sha256``, in the format of ``sha256sum``, and holds for every later fetch.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import posixpath
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

from ..errors import InputError

__all__ = ["RECIPES", "Progress", "Recipe", "fetch"]

Progress = Callable[[int, int], object]
"""Called with the bytes that are there and the bytes of the whole file, 0 while that is unknown."""

_BLOCK = 1 << 18
_TIMEOUT = 60.0


class Recipe(NamedTuple):
    """Where a public corpus comes from."""

    name: str
    title: str
    url: str
    size: int | None
    """Bytes of the file, None where the site changes it."""
    sha256: str | None
    """None where no checksum is known: see the page above."""
    licence: str
    source: str
    """The home page."""
    notes: str
    """What is inside, in what encoding, and how to read it."""


_LEIPZIG = "CC BY (corpora offered for download)"
_GUTENBERG = "public domain in the USA, Project Gutenberg licence"
_UD = "https://raw.githubusercontent.com/UniversalDependencies/UD_Chinese-GSDSimp/9b1fc1d388b8f4ac7cf12a704995618571454b80"


def _leipzig(name: str, file: str, title: str) -> Recipe:
    return Recipe(
        name,
        f"{title}, Leipzig Corpora Collection",
        f"https://downloads.wortschatz-leipzig.de/corpora/{file}.tar.gz",
        None,
        None,
        _LEIPZIG,
        "https://wortschatz.uni-leipzig.de/en/download",
        f"UTF-8; tar -xzf, then {file}/{file}-sentences.txt: a number, a tab, a sentence",
    )


def _gutenberg(name: str, number: int, title: str) -> Recipe:
    return Recipe(
        name,
        f"{title}, Project Gutenberg",
        f"https://www.gutenberg.org/cache/epub/{number}/pg{number}.txt",
        None,
        None,
        _GUTENBERG,
        f"https://www.gutenberg.org/ebooks/{number}",
        "UTF-8 with BOM and CRLF, traditional characters; the licence in English stands before and after the text",
    )


_ALL = (
    Recipe(
        "sighan2005",
        "Second International Chinese Word Segmentation Bakeoff (icwb2-data)",
        "http://sighan.cs.uchicago.edu/bakeoff2005/data/icwb2-data.zip",
        52_640_127,
        # As the lock file of the public project unsegbench records it; the site itself publishes none.
        "296c54adf4abc3702eca0cbce70b55fe22a344ea02d33175a4d1183e074072b4",
        "research use only",
        "http://sighan.cs.uchicago.edu/bakeoff2005/",
        "unzip; training/, testing/ and gold/ hold AS, CityU, PKU and MSR as *.utf8 with CRLF, and the scoring script",
    ),
    Recipe(
        "ud-gsdsimp-dev",
        "Universal Dependencies, Chinese GSDSimp, development part (500 sentences)",
        f"{_UD}/zh_gsdsimp-ud-dev.conllu",
        1_180_003,
        "342a2969df6d6d08bdc25dbc067c93c86ab3099bb054a9921ae7067cbc2c53ad",
        "CC BY-SA 4.0",
        "https://github.com/UniversalDependencies/UD_Chinese-GSDSimp",
        "UTF-8, CoNLL-U: the words are column 2; simplified characters; one fixed commit",
    ),
    _leipzig("leipzig-news-2020-10k", "zho_news_2020_10K", "10,000 sentences of Chinese news of 2020"),
    _leipzig("leipzig-news-2020-300k", "zho_news_2020_300K", "300,000 sentences of Chinese news of 2020"),
    _leipzig("leipzig-news-2007-1m", "zho_news_2007-2009_1M", "1,000,000 sentences of Chinese news of 2007 to 2009"),
    _leipzig(
        "leipzig-wikipedia-2018-1m", "zho_wikipedia_2018_1M", "1,000,000 sentences of the Chinese Wikipedia of 2018"
    ),
    Recipe(
        "zhwiki",
        "Chinese Wikipedia, all articles, the latest dump",
        "https://dumps.wikimedia.org/zhwiki/latest/zhwiki-latest-pages-articles.xml.bz2",
        None,
        None,
        "CC BY-SA 4.0",
        "https://dumps.wikimedia.org/zhwiki/",
        "several GB; UTF-8, XML with wiki markup, which an extractor has to take off first; both scripts mixed",
    ),
    _gutenberg("hongloumeng", 24264, "紅樓夢 (Dream of the Red Chamber)"),
    _gutenberg("sanguoyanyi", 23950, "三國演義 (Romance of the Three Kingdoms)"),
    _gutenberg("shuihuzhuan", 23863, "水滸傳 (Water Margin)"),
    _gutenberg("xiyouji", 23962, "西遊記 (Journey to the West)"),
)

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
"""The recipes by name."""


def fetch(
    name: str,
    target: str | os.PathLike[str] | None = None,
    *,
    url: str | None = None,
    progress: Progress | None = None,
) -> str:
    """Download the corpus ``name`` and return the path of the file.

    ``target`` is a file or a folder; by default the file gets its own name in the current folder. ``url`` names
    another place of the same file, such as a mirror. A target that is there already is only checked. Raises
    :class:`InputError` with one line for an unknown name, a broken connection (the next call goes on), or a file of
    the wrong size or checksum (nothing is kept of it); OSError when the file cannot be written.

    >>> fetch("moon")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    nlp_zero.errors.InputError: 'moon': there is no such recipe; expected one of hongloumeng, leipzig-news-2007-1m, ...
    """
    recipe = RECIPES.get(name)
    if recipe is None:
        raise InputError(f"{name!r}: there is no such recipe; expected one of {', '.join(sorted(RECIPES))}")
    place = url or recipe.url
    if not place.lower().startswith(("http://", "https://")):
        raise InputError(f"{place}: expected an address such as {recipe.url}")
    path = _path(recipe, target)
    wanted = recipe.sha256 or _noted_checksum(path)
    if os.path.exists(path):
        fault = _fault(path, recipe.size, wanted)
        if fault:
            raise InputError(f"{path} is there already, but {fault}; move it away to fetch it again")
    else:
        part = _Part(f"{path}.part", place, certain=wanted is not None)
        part.download(recipe.size, progress)
        fault = _fault(part.path, recipe.size, wanted)
        if fault:
            part.remove()
            changed = "" if recipe.sha256 else f"; if it may have changed, remove {path}.sha256"
            raise InputError(f"{place}: {fault}; nothing of it was kept{changed}")
        os.replace(part.path, path)
        part.remove()
    if wanted is None:
        _note_checksum(path)
    return path


def _path(recipe: Recipe, target: str | os.PathLike[str] | None) -> str:
    own_name = posixpath.basename(urllib.parse.urlsplit(recipe.url).path)
    if target is None:
        return own_name
    path = os.fspath(target)
    return os.path.join(path, own_name) if os.path.isdir(path) else path


# Checking -----------------------------------------------------------------------------------------------------------


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(path: str, size: int | None, sha256: str | None) -> str:
    """What is wrong with a file that is whole, in words; empty when nothing is."""
    got = os.path.getsize(path)
    if size is not None and got != size:
        return f"it has {got:,} bytes where {size:,} were expected"
    if sha256 is not None and (digest := _sha256(path)) != sha256:
        return f"its SHA-256 is {digest} where {sha256} was expected"
    return ""


def _noted_checksum(path: str) -> str | None:
    """The checksum that an earlier fetch wrote beside the file."""
    note = f"{path}.sha256"
    try:
        with open(note, encoding="utf-8", errors="replace") as file:
            line = file.readline()
    except FileNotFoundError:
        return None
    found = re.match(r"[0-9a-f]{64}(?=\s|$)", line)
    if not found:
        raise InputError(f"{note}: line 1: expected a SHA-256 in hexadecimal digits and a file name, got {line!r}")
    return found.group()


def _note_checksum(path: str) -> None:
    note = f"{path}.sha256"
    with open(f"{note}.part", "w", encoding="utf-8", newline="\n") as file:
        file.write(f"{_sha256(path)}  {os.path.basename(path)}\n")
    os.replace(f"{note}.part", note)


# Downloading --------------------------------------------------------------------------------------------------------


class _Part:
    """The part of a file that has come, ``path``, and beside it what the server called that version of the file."""

    def __init__(self, path: str, url: str, certain: bool) -> None:
        self.path = path
        self._url = url
        self._certain = certain  # A checksum will tell whether the parts belong together.
        self._note = f"{path}.version"

    def remove(self) -> None:
        for path in (self.path, self._note):
            with suppress(FileNotFoundError):
                os.remove(path)

    def download(self, size: int | None, progress: Progress | None) -> None:
        """Fetch what is missing; at the end the whole file stands in ``path``."""
        have = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        version = self._version()
        if have and not (version or self._certain):
            have = 0
        if have and have == size:
            return
        headers = {"User-Agent": "nlp-zero", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if version:
                headers["If-Range"] = version
        try:
            with _opened(self._url, headers) as response:
                start = have if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
                if start and not _goes_on_at(response, start):
                    raise _NoSuchRange
                self._set_version(response)
                total = _total(response, start)
                if size and total not in (0, size):
                    raise InputError(f"{self._url}: the file there has {total:,} bytes where {size:,} were expected")
                with open(self.path, "ab" if start else "wb") as file:
                    done = self._receive(response, file, start, size, total, progress)
        except _NoSuchRange:
            if not have:
                raise InputError(f"{self._url}: the server gives no part of this file, not even the first") from None
            self.remove()  # It was no part of this file; without it no range is asked for.
            return self.download(size, progress)
        if total and done < total:
            raise InputError(
                f"{self._url}: the connection ended after {done:,} of {total:,} bytes; fetch again to go on from there"
            )
        return None

    def _receive(
        self,
        response: http.client.HTTPResponse,
        file: BinaryIO,
        done: int,
        size: int | None,
        total: int,
        progress: Progress | None,
    ) -> int:
        """Write what comes; more than ``size`` bytes are not worth waiting for."""
        while size is None or done <= size:
            with _network_errors(self._url):
                block = response.read(_BLOCK)
            if not block:
                break
            file.write(block)
            done += len(block)
            if progress:
                progress(done, total)
        file.flush()
        os.fsync(file.fileno())
        return done

    def _version(self) -> str:
        """What the server called the file when this part was fetched from the same address; empty if unknown."""
        try:
            with open(self._note, encoding="utf-8") as file:
                url, version = file.read().split("\n")[:2]
        except (OSError, ValueError):
            return ""
        return version if url == self._url else ""

    def _set_version(self, response: http.client.HTTPResponse) -> None:
        version = response.headers.get("ETag", "")
        if not version or version.startswith("W/"):  # A weak one does not promise the same bytes.
            version = response.headers.get("Last-Modified", "")
        with open(self._note, "w", encoding="utf-8", newline="\n") as file:
            file.write(f"{self._url}\n{version}\n")


class _NoSuchRange(Exception):
    """The server has nothing at the place where the part ends."""


@contextmanager
def _opened(url: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    with _network_errors(url):
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    with response:
        yield response


@contextmanager
def _network_errors(url: str) -> Iterator[None]:
    """Turn what the network can do into one line."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _NoSuchRange from None
        raise InputError(f"{url}: the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise InputError(f"{url}: cannot be reached: {error.reason}") from None
    except ValueError as error:
        raise InputError(f"{url}: this is no address: {error}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"{url}: the connection broke ({reason}); fetch again to go on from there") from None


def _goes_on_at(response: http.client.HTTPResponse, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _total(response: http.client.HTTPResponse, start: int) -> int:
    """Bytes of the whole file by the headers of the response, 0 if they do not say."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isascii() and length.isdigit() else 0
