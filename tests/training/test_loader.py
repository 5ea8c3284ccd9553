"""Batches are the set's images, whether they come from the disk or from the device's own memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strangers.data.prepared import PreparedSet, positions
from strangers.training.loader import DeviceLoader, memory_for_images

CPU = torch.device("cpu")


@pytest.mark.parametrize("fits", [False, True])
def test_a_batch_is_the_sets_images(drawn_set: PreparedSet, fits: bool) -> None:
    loader = DeviceLoader(
        drawn_set, CPU, max_bytes=drawn_set.images.nbytes if fits else drawn_set.images.nbytes - 1
    )
    assert (loader.resident is not None) == fits
    assert ("memory of cpu" in str(loader)) == fits
    for seen in (0, 32, 480):
        now, following = (positions(len(drawn_set), 32, 0, at) for at in (seen, seen + 32))
        batch = loader.batch(now, following)
        assert batch.dtype == torch.uint8
        assert np.array_equal(batch.numpy(), drawn_set.batch(now))


def test_a_set_on_a_cpu_is_left_to_the_system(drawn_set: PreparedSet) -> None:
    assert memory_for_images(CPU) == 0
    assert DeviceLoader(drawn_set, CPU).resident is None


def test_what_is_changed_in_a_batch_does_not_change_the_set(drawn_set: PreparedSet) -> None:
    loader = DeviceLoader(drawn_set, CPU, max_bytes=drawn_set.images.nbytes)
    first = np.arange(4)
    loader.batch(first, first).zero_()
    assert np.array_equal(loader.batch(first, first).numpy(), drawn_set.batch(first))
