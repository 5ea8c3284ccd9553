"""The face detector as an ONNX file is as certain as that of the package."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.data.face_detection import certainties
from strangers.data.synthetic.faces import draw
from strangers.export.certainty import certainty_onnx
from strangers.sampling.onnx_generator import new_session


@pytest.mark.parametrize("size", [32, 128])
def test_it_is_as_certain_as_the_packages_detector(size: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    pictures = np.concatenate([noise, draw(range(3), size)[0]])
    images = pictures.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    (found,) = new_session(certainty_onnx(size), 1).run(["certainties"], {"images": images})
    wanted = certainties(pictures)
    assert wanted.max() - wanted.min() > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-5)
