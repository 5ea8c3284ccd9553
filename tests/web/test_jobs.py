"""Background work ends on request, and the search for directions reports its state."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from strangers.latent.directions import Directions
from strangers.sampling.model import Model
from strangers.web import jobs
from strangers.web.jobs import Finder, Work


def test_stopped_work_ends_at_its_next_face(model: Model) -> None:
    drawing = threading.Event()

    def forever(model: Model) -> None:
        z = torch.zeros(1, model.recipe.latent_size)
        while True:
            model.generator(z)
            drawing.set()

    work = Work(model, forever)
    assert drawing.wait(30)
    work.stop.set()
    work.thread.join(30)
    assert not work.thread.is_alive()


def found(model: Model, *names: str) -> Directions:
    vectors = np.eye(model.recipe.latent_size, dtype=np.float32)[: len(names)]
    return Directions(names, vectors, (0.9,) * len(names), model.recipe.latent)


def test_directions_are_ready_when_they_are_found(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "find_directions", lambda model, **_: found(model, "Smiling"))
    finder = Finder(model)
    finder.work.thread.join(30)
    assert (finder.found.state, finder.found.progress, finder.found.reason) == ("ready", 1.0, "")


def test_a_search_reports_its_progress(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[tuple[str, float]] = []

    def search(model: Model, count: int, advance: object) -> Directions:
        assert callable(advance)
        for _ in range(2):
            advance(count // 4)
            states.append((finder.found.state, finder.found.progress))
        return found(model, "Smiling")

    started = threading.Event()
    monkeypatch.setattr(
        jobs, "find_directions", lambda model, **words: started.wait(30) and search(model, **words)
    )
    finder = Finder(model, count=8)
    started.set()
    finder.work.thread.join(30)
    assert states == [("searching", 0.25), ("searching", 0.5)]


@pytest.mark.parametrize("fails", [True, False], ids=["an error", "no attributes"])
def test_directions_are_unavailable_with_a_reason(
    model: Model, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def search(model: Model, **_: object) -> Directions:
        if fails:
            raise ValueError("of the search")
        return found(model)

    monkeypatch.setattr(jobs, "find_directions", search)
    finder = Finder(model)
    finder.work.thread.join(30)
    assert finder.found.state == "unavailable"
    assert ("of the search" if fails else "too alike") in finder.found.reason
