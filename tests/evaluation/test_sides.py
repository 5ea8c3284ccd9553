"""Sides: the same pictures give the same numbers in every container, on either side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.prepare import prepare
from strangers.data.synthetic.faces import draw
from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.facts import PictureFacts
from strangers.evaluation.sides import JPEG_NOTE, Side, open_side
from strangers.images import Pixels

from .support import folder, written

FACES = draw(range(1_000, 1_040), 32)[0]


def pictures(side: Side, count: int) -> Pixels:
    assert side.batches is not None
    return np.concatenate(list(side.batches(count)))


def test_every_container_gives_the_same_numbers(tmp_path: Path) -> None:
    """A folder, a zip and an npz of the same faces, and the photographs as a folder, an array and a set."""
    others = draw(range(60), 32)[0]
    np.save(tmp_path / "photographs.npy", others)
    place = folder(tmp_path / "photographs", others)
    data = prepare(place, tmp_path / "set", size=32, workers=1, progress=False).path
    settings = Settings(metrics=("fd-face", "kd-face", "mind-face"), count=40, shrinkage=True)
    values = []
    references = (data, place, tmp_path / "photographs.npy")
    for kind, reference in zip(("folder", "zip", "npz"), references, strict=True):
        found = evaluate(written(kind, tmp_path, FACES), reference, settings=settings, progress=False).result
        assert isinstance(found.model, PictureFacts)
        assert (found.generated, found.reference, found.seeds) == (40, 40, "")
        values.append([found.values[name].value for name in settings.names])
    np.testing.assert_allclose(values, [values[0]] * 3, rtol=1e-9)


def test_a_prepared_set_states_its_protocol_and_a_known_mismatch_is_refused(tmp_path: Path) -> None:
    data = prepare("synthetic:60", tmp_path / "set", size=32, workers=1, progress=False).path
    settings = Settings(metrics=("kd-face",), count=40)
    found = evaluate(data, data, settings=settings, progress=False).result
    assert "crop square" in str(found.model.protocol)
    assert found.values["kd-face"].value < 0.01  # of a set to itself
    large = prepare("synthetic:60", tmp_path / "large", size=64, workers=1, progress=False).path
    with pytest.raises(UsageError, match="--size 64"):
        evaluate(large, data, settings=settings, progress=False)


def test_jpeg_pictures_are_noted(tmp_path: Path) -> None:
    place = folder(tmp_path / "faces", FACES)
    Image.fromarray(FACES[0]).save(place / "0000.jpg")
    assert any(JPEG_NOTE in note for note in open_side(place).notes)


def test_references_that_were_compressed_at_their_size_are_noted(tmp_path: Path) -> None:
    place = tmp_path / "photographs"
    place.mkdir()
    for number, face in enumerate(FACES):
        Image.fromarray(face).save(place / f"{number}.jpg")
    settings = Settings(metrics=("kd-face",), count=40)
    found = evaluate(written("npy", tmp_path, FACES), place, settings=settings, progress=False).result
    assert found.data.protocol.format == "JPEG"
    assert any(JPEG_NOTE in note for note in found.notes)
    large = prepare(place, tmp_path / "smaller", size=16, workers=1, progress=False).path
    assert open_side(large).notes == ()  # reduced afterwards


def test_a_model_may_be_the_reference(trained: Path, tmp_path: Path) -> None:
    settings = Settings(metrics=("kd-face",), count=40)
    found = evaluate(written("npy", tmp_path, FACES), trained, settings=settings, progress=False).result
    assert found.reference == 40
    assert found.values["kd-face"].value > 0


def test_an_npz_of_other_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces.npz", mu=np.zeros(4), sigma=np.zeros((4, 4)))
    with pytest.raises(DataError, match="must have 64, 192, 768, 2048 numbers"):
        open_side(tmp_path / "faces.npz")


def test_pictures_have_no_truncation(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="applies to models"):
        evaluate(written("npy", tmp_path, FACES), tmp_path, settings=Settings(truncation=0.7), progress=False)
