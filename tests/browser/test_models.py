"""Several models and sets at once: the visitor chooses, and the address names the choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.latent.rejection import first_seed
from strangers.recipes.recipe import with_overrides
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.web.service import NamedModel, Service
from strangers.web.set_reader import SetReader

from ..support import tiny, write_model
from ..web.support import Served, serving
from .support import DESKTOP, PHONE, OpenPage, at, becomes, fits, shoot, soon, unnamed

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])


@pytest.fixture(scope="module")
def two(
    model: Model, quick_directions: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, list[Model]]]:
    """A server of two models and a set."""
    del quick_directions
    folder = tmp_path_factory.mktemp("two")
    recipe = with_overrides(tiny(), {"latent": "uniform"})
    other = load(write_model(folder / "other.safetensors", recipe), device="cpu")
    reader = SetReader(prepare("synthetic:100", folder / "drawn", size=32, progress=False))
    named = [NamedModel("first", model), NamedModel("second", other)]
    with serving(Service(named, sets=[reader])) as served:
        yield served, [model, other]


@DEVICES
def test_a_model_is_chosen_and_named_in_the_address(
    two: tuple[Served, list[Model]], open_page: OpenPage, device: dict[str, Any]
) -> None:
    served, (first, second) = two
    page = open_page("#seed=17", device, url=served.url)
    assert becomes(page, first.sample([17])[0])
    assert soon(lambda: at(page) == f"#model={first.hash}&seed=17", page)
    choice = page.get_by_label("Model")
    assert choice.inner_text().split() == ["first,", "32", "px", "second,", "32", "px"]
    assert fits(page)
    assert unnamed(page) == []
    choice.select_option(second.hash)
    page.wait_for_url(f"**/#model={second.hash}&seed=17")
    page.locator(f"#model option[selected][value='{second.hash}']").wait_for(state="attached")
    assert becomes(page, second.sample([17])[0])
    page.go_back()
    page.locator(f"#model option[selected][value='{first.hash}']").wait_for(state="attached")
    assert becomes(page, first.sample([17])[0])


def test_a_link_of_a_model_that_is_not_here_says_so(
    two: tuple[Served, list[Model]], open_page: OpenPage
) -> None:
    served, (first, _) = two
    page = open_page("#model=0123456789abcdef&seed=17", url=served.url)
    page.get_by_role("alert").get_by_text("model of this link is not here").wait_for()
    assert soon(lambda: at(page).startswith(f"#model={first.hash}&seed={first_seed(first)}"), page)


@DEVICES
def test_the_images_of_a_set(
    two: tuple[Served, list[Model]], open_page: OpenPage, device: dict[str, Any]
) -> None:
    served, _ = two
    page = open_page("#view=sets", device, url=served.url)
    images = page.get_by_role("img", name="Images 0\u201363 of drawn")
    images.wait_for()
    assert page.get_by_text("100", exact=True).is_visible()
    views = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert views == ["Faces", "Explore", "Photograph", "Sets", "Game", "Learn"]  # no run is served
    read = "(it) => [...it.getContext('2d').getImageData(32, 0, 32, 32).data].filter((_, i) => i % 4 < 3)"
    shown = np.array(images.evaluate(read), np.uint8).reshape(32, 32, 3)
    np.testing.assert_array_equal(shown, served.service.sets["1"].images(1, 1)[0])
    page.get_by_role("button", name="Next").click()
    page.get_by_role("img", name="Images 64\u201399 of drawn").wait_for()
    assert fits(page)
    assert unnamed(page) == []
    shoot(page, "sets", device)


def test_a_server_of_sets_alone_shows_them(two: tuple[Served, list[Model]], open_page: OpenPage) -> None:
    served, _ = two
    with serving(Service(sets=list(served.service.sets.values()))) as alone:
        page = open_page("", url=alone.url)
        page.get_by_role("img", name="Images 0\u201363 of drawn").wait_for()
        page.close()
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [told for told in complaints if "404 (Not Found)" not in told]  # there is no model
