"""The command `export` as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.export import hub, onnx
from strangers.sampling.load import load

from ..support import Strangers, write_model

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors")


def test_onnx_is_a_file_that_says_how_far_it_is_from_torch(
    strangers: Strangers, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces.onnx"
    code, said, _ = strangers("export", file, "--to", "onnx", "--out", out)
    assert code == 0
    assert out.is_file()
    assert f"Wrote {out}, " in said
    assert "over 64 seeds it differs from torch by at most" in said


def test_title_and_author_are_in_the_file_and_its_card(
    strangers: Strangers, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces.safetensors"
    words = ("export", file, "--to", "file", "--out", out, "--title", "Nobody", "--author", "A. B.")
    assert strangers(*words).code == 0
    header = load(out, device="cpu").header
    assert (header.title, header.author) == ("Nobody", "A. B.")
    assert "# Nobody" in out.with_suffix(".md").read_text()


def test_hub_is_a_folder_that_is_pushed_where_asked(
    strangers: Strangers, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "as_onnx", lambda model: b"the file")
    monkeypatch.setattr(hub, "checked", lambda model, data: onnx.Agreement(0.0, 0))
    pushed: list[tuple[Path, str]] = []

    def push(folder: Path, name: str) -> str:
        pushed.append((folder, name))
        return "https://hub/a/b"

    monkeypatch.setattr(hub, "push_hub", push)
    words = ("export", file, "--to", "hub", "--out", tmp_path / "faces", "--push", "a/b")
    code, said, _ = strangers(*words)
    assert code == 0
    assert pushed == [(tmp_path / "faces", "a/b")]
    assert "Uploaded it to https://hub/a/b" in said
    assert 'strangers.load("hf:a/b")' in (tmp_path / "faces" / "README.md").read_text()


def test_the_lesson_needs_no_model(
    strangers: Strangers, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangers.export.lesson.drawn_faces", lambda: b"faces")
    out = tmp_path / "lesson.html"
    code, said, _ = strangers("export", "--to", "lesson", "--out", out, "--title", "A game")
    assert code == 0
    assert said.startswith(f"Wrote {out}, ")
    assert "double-click it" in said
    assert "<title>A game</title>" in out.read_text()
    assert strangers("export", "--to", "lesson", "--out", out).code == 0
    edited = out.read_bytes().replace(b"detective", b"inspector")
    out.write_bytes(edited)
    assert strangers("export", "--to", "lesson", "--out", out).code == 2
    assert out.read_bytes() == edited
    for words, complaint in (
        ((file, "--to", "lesson"), "--to lesson needs no MODEL"),
        (("--to", "page"), "MODEL is missing"),
        (("--to", "lesson", "--title", "caf\udce9"), "--title must be text in UTF-8"),
        (("--to", "lesson", "--photographs", "set"), "--photographs needs --to page"),
    ):
        code, _, err = strangers("export", *words, "--out", tmp_path / "other")
        assert code == 2
        assert complaint in err
