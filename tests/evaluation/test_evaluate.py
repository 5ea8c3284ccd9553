"""evaluate: complete results, and errors before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import open_prepared
from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.evaluation.facts import ModelFacts
from strangers.evaluation.result import Result
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..support import write_model

FEW = Settings(count=300, shrinkage=True)


@pytest.fixture(scope="module")
def drawn(trained: Path) -> Path:
    """The set that `trained` was trained on."""
    return trained.with_name("drawn")


@pytest.fixture(scope="module")
def result(trained: Path, drawn: Path) -> Result:
    return evaluate(trained, drawn, settings=FEW, progress=False).result


def test_a_result_records_everything_it_depends_on(result: Result, trained: Path, drawn: Path) -> None:
    assert isinstance(result.model, ModelFacts)
    assert set(result.values) == {
        "fd-face", "kd-face", "precision-face", "recall-face", "density-face", "coverage-face", "diversity",
    }  # fmt: skip
    assert (result.generated, result.reference, result.seeds) == (300, 96, "0-299")
    assert result.data.hash == open_prepared(drawn).manifest.hash == result.model.data_hash
    assert result.model.recipe == "dcgan-32"
    assert result.model.images_seen == 128
    assert set(result.features) == {"face"}
    assert {"torch", "numpy", "strangers", "python"} <= set(result.versions)
    assert result.hardware.processor
    assert result.seconds > 0
    assert result.shrinkage
    assert result.command == (
        "strangers", "evaluate", str(trained), str(drawn), "--metrics", "quick", "--count", "300",
        "--shrinkage",
    )  # fmt: skip
    assert result.values["recall-face"].error is None
    assert result.values["recall-face"].reason
    assert Result.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(("held_out", "control"), [(0.5, "held-out"), (0.05, "training")])
def test_a_held_out_part_that_is_large_enough_is_the_control(
    held_out: float, control: str, tmp_path: Path
) -> None:
    data = prepare("synthetic:260", tmp_path / "set", size=32, workers=1, progress=False, hold_out=held_out)
    model = write_model(
        tmp_path / "model.safetensors", data_hash=data.manifest.hash, crop=data.manifest.crop,
        filter=data.manifest.filter,
    )  # fmt: skip
    few = Settings(count=64, metrics=("memorization",))
    found = evaluate(model, data.path, settings=few, progress=False).result.memorization
    assert found is not None
    assert found.control_set == control


def test_its_numbers_make_sense(result: Result) -> None:
    assert result.values["fd-face"].value > 0
    assert result.values["fd-face"].error is not None
    assert 1 <= result.values["diversity"].value <= 2
    assert len(result.attributes) == 40
    assert all(0 <= share.data <= 1 and 0 <= share.generated <= 1 for share in result.attributes)
    assert result.memorization is not None
    assert result.memorization.faces == 300
    assert result.memorization.verdict in ("original", "doubtful")
    assert result.notes == ()


def test_batches_change_no_number(trained: Path, drawn: Path, result: Result) -> None:
    other = Settings(count=300, shrinkage=True, batch=17)
    again = evaluate(trained, drawn, settings=other, progress=False).result
    assert again.values["fd-face"].value == pytest.approx(result.values["fd-face"].value, rel=1e-9)
    assert again.memorization == result.memorization


def test_only_requested_metrics_are_computed(trained: Path, drawn: Path) -> None:
    only = Settings(metrics=("fd-face",), count=300, shrinkage=True)
    found = evaluate(trained, drawn, settings=only, progress=False).result
    assert set(found.values) == {"fd-face"}
    assert found.memorization is None


def test_another_protocol_is_refused_with_both_named(trained: Path, drawn: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("images.npy", "names.txt", "attributes.npy"):
        (other / name).write_bytes((drawn / name).read_bytes())
    manifest = open_prepared(drawn).manifest.model_copy(update={"crop": "c108"})
    (other / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(UsageError, match=r"crop square.*crop c108.*--allow-mismatch"):
        evaluate(trained, other, settings=FEW, progress=False)
    allowed = Settings(metrics=("fd-face",), count=300, shrinkage=True, allow_mismatch=True)
    found = evaluate(trained, other, settings=allowed, progress=False).result
    assert found.mismatch == ("crop: square and c108",)


def test_pictures_of_another_size_are_refused_for_good(trained: Path, tmp_path: Path) -> None:
    prepare("synthetic:8", tmp_path / "large", size=64, workers=1, progress=False)
    allowed = Settings(count=10, allow_mismatch=True)
    with pytest.raises(UsageError, match="--size 32"):
        evaluate(trained, tmp_path / "large", settings=allowed, progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            Settings(metrics=("fd-face",), count=300),
            r"drawn has 96 pictures, too few for fd-face: at least 257",
        ),
        (
            Settings(metrics=("fd-face",), count=50),
            r"small has 50 pictures, too few for fd-face.*--shrinkage",
        ),
        (Settings(metrics=("kd-face",), count=3), r"small has 3 pictures, too few for kd-face: at least 4"),
        (
            Settings(metrics=("precision-face",), count=5),
            r"small has 5 pictures, too few for precision-face: at least 6",
        ),
    ],
)
def test_too_few_pictures_are_refused_before_any_is_drawn(
    trained: Path, drawn: Path, settings: Settings, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "batches", None)  # drawing would fail
    monkeypatch.setattr("strangers.evaluation.collect.reference_features", None)
    with pytest.raises(DataError, match=message):
        evaluate(trained, drawn, settings=settings, progress=False)


def test_memorization_is_checked_against_the_training_set_alone(
    trained: Path, drawn: Path, tmp_path: Path
) -> None:
    others = prepare("synthetic:16", tmp_path / "others", size=32, workers=1, progress=False).path
    only = Settings(metrics=("memorization",), count=20)
    found = evaluate(trained, others, settings=only, progress=False).result
    assert found.memorization is None
    assert "Name that set with --training" in found.notes[0]
    found = evaluate(trained, others, training=drawn, settings=only, progress=False).result
    assert found.memorization is not None
    assert found.memorization.pictures == 96
    assert found.notes == ()
    with pytest.raises(UsageError, match="was not trained on"):
        evaluate(trained, drawn, training=others, settings=only, progress=False)


def test_faces_are_those_of_the_seeds(trained: Path, drawn: Path) -> None:
    only = Settings(metrics=("diversity",), count=20)
    faces = evaluate(trained, drawn, settings=only, progress=False).faces
    np.testing.assert_array_equal(faces, load(trained).sample(range(20)))
