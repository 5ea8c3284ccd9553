"""Faces that are taken away: enlarged, as a ZIP file, as a walk; and faces taken into the plane."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from strangers.images import read_provenance

from ..web.support import Served
from .support import (
    DESKTOP,
    PHONE,
    OpenPage,
    at,
    becomes,
    fits,
    label,
    marker,
    soon,
    touch,
    undo_steps,
    unnamed,
)

if TYPE_CHECKING:
    from playwright.sync_api import Locator

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])


def test_a_larger_face_keeps_its_provenance(site: Served, open_page: OpenPage, tmp_path: Path) -> None:
    model = site.service.model_service.model
    page = open_page("#seed=17")
    with page.expect_download() as download:
        page.get_by_role("button", name="Large PNG").click()
    assert download.value.suggested_filename == "face-17-1024px.png"
    download.value.save_as(tmp_path / "large.png")
    assert read_provenance(tmp_path / "large.png") == model.provenance([17])
    with Image.open(tmp_path / "large.png") as large:
        small = np.asarray(large.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(float)
    assert np.corrcoef(small.ravel(), model.sample([17])[0].ravel())[0, 1] > 0.8


def test_favorites_are_saved_as_a_zip(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    page = open_page("#seed=17")
    page.wait_for_selector(".face[data-seen]")
    for seed in (5, 3):
        page.locator(".wall").get_by_role("button", name=f"Face {seed}", exact=True).click()
        assert becomes(page, model.sample([seed])[0])
        page.get_by_role("button", name="Favorite", exact=True).click()
    page.locator(".wall").get_by_role("button", name="Face 3", exact=True).focus()
    page.keyboard.press("f")  # which takes the face that has the focus, 3, out again
    page.get_by_text("Removed from favorites.").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    page.get_by_text("Added to favorites.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the favorites as a ZIP file").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["001-face-4.png", "002-face-5.png"]
        saved = np.asarray(Image.open(io.BytesIO(archive.read("002-face-5.png"))))
    np.testing.assert_array_equal(saved, model.sample([5])[0])


PLAY = """(it, data) => new Promise((resolve, reject) => {
  const video = document.createElement("video");
  video.onloadeddata = () => resolve([video.videoWidth, video.videoHeight]);
  video.onerror = () => reject(video.error);
  video.src = `data:video/mp4;base64,${data}`; })"""


def test_a_walk_is_saved_as_webp_and_as_mp4(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17")
    page.wait_for_selector(".pad[data-drawn]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save WebP").click()
    with Image.open(download.value.path()) as walk:
        assert (walk.format, walk.size, walk.info["loop"]) == ("WEBP", (32, 32), 0)
        assert walk.n_frames > 10  # type: ignore[attr-defined]
        assert b"trainedAlgorithmicMedia" in walk.info["xmp"]
    page.evaluate("() => { const wait = setTimeout; setTimeout = (work, ms) => wait(work, ms / 8); }")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save MP4").click()
    assert download.value.suggested_filename == "walk.mp4"
    data = download.value.path().read_bytes()
    assert b"trainedAlgorithmicMedia" in data
    blank = page.context.new_page()  # whose policy allows it
    assert blank.locator("body").evaluate(PLAY, base64.b64encode(data).decode()) == [512, 512]


@DEVICES
def test_faces_of_the_wall_become_corners_of_the_plane(
    site: Served, open_page: OpenPage, device: dict[str, Any]
) -> None:
    page = open_page("#seed=17", device)
    page.wait_for_selector(".face[data-seen]")
    for seed, name in ((4, "A" if device is DESKTOP else "B"), (2, "C")):
        for _ in range(2):  # the second click changes nothing, and leaves no undo step
            page.locator(".wall").get_by_role("button", name=f"Face {seed}", exact=True).click()
        assert soon(lambda seed=seed: label(page) == f"Face {seed}", page)  # type: ignore[misc]
        page.get_by_role("button", name=f"Put this face at {name} of the plane").click()
        page.get_by_text(f"Face {seed} is at {name} of the plane").wait_for()
    if device is DESKTOP:
        page.get_by_role("button", name="Face 9", exact=True).focus()
        page.keyboard.press("b")
        page.get_by_text("Face 9 is at B of the plane").wait_for()
    assert fits(page)
    assert unnamed(page) == []
    page.get_by_role("button", name="Explore").click()
    corners = "Face 4, Face 9 and Face 2" if device is DESKTOP else "Face 3, Face 4 and Face 2"
    page.get_by_text(f"the plane through {corners}").wait_for()
    assert soon(
        lambda: marker(page) == pytest.approx((1, 0) if device is DESKTOP else (0, 1), abs=0.01), page
    )
    assert undo_steps(page) == (3 if device is DESKTOP else 2)


def test_a_swipe_shows_a_random_face_and_back(open_page: OpenPage) -> None:
    page = open_page("#view=explore&seed=17", PHONE)
    page.wait_for_selector(".portrait[data-drawn]")
    page.wait_for_selector(".pad[data-drawn]")  # from now on nothing moves
    x, y = center(page.locator(".portrait-face"))
    touch(page, (x, y), (x + 20, y))  # too short
    touch(page, (x, y), (x, y - 300))  # which scrolls the page, from a face that is in sight all the time
    assert soon(lambda: bool(page.evaluate("scrollY > 100")), page)
    slider = page.get_by_label("Smiling", exact=True)
    slider.scroll_into_view_if_needed()
    thumb, middle = center(slider)
    touch(page, (thumb, middle), (thumb - 60, middle))
    assert soon(lambda: label(page) == "Face 17 (edited)", page)
    assert float(slider.input_value()) < -0.5
    assert undo_steps(page) == 1
    x, y = center(page.locator(".portrait-face"))
    touch(page, (x, y), (x + 40, y), (x + 40, y + 90))  # sideways, and then further down than that
    assert label(page) == "Face 17"
    touch(page, (x, y), (x - 90, y))
    assert soon(lambda: label(page) != "Face 17", page)
    touch(page, (x, y), (x + 90, y))
    assert soon(lambda: at(page) == "#view=explore&seed=17", page)


def test_a_swipe_in_the_bar_of_a_phone_shows_a_random_wall(open_page: OpenPage) -> None:
    page = open_page("#seed=17", PHONE)
    page.wait_for_selector(".portrait[data-drawn]")
    page.wait_for_selector(".face[data-seen]")
    x, y = center(page.locator(".portrait-face"))
    touch(page, (x, y), (x, y - 300))
    assert soon(lambda: bool(page.evaluate("scrollY > 100")), page)
    touch(page, (x, y), (x - 60, y))
    assert soon(lambda: label(page) != "Face 17", page)
    assert page.get_by_label("First seed").input_value() == label(page).removeprefix("Face ")


def center(place: Locator) -> tuple[float, float]:
    """Return the middle of an element, on the screen."""
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
