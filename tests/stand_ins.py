"""Stand-ins for the slow parts of a small training: its attribute network, and the plots of its curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from strangers.evaluation.attributes import AttributeNetwork, Attributes, Reading
from strangers.images import Pixels, encode_png, to_signed
from strangers.system.outputs import OF_TRAINING
from strangers.training import evaluator, pictures


class QuickReader(Attributes):
    """An attribute network without a network: 256 random projections of the pixels."""

    def read(self, pixels: Pixels) -> Reading:
        images = to_signed(torch.from_numpy(np.array(pixels)))
        values = F.adaptive_avg_pool2d(images, 16).flatten(1).numpy()
        raw = np.random.Philox(key=0).random_raw(values.shape[1] * 256).reshape(-1, 256) >> np.uint64(40)
        features = values @ (raw.astype(np.float32) / np.float32(2**23) - 1)
        return Reading(features.astype(np.float32), np.zeros((len(pixels), 1), np.float32))


def stand_in(replace: Callable[[object, str, object], None]) -> None:
    """Leave out matplotlib and the attribute network of trainings; a file of curves is written all the same.

    replace: `setattr`, for good or of a monkeypatch.
    """
    network = QuickReader(AttributeNetwork(1), ("Smiling",), "quick")
    replace(evaluator, "load_attributes", lambda device="cpu": network)
    plot = encode_png(np.zeros((1, 1, 3), np.uint8), title=f"Curves{OF_TRAINING}")
    replace(pictures, "curves", lambda run: plot)
