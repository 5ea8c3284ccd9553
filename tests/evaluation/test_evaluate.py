"""evaluate as a function and as a command: complete results, clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from strangers.data.prepared import open_prepared
from strangers.errors import DataError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate, metric_name
from strangers.evaluation.result import Difference, Result, differences

from ..support import Strangers

FEW = Settings(count=300, shrinkage=True)


@pytest.fixture
def drawn(trained: Path) -> Path:
    """The set that `trained` was trained on."""
    return trained.with_name("drawn")


@pytest.fixture
def result(trained: Path, drawn: Path) -> Result:
    return evaluate(trained, drawn, settings=FEW, progress=False).result


def test_a_result_says_what_it_depends_on(result: Result, drawn: Path) -> None:
    assert set(result.values) == {
        "fd-face", "kd-face", "precision-face", "recall-face", "density-face", "coverage-face", "diversity",
    }  # fmt: skip
    assert (result.generated, result.reference, result.seeds) == (300, 96, "0-299")
    assert result.data.hash == open_prepared(drawn).manifest.hash == result.model.trained_on
    assert result.model.recipe == "dcgan-32"
    assert result.model.images_seen == 128
    assert set(result.features) == {"face"}
    assert {"torch", "numpy", "strangers", "python"} <= set(result.versions)
    assert result.hardware.processor
    assert result.seconds > 0
    assert result.shrinkage
    assert Result.model_validate_json(result.model_dump_json()) == result


def test_its_numbers_make_sense(result: Result) -> None:
    assert result.values["fd-face"].value > 0
    assert result.values["fd-face"].error is not None
    assert 1 <= result.values["diversity"].value <= 2
    assert len(result.attributes) == 40
    assert all(0 <= share.data <= 1 and 0 <= share.generated <= 1 for share in result.attributes)
    assert result.memorization is not None
    assert result.memorization.faces == 300


def test_batches_change_no_number(trained: Path, drawn: Path, result: Result) -> None:
    other = Settings(count=300, shrinkage=True, batch=17)
    again = evaluate(trained, drawn, settings=other, progress=False).result
    assert again.values["fd-face"].value == pytest.approx(result.values["fd-face"].value, rel=1e-9)
    assert again.memorization == result.memorization


def test_what_was_not_asked_for_is_not_computed(trained: Path, drawn: Path) -> None:
    only = Settings(metrics=("fd",), count=300, shrinkage=True)
    found = evaluate(trained, drawn, settings=only, progress=False).result
    assert set(found.values) == {"fd-face"}
    assert found.memorization is None


def test_metrics_are_named_for_what_they_are() -> None:
    assert metric_name("fd", "face") == "fd-face"
    assert metric_name("fd", "inception768") == "fid768"
    assert metric_name("kd", "inception768") == "kid768"
    assert metric_name("fd", "inception2048") == "fid"
    assert metric_name("precision", "inception768") == "precision768"
    assert metric_name("recall", "inception2048") == "recall"


def test_the_better_of_two_is_named_only_beyond_chance() -> None:
    assert "the second is better" in Difference(name="fd-face", value=3.0, error=1.0).sentence
    assert "the first is better" in Difference(name="fd-face", value=-3.0, error=1.0).sentence
    assert "the first is better" in Difference(name="precision-face", value=0.3, error=0.1).sentence
    assert "no significant difference" in Difference(name="fd-face", value=1.0, error=1.0).sentence


def test_results_measured_differently_are_not_compared(result: Result) -> None:
    assert {found.name for found in differences(result, result)} == {"fd-face", "kd-face"}
    assert all(found.value == 0 for found in differences(result, result))
    with pytest.raises(UsageError, match="different generated"):
        differences(result, result.model_copy(update={"generated": 10}))
    data = result.data.model_copy(update={"hash": "0" * 64})
    with pytest.raises(UsageError, match="different sets"):
        differences(result, result.model_copy(update={"data": data}))


def test_another_protocol_is_refused_with_both_named(trained: Path, drawn: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("images.npy", "names.txt", "attributes.npy"):
        (other / name).write_bytes((drawn / name).read_bytes())
    manifest = open_prepared(drawn).manifest.model_copy(update={"crop": "c108"})
    (other / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(UsageError, match=r"crop square.*crop c108.*--allow-mismatch"):
        evaluate(trained, other, settings=FEW, progress=False)
    allowed = Settings(metrics=("fd",), count=300, shrinkage=True, allow_mismatch=True)
    found = evaluate(trained, other, settings=allowed, progress=False).result
    assert found.mismatch == ("crop: square and c108",)


def test_pictures_of_another_size_are_refused_for_good(trained: Path, tmp_path: Path) -> None:
    from strangers.data.prepare import prepare

    prepare("synthetic:8", tmp_path / "large", size=64, workers=1, progress=False)
    allowed = Settings(count=10, allow_mismatch=True)
    with pytest.raises(UsageError, match="--size 32"):
        evaluate(trained, tmp_path / "large", settings=allowed, progress=False)


def test_too_few_faces_say_how_many_are_needed(trained: Path, drawn: Path) -> None:
    with pytest.raises(DataError, match=r"too few .* 256 dimensions.*at least 257.*--shrinkage"):
        evaluate(trained, drawn, settings=Settings(metrics=("fd",), count=50), progress=False)


def test_the_command_writes_a_result_and_a_report(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "result.json"
    ran = strangers("evaluate", trained, drawn, "--count", 300, "--shrinkage", "--out", out)
    assert ran.code == 0, ran.err
    assert "fd-face ↓" in ran.out
    found = Result.model_validate_json(out.read_text())
    assert found.values["fd-face"].value > 0
    page = out.with_suffix(".html").read_text()
    assert "Memorization" in page
    assert "Eyeglasses" in page
    assert page.count("<img") == 3  # faces, pairs, the run's curves
    assert not list(out.parent.glob(".partial*"))


def test_the_command_compares_two_models(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "both.json"
    words = ("--against", trained, "--metrics", "fd,kd", "--count", 300, "--shrinkage", "--out", out)
    ran = strangers("evaluate", trained, drawn, *words)
    assert ran.code == 0, ran.err
    assert "fd-face: no significant difference" in ran.out
    written = json.loads(out.read_text())
    assert len(written["results"]) == 2
    assert {found["name"] for found in written["differences"]} == {"fd-face", "kd-face"}
    assert "First model compared with the second" in out.with_suffix(".html").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--metrics", "fid"), "Unknown metric 'fid'"),
        (("--features", "clip"), "Unknown features 'clip'"),
        (("--metrics", ""), "at least one"),
        (("--count", "1"), "count"),
        (("--out", "result.txt"), "end in .json"),
        (("--device", "tpu"), "no device 'tpu'"),
        (("--truncation", "2"), "Truncation"),
        (("--features", "inception", "--weights", "absent.pth"), "absent.pth"),
    ],
)
def test_wrong_calls_end_in_a_sentence(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    out = tmp_path / "result.json"
    ran = strangers("evaluate", trained, drawn, "--out", out, *words)
    assert ran.code in (1, 2)
    assert complaint in ran.err
    assert ran.err.count("\n") == 1
    assert not out.exists()


def test_faces_are_those_of_the_seeds(trained: Path, drawn: Path) -> None:
    from strangers.sampling.load import load

    only = Settings(metrics=("diversity",), count=20)
    faces = evaluate(trained, drawn, settings=only, progress=False).faces
    np.testing.assert_array_equal(faces, load(trained).sample(range(20)))
