"""Evaluation during training: the metric, the best checkpoint, and patience."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import ModelError, UsageError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.recipes.recipe import Recipe, with_overrides
from strangers.sampling.load import load
from strangers.training.dry_run import dry_run
from strangers.training.evaluator import BestMetric, Evaluator, mean_distance
from strangers.training.log import read_log
from strangers.training.loop import train
from strangers.training.session import TrainingSession

from .support import train_until

EVALUATING: dict[str, Any] = {"every": 2000, "evaluate_every": 1000, "evaluate_count": 260}


@pytest.mark.whole
def test_the_distance_is_what_evaluate_measures(small_recipe: Recipe, tmp_path: Path) -> None:
    """It is of the averaged generator, on the seeds from 0, against the set; and the model file says so."""
    # The settings' count holds for both sides, so the set is as large as the faces are many.
    drawn = prepare("synthetic:260", tmp_path / "drawn", size=32, workers=1, progress=False)
    train(drawn.path, small_recipe, tmp_path / "run", images=1000, progress=False, **EVALUATING)
    noted = load(tmp_path / "run/best").header.metrics["fd-face"]
    assert isinstance(noted, dict)
    assert (noted["generated"], noted["reference"]) == (260, 260)
    [entry] = read_log(tmp_path / "run", "fd-face")
    assert (entry["images_seen"], entry["fd-face"]) == (1024, noted["value"])
    settings = Settings(metrics=("fd-face",), count=260, device="cpu")
    result = evaluate(tmp_path / "run", drawn.path, settings=settings, progress=False).result
    assert entry["fd-face"] == pytest.approx(result.values["fd-face"].value, rel=1e-9)


@pytest.mark.whole
def test_distances_are_of_held_out_pictures(
    divided_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    run = train(divided_set.path, small_recipe, tmp_path / "run", images=1000, progress=False, **EVALUATING)
    [entry] = read_log(run.path, "fd-face")
    assert (entry["reference"], entry["reference_set"]) == (260, "held-out")
    assert run.model.header.data_hash == divided_set.manifest.hash
    part = divided_set.held_out
    assert part is not None
    settings = Settings(metrics=("fd-face",), count=260, device="cpu")
    result = evaluate(run.path, part.path, settings=settings, progress=False).result
    assert entry["fd-face"] == pytest.approx(result.values["fd-face"].value, rel=1e-6)
    best = json.loads((run.path / "checkpoints/000001024/state.json").read_text())["best"]
    assert best["reference"] == part.manifest.hash
    assert "Evaluations compare with the 260 held-out pictures" in (run.path / "console.log").read_text()


@pytest.mark.whole
def test_evaluations_appear_in_log_curves_pointers_and_tensorboard(
    drawn_set: PreparedSet, quick_recipe: Recipe, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(
        drawn_set.path, quick_recipe, out, images=3000, keep=1, tensorboard=True, progress=False, **EVALUATING
    )
    entries = read_log(out, "fd-face")
    assert [entry["images_seen"] for entry in entries] == [1024, 2048, 3008]
    best = min(entries, key=lambda entry: entry["fd-face"])
    assert (out / "best").read_text() == f"{best['images_seen']:09d}"
    kept = {path.name for path in (out / "checkpoints").iterdir()}
    assert kept == {f"{best['images_seen']:09d}", "000003008"}  # though only one was to be kept
    assert load(out / "best").header.images_seen == best["images_seen"]
    assert load(out / "latest").header.images_seen == 3008
    lines = (out / "console.log").read_text()
    assert f"After {best['images_seen']:,} images: fd-face {best['fd-face']:.4g}, the best so far." in lines
    with Image.open(out / "curves.png") as with_panel:
        assert with_panel.width > 1500
    assert b"fd-face" in next(out.glob("tensorboard/events*")).read_bytes()


def test_an_interrupted_run_has_the_same_evaluations_best_and_end(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    rates = {f"{who}_optimizer.learning_rate": "0.02" for who in ("generator", "discriminator")}
    restless = with_overrides(small_recipe, rates | {"ema_halflife_images": "500"})  # soon no longer improves
    settings = {
        "images": 60_000,
        "keep": 2,
        "patience": 2,
        "precision": "fp32",
        "progress": False,
        **EVALUATING,
    }
    ends = []
    for name in ("straight", "interrupted"):
        run = tmp_path / name
        if name == "interrupted":
            for images, ending in ((1500, "stopped"), (2500, "killed")):

                def moment(session: TrainingSession, images: int = images) -> bool:
                    return session.state.images_seen > images

                train_until(moment, ending, drawn_set.path, restless, run, **settings)
        train(drawn_set.path, restless, run, **settings)
        evaluations = [{**entry, "seconds": 0} for entry in read_log(run, "fd-face")]
        latest = run / "checkpoints" / (run / "latest").read_text()
        kept = json.loads((latest / "state.json").read_text())["best"]
        weights = (latest / "training.safetensors").read_bytes()
        ends.append((evaluations, (run / "best").read_text(), kept, weights))
    assert ends[0] == ends[1]
    evaluations, pointer, best, _ = ends[0]
    values = [entry["fd-face"] for entry in evaluations]
    assert values.index(min(values)) == len(values) - 3  # two more, then patience was over
    assert (best["evaluations_since"], f"{best['images_seen']:09d}") == (2, pointer)
    assert (run / "curves.png").exists()
    assert "the last 2 evaluations brought no improvement" in (run / "console.log").read_text()


def test_more_patience_resumes_a_stopped_run(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evaluator, "distance", lambda self, model: float(model.header.images_seen))
    settings = {"images": 4000, "precision": "fp32", "progress": False, **EVALUATING}
    seen = []
    for patience in (1, 1, 100):
        run = train(drawn_set.path, small_recipe, tmp_path / "run", **settings | {"patience": patience})
        seen.append(run.model.header.images_seen)
    assert seen == [2048, 2048, 4032]


def test_evaluations_with_another_number_of_faces_reset_the_best(
    drawn_set: PreparedSet, quick_recipe: Recipe, tmp_path: Path
) -> None:
    for images, count in ((1000, 260), (2000, 280)):
        settings = EVALUATING | {"evaluate_count": count}
        train(drawn_set.path, quick_recipe, tmp_path / "run", images=images, progress=False, **settings)
    state = json.loads((tmp_path / "run/checkpoints/000002048/state.json").read_text())
    assert (state["best"]["generated"], state["best"]["images_seen"]) == (280, 2048)
    assert "the best is reset" in (tmp_path / "run/console.log").read_text()


def test_evaluations_do_not_change_the_training(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    weights = []
    for name, settings in (("with", EVALUATING), ("without", {"every": 1000})):
        run = train(
            drawn_set.path, small_recipe, tmp_path / name, images=2000, progress=False, **settings
        ).path
        weights.append((run / "checkpoints/000002048/training.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"evaluate_every": 10}, "--evaluate-every must be at least 1000 images"),
        ({"evaluate_every": 1000, "evaluate_count": 256}, "--evaluate-count must be at least 257 faces"),
        ({"patience": 3}, "set their interval with --evaluate-every"),
        ({"evaluate_every": 1000, "patience": 0}, "--patience must be at least 1 evaluation"),
        ({"on_collapse": "pray"}, r"warn, stop, rollback \(got 'pray'\)"),
        ({"evaluate_every": 1000, "small": True}, r"at least 257 pictures \(got 40\)"),
    ],
)
@pytest.mark.parametrize("verb", [train, dry_run])
def test_a_wrong_call_creates_no_folder(
    drawn_set: PreparedSet,
    small_recipe: Recipe,
    tmp_path: Path,
    settings: dict[str, Any],
    words: str,
    verb: Any,
) -> None:
    few = settings.get("small")
    data = prepare("synthetic:40", tmp_path / "few", size=32, progress=False).path if few else drawn_set.path
    wanted = {name: value for name, value in settings.items() if name != "small"}
    with pytest.raises(UsageError, match=words):
        verb(data, small_recipe, tmp_path / "run", progress=False, **wanted)
    assert not (tmp_path / "run").exists()


def test_a_missing_best_checkpoint_is_reported(
    drawn_set: PreparedSet, small_recipe: Recipe, tmp_path: Path
) -> None:
    run = train(drawn_set.path, small_recipe, tmp_path / "run", images=1000, progress=False, **EVALUATING)
    (run.path / "best").write_text("000099999")
    with pytest.raises(ModelError, match="000099999"):
        load(run.path / "best")


def test_the_best_metric_counts_the_evaluations_after_it() -> None:
    best = BestMetric()
    for n, value in enumerate([9.0, 7.0, 7.0, 8.0]):
        best = best.updated(value, 1000 * n)
    assert (best.value, best.images_seen, best.evaluations_since) == (7.0, 1000, 2)


def test_the_mean_distance_is_over_all_pairs_of_rows() -> None:
    features = np.array([[0, 0], [3, 4], [0, 0]], np.float32)
    assert mean_distance(features) == pytest.approx((5 + 0 + 5) / 3)
    assert mean_distance(features[:1]) == 0
