"""state.json gives back the progress that was written, and whatever else it holds is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strangers.errors import RunError
from strangers.training.evaluator import BestMetric
from strangers.training.health import HealthMonitor
from strangers.training.state_file import STATE, Progress, description_of, digest, parse_progress, read_state
from strangers.training.step import StepReport

HASHES = {"model.safetensors": "0" * 64, "training.safetensors": "1" * 64}

PROGRESS = Progress(
    seconds=12.5,
    log={"steps": 3, "sums": [0.5] * len(StepReport._fields)},
    health=HealthMonitor(rollbacks=2),
    best=BestMetric(value=7.25, images_seen=1024),
    snapshot=True,
    copies={"run.json": {"seed": 0}},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / STATE).write_text(description_of(2048, PROGRESS, HASHES))
    return tmp_path


def test_progress_survives_a_file(folder: Path) -> None:
    found = read_state(folder)
    assert found["images_seen"] == 2048
    assert found["sha256"] == HASHES
    assert parse_progress(folder, found) == PROGRESS


def test_a_changed_digit_is_detected(folder: Path) -> None:
    path = folder / STATE
    path.write_text(path.read_text().replace('"seconds": ', '"seconds": 1'))
    with pytest.raises(ValueError, match=r"state\.json has changed since it was written"):
        read_state(folder)


def test_another_format_is_refused(folder: Path) -> None:
    path = folder / STATE
    path.write_text(path.read_text().replace('"format": 4', '"format": 3'))
    with pytest.raises(ValueError, match="has format 3, this version reads 4"):
        read_state(folder)


def test_images_seen_is_a_whole_number(folder: Path) -> None:
    described = json.loads((folder / STATE).read_text()) | {"images_seen": "2048"}
    del described["state_sha256"]
    (folder / STATE).write_text(json.dumps(described | {"state_sha256": digest(described)}))
    with pytest.raises(ValueError, match=r"images_seen in state\.json is not a whole number"):
        read_state(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": []},
        {"log": "sums"},
        {"log": {"steps": 1, "sums": [1.0]}},
        {"health": {"good_at": {}}},
        {"health": {"rollbacks": 10**400}},
        {"best": {"value": "low"}},
    ],
    ids=["seconds", "log", "few-sums", "health", "rollbacks", "best"],
)
def test_a_value_with_which_no_training_resumes_is_an_error_in_one_line(
    folder: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(RunError, match=r"is damaged: [^\n]+") as raised:
        parse_progress(folder, read_state(folder) | changes)
    assert "\n" not in str(raised.value)
