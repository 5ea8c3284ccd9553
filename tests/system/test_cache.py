"""The cache: a value is made once, and again after damage; a file is downloaded and verified."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from strangers.errors import StrangersError
from strangers.system.cache import Cached, cache_folder, cached, downloaded, to_bytes

KEY = {"format": 1, "of": "numbers"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Maker:
    """Makes numbered values."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Cached:
        self.made += 1
        return Cached({"numbers": np.arange(6.0).reshape(2, 3)}, {"made": self.made})


def test_a_value_is_made_once_per_key() -> None:
    make = Maker()
    first, again = cached("numbers", KEY, make), cached("numbers", KEY, make)
    assert first.facts == again.facts == {"made": 1}
    np.testing.assert_array_equal(first.arrays["numbers"], again.arrays["numbers"])
    assert cached("numbers", KEY | {"format": 2}, make).facts == {"made": 2}
    assert len(list((cache_folder() / "numbers").iterdir())) == 2


@pytest.mark.parametrize("damage", ["flipped", "truncated", "edited"])
def test_a_damaged_file_is_made_again(damage: str) -> None:
    make = Maker()
    cached("numbers", KEY, make)
    [path] = (cache_folder() / "numbers").iterdir()
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-3] ^= 1
    elif damage == "truncated":
        data = data[:40]
    else:
        data = data.replace(b'made\\":1', b'made\\":9').replace(b'made\\": 1', b'made\\": 9')
        assert data != path.read_bytes()
    path.write_bytes(data)
    assert cached("numbers", KEY, make).facts == {"made": 2}
    assert cached("numbers", KEY, make).facts == {"made": 2}


def test_a_bundled_file_is_read_and_not_copied(tmp_path: Path) -> None:
    make = Maker()
    cached("numbers", KEY, make)
    [path] = (cache_folder() / "numbers").iterdir()
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    (bundled / path.name).write_bytes(to_bytes(make()))
    path.unlink()
    assert cached("numbers", KEY, make, bundled=bundled).facts == {"made": 2}
    assert not path.exists()


def test_without_a_writable_cache_values_are_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make = Maker()
    assert cached("numbers", KEY, make).facts == {"made": 1}
    assert cached("numbers", KEY, make).facts == {"made": 2}


def test_a_user_without_a_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(StrangersError, match="XDG_CACHE_HOME"):
        cache_folder()


# Downloads.

CONTENT = bytes(range(256)) * 40


class Server(ThreadingHTTPServer):
    """A server of one file.

    Attributes:
        content: the file.
        breaks: number of bytes after which each of the first responses breaks off.
        ranges: True if it supports range requests.
        requests: the range that each request asked for; empty for the whole file.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks, self.ranges = CONTENT, list[int](), True
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.requests.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks.pop(0)] if self.server.breaks else body)

    def log_message(self, *_: object) -> None:
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


def download(server: Server, path: Path) -> Path:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return downloaded(server.url, digest, path, name="the weights", advice="Pass --weights.")


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "weights.bin"
    assert download(server, path) == download(server, path) == path
    assert path.read_bytes() == CONTENT
    assert server.requests == [""]


def test_a_damaged_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(CONTENT[:-1])
    assert download(server, path).read_bytes() == CONTENT


def test_an_interrupted_download_resumes_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.breaks = [1000, 500]
    assert download(server, tmp_path / "weights.bin").read_bytes() == CONTENT
    assert server.requests == ["", "bytes=1000-", "bytes=1500-"]


def test_it_starts_again_where_the_server_cannot_resume(server: Server, tmp_path: Path) -> None:
    server.breaks, server.ranges = [1000], False
    assert download(server, tmp_path / "weights.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_without_progress_ends(server: Server, tmp_path: Path, ranges: bool) -> None:
    server.breaks, server.ranges = [1000, 0 if ranges else 1000], ranges
    with pytest.raises(StrangersError, match=r"^Cannot download the weights from http.* \(.*\)\. Pass --w"):
        download(server, tmp_path / "weights.bin")
    assert len(server.requests) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\n<html>Sign in</html>", "the server sent a web page"), (b"\x80\x02", "another file, of 2 bytes")],
    ids=["a web page", "other bytes"],
)
def test_a_file_with_another_hash_is_not_kept(
    server: Server, tmp_path: Path, content: bytes, reason: str
) -> None:
    server.content = content
    with pytest.raises(StrangersError, match=reason):
        download(server, tmp_path / "weights.bin")
    assert not list(tmp_path.iterdir())


def test_without_a_server_the_error_names_a_damaged_file(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"damaged")
    server.server_close()
    with pytest.raises(StrangersError, match=r"weights\.bin is damaged\. Pass --weights\.$"):
        download(server, path)
    assert path.read_bytes() == b"damaged"


def test_a_full_disk_leaves_no_part_of_a_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StrangersError, match="No space left on device"):
        download(server, tmp_path / "weights.bin")
    assert not list(tmp_path.iterdir())
