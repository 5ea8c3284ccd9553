"""The page with many clients at once, some of them slow, absent, too large or malformed."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from strangers.sampling.latents import latents
from strangers.web.security import MAX_UPLOAD_BYTES

from ..support import started, wait_until

CLIENTS, FEW_CLIENTS = 64, 8
"""With and without --robustness."""

PATIENCE, LITTLE_PATIENCE = 60, 4
"""Seconds that a client waits for its answer, with and without --robustness: an edit waits for directions."""

WARM = 0.25
"""The part of it after which memory should stay."""
MOST_GROWTH = 192
"""MiB that the server may grow after that: its cache of faces has 64, and the largest uploads and the
photographs that are worked on may coincide later than they did before."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


@dataclass
class Server:
    """A `strangers serve` of its own process."""

    process: subprocess.Popen[str]
    port: int

    @property
    def folder(self) -> Path:
        return Path(f"/proc/{self.process.pid}")

    def memory(self) -> float:
        """Resident, in MiB."""
        found = re.search(r"VmRSS:\s+(\d+)", (self.folder / "status").read_text())
        assert found
        return int(found[1]) / 1024

    def files(self) -> int:
        """Return how many are open."""
        return len(list((self.folder / "fd").iterdir()))


@pytest.fixture
def server(trained: Path, tmp_path: Path, watched: int) -> Iterator[Server]:
    words = [sys.executable, "-m", "strangers", "serve", str(trained), "--port", "0"]
    log = tmp_path / "stderr"
    with (
        log.open("w") as stderr,
        started(words, seconds=watched + 600, stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found, log.read_text()
        yield Server(process, int(found[1]))
    assert "Traceback" not in log.read_text(), log.read_text()[-5000:]


@dataclass
class Load:
    """The work of the clients, and their results."""

    port: int
    clients: int
    end: float
    patience: float
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    rude: int = 0

    async def polite(self, dice: random.Random) -> None:
        """A client with ordinary requests."""
        async with self.connected() as (reader, writer):
            while time.monotonic() < self.end:
                started = time.monotonic()
                writer.write(dice.choice(REQUESTS)(dice))
                status, closes = await _answer(reader)
                self.seconds.append(time.monotonic() - started)
                self.statuses[status] += 1
                if closes:
                    return

    async def slow(self, dice: random.Random) -> None:
        """A client that requests much and reads little of it."""
        async with self.connected() as (reader, writer):
            for _ in range(8):  # in a row, without waiting for an answer
                writer.write(_get(f"/api/faces?seeds={(first := dice.randrange(2_000))}-{first + 255}"))
            for _ in range(dice.randrange(5, 40)):
                await reader.read(1_000)
                await asyncio.sleep(0.05)

    async def gone(self, dice: random.Random) -> None:
        """A client that disconnects during the request, its body or the response."""
        async with self.connected() as (reader, writer):
            request = dice.choice([*REQUESTS, _photograph])(dice)
            writer.write(request[: dice.randrange(len(request))] if dice.random() < 0.5 else request)
            if dice.random() < 0.5:
                await reader.read(dice.randrange(1, 5_000))

    async def greedy(self, dice: random.Random) -> None:
        """A client that sends too large bodies, declared or not."""
        async with self.connected() as (reader, writer):
            head = b"POST /api/invert HTTP/1.1\r\nHost: localhost\r\n"
            if dice.random() < 0.7:
                writer.write(head + b"Content-Length: %d\r\n\r\n" % (MAX_UPLOAD_BYTES + 1) + b"x" * 200_000)
            else:
                writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
                for _ in range(MAX_UPLOAD_BYTES // 2**20 + 2):
                    writer.write(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                    await writer.drain()
            self.statuses[(await _answer(reader))[0]] += 1

    async def malformed(self, dice: random.Random) -> None:
        """A client that sends malformed requests."""
        async with self.connected() as (reader, writer):
            writer.write(dice.choice(NONSENSE) + dice.choice([b"", dice.randbytes(500)]))
            writer.write_eof()
            while True:
                self.statuses[(await _answer(reader))[0]] += 1

    async def again(self, kind: Callable[[random.Random], object], seed: int) -> None:
        """The same kind of client, one after another."""
        dice = random.Random(seed)
        while time.monotonic() < self.end:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(self.patience):
                    await kind(dice)  # type: ignore[misc]
            self.rude += kind != self.polite
            await asyncio.sleep(0.05 * (kind != self.polite))

    async def run(self) -> None:
        """All of them, until the end."""
        kinds = [self.slow, self.gone, self.greedy, self.malformed, *[self.polite] * 4]
        await asyncio.gather(*(self.again(kinds[n % len(kinds)], n) for n in range(self.clients)))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def _post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _wall(dice: random.Random) -> bytes:
    first = dice.randrange(3_000)
    return _get(f"/api/faces?seeds={first}-{first + dice.randrange(64)}")


def _dragged(dice: random.Random) -> bytes:
    z = latents([dice.randrange(1_000)], 100, "normal").round(3).tolist()
    return _post("/api/faces", f'{{"latents": {z}}}'.encode())


def _photograph(dice: random.Random) -> bytes:
    file = BytesIO()
    Image.new("RGB", (50, 50), (dice.randrange(256), 90, 90)).save(file, "PNG")
    return _post(f"/api/invert?steps={dice.randrange(1, 20)}", file.getvalue())


REQUESTS: list[Callable[[random.Random], bytes]] = [
    _wall,
    _wall,
    _dragged,
    _dragged,
    lambda dice: _get("/"),
    lambda dice: _get("/api/model"),
    lambda dice: _get(f"/api/face/{dice.randrange(2**32)}.png?truncation=0.7"),
    lambda dice: _get(f"/api/latents?seeds={dice.randrange(100)}"),
    lambda dice: _get("/api/directions"),
    lambda dice: _post("/api/edit", b'{"seeds": "3,4", "strengths": {"Smiling": 1}}'),
    lambda dice: _get("/api/runs"),
    lambda dice: _get("/api/runs/1/log"),
    lambda dice: _get("/api/runs/1/samples/000000k.png"),
    lambda dice: _get(f"/{dice.randrange(1_000)}"),
    lambda dice: _get("/api/model", "Origin: http://elsewhere.example\r\n"),
    lambda dice: _get("/api/faces?seeds=1-100000"),
]
NONSENSE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET /" + b"a" * 70_000,
    b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%00%0a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"BREW /api/model HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    b"POST /api/faces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/faces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /api/faces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n" + b"{}  " + b"{}",
    _get("/api/model") * 20,
    _get("/api/model") + b"\x00\x01\r\n\r\n",
    _get("/api/faces?seeds=0-63") + b"HEAD\r\n\r\n",
    _post("/api/faces", b"[" * 100_000),
    _post("/api/faces", b'{"latents": [[1e999]]}'),
    _post("/api/invert", b"\x89PNG\r\n\x1a\n" + b"\0" * 100),
]


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """An answer's status, and whether the server hangs up after it; its body is read."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ")[1])
    closes = "connection: close" in head
    if length := re.search(r"content-length: (\d+)", head):
        await reader.readexactly(int(length[1]) if status != 304 else 0)
    elif status not in (204, 304):
        await reader.read()
        closes = True
    return status, closes


def test_many_clients_are_answered_within_constant_memory(
    server: Server, watched: int, pytestconfig: pytest.Config, tally: Callable[..., None]
) -> None:
    long = pytestconfig.getoption("--robustness")
    clients = CLIENTS if long else FEW_CLIENTS
    address = f"http://127.0.0.1:{server.port}"
    if long:  # the search for directions takes memory of its own, once
        with suppress(AssertionError):  # on a busy machine it goes on beside the load
            wait_until(lambda: httpx.get(f"{address}/api/directions").json()["state"] != "searching", 120)
    opened = server.files()
    memory: list[float] = []

    async def watch(load: Load) -> None:
        begun = time.monotonic()
        while time.monotonic() < load.end:
            await asyncio.sleep(0.5)
            if time.monotonic() > begun + WARM * watched:
                memory.append(server.memory())

    async def all_of_it() -> Load:
        load = Load(server.port, clients, time.monotonic() + watched, PATIENCE if long else LITTLE_PATIENCE)
        await asyncio.gather(load.run(), watch(load))
        return load

    load = asyncio.run(all_of_it())
    faults = {status: count for status, count in load.statuses.items() if status >= 500}
    assert not faults
    assert load.statuses[200] > 10  # on a machine that is busy with other things
    assert not long or {400, 403, 404, 413} <= set(load.statuses)
    wait_until(lambda: server.files() <= opened + 4, 20)  # those of the last clients are closed soon
    assert httpx.get(f"{address}/api/model").status_code == 200
    assert not long or memory[-1] < memory[0] + MOST_GROWTH, memory[:: max(1, len(memory) // 20)]
    ended = _ends_in(server)
    load.seconds.sort()
    p50, p99 = (1000 * load.seconds[int(len(load.seconds) * share)] for share in (0.5, 0.99))
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(load.statuses.items()))
    tally(
        f"requests to the page by {clients} clients in {watched} s",
        sum(load.statuses.values()),
        f"{answers}; {load.rude:,} rude clients; p50 {p50:.0f} ms, p99 {p99:.0f} ms; "
        f"{memory[0]:.0f} MiB, at the end {memory[-1]:.0f} MiB; it ended in {ended:.1f} s",
    )


def _ends_in(server: Server) -> float:
    """Seconds that the server takes to end with a photograph worked on."""
    photograph = _photograph(random.Random(0)).partition(b"\r\n\r\n")[2]
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client,
        client.stream("POST", "/api/invert?steps=1000", content=photograph) as answer,
    ):
        assert answer.status_code == 200
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 143
        return time.monotonic() - started
