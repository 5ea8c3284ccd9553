"""The page, view by view, used as a person would, on a desktop and on a phone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers.data.face_detection import certainties
from strangers.latent.rejection import DEFAULT_REJECTION, least_certainty
from strangers.sampling.latents import latents
from strangers.web.run_reader import RunReader

from ..web.support import Served, serving
from .support import (
    DESKTOP,
    PHONE,
    OpenPage,
    at,
    becomes,
    fits,
    picture_of,
    shoot,
    shown,
    soon,
    unnamed,
    upload,
    walk_by_keyboard,
)

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])


@DEVICES
def test_faces(site: Served, open_page: OpenPage, device: dict[str, Any]) -> None:
    model = site.service.model_service.model
    page = open_page("#seed=17", device)
    assert becomes(page, model.sample([17])[0])
    page.wait_for_selector(".face[data-seen] >> nth=30")
    page.wait_for_selector(".face:not([data-seen])", state="detached")
    assert page.title() == "Faces · strangers"
    assert fits(page)
    assert unnamed(page) == []
    shoot(page, "faces", device)
    page.get_by_role("button", name="Face 5", exact=True).click()
    assert becomes(page, model.sample([5])[0])
    assert soon(lambda: at(page) == "#seed=5", page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert np.array_equal(np.asarray(Image.open(download.value.path())), model.sample([5])[0])
    assert download.value.suggested_filename == "face-5.png"


def test_the_wall_has_no_end_and_does_not_grow(site: Served, open_page: OpenPage) -> None:
    page = open_page("")
    page.wait_for_selector(".face[data-seen]")
    first = page.evaluate("document.body.scrollHeight")
    for _ in range(4):
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(200)
    assert soon(lambda: bool(page.evaluate("document.body.scrollHeight") > first + 5000), page)
    assert page.locator(".face").count() < 450
    assert soon(lambda: page.locator(".face:not([data-seen])").count() == 0, page)


def test_the_wall_by_keyboard(site: Served, open_page: OpenPage) -> None:
    page = open_page("")
    page.wait_for_selector(".face[data-seen]")
    page.locator(".face >> nth=0").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert soon(lambda: at(page) == "#seed=2", page)
    page.get_by_label("First seed").fill("18446744073709551615")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Face 18446744073709551615").click()
    assert becomes(page, site.service.model_service.model.sample([2**64 - 1])[0])
    assert page.locator(".face").count() == 1
    page.get_by_label("First seed").fill("-1")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("whole number").wait_for()


def test_the_wall_of_the_best_faces_leaves_out_the_least_certain(site: Served, open_page: OpenPage) -> None:
    model = site.service.model_service.model
    least = least_certainty(model, DEFAULT_REJECTION)
    kept = [seed for seed, found in enumerate(certainties(model.sample(range(32)))) if found >= least]
    assert 20 < len(kept) < 32
    page = open_page("#seed=17&wall=best")
    page.wait_for_selector(".face[data-seen] >> nth=35")
    names = page.locator(".face").evaluate_all("all => all.map((it) => it.ariaLabel)")
    assert names[: len(kept)] == [f"Face {seed}" for seed in kept]
    face = page.get_by_role("button", name=f"Face {kept[-1]}", exact=True)
    pixels = face.locator("canvas").evaluate(
        "it => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data]"
    )
    assert np.array_equal(np.reshape(pixels, (32, 32, 4))[..., :3], model.sample([kept[-1]])[0])
    left_out = next(seed for seed in range(32) if seed not in kept)
    page.get_by_text("All faces").click()
    page.get_by_role("button", name=f"Face {left_out}", exact=True).wait_for()
    assert soon(lambda: at(page) == "#seed=17", page)  # the default of a model that is not bundled
    page.get_by_role("radio", name="All faces").press("ArrowRight")
    assert soon(lambda: at(page) == "#seed=17&wall=best", page)
    assert page.get_by_role("button", name=f"Face {left_out}", exact=True).count() == 0


def test_truncation_goes_with_the_face(site: Served, open_page: OpenPage) -> None:
    page = open_page("#seed=17&truncation=0.6")
    model = site.service.model_service.model
    assert becomes(page, model.sample([17], truncation=0.6)[0])
    page.get_by_label("Truncation").press("ArrowRight")
    assert becomes(page, model.sample([17], truncation=0.65)[0])
    assert soon(lambda: at(page) == "#seed=17&truncation=0.65", page)


@DEVICES
def test_explore(site: Served, open_page: OpenPage, device: dict[str, Any]) -> None:
    model_service = site.service.model_service
    model, directions = model_service.model, model_service.finder.found.directions
    assert directions is not None
    page = open_page("#view=explore&seed=17", device)
    page.wait_for_selector(".pad[data-drawn]")
    assert becomes(page, model.sample([17])[0])
    assert fits(page)
    assert unnamed(page) == []
    name = directions.names[0]
    slider = page.get_by_label(name.replace("_", " "), exact=True)
    slider.fill("1.5")
    z = latents([17], model.recipe.latent_size, model.recipe.latent)
    edited = model.decode(directions.edit(z, {name: 1.5}))[0]
    assert soon(lambda: np.abs(shown(page, len(edited)).astype(int) - edited).max() <= 1, page)
    assert page.get_by_text("Face 17 (edited)").is_visible()
    shoot(page, "explore", device)
    page.get_by_role("button", name="Undo").click()
    assert becomes(page, model.sample([17])[0])
    page.get_by_role("button", name="Redo").click()
    assert slider.input_value() == "1.5"
    page.get_by_role("button", name="Reset").click()
    assert becomes(page, model.sample([17])[0])


def test_photograph(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=photograph")
    upload(page, "face.png", picture_of(site, 4))
    page.get_by_text(re.compile("Done: step 200")).wait_for(timeout=300_000)
    assert unnamed(page) == []
    shoot(page, "photograph", DESKTOP)
    page.get_by_role("button", name="Edit this face").click()
    page.locator(".portrait-label", has_text="From a photograph").wait_for()
    assert "view=explore" in at(page)
    page.get_by_role("link", name="Photograph").click()
    upload(page, "no.png", b"no picture")
    page.get_by_text("This photograph cannot be used").wait_for()
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [line for line in complaints if "400 (Bad Request)" not in line]  # which was provoked


def test_the_square_over_a_photograph_can_be_dragged(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=photograph")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/invert" in request.url else None)
    upload(page, "face.png", picture_of(site, 4))
    page.get_by_text(re.compile("Step [0-9]+ of 200")).wait_for(timeout=300_000)
    photograph = page.get_by_role("img", name="The photograph", exact=True).bounding_box()
    square = page.get_by_label("The part that the model sees").bounding_box()
    assert photograph is not None
    assert square is not None
    assert square["width"] == pytest.approx(photograph["width"], abs=3)
    handle = page.locator(".square-handle").bounding_box()
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - square["width"] / 4, y - square["height"] / 4)
    with page.expect_request(re.compile("square=")):
        page.mouse.up()
    left, top, right, upper = map(float, asked[-1].partition("square=")[2].split(","))
    assert (left, top, right, upper) == pytest.approx((50, 50, 150, 50), abs=3)
    with page.expect_request(re.compile("square=")):
        page.get_by_label("The part that the model sees").press("ArrowRight")
    moved = float(asked[-1].partition("square=")[2].split(",")[0])
    assert moved == pytest.approx(left + (right - left) / 50, abs=0.1)


def test_photograph_on_a_phone_stopped_on_the_way(site: Served, open_page: OpenPage) -> None:
    page = open_page("#view=photograph", PHONE)
    upload(page, "face.png", picture_of(site, 4))
    page.get_by_text(re.compile("Step [0-9]+ of 200")).wait_for(timeout=300_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped. This is the nearest face so far.").wait_for()
    assert page.get_by_role("button", name="Edit this face").is_enabled()
    assert fits(page)
    assert unnamed(page) == []
    shoot(page, "photograph", PHONE)


@DEVICES
def test_training(
    site: Served, open_page: OpenPage, device: dict[str, Any], trained: Path, tmp_path: Path
) -> None:
    page = open_page("#view=training", device)
    cards = page.locator(".runs > .run")
    cards.nth(1).locator("svg >> nth=1").wait_for()
    assert cards.count() == len(site.service.runs)
    assert fits(page)
    first = cards.nth(0)
    page.wait_for_function("() => document.querySelector('.history img')?.naturalWidth > 0")
    assert unnamed(page) == []
    shoot(page, "training", device)
    time_slider = first.locator(".history input")
    before = first.locator("figcaption >> nth=0").inner_text()
    time_slider.fill("0")
    assert "images" in before
    first.get_by_text("Recipe").click()
    assert first.get_by_role("row", name=re.compile("^batch ")).is_visible()


def test_training_goes_on_before_ones_eyes(
    site: Served, open_page: OpenPage, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.json").write_bytes((trained / "recipe.json").read_bytes())
    log = tmp_path / "log.jsonl"
    line = {
        "images_seen": 64,
        "images_per_second": 10.0,
        "seconds": 6.4,
        "real_loss": 1.0,
        "real_accuracy": 0.5,
    }
    log.write_text(json.dumps(line) + "\n")
    site.service.runs["9"] = RunReader(tmp_path)
    try:
        page = open_page("#view=training")
        run = page.locator(".runs > .run").last
        run.get_by_text("64 of 128").wait_for()
        assert run.get_by_text("6 s", exact=True).count() == 2  # trained and left
        with log.open("a") as file:
            file.write(json.dumps({**line, "images_seen": 96}) + "\n")
            file.write(json.dumps({"images_seen": 96, "warning": "Something is odd."}) + "\n")
        run.get_by_text("96 of 128").wait_for()
        run.locator("li").get_by_text("Something is odd.").wait_for()
    finally:
        del site.service.runs["9"]


def test_the_token_is_asked_for_once(site: Served, open_page: OpenPage) -> None:
    with serving(site.service, token="sesame", keep=True) as guarded:
        page = open_page("", url=guarded.url)
        field = page.locator("#token input")
        field.fill("wrong")
        page.get_by_role("button", name="Open").click()
        page.get_by_text("not the token").wait_for()
        field.fill("sesame")
        page.get_by_role("button", name="Open").click()
        page.wait_for_selector(".face[data-seen]")
        by_link = open_page("#token=sesame", url=guarded.url)
        by_link.wait_for_selector(".face[data-seen]")
        assert "sesame" not in by_link.url
        for opened in (page, by_link):  # before the server goes, which they would ask in vain
            opened.close()
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [line for line in complaints if "401 (Unauthorized)" not in line]  # which was provoked


@pytest.mark.parametrize(("scheme", "device"), [("light", PHONE), ("dark", DESKTOP)], ids=["light", "dark"])
def test_every_view_in_light_and_dark_and_by_keyboard(
    open_page: OpenPage, scheme: str, device: dict[str, Any]
) -> None:
    page = open_page("#seed=17", device, color_scheme=scheme, reduced_motion="reduce")
    for view in ("Explore", "Photograph", "Training", "Game", "Learn", "Faces"):
        page.get_by_role("link", name=view).click()
        page.locator("main h1").wait_for()
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        assert (brightness(ink) < brightness(paper)) == (scheme == "light")
        assert abs(brightness(ink) - brightness(paper)) > 150
        page.locator("nav [aria-current]", has_text=view).wait_for()
        if view in ("Explore", "Faces"):
            page.wait_for_selector(".portrait[data-drawn]")
        # Without the message that a view is loading, on a busy machine.
        page.wait_for_selector(".toast.notice:empty", state="attached")
        count, wrong = walk_by_keyboard(page)
        assert count > 6
        assert wrong == [], view
        assert unnamed(page) == [], view
        # Its words would be the browser's: "No file chosen" beside pictures that the page has read.
        assert page.locator("input[type=file]:visible").count() == 0, view


def brightness(color: str) -> float:
    """Return the brightness of a color, rgb(r, g, b), from 0 to 255."""
    return sum(map(int, re.findall(r"\d+", color)[:3])) / 3
