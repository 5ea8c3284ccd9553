"""Malicious requests: paths, parameters, headers, bodies and uploads."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.types import ASGIApp, Message

from strangers.sampling.load import load
from strangers.web import jobs
from strangers.web.app import create_app
from strangers.web.service import NamedModel, Service

from ..support import write_model
from ..web.support import directions_of
from .poison import ODD_TEXTS, bent, bent_ones, feed, odd_json
from .test_poison_pictures import valid_pictures

Trials = Callable[[int, int], range]
Tally = Callable[..., None]

MEMORY = 1024
"""MiB that all requests together may take: the page keeps faces, and each thread has memory of its own."""


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


HOST = ((b"host", b"127.0.0.1:8000"),)
JSON = (*HOST, (b"content-type", b"application/json"))


async def ask(app: ASGIApp, asked: Asked) -> tuple[int, bytes]:
    """The status and the body of the app's answer."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": asked.method, "path": asked.path, "raw_path": asked.path.encode(errors="replace"),
        "query_string": asked.query, "headers": list(asked.headers), "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    given = [{"type": "http.request", "body": asked.body, "more_body": False}]
    status, parts = 0, []

    async def receive() -> Message:
        if given:
            return given.pop()
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(parts)


class Page:
    """The app of a small model and a run, which answers in the process that asks first."""

    def __init__(self, model: Path, runs: list[Path], token: str | None = None) -> None:
        self.model, self.runs, self.token = load(model, device="cpu"), runs, token
        self.loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, asked: Asked) -> None:
        """Ask, and fail for an answer that tells of a defect."""
        if self.loop is None:  # in the child: threads do not come along
            self.loop = asyncio.new_event_loop()
            self.app = create_app(Service([NamedModel("tiny", self.model)], self.runs), token=self.token)
        status, body = self.loop.run_until_complete(ask(self.app, asked))
        assert 200 <= status < 500, (status, body[:300])
        if status >= 400 and asked.method != "HEAD":
            assert set(json.loads(body)) == {"error"}
            assert "\n" not in json.loads(body)["error"]


