"""Training of the attribute network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.data.writer import Writer
from strangers.errors import DataError, UsageError
from strangers.evaluation import attribute_training
from strangers.evaluation.attribute_training import augment
from strangers.evaluation.attributes import load_attributes
from strangers.system.folders import new_folder


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribute_training, "TRAINING_BATCH", 16)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """Drawn faces with exact labels."""
    place = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:160", place, size=64, workers=1, progress=False)


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """The same faces and one more: another set."""
    place = tmp_path_factory.mktemp("sets") / "validation"
    return prepare("synthetic:161", place, size=64, workers=1, progress=False)


def test_training_learns_and_its_file_is_loaded(
    drawn: PreparedSet, validation: PreparedSet, tmp_path: Path
) -> None:
    out = tmp_path / "attributes.safetensors"
    accuracies = attribute_training.train(
        drawn.path, validation.path, out, epochs=6, precision="fp32", progress=False
    )
    assert [row.name for row in accuracies] == drawn.manifest.attributes
    means = attribute_training.summary(accuracies)
    assert means["balanced"] > 0.55  # a constant prediction has 0.5
    again = attribute_training.measure(load_attributes(out), validation)
    assert again == accuracies
    assert f"{means['accuracy']:.1%}" in out.with_suffix(".md").read_text()


def test_training_repeats_itself(
    drawn: PreparedSet, validation: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_training, "TRAINING_BATCH", 32)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for out in (first, second):
        attribute_training.train(drawn.path, validation.path, out, epochs=1, precision="fp32", progress=False)
    assert first.read_bytes() == second.read_bytes()


def test_augmented_pictures_stay_in_range_and_differ() -> None:
    torch.manual_seed(0)
    images = torch.rand(8, 3, 64, 64) * 2 - 1
    augmented = augment(images)
    assert augmented.shape == images.shape
    assert augmented.abs().max() <= 1
    assert all((one != other).any() for one, other in zip(augmented, images, strict=True))


def test_an_attribute_that_is_known_of_no_held_out_picture_is_not_measured(
    drawn: PreparedSet, tmp_path: Path
) -> None:
    assert drawn.attributes is not None
    known = np.asarray(drawn.attributes).copy()
    known[:, 1:] = 0
    for name, labels in (("one", known), ("none", known * 0)):
        with new_folder(tmp_path / name) as folder, Writer(folder, 64) as writer:
            names = [f"other-{each}" for each in drawn.names]
            writer.add(names, np.asarray(drawn.images), [""] * len(drawn))
            writer.finish(drawn.manifest.model_copy(update={"hash": writer.hash()}), labels)
    out = tmp_path / "a.safetensors"
    accuracies = attribute_training.train(drawn.path, tmp_path / "one", out, epochs=1, progress=False)
    assert [row.name for row in accuracies] == drawn.manifest.attributes[:1]
    assert (
        f"**Not measured**: {', '.join(drawn.manifest.attributes[1:])}" in out.with_suffix(".md").read_text()
    )
    with pytest.raises(DataError, match="known of no picture"):
        attribute_training.train(drawn.path, tmp_path / "none", tmp_path / "b.safetensors", progress=False)


def test_unusable_sets_are_refused(drawn: PreparedSet, validation: PreparedSet, tmp_path: Path) -> None:
    small = prepare("synthetic:8", tmp_path / "small", size=32, workers=1, progress=False)
    with pytest.raises(DataError, match="--size 64"):
        attribute_training.train(small.path, drawn.path, tmp_path / "a.safetensors", progress=False)
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("images.npy", "names.txt"):
        (bare / name).write_bytes((drawn.path / name).read_bytes())
    manifest = drawn.manifest.model_copy(update={"attributes": []})
    (bare / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt"):
        attribute_training.train(bare, drawn.path, tmp_path / "a.safetensors", progress=False)
    with pytest.raises(UsageError, match=r"\.safetensors"):
        attribute_training.train(drawn.path, validation.path, tmp_path / "a.pt", progress=False)
    with pytest.raises(UsageError, match="has the training pictures"):
        attribute_training.train(drawn.path, drawn.path, tmp_path / "a.safetensors", progress=False)
    assert not list(tmp_path.glob("a.*"))
