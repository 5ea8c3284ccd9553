"""Pages are self-contained, and text is never markup."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from strangers.images import encode_png
from strangers.reports.html import bars, image, page, picture, section, table

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
NASTY = '<script>alert("1")</script> & <b>'


class Balance(HTMLParser):
    """A parser that checks that elements close in the order they open."""

    EMPTY = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def everything() -> str:
    return page(
        NASTY,
        [
            section(NASTY, table([NASTY, "n"], [[NASTY, 1234], ["x", 0.123456]], caption=NASTY), note=NASTY),
            bars([(NASTY, 0.25, 0.5), ("other", 0.0, 1.0)], names=(NASTY, "generated")),
            picture(PIXELS, NASTY, scale=3, caption=NASTY),
            image(encode_png(PIXELS), NASTY),
        ],
        lead=NASTY,
    )


def test_text_is_never_markup() -> None:
    assert "script" not in Balance(everything()).seen
    assert "<b>" not in everything()


def test_a_page_makes_no_requests() -> None:
    text = everything()
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:|//|/)", text)


def test_a_page_suits_small_screens_dark_mode_and_screen_readers() -> None:
    text = everything()
    assert '<html lang="en">' in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    assert all(re.search('alt="[^"]', tag) for tag in re.findall("<img [^>]*>", text))


def test_a_picture_is_embedded_losslessly() -> None:
    found = re.search(r"data:image/png;base64,([^\"]+)", picture(PIXELS, "noise", scale=3))
    assert found
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    np.testing.assert_array_equal(shown, PIXELS)
    assert 'width="36" height="24"' in picture(PIXELS, "noise", scale=3)


def test_numbers_are_readable() -> None:
    text = table(["n"], [[1234567], [0.123456]])
    assert "1,234,567" in text
    assert "0.1235" in text


def test_the_length_of_a_bar_is_proportional_to_its_fraction() -> None:
    lengths = [float(n) for n in re.findall(r"width:([\d.]+)%", bars([("a", 0.2, 0.4), ("b", 0.1, 0.0)]))]
    assert lengths[1] == pytest.approx(2 * lengths[0], rel=0.01)
    assert lengths[1] == pytest.approx(4 * lengths[2], rel=0.01)
    assert lengths[3] == 0
    assert "width:0.0%" in bars([("a", 0.0)])
