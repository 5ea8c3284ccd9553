"""The command line: files, messages and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.cli import main
from strangers.images import grid, read_provenance
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import with_overrides
from strangers.training import loop
from strangers.training.session import TrainingSession
from strangers.training.step import StepReport

from .support import Strangers, train_words

VERBS = (
    "prepare", "explore", "train", "recipes", "sample", "interpolate", "edit", "invert", "evaluate",
    "compare", "verify", "statistics", "train-attributes", "export", "serve", "doctor", "cache",
)  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_help_names_every_verb(strangers: Strangers) -> None:
    asked, nothing = strangers("--help"), strangers()
    assert asked.code == 0
    assert all(verb in asked.out for verb in VERBS)
    assert nothing == asked


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(strangers: Strangers, verb: str) -> None:
    code, out, _ = strangers(verb, "--help")
    assert code == 0
    lines = out.partition("Examples:\n")[2].splitlines()
    assert 2 <= len(lines) <= 3
    assert all(line.strip().split()[:2] == ["strangers", verb] for line in lines)


def test_train_prints_where_the_pictures_are(strangers: Strangers, trained: Path) -> None:
    code, out, _ = strangers(*train_words(trained.with_name("drawn"), trained))  # finished: ends at once
    assert code == 0
    named = [Path(line.split()[1]) for line in out.splitlines() if line.startswith("  ")]
    assert [path.suffix for path in named] == [".png", ".png", ".webp", ".png", ".safetensors"]
    assert all(path.exists() for path in named)


def test_dry_run_trains_nothing(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    code, out, _ = strangers(*train_words(trained.with_name("drawn"), tmp_path / "run", "--dry-run"))
    assert code == 0
    assert "dcgan-32" in out
    assert not (tmp_path / "run").exists()


def test_another_recipe_for_an_old_run_is_refused_with_the_field(strangers: Strangers, trained: Path) -> None:
    words = train_words(trained.with_name("drawn"), trained, "--set", "real_label=0.9")
    code, _, err = strangers(*words)
    assert code == 1
    assert "real_label" in err


def test_sample_to_a_picture_is_a_grid_with_its_provenance(
    strangers: Strangers, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "faces.png"
    code, said, _ = strangers("sample", trained, "--seeds", "3,5-8", "--grid", "3x2", "--out", out)
    assert code == 0
    assert str(out) in said
    assert pixels(out).shape[1] > pixels(out).shape[0]
    assert read_provenance(out).seeds == "3,5-8"


def test_sample_to_a_folder_names_each_face_by_its_seed(
    strangers: Strangers, trained: Path, tmp_path: Path
) -> None:
    assert strangers("sample", trained, "--seeds", "7,12345", "--out", tmp_path / "faces").code == 0
    faces = sorted((tmp_path / "faces").iterdir())
    assert [path.name for path in faces] == ["seed0007.png", "seed12345.png"]
    assert pixels(faces[0]).shape == (32, 32, 3)
    assert read_provenance(faces[0]).seeds == "7"


def test_a_face_is_the_same_alone_and_in_a_grid(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    strangers("sample", trained, "--seeds", "0-5", "--out", tmp_path / "faces")
    strangers("sample", trained, "--grid", "3x2", "--out", tmp_path / "grid.png")
    faces = np.stack([pixels(path) for path in sorted((tmp_path / "faces").iterdir())])
    np.testing.assert_array_equal(pixels(tmp_path / "grid.png"), grid(faces, columns=3))


def test_sampling_again_replaces_the_picture(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces.png"
    assert strangers("sample", trained, "--seeds", "1", "--out", out).code == 0
    before = pixels(out)
    assert strangers("sample", trained, "--seeds", "2", "--out", out).code == 0
    assert (pixels(out) != before).any()
    assert list(tmp_path.iterdir()) == [out]


@pytest.fixture
def quick_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of parameters that need no network."""
    counts = {"generator": 10**6, "discriminator": 10**6}
    monkeypatch.setattr("strangers.recipes.recipe.parameter_counts", lambda recipe: counts)


@pytest.mark.usefixtures("quick_counts")
def test_recipes_lists_every_recipe(strangers: Strangers) -> None:
    code, out, _ = strangers("recipes")
    assert code == 0
    assert all(name in out for name in RECIPES)
    assert [entry["recipe"]["name"] for entry in json.loads(strangers("recipes", "--json").out)] == list(
        RECIPES
    )


def test_a_recipe_as_json_has_both_parameter_counts(strangers: Strangers) -> None:
    described = json.loads(strangers("recipes", "dcgan-64", "--json").out)
    assert described["parameters"] == {"generator": 3_576_704, "discriminator": 2_765_568}
    assert described["recipe"] == RECIPES["dcgan-64"].model_dump(mode="json")


@pytest.mark.usefixtures("quick_counts")
@pytest.mark.parametrize("name", RECIPES)
def test_the_output_of_recipes_can_be_passed_to_set(strangers: Strangers, name: str) -> None:
    lines = strangers("recipes", name).out.splitlines()
    printed = dict(line.split(maxsplit=1) for line in lines if not line.startswith("parameters "))
    assert with_overrides(RECIPES[name], printed) == RECIPES[name]


@pytest.mark.parametrize("truncation", ["0", "1.5", "-1"])
def test_a_wrong_truncation_is_refused(
    strangers: Strangers, trained: Path, tmp_path: Path, truncation: str
) -> None:
    code, _, err = strangers("sample", trained, "--truncation", truncation, "--out", tmp_path / "faces.png")
    assert code == 2
    assert "runcation" in err


@pytest.mark.parametrize("out", ["file", "file/set"])
def test_a_set_is_not_written_over_a_file_or_into_one(
    strangers: Strangers, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    code, _, err = strangers("prepare", "synthetic:4", "--out", out)
    assert code == 2
    assert err.startswith("error: file")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "a/locked"), "a/locked: Permission denied"),
        (MemoryError(), "Out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "Out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "Out of memory"),
    ],
)
def test_a_system_error_is_one_sentence(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def refuse(seconds: float) -> None:
        raise error

    monkeypatch.setattr("strangers.commands.doctor.examine", refuse)
    code, _, err = strangers("doctor")
    assert code == 1
    assert says in err
    assert err.count("\n") == 1


def test_a_bug_is_not_hidden(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seconds: float) -> None:
        raise RuntimeError("shapes do not agree")

    monkeypatch.setattr("strangers.commands.doctor.examine", fail)
    with pytest.raises(RuntimeError, match="shapes do not agree"):
        strangers("doctor")


def test_ctrl_c_exits_with_130(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("strangers.commands.doctor.examine", interrupted)
    assert strangers("doctor").code == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_saves_and_reports_it(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    number: signal.Signals, code: int,
) -> None:  # fmt: skip
    next_step = loop.next_step

    def step(session: TrainingSession) -> StepReport:
        if session.state.images_seen == 64:
            signal.raise_signal(number)
        return next_step(session)

    monkeypatch.setattr(loop, "next_step", step)
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(train_words(trained.with_name("drawn"), tmp_path / "run")))
    assert ended.value.code == code
    assert "Stopped and saved after 96 images" in capsys.readouterr().out
    assert (tmp_path / "run" / "latest").read_text() == "000000096"


def test_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "strangers", "recipes", "dcgan-64"]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert result.stderr == ""
    assert result.returncode == 1
