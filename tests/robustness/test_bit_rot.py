"""A flipped bit in any stored file is detected before the file is used, and the file is named."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.errors import DataError, ModelError
from strangers.evaluation import attribute_training, attributes
from strangers.evaluation.attributes import load_attributes
from strangers.sampling.load import load
from strangers.system.cache import Cached, read_cached, to_bytes
from strangers.training import checkpoint
from strangers.training.run import read_recipe
from strangers.training.state_file import STATE, Progress
from strangers.training.step import new_state

from ..support import Strangers, train_words, write_model


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    out = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:24", out, size=16, workers=1, progress=False)


def flips(path: Path, times: range, seed: int, among: int | None = None) -> Iterator[int]:
    """Flip one random bit of the file at a time, or of its first bytes, and put it back after."""
    chance, whole = random.Random(f"{path.name} {seed}"), path.read_bytes()
    for _ in times:
        bit = chance.randrange(8 * min(len(whole), among or len(whole)))
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.unlink()  # which another name of the file outlives
        path.write_bytes(data)
        yield bit
    path.write_bytes(whole)


def test_a_flipped_bit_in_a_checkpoint_is_detected(
    trained: Path, tmp_path: Path, trials: Any, tally: Any
) -> None:
    """The one before it is used."""
    recipe = read_recipe(trained)
    assert recipe is not None
    state, run = new_state(recipe, 0, torch.device("cpu")), tmp_path / "run"
    shutil.copytree(trained, run)
    newest = run / "checkpoints" / (run / "latest").read_text()
    checkpoint.restore(run, state)
    state.images_seen = 9999
    header = load(newest, device="cpu").header
    checkpoint.save(run, state, checkpoint.serialize(state.ema, header), Progress(), keep=9)
    kept, times = tmp_path / "kept", trials(4, 300)
    shutil.copytree(run, kept)
    for name in (checkpoint.MODEL, checkpoint.TRAINING, STATE):
        for bit in flips(kept / "checkpoints/000009999" / name, times, 0):
            shutil.rmtree(run)
            shutil.copytree(kept, run, copy_function=os.link)
            _, complaints = checkpoint.restore(run, state)
            assert len(complaints) == 1, (name, bit)
            assert "000009999 is damaged" in complaints[0], (name, bit)
            assert [path.name for path in (run / "checkpoints").iterdir()] == [newest.name]
    tally("bits flipped in a checkpoint", 3 * len(times))


@pytest.mark.parametrize("half", [False, True], ids=["32 bits", "16 bits"])
def test_a_flipped_bit_in_a_model_file_is_detected(
    half: bool, tmp_path: Path, trials: Any, tally: Any
) -> None:
    from strangers.sampling.model_file import save_model

    path = write_model(tmp_path / "model.safetensors")
    if half:
        whole = load(path, device="cpu")
        save_model(path, whole.generator, whole.header, half=True)
    header = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    for among in (header, None):
        for bit in flips(path, trials(6, 500), 1, among):
            with pytest.raises(ModelError, match=r"model\.safetensors") as caught:
                load(path, device="cpu")
            assert "\n" not in str(caught.value), bit
    load(path, device="cpu")
    tally(f"bits flipped in a model file of {16 if half else 32} bits", 2 * len(trials(6, 500)))


def read(path: Path) -> tuple[Any, ...]:
    """All that there is in a prepared set."""
    opened = open_prepared(path)
    images = np.concatenate(list(opened.blocks(10)))
    return images, np.array(opened.attributes), opened.names, opened.manifest


@pytest.mark.parametrize("age", ["new", "old"])
def test_a_flipped_bit_in_a_prepared_set_is_detected(
    age: str, drawn: PreparedSet, tmp_path: Path, trials: Any, tally: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in one from before there were checksums, but for what nothing vouches for there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy, times = tmp_path / "set", trials(3, 200)
    shutil.copytree(drawn.path, copy)
    if age == "old":
        (copy / "SHA256SUMS").unlink()
        (copy / "checksums.npy").unlink()
    names = ["images.npy", "names.txt"] if age == "old" else [path.name for path in copy.iterdir()]
    before = read(copy)
    for name in sorted({*names} - {"preview.png"}):
        for among in (128, None) if name == "images.npy" else (None,):
            for bit in flips(copy / name, times, 2, among):
                with pytest.raises(DataError, match=r"prepared set .*set is damaged") as caught:
                    read(copy)
                assert caught.value.__context__ is None or "\n" not in str(caught.value), (name, bit)
    assert all(np.array_equal(one, other) for one, other in zip(before[:2], read(copy)[:2], strict=True))
    tally(f"bits flipped in {'a set' if age == 'new' else 'an older set'}", (len(names) + 1) * len(times))


def test_a_flipped_bit_in_an_image_stops_a_training(
    drawn: PreparedSet, strangers: Strangers, tmp_path: Path, trials: Any, tally: Any
) -> None:
    times, data = trials(1, 20), tmp_path / "set"
    prepare("synthetic:48", data, size=32, workers=1, progress=False)
    for bit in flips(data / "images.npy", times, 3):
        ended = strangers(*train_words(data, tmp_path / f"run {bit}"))
        image = (bit // 8 - 128) // (32 * 32 * 3)
        assert ended.code == 1
        assert ended.err == (
            f"error: The prepared set {data} is damaged: image {image} of images.npy is corrupted; "
            "remove the folder and prepare it again.\n"
        )
    tally("trainings on a set with one wrong bit", len(times))


def test_a_flipped_bit_in_a_cached_array_is_detected(tmp_path: Path, trials: Any, tally: Any) -> None:
    """They are computed again."""
    numbers = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    whole, path = Cached({"numbers": numbers}, {"count": 20}), tmp_path / "cached.safetensors"
    path.write_bytes(to_bytes(whole))
    for bit in flips(path, trials(20, 2000), 4):
        found = read_cached(path)
        assert found is None or (found.facts, flat(found)) == (whole.facts, flat(whole)), bit
    assert read_cached(path) is not None
    tally("bits flipped in cached arrays", len(trials(20, 2000)))


def flat(value: Cached) -> dict[str, Any]:
    return {name: array.tolist() for name, array in value.arrays.items()}


def test_a_flipped_bit_in_an_attribute_network_is_detected(
    drawn: PreparedSet, tmp_path: Path, trials: Any, tally: Any
) -> None:
    path = tmp_path / "attributes.safetensors"
    network = attributes.AttributeNetwork(len(drawn.manifest.attributes))
    path.write_bytes(attribute_training._as_bytes(network, drawn, 0, 1))
    header = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    for among in (header, None):
        for _ in flips(path, trials(4, 150), 6, among):
            with pytest.raises(ModelError, match=r"attributes\.safetensors"):
                load_attributes.__wrapped__(path)
    load_attributes.__wrapped__(path)
    tally("bits flipped in an attribute network", 2 * len(trials(4, 150)))
