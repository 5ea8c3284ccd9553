"""Photograph or stranger?: one face at a time, a second each, the answer, and a score with its interval.

Drawn faces stand in the place of photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from strangers.data.prepare import prepare
from strangers.evaluation.human import human_results, read_answers
from strangers.sampling.load import load
from strangers.web import games
from strangers.web.games import Games
from strangers.web.service import NamedModel, Service

from ..support import write_model
from ..web.support import Served, serving
from .support import DESKTOP, PHONE, OpenPage, choose_file, fits, picture_of, shoot, soon, unnamed

if TYPE_CHECKING:
    from playwright.sync_api import Page

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
FACES = 4


@pytest.fixture(scope="module")
def played(quick_directions: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """A server with photographs, and the file of its answers. Games are short and quick."""
    del quick_directions
    folder = tmp_path_factory.mktemp("game")
    photographs = prepare("synthetic:20", folder / "drawn", size=32, progress=False)
    answers = folder / "answers.jsonl"
    model = load(write_model(folder / "model.safetensors", crop="square", filter="drawn"), device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(games, "FACES_PER_GAME", FACES)
        patch.setattr("strangers.web.games_api.FACES_PER_GAME", FACES)
        patch.setattr("strangers.web.games_api.SHOWN_MS", 200)
        service = Service([NamedModel("tiny", model)], games=Games(photographs, answers))
        with serving(service) as served:
            yield served, answers


def blank(page: Page) -> bool:
    """Return True if the canvas of the face shows nothing."""
    read = """it => { const copy = new OffscreenCanvas(it.width, it.height).getContext("2d");
      copy.drawImage(it, 0, 0);
      return copy.getImageData(0, 0, it.width, it.height).data.every((value) => value === 0); }"""
    return bool(page.locator(".game-face").evaluate(read))


@DEVICES
def test_a_game_from_its_start_to_its_score(
    played: tuple[Served, Path], open_page: OpenPage, device: dict[str, Any]
) -> None:
    served, answers = played
    before = answers.read_bytes()
    page = open_page("#view=game", device, url=served.url)
    page.get_by_text("The photographs: drawn.").wait_for()
    page.get_by_role("button", name="Start").click()
    wrong = 0
    for face in range(1, FACES + 1):
        page.get_by_text(f"Face {face} of {FACES}").wait_for()
        page.locator(".game-table[data-state=asked]").wait_for()
        assert blank(page)
        assert fits(page)
        if device is DESKTOP:
            page.keyboard.press("ArrowLeft")
        else:
            page.get_by_role("button", name="Photograph").click()
        page.locator(".game-table[data-state=told]").wait_for()
        assert not blank(page)
        solution = page.locator(".game-status").inner_text()
        right = page.locator(".game-face.right").count() == 1
        assert solution == ("Right: a photograph." if right else "Wrong: a stranger, drawn by the model.")
        wrong += not right
        assert unnamed(page) == []
        shoot(page, "game", device)
        page.get_by_role("button", name="Result" if face == FACES else "Next face").click()
    row = page.get_by_role("row", name="All faces")
    assert row.get_by_role("cell").first.inner_text() == f"{wrong} of {FACES}"
    low, high = row.get_by_role("cell").last.inner_text().removesuffix("%").split("\u2013")
    assert 0 <= int(low) <= 100 * wrong / FACES <= int(high) <= 100
    assert fits(page)
    assert unnamed(page) == []
    assert answers.read_bytes() == before  # without consent
    page.get_by_role("button", name="Play again").click()
    page.get_by_text(f"Face 1 of {FACES}").wait_for()


def test_answers_of_a_player_who_consents_are_kept(played: tuple[Served, Path], open_page: OpenPage) -> None:
    served, answers = played
    page = open_page("#view=game", url=served.url)
    page.get_by_label("The host of this page may keep my answers").check()
    page.get_by_role("button", name="Start").click()
    page.locator(".game-table[data-state=asked]").wait_for()
    page.keyboard.press("s")
    page.locator(".game-table[data-state=told]").wait_for()
    (result,) = human_results(read_answers(answers))
    (kept,) = result.answers
    assert kept.answer == "fake"
    said = "Right" if kept.kind == "fake" else "Wrong"
    assert page.locator(".game-status").inner_text().startswith(said)


def test_without_photographs_the_visitors_own_are_played_with_and_stay_here(
    site: Served, open_page: OpenPage
) -> None:
    page = open_page("#view=game")
    page.get_by_text("This page has no photographs").wait_for()
    assert page.get_by_role("button", name="Start").is_disabled()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    for name in ("Choose pictures", "Choose other pictures"):
        choose_file(page, name, "face.png", picture_of(site, 4))
        page.get_by_text("1 picture of yours").wait_for()
        assert unnamed(page) == []
    page.get_by_role("button", name="Start").click()
    page.locator(".game-table[data-state=asked]").wait_for()
    page.keyboard.press("p")
    assert soon(lambda: page.locator(".game-table[data-state=told]").count() == 1, page)
    assert [request for request in sent if "/api/faces?" not in request] == []
