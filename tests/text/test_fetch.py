from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nlp_zero.errors import InputError
from nlp_zero.text import fetch as module
from nlp_zero.text.corpus import Corpus
from nlp_zero.text.fetch import RECIPES, Recipe, fetch

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes: several blocks
CHECKSUM = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """A server of one file on the loopback, whose manners the tests choose."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.tag = '"one"'
        self.takes_ranges = True
        self.says_length = True
        self.answer = 200
        self.cut_after: int | None = None
        self.requests: list[dict[str, str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is a part of these tests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/toy.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        if server.answer != 200:
            self.send_error(server.answer)
            return
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and server.takes_ranges and self.headers.get("If-Range", server.tag) == server.tag:
            start = int(asked[1])
            if start >= len(server.body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        else:
            self.send_response(200)
        if server.tag:
            self.send_header("ETag", server.tag)
        if server.says_length:
            self.send_header("Content-Length", str(len(server.body) - start))
        self.end_headers()
        self.wfile.write(server.body[start:][: server.cut_after])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def recipe(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make "toy" a recipe for what the server has."""

    def make(size: int | None = len(BODY), sha256: str | None = CHECKSUM) -> None:
        toy = Recipe("toy", "Toy", server.url, size, sha256, "CC0", server.url, "bytes")
        monkeypatch.setitem(module.RECIPES, "toy", toy)

    make()
    return make


pytestmark = pytest.mark.usefixtures("recipe")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_whole(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    path = fetch("toy", tmp_path / "here.bin", progress=lambda done, total: seen.append((done, total)))

    assert path == str(tmp_path / "here.bin")
    assert Path(path).read_bytes() == BODY
    assert files(tmp_path) == ["here.bin"]
    assert seen == sorted(seen)
    assert seen[-1] == (len(BODY), len(BODY))
    assert "Range" not in server.requests[0]


def test_the_target_may_be_a_folder_or_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch("toy", tmp_path) == str(tmp_path / "toy.bin")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert fetch("toy") == "toy.bin"
    assert files(tmp_path / "sub") == ["toy.bin"]


def test_a_file_that_is_there_is_only_checked(server: Server, tmp_path: Path) -> None:
    fetch("toy", tmp_path)
    fetch("toy", tmp_path)
    assert len(server.requests) == 1

    (tmp_path / "toy.bin").write_bytes(BODY[:-1] + b"!")
    with pytest.raises(InputError, match=r"toy\.bin is there already, but its SHA-256 is"):
        fetch("toy", tmp_path)
    assert (tmp_path / "toy.bin").read_bytes()[-1:] == b"!"


def test_a_cut_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cut_after = 300_000
    with pytest.raises(InputError, match="the connection ended after 300,000 of 1,024,000 bytes; fetch again to go on"):
        fetch("toy", tmp_path)
    assert files(tmp_path) == ["toy.bin.part", "toy.bin.part.version"]

    with pytest.raises(InputError, match="after 600,000 of 1,024,000"):
        fetch("toy", tmp_path)
    server.cut_after = None
    seen: list[int] = []
    fetch("toy", tmp_path, progress=lambda done, total: seen.append(done))

    assert (tmp_path / "toy.bin").read_bytes() == BODY
    assert files(tmp_path) == ["toy.bin"]
    assert [request.get("Range") for request in server.requests] == [None, "bytes=300000-", "bytes=600000-"]
    assert server.requests[1]["If-Range"] == '"one"'
    assert seen[0] > 600_000


def test_a_file_that_changed_meanwhile_is_fetched_from_the_beginning(
    server: Server, recipe: Callable[..., None], tmp_path: Path
) -> None:
    recipe(None, None)
    server.cut_after = 300_000
    with pytest.raises(InputError, match="the connection ended"):
        fetch("toy", tmp_path)

    server.cut_after, server.body, server.tag = None, BODY[::-1], '"two"'
    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY[::-1]


def test_a_server_that_takes_no_ranges_gives_the_whole_again(server: Server, tmp_path: Path) -> None:
    server.takes_ranges = False
    server.cut_after = 300_000
    with pytest.raises(InputError, match="the connection ended"):
        fetch("toy", tmp_path)

    server.cut_after = None
    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY
    assert server.requests[1]["Range"] == "bytes=300000-"


@pytest.mark.parametrize("tag", ["", 'W/"one"'])
def test_without_a_strong_tag_only_a_checksum_lets_a_part_be_used(
    server: Server, recipe: Callable[..., None], tmp_path: Path, tag: str
) -> None:
    server.tag, server.cut_after = tag, 300_000
    recipe(len(BODY), None)
    for _ in range(2):
        with pytest.raises(InputError, match="the connection ended after 300,000"):
            fetch("toy", tmp_path)

    recipe()
    server.cut_after = None
    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY
    assert [request.get("Range") for request in server.requests] == [None, None, "bytes=300000-"]


def test_a_part_from_elsewhere_is_found_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / "toy.bin.part").write_bytes(b"x" * 1000)

    with pytest.raises(InputError, match=r"SHA-256 is .* expected; nothing of it was kept"):
        fetch("toy", tmp_path)
    assert files(tmp_path) == []
    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "toy.bin.part").write_bytes(BODY + b"x")

    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY
    assert [request.get("Range") for request in server.requests] == ["bytes=1024001-", None]


def test_a_part_that_is_whole_needs_no_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "toy.bin.part").write_bytes(BODY)

    fetch("toy", tmp_path)

    assert server.requests == []
    assert files(tmp_path) == ["toy.bin"]


