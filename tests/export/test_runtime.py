"""onnxruntime-web is taken from the caller's folder, or from the pinned package."""

from __future__ import annotations

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from strangers.errors import StrangersError, UsageError
from strangers.export import runtime
from strangers.export.runtime import runtime_files

CONTENT = {name: f"the contents of {name}".encode() for name in runtime.FILES}


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The pinned package, in the cache; it cannot be downloaded again."""
    path = tmp_path / "cache" / "strangers" / "onnxruntime-web" / f"onnxruntime-web-{runtime.VERSION}.tgz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, mode="w:gz") as tar:
        for name, data in {**CONTENT, "other.js": b"not needed"}.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "SHA256", sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(runtime, "URL", f"http://127.0.0.1:9/{path.name}")
    return path


def test_the_pinned_package_comes_from_the_cache() -> None:
    assert runtime_files() == CONTENT


def test_a_package_with_another_hash_is_never_unpacked(package: Path) -> None:
    package.write_bytes(b"damaged")
    with pytest.raises(StrangersError, match=r"^Cannot download onnxruntime-web from .* --runtime\.$"):
        runtime_files()


@pytest.mark.parametrize("inner", ["", "dist"])
def test_a_folder_of_the_caller_is_used_as_it_is(package: Path, tmp_path: Path, inner: str) -> None:
    package.unlink()
    (tmp_path / "own" / inner).mkdir(parents=True)
    for name in CONTENT:
        (tmp_path / "own" / inner / name).write_bytes(b"another version")
    assert runtime_files(tmp_path / "own") == dict.fromkeys(CONTENT, b"another version")


def test_a_folder_without_the_files_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not have ort\..*\.mjs and .*\.wasm"):
        runtime_files(tmp_path)


def test_run_as_a_program_it_fills_a_folder(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["runtime", str(tmp_path / "folder")])
    assert runtime.main() == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "folder").iterdir()} == CONTENT
    package.unlink()
    assert runtime.main() == 1
    assert capsys.readouterr().err.startswith("error: Cannot download onnxruntime-web")
