"""Drawing for many: fair, bounded, and from memory where a face was drawn already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor, nn

from strangers.sampling.latents import latents
from strangers.sampling.model import Model
from strangers.web import renderer as drawing
from strangers.web.errors import RequestError
from strangers.web.renderer import BatchRenderer, FaceCache


class Counting(nn.Module):
    """A generator that counts the latents it was given."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator, self.count = generator, 0

    def forward(self, z: Tensor) -> Tensor:
        self.count += len(z)
        images: Tensor = self.generator(z)
        return images


@pytest.fixture
def counting(model: Model) -> Counting:
    return Counting(model.generator).eval()


@pytest.fixture
def drawer(model: Model, counting: Counting) -> Iterator[BatchRenderer]:
    drawer = BatchRenderer(replace(model, generator=counting))
    yield drawer
    drawer.stop()
    drawer.thread.join(timeout=5)
    assert not drawer.thread.is_alive()


def z_of(model: Model, *seeds: int) -> np.ndarray:
    return latents(seeds, model.recipe.latent_size, model.recipe.latent)


def test_many_small_wishes_are_drawn_together(
    model: Model, drawer: BatchRenderer, counting: Counting
) -> None:
    async def ask() -> list[np.ndarray]:
        await drawer.draw(z_of(model, 0))
        counting.count = 0
        return await asyncio.gather(*(drawer.draw(z_of(model, seed)) for seed in range(48)))

    faces = np.concatenate(asyncio.run(ask()))
    assert np.array_equal(faces, model.sample(range(48)))
    assert counting.count <= 48 + 3 * 16  # a few groups, not one for each


def test_a_short_wish_overtakes_a_long_one(model: Model, drawer: BatchRenderer) -> None:
    async def ask() -> list[str]:
        order = []

        async def draw(name: str, *seeds: int) -> None:
            await drawer.draw(z_of(model, *seeds))
            order.append(name)

        long = asyncio.create_task(draw("long", *range(1000)))
        await asyncio.sleep(0.001)
        await asyncio.gather(long, draw("short", 1))
        return order

    assert asyncio.run(ask()) == ["short", "long"]


def test_too_many_are_told_to_come_back(
    model: Model, drawer: BatchRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MOST_WAITING", 10)

    async def ask() -> None:
        with pytest.raises(RequestError, match="ask again") as told:
            await drawer.draw(z_of(model, *range(11)))
        assert told.value.status == 429
        assert len(await drawer.draw(z_of(model, 1))) == 1

    asyncio.run(ask())


def test_who_waits_when_it_stops_is_told(model: Model, drawer: BatchRenderer) -> None:
    async def ask() -> None:
        waiting = asyncio.create_task(drawer.draw(z_of(model, *range(2000))))
        await asyncio.sleep(0.01)
        drawer.stop()
        with pytest.raises(RequestError):
            await waiting

    asyncio.run(ask())


def test_a_face_is_drawn_once_however_many_ask(
    model: Model, drawer: BatchRenderer, counting: Counting
) -> None:
    async def ask() -> None:
        gallery = FaceCache(drawer)
        await gallery.faces([5], 1.0)
        counting.count = 0
        walls = await asyncio.gather(*(gallery.faces(range(16), 1.0) for _ in range(20)))
        assert all(np.array_equal(wall, model.sample(range(16))) for wall in walls)
        assert counting.count <= 32
        counting.count = 0
        assert np.array_equal(await gallery.faces([3, 3, 5], 1.0), model.sample([3, 3, 5]))
        assert counting.count == 0
        assert not np.array_equal(await gallery.faces([3], 0.5), model.sample([3]))

    asyncio.run(ask())


def test_what_is_kept_is_bounded(model: Model, drawer: BatchRenderer) -> None:
    async def ask() -> None:
        gallery = FaceCache(drawer, most_kept=3 * 32 * 32 * 10)
        for start in range(0, 100, 25):
            seeds = range(start, start + 25)
            assert np.array_equal(await gallery.faces(seeds, 1.0), model.sample(seeds))
            assert len(gallery._kept) <= 10

    asyncio.run(ask())
