"""Certainties of the faces that the page asks for: judged once, and bounded."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from strangers.data.face_detection import certainties
from strangers.images import Pixels
from strangers.sampling.model import Model
from strangers.web import certainties as judging
from strangers.web.certainties import Certainties
from strangers.web.errors import RequestError
from strangers.web.renderer import BatchRenderer, FaceCache


def test_each_face_is_judged_once_and_too_many_get_status_429(
    model: Model, quick_directions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []

    def counted(faces: Pixels) -> np.ndarray:
        judged.append(len(faces))
        return certainties(faces)

    monkeypatch.setattr(judging, "certainties", counted)
    monkeypatch.setattr(judging, "MAX_WAITING_CERTAINTIES", 8)
    renderer = BatchRenderer(model)

    async def ask() -> tuple[list[float], list[float]]:
        found = Certainties(FaceCache(renderer))
        seeds = [15, 200, 201, 200]  # the first is of the model's own faces, which are known
        answers = await asyncio.gather(found.of(seeds, 1.0), found.of(seeds, 1.0))
        with pytest.raises(RequestError, match="Too many faces"):
            await found.of(range(9), 1.0)
        return answers

    try:
        first, second = asyncio.run(ask())
    finally:
        renderer.stop()
    assert first == second
    np.testing.assert_allclose(first, certainties(model.sample([15, 200, 201, 200])), atol=1e-6)
    assert judged == [2]