def test_a_wrong_checksum_leaves_nothing(recipe: Callable[..., None], tmp_path: Path) -> None:
    recipe(len(BODY), "0" * 64)

    with pytest.raises(InputError, match=f"its SHA-256 is {CHECKSUM} where {'0' * 64} was expected"):
        fetch("toy", tmp_path)

    assert files(tmp_path) == []


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1, 5])
def test_a_wrong_size_leaves_nothing(
    server: Server, recipe: Callable[..., None], tmp_path: Path, size: int, says_length: bool
) -> None:
    recipe(size, None)
    server.says_length = says_length

    with pytest.raises(InputError, match=f"bytes where {size:,} were expected"):
        fetch("toy", tmp_path)

    assert "toy.bin" not in files(tmp_path)
    assert "toy.bin.part" not in files(tmp_path)


@pytest.mark.parametrize("answer", [404, 500, 403])
def test_what_the_server_answers_is_said(server: Server, tmp_path: Path, answer: int) -> None:
    server.answer = answer

    with pytest.raises(InputError, match=f"{re.escape(server.url)}: the server answers {answer} "):
        fetch("toy", tmp_path)

    assert files(tmp_path) == []


def test_a_server_that_answers_416_to_everything(server: Server, tmp_path: Path) -> None:
    server.answer = 416

    with pytest.raises(InputError, match="gives no part of this file"):
        fetch("toy", tmp_path)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=r"cannot be reached: .*refused") as caught:
            fetch("toy", tmp_path, url=f"http://127.0.0.1:{port}/toy.bin")
    assert "\n" not in str(caught.value)


def test_a_mirror(server: Server, tmp_path: Path) -> None:
    mirror = server.url.replace("toy.bin", "mirror/file?x=1")

    assert fetch("toy", tmp_path, url=mirror) == str(tmp_path / "toy.bin")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/a", "toy.bin", "http://[bad/x", "http://a b/"]
)
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError):
        fetch("toy", tmp_path, url=url)
    assert files(tmp_path) == []


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'moon': there is no such recipe; expected one of .*sighan2005"):
        fetch("moon")


def test_ctrl_c_keeps_the_part(server: Server, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("toy", tmp_path, progress=interrupt)
    assert files(tmp_path) == ["toy.bin.part", "toy.bin.part.version"]
    kept = (tmp_path / "toy.bin.part").stat().st_size
    fetch("toy", tmp_path)

    assert 0 < kept < len(BODY)
    assert server.requests[1]["Range"] == f"bytes={kept}-"
    assert (tmp_path / "toy.bin").read_bytes() == BODY


def test_without_a_known_checksum_the_first_one_holds(
    server: Server, recipe: Callable[..., None], tmp_path: Path
) -> None:
    recipe(None, None)
    fetch("toy", tmp_path)
    assert (tmp_path / "toy.bin.sha256").read_text() == f"{CHECKSUM}  toy.bin\n"
    (tmp_path / "toy.bin").unlink()
    fetch("toy", tmp_path)

    (tmp_path / "toy.bin").unlink()
    server.body = BODY[::-1]
    with pytest.raises(InputError, match=r"if it may have changed, remove .*toy\.bin\.sha256"):
        fetch("toy", tmp_path)
    assert files(tmp_path) == ["toy.bin.sha256"]
    (tmp_path / "toy.bin.sha256").unlink()
    fetch("toy", tmp_path)

    assert (tmp_path / "toy.bin").read_bytes() == BODY[::-1]


def test_a_damaged_checksum_file_is_named(recipe: Callable[..., None], tmp_path: Path) -> None:
    recipe(None, None)
    (tmp_path / "toy.bin.sha256").write_text("something else\n")

    with pytest.raises(InputError, match=r"toy\.bin\.sha256: line 1: expected a SHA-256"):
        fetch("toy", tmp_path)


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        fetch("toy", tmp_path / "missing" / "toy.bin")


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "toy"])
def test_recipes_are_complete(name: str) -> None:
    recipe = RECIPES[name]

    assert recipe.name == name
    assert re.fullmatch(r"https?://[\w.-]+/[\w./-]+\.[a-z0-9]+", recipe.url)
    assert recipe.sha256 is None or re.fullmatch("[0-9a-f]{64}", recipe.sha256)
    assert recipe.size is None or recipe.size > 0
    assert all((recipe.title, recipe.licence, recipe.source, recipe.notes))
    assert not any(sign in field for field in recipe if isinstance(field, str) for sign in "\t\n")


def test_the_readme_of_the_corpora_names_every_recipe() -> None:
    readme = (Path(__file__).parents[2] / "corpora" / "README.md").read_text(encoding="utf-8")

    for recipe in RECIPES.values():
        if recipe.name != "toy":
            assert f"`{recipe.name}`" in readme
            assert recipe.source in readme
            assert recipe.licence in readme
            assert recipe.sha256 is None or recipe.sha256 in readme
            assert recipe.size is None or f"{recipe.size:,}" in readme


def test_the_readme_of_the_corpora_gives_the_sizes_of_the_samples() -> None:
    folder = Path(__file__).parents[2] / "corpora"
    readme = (folder / "README.md").read_text(encoding="utf-8")

    for path in sorted(folder.glob("*.txt")):
        corpus = Corpus(path)
        characters = sum(map(len, corpus))
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{path.name}` |"))
        lines, counted, _, size = (int(cell.replace(",", "")) for cell in row.split("|")[3:7])
        assert (lines, counted, size) == (corpus.stats.lines, characters, path.stat().st_size), row
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" in readme
