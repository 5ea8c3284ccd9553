"""Drawing for many clients: fair, bounded and cached."""

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
def renderer(model: Model, counting: Counting) -> Iterator[BatchRenderer]:
    renderer = BatchRenderer(replace(model, generator=counting))
    yield renderer
    renderer.stop()
    renderer.thread.join(timeout=5)
    assert not renderer.thread.is_alive()


def z_of(model: Model, *seeds: int) -> np.ndarray:
    return latents(seeds, model.recipe.latent_size, model.recipe.latent)


def test_many_small_jobs_are_drawn_in_one_batch(
    model: Model, renderer: BatchRenderer, counting: Counting
) -> None:
    async def ask() -> list[np.ndarray]:
        await renderer.draw(z_of(model, 0))
        counting.count = 0
        return await asyncio.gather(*(renderer.draw(z_of(model, seed)) for seed in range(48)))

    faces = np.concatenate(asyncio.run(ask()))
    assert np.array_equal(faces, model.sample(range(48)))
    assert counting.count <= 48 + 3 * 16  # a few groups, not one for each


def test_a_short_job_overtakes_a_long_one(model: Model, renderer: BatchRenderer) -> None:
    async def ask() -> list[str]:
        order = []

        async def draw(name: str, *seeds: int) -> None:
            await renderer.draw(z_of(model, *seeds))
            order.append(name)

        long = asyncio.create_task(draw("long", *range(1000)))
        await asyncio.sleep(0.001)
        await asyncio.gather(long, draw("short", 1))
        return order

    assert asyncio.run(ask()) == ["short", "long"]


def test_too_many_faces_get_status_429(
    model: Model, renderer: BatchRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MAX_WAITING_FACES", 10)

    async def ask() -> None:
        with pytest.raises(RequestError, match="try again") as caught:
            await renderer.draw(z_of(model, *range(11)))
        assert caught.value.status == 429
        assert len(await renderer.draw(z_of(model, 1))) == 1

    asyncio.run(ask())


def test_waiting_jobs_fail_when_the_renderer_stops(model: Model, renderer: BatchRenderer) -> None:
    async def ask() -> None:
        waiting = asyncio.create_task(renderer.draw(z_of(model, *range(2000))))
        await asyncio.sleep(0.01)
        renderer.stop()
        with pytest.raises(RequestError):
            await waiting

    asyncio.run(ask())


def test_a_face_is_drawn_once_for_many_requests(
    model: Model, renderer: BatchRenderer, counting: Counting
) -> None:
    async def ask() -> None:
        face_cache = FaceCache(renderer)
        await face_cache.faces([5], 1.0)
        counting.count = 0
        walls = await asyncio.gather(*(face_cache.faces(range(16), 1.0) for _ in range(20)))
        assert all(np.array_equal(wall, model.sample(range(16))) for wall in walls)
        assert counting.count <= 32
        counting.count = 0
        assert np.array_equal(await face_cache.faces([3, 3, 5], 1.0), model.sample([3, 3, 5]))
        assert counting.count == 0
        assert not np.array_equal(await face_cache.faces([3], 0.5), model.sample([3]))

    asyncio.run(ask())


def test_the_face_cache_is_bounded(model: Model, renderer: BatchRenderer) -> None:
    async def ask() -> None:
        face_cache = FaceCache(renderer, most_kept=3 * 32 * 32 * 10)
        for start in range(0, 100, 25):
            seeds = range(start, start + 25)
            assert np.array_equal(await face_cache.faces(seeds, 1.0), model.sample(seeds))
            assert len(face_cache._kept) <= 10

    asyncio.run(ask())