@pytest.fixture
def page(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr(jobs, "find_directions", directions_of)
    monkeypatch.setattr(jobs, "ood_score", lambda *_: 1.0)  # what is tried is the way to the search
    monkeypatch.setattr(jobs, "invert", lambda *_, **__: iter(()))
    return Page(write_model(tmp_path / "model.safetensors"), [trained])


PATHS = (
    "/", "/index.html", "/api/model", "/api/latents", "/api/faces", "/api/face/{}.png", "/api/face.png",
    "/api/directions",
    "/api/edit", "/api/invert", "/api/runs", "/api/runs/{}", "/api/runs/1/log", "/api/runs/{}/samples/{}.png",
    "/api/session", "/api/openapi.json", "/{}", "/api/{}", "/../../etc/passwd", "//etc/passwd", "/%2e%2e/x",
    "",
)  # fmt: skip
METHODS = ("GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "get", "")
WORDS = (
    "0", "1", "-1", "0-15", "7,3", "18446744073709551615", "18446744073709551616", "9" * 5000, "1e400",
    "nan", "inf", "",
    "0.5", "..", "%00", "\0", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}", "a" * 3000, "<script>", "'",
    "0-99999999", "0-", "٣",
)  # fmt: skip
PARAMETERS = ("seeds", "truncation", "model", "steps", "seed", "latents", "x", "")
HEADERS = tuple(
    line.partition(b": ")[::2]
    for line in (
        b"host: [::1\nhost: [::1]:80\nhost: \nhost: evil.example\nhost: 127.0.0.1:99999999\nhost: \xff\xfe\n"
        b"host: localhost:a@b/c?d#e\nhost: [[[[\nhost: 127.0.0.1\\@x\n"
        b"origin: null\norigin: http://[\ncontent-length: -1\ncontent-length: \xb2\n"
        b"content-length: 9999999999999\n"
        b"content-type: application/json; charset=utf-7\ncontent-type: multipart/form-data\n"
        b"content-type: \xff\n"
        b"content-type: multipart/form-data; boundary=x\ncontent-type: application/x-www-form-urlencoded\n"
        b'cookie: a="\\\ncookie: ; ;=;\xff\nauthorization: Bearer \xff\nauthorization: Basic\n'
        b"if-none-match: \xff\xff\naccept-encoding: gzip;q=nan\nrange: bytes=-1-0\nexpect: 100-continue\n"
        b"x-forwarded-host: evil.example\nsec-fetch-site: cross-site\ntransfer-encoding: chunked\n: "
    ).split(b"\n")
)


def odd_requests(times: range) -> Iterator[tuple[str, Asked]]:
    dice = random.Random(30)
    bodies = [b"", *ODD_TEXTS.values()]
    for number in times:
        path = dice.choice(PATHS)
        while "{}" in path:
            path = path.replace("{}", dice.choice(WORDS), 1)
        query = "&".join(f"{dice.choice(PARAMETERS)}={dice.choice(WORDS)}" for _ in range(dice.randrange(4)))
        headers = tuple(dice.choice(HEADERS) for _ in range(dice.choice((0, 0, 1, 3))))
        names = {name for name, _ in headers}
        headers += tuple(pair for pair in JSON if pair[0] not in names)
        body = dice.choice(bodies) if dice.random() < 0.5 else b""
        asked = Asked(dice.choice(METHODS), path, query.encode(errors="surrogatepass"), headers, body)
        yield f"{number}: {asked!r}"[:600], asked


def test_an_odd_request_gets_an_error_message(
    page: Page, tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    fed = feed(odd_requests(trials(300, 15_000)), page, memory=MEMORY, target=tmp_path)
    tally(f"requests with odd paths, parameters and headers, {MEMORY} MiB", fed.tried, str(fed))


BODIES = {
    "/api/faces": {"latents": [[0.5] * 100, [0.1] * 100], "truncation": 0.7},
    "/api/face.png": {"latents": [[0.5] * 100]},
    "/api/edit": {"seeds": "3,4", "truncation": 1.0, "strengths": {"Smiling": 1.5, "Blond_Hair": -1}},
    "/api/session": {"token": "x"},
}


def test_an_odd_body_gets_an_error_message(page: Page, tmp_path: Path, trials: Trials, tally: Tally) -> None:
    times = trials(60, 3_000)
    inputs = (
        (f"{path}, {name}", Asked("POST", path, headers=JSON, body=body))
        for path, valid in BODIES.items()
        for name, body in odd_json(json.dumps(valid).encode(), times, 31)
    )
    fed = feed(inputs, page, memory=MEMORY, target=tmp_path)
    tally("JSON bodies of requests", fed.tried, str(fed))


LARGE = {
    "a million words for numbers": ("/api/faces",
    b'{"latents":[' + b",".join([b"[" + b'"",' * 4095 + b'""]'] * 256) + b"]}"),
    "400,000 unknown names": ("/api/edit",
    b"{" + b",".join(b'"%d":1' % number for number in range(400_000)) + b"}"),
    "300,000 wrong strengths": ("/api/edit",
    b'{"strengths":{' + b",".join(b'"%d":""' % n for n in range(300_000)) + b"}}"),
    "a million lists": ("/api/faces", b'{"latents":[' + b"[]," * 1_000_000 + b"[]]}"),
    "deep lists": ("/api/faces", b"[" * 4_000_000),
    "a long number": ("/api/faces", b'{"truncation":' + b"9" * 4_000_000 + b"}"),
    "a long name": ("/api/edit", b'{"strengths":{"' + b"x" * 4_000_000 + b'":1}}'),
    "too much": ("/api/faces", b" " * (2**22 + 1)),
}  # fmt: skip


def test_a_large_body_delays_no_other_client(page: Page, tmp_path: Path, tally: Tally) -> None:
    inputs = ((name, Asked("POST", path, headers=JSON, body=body)) for name, (path, body) in LARGE.items())
    fed = feed(
        inputs, page, memory=MEMORY, target=tmp_path, slowest=5
    )  # Python's own reader takes one, more on a busy core
    tally("JSON bodies of 4 MB", fed.tried, str(fed))


def test_a_damaged_upload_is_inverted_or_refused(
    page: Page, tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    dice = random.Random(32)
    types = (
        b"application/octet-stream",
        b"image/png",
        b"application/json",
        b"multipart/form-data; boundary=x",
        b"",
    )
    inputs = (
        (name, Asked("POST", "/api/invert", b"steps=1", (*HOST, (b"content-type", dice.choice(types))), data))
        for name, data in bent_ones({name: bent(data, dice) for name, data in valid_pictures().items()},
        trials(40, 10_000), 33)
    )  # fmt: skip
    fed = feed(inputs, page, memory=MEMORY, target=tmp_path)
    tally("uploads of bent pictures", fed.tried, str(fed))


def test_no_odd_token_is_accepted(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    locked = Page(write_model(tmp_path / "model.safetensors"), [], token="a token")
    dice = random.Random(34)

    def tokens() -> Iterator[tuple[str, Any]]:
        for number in trials(200, 10_000):
            name, value = dice.choice(
                ((b"authorization", b"Bearer a token"), (b"cookie", b"strangers-00000000=" + b"0" * 56))
            )
            wrong = bent(value, dice)
            if wrong.lower().strip() != b"bearer a token":
                yield f"{number}: {wrong!r}", Asked("GET", "/api/runs", headers=(*HOST, (name, wrong)))

    def swallow(asked: Asked) -> None:
        locked(asked)
        assert locked.loop is not None
        status, _ = locked.loop.run_until_complete(ask(locked.app, asked))
        assert status == 401 or asked.headers[1][1].split() == [b"Bearer", b"a", b"token"]

    fed = feed(tokens(), swallow, memory=MEMORY, target=tmp_path)
    tally("wrong tokens and cookies", fed.tried, str(fed))
