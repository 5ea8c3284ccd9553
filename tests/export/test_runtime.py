"""onnxruntime-web is taken from where the caller says, else fetched once and held to its hashes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from strangers.errors import StrangersError, UsageError
from strangers.export import runtime
from strangers.export.runtime import runtime_files

CONTENT = {name: f"the contents of {name}".encode() for name in runtime.FILES}


def archive(files: Mapping[str, bytes]) -> bytes:
    """An npm package with these files in its dist/."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


class Registry:
    """Stands in for the npm registry; counts what it is asked."""

    def __init__(self) -> None:
        self.answer = archive({**CONTENT, "other.js": b"not needed"})
        self.asked = 0

    def __call__(self) -> bytes:
        self.asked += 1
        return self.answer


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    registry = Registry()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "_fetch", registry)
    monkeypatch.setattr(runtime, "FILES", {name: sha256(data).hexdigest() for name, data in CONTENT.items()})
    return registry


def test_it_is_fetched_once(registry: Registry) -> None:
    assert runtime_files() == CONTENT
    assert runtime_files() == CONTENT
    assert registry.asked == 1


def test_what_is_damaged_in_the_cache_is_fetched_again(registry: Registry, tmp_path: Path) -> None:
    runtime_files()
    (kept,) = tmp_path.rglob("*.wasm")
    kept.write_bytes(b"something else")
    assert runtime_files() == CONTENT
    assert registry.asked == 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (archive(dict.fromkeys(CONTENT, b"other")), "whose hash is known"),
        (archive({}), "whose hash is known"),
        (archive(CONTENT)[:40], ""),
        (b"<!doctype html>", ""),
    ],
    ids=["other files", "no files", "cut short", "a web page"],
)
def test_anything_else_is_refused_and_not_kept(
    registry: Registry, tmp_path: Path, answer: bytes, why: str
) -> None:
    registry.answer = answer
    with pytest.raises(StrangersError, match=rf"could not be fetched from .*{why}.*--runtime DIR\.$"):
        runtime_files()
    assert not list(tmp_path.rglob("*.wasm"))


@pytest.mark.parametrize("inner", ["", "dist"])
def test_a_folder_of_ones_own_is_taken_as_it_is(registry: Registry, tmp_path: Path, inner: str) -> None:
    (tmp_path / "own" / inner).mkdir(parents=True)
    for name in CONTENT:
        (tmp_path / "own" / inner / name).write_bytes(b"another version")
    assert runtime_files(tmp_path / "own") == dict.fromkeys(CONTENT, b"another version")
    assert registry.asked == 0


def test_a_folder_without_the_files_is_a_wrong_call(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"should hold ort\..*\.mjs and .*\.wasm"):
        runtime_files(tmp_path)


def test_run_as_a_program_it_fills_a_folder(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["runtime", str(tmp_path / "folder")])
    assert runtime.main() == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "folder").iterdir()} == CONTENT
    registry.answer = b""
    monkeypatch.setattr("sys.argv", ["runtime", str(tmp_path / "other")])
    assert runtime.main() == 1
    assert capsys.readouterr().err.startswith("error: onnxruntime-web could not be fetched")
