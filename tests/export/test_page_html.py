"""The exported page's HTML: its policy, its words, and nothing of a stranger's text as markup."""

from __future__ import annotations

import html as markup
import json
import re

import pytest

from strangers.export.page import SERVED
from strangers.export.page_html import (
    ABOUT,
    POLICY,
    PageText,
    loading_html,
    manifest,
    service_worker,
    standalone_html,
)

HTML = (SERVED / "index.html").read_text(encoding="utf-8")
HOSTILE = "</title><script>alert(1)</script>\"'&"


def page(text: PageText | None = None, terms: str = "Some terms.") -> str:
    return standalone_html(HTML, text or PageText(), ABOUT, terms, loading_html(12.34, 64))


def test_the_policy_comes_first_and_allows_no_other_host() -> None:
    head = page().partition("<head>")[2].lstrip()
    assert head.startswith(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />')
    assert "http" not in POLICY
    assert "unsafe-inline" not in POLICY


def test_no_token_is_asked_for() -> None:
    assert 'id="token"' in HTML
    assert "token" not in page()


@pytest.mark.parametrize("field", ["title", "author", "license", "url"])
def test_words_of_the_publisher_are_text(field: str) -> None:
    made = page(PageText(**{field: HOSTILE}))
    assert "<script>alert" not in made
    assert markup.escape(HOSTILE) in made
    assert "<script>alert" not in page(terms=HOSTILE)


def test_an_author_is_named_only_where_there_is_one() -> None:
    assert 'name="author"' not in page()
    assert "Published by" not in page()
    assert "Published by A. Author." in page(PageText(author="A. Author"))


def test_the_address_of_the_preview_is_whole_only_where_the_page_is_published() -> None:
    images = [re.findall(r'"og:image" content="([^"]*)"', page(PageText(url=url)))
              for url in ("", "https://example.org/faces", "https://example.org/faces/")]  # fmt: skip
    assert images == [["preview.webp"], *[["https://example.org/faces/preview.webp"]] * 2]


def test_the_size_of_the_download_is_stated_before_it_begins() -> None:
    assert "Loading the generator: 12.3 MB, once." in page()
    assert 'width="512" height="512"' in page()


def test_the_manifest_installs_the_page_from_any_folder() -> None:
    said = json.loads(manifest(PageText("A very long name of a page")))
    assert (said["name"], said["short_name"]) == ("A very long name of a page", "A very long ")
    assert said["start_url"] == "./"


def test_the_service_worker_changes_with_any_file() -> None:
    files = {"index.html": b"a", "faces.onnx": b"b"}
    made = service_worker(b"// source", files)
    assert made.endswith(b"\n// source")
    assert b'["./", "faces.onnx", "index.html"]' in made
    others = (
        files | {"faces.onnx": b"c"},
        files | {"more.js": b""},
        {"index.html": b"a"},
        {"index.html": b"ab"},
    )
    assert len({made, *(service_worker(b"// source", other) for other in others)}) == 5
    assert service_worker(b"// source", dict(reversed(files.items()))) == made
