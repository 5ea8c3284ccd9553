"""Training: runs compared, curves smoothed and on a log scale, warnings on the axis, the filmstrip."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers.web.service import Service

from ..web.support import Served, serving
from .support import DESKTOP, PHONE, OpenPage, fits, unnamed

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
LOSSES = [1.0, 3.0, 1.0, 3.0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of two runs with a short log each, and without a model."""
    folders = [tmp_path_factory.mktemp("runs") / name for name in ("one", "other")]
    for run in folders:
        (run / "samples").mkdir(parents=True)
        (run / "run.json").write_text("{}")
        lines: list[dict[str, Any]] = [
            {"images_seen": 1_000 * (step + 1), "seconds": step, "real_loss": loss, "fake_loss": loss,
             "generator_loss": loss, "real_accuracy": 0.5}
            for step, loss in enumerate(LOSSES)
        ]  # fmt: skip
        lines.append({"images_seen": 2_000, "warning": "The discriminator wins."})
        (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for step in range(1, 4):
            grid = np.full((270, 270, 3), 60 * step, np.uint8)
            Image.fromarray(grid).save(run / "samples" / f"{step:06d}k.png")
    with serving(Service(runs=folders)) as served:
        yield served


@DEVICES
def test_runs_are_compared(runs: Served, open_page: OpenPage, device: dict[str, Any]) -> None:
    page = open_page("#view=training", device, url=runs.url)
    compared = page.get_by_role("article", name="Compared")
    chart = compared.get_by_role("img", name="G loss, latest: one 3, other 3")
    chart.wait_for()
    line = page.get_by_role("img", name=re.compile("^Loss, latest")).first.locator("path.generator")
    plain = line.get_attribute("d")
    page.get_by_label("Smoothing").fill("0.9")
    smooth = line.get_attribute("d")
    page.get_by_label("Logarithmic scale").check()
    assert len({plain, smooth, line.get_attribute("d")}) == 3
    compared.get_by_role("img", name="G loss, latest: one 2.").wait_for()
    assert page.locator(".run .event title").first.text_content() == "The discriminator wins."
    assert fits(page)
    assert unnamed(page) == []
    page.close()
    forget_the_missing_model(open_page)


def test_the_filmstrip_goes_to_a_time(runs: Served, open_page: OpenPage) -> None:
    page = open_page("#view=training", url=runs.url)
    film = page.get_by_role("img", name="Seeds 0 to 3 after 1,000, 2,000, 3,000 images").first
    film.wait_for()
    assert film.evaluate("it => [it.width, it.height]") == [96, 128]
    read = "it => [...it.getContext('2d').getImageData(0, 16, 96, 1).data]"
    assert film.evaluate(read)[4 * 16 :: 4 * 32] == [60, 120, 180]
    film.click(position={"x": 5, "y": 5})
    page.get_by_text("Seeds 0 to 63 after 1,000 images").first.wait_for()
    page.close()
    forget_the_missing_model(open_page)


def forget_the_missing_model(open_page: OpenPage) -> None:
    complaints: list[str] = open_page.complaints  # type: ignore[attr-defined]
    complaints[:] = [each for each in complaints if "404 (Not Found)" not in each]
