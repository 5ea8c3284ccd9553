"""A stand-in for the Hugging Face Hub: a local server with the API that the tests need."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"

TOKEN = "hf_test"
"""The token of the one who may write there."""


class Hub(ThreadingHTTPServer):
    """Has data sets to be fetched, and models that are put there and fetched again.

    data_sets, models: the files of each by its name. asked: the paths of the requests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.data_sets: dict[str, dict[str, bytes]] = {}
        self.models: dict[str, dict[str, bytes]] = {}
        self.spaces: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    """/api/datasets/NAME/revision/..., .../tree/..., [/datasets]/NAME/resolve/REVISION/FILE;
    /api/repos/create, .../validate-yaml, preupload and commit of a model."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        parts = re.fullmatch(r"(?:/api)?(/datasets)?/([^/]+/[^/]+)/(revision|tree|resolve)/[^/]+/?(.*)", path)
        held = self.server.data_sets if parts and parts[1] else self.server.models
        files = held.get(parts[2]) if parts else None
        if parts is None or files is None or (parts[3] == "resolve" and parts[4] not in files):
            self.send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif parts[3] == "revision":
            siblings = [{"rfilename": name} for name in files]
            self.answer({"id": parts[2], "sha": COMMIT, "siblings": siblings})
        elif parts[3] == "tree":
            self.answer(
                [{"type": "file", "path": name, "size": len(data), "oid": name_of(data)}
                 for name, data in files.items()]
            )  # fmt: skip
        else:
            data = files[parts[4]]
            self.send(200, data, {"ETag": f'"{name_of(data)}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = unquote(urlsplit(self.path).path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.send(401, b'{"error": "Invalid username or password."}')
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            is_space = asked.get("type") == "space"
            assert not is_space or asked["sdk"] == "static"
            (self.server.spaces if is_space else self.server.models).setdefault(name, {})
            self.answer({"url": f"{self.server.address}/{'spaces/' * is_space}{name}"})
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self.answer({"files": files})
        else:
            kind, _, name = path.removeprefix("/api/").removesuffix("/commit/main").partition("/")
            held = {"models": self.server.models, "spaces": self.server.spaces}[kind]
            for line in map(json.loads, body.decode().splitlines()):
                if line["key"] == "file":
                    data = base64.b64decode(line["value"]["content"])
                    held[name][line["value"]["path"]] = data
            self.answer({"commitUrl": f"{self.server.address}/{name}/commit/{COMMIT}", "commitOid": COMMIT})

    def answer(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        pass


def name_of(data: bytes) -> str:
    """Return the identifier of a file's content."""
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub, with a cache of this test's own, and a person who may write there."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    point_to(server.address, tmp_path / "hub", monkeypatch)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def point_to(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what HF_ENDPOINT, HF_HUB_CACHE and HF_HUB_OFFLINE do, which the client reads when it is imported."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
