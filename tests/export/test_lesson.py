"""The exported lesson: its own files, no more, and its own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from strangers.errors import StrangersError
from strangers.export.lesson import export_lesson
from strangers.export.page_html import PageText
from strangers.export.single_file import imported
from strangers.web import lesson


@pytest.fixture(autouse=True)
def few_faces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lesson, "COUNT", 4)
    lesson.drawn_faces.cache_clear()
    yield
    lesson.drawn_faces.cache_clear()


def test_the_folder_has_what_its_modules_import_and_no_model(tmp_path: Path) -> None:
    out = tmp_path / "lesson"
    size = export_lesson(out, PageText(title="A game", author="A. Author"))
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert size == sum(map(len, files.values()))
    roots = ("main.js", "views/learn.js", "learn/worker.js")
    modules = {name for root in roots for name in imported(root, files)}
    assert modules <= files.keys()
    assert {name for name in files if name.endswith(".js")} == modules | {"service-worker.js"}
    assert not any(name.startswith(("runtime", "faces", "preview")) for name in files)
    html = files["index.html"].decode()
    assert "<title>A game</title>" in html
    assert "Published by A. Author." in html
    assert "preview" not in html
    assert json.loads(files["manifest.webmanifest"])["name"] == "A game"
    kept = files["service-worker.js"].decode().splitlines()[0]
    assert set(re.findall(r'"([^"]+)"', kept)) == {"./", *files} - {"service-worker.js"}


def test_what_exists_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(StrangersError, match="exists already"):
        export_lesson(tmp_path)
