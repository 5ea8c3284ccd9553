"""The command `serve`: its address, its errors, and its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from strangers.commands.serve import announce
from strangers.web.server import address_of, listen

from ..support import Strangers, started


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_closed_terminal_ends_the_server_in_the_middle_of_its_work(trained: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "strangers", "serve", str(trained), "--port", "0"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}  # in which nobody has kept directions yet
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said + process.stderr.read()
        picture = BytesIO()
        Image.new("RGB", (50, 50), "teal").save(picture, "PNG")
        answered: list[str] = []
        with (
            httpx.Client(base_url=address[0], timeout=60) as client,
            client.stream("POST", "/api/invert?steps=1000", content=picture.getvalue()) as answer,
            suppress(httpx.TransportError),
        ):
            assert answer.status_code == 200
            assert client.get("/api/directions").json()["state"] == "searching"
            process.send_signal(signal.SIGHUP)
            answered += answer.iter_lines()
        assert process.wait(timeout=60) == 128 + signal.SIGHUP
        assert not any('"step": 1000,' in line for line in answered)
        assert "Traceback" not in process.stderr.read()


def test_a_busy_port_is_reported(strangers: Strangers, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = strangers("serve", tmp_path, "--port", taken.getsockname()[1])
    assert code == 2
    assert "choose another --port" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--token", " "], "--token is empty"),
        (["--answers", "answers.jsonl"], "--answers needs --photographs"),
        (["--host", "nowhere.invalid", "--token", "x"], "choose another"),
    ],
)
def test_a_wrong_call_fails_before_anything_is_loaded(
    strangers: Strangers, words: list[str], message: str
) -> None:
    code, _, err = strangers("serve", "nothing-here", *words)
    assert code == 2
    assert message in err


def test_a_missing_extra_is_named(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = strangers("serve")
    assert code == 2
    assert "pip install 'strangers[serve]'" in err


def test_the_printed_address_opens_on_a_phone_and_carries_a_new_token(trained: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "strangers", "serve", str(trained), "--port", "0", "--host", "0.0.0.0"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        found = re.search(r"(http://[^/]+)/#token=(\S{22}) ", said)
        assert found, said + process.stderr.read()
        assert "0.0.0.0" not in said
        with httpx.Client(base_url=found[1], timeout=60) as client:
            assert client.get("/api/models").status_code == 401
            bearer = {"Authorization": f"Bearer {found[2]}"}
            assert client.get("/api/models", headers=bearer).json()["models"][0]["name"] == trained.name
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def test_open_opens_the_address(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []

    def fail(address: str) -> bool:
        opened.append(address)
        return False

    monkeypatch.setattr("webbrowser.open", fail)
    with listen("127.0.0.1", 0) as listening:
        announce(listening, "127.0.0.1", None, open_browser=True)
        assert opened == [address_of(listening, "127.0.0.1", None)]
    assert "open the address yourself" in capsys.readouterr().err
