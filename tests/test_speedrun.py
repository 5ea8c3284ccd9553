"""The speedrun: the clock stops for the judge, a record is complete, and the table has all records."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from speedrun import harness, table  # noqa: E402

from strangers.data.prepare import prepare  # noqa: E402
from strangers.sampling.model import Model  # noqa: E402

from .support import SMALL  # noqa: E402

DISTANCES = iter((0.9, 0.7, 0.5, 0.3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs and the record."""
    return tmp_path_factory.mktemp("speedrun")


def words(folder: Path, *more: str) -> list[str]:
    """Return the command line of a tiny training."""
    changes = [word for change in SMALL for word in ("--set", change)]
    data = str(folder / "set")
    return [
        "speedrun", data, data, "--name", "tiny", "--recipe", "dcgan-32", *changes, "--every", "1000",
        "--first", "2000", "--target", "0.6", "--out", str(folder), "--records", str(folder), *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    """The record of two tiny trainings, one added to the other, whose distances are given."""
    data = prepare("synthetic:300", folder / "set", size=32, workers=1, progress=False).path

    def judged(model: Model, held_out: Path, **_: object) -> Any:
        assert held_out == data
        time.sleep(0.2)
        value = SimpleNamespace(value=next(DISTANCES), error=0.01)
        result = SimpleNamespace(model=model, generated=2, reference=2, features={}, values={"fid768": value})
        return SimpleNamespace(result=result)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "evaluate", judged)
        for seeds in ("3", "3,4"):
            patch.setattr(sys, "argv", words(folder, "--seeds", seeds))
            harness.main()
    loaded: dict[str, Any] = json.loads((folder / "tiny.json").read_text())
    loaded["console"] = (folder / "tiny-seed-3.log").read_text()
    return loaded


def test_a_training_is_judged_at_its_interval_until_the_target(record: dict[str, Any]) -> None:
    run, later = record["runs"]
    assert [point["images_seen"] for point in run["points"]] == [2016, 3008, 4000]
    assert [point["fid768"]["value"] for point in run["points"]] == [0.9, 0.7, 0.5]
    assert [point["fid768"]["value"] for point in later["points"]] == [0.3]
    assert (run["seed"], later["seed"]) == (3, 4)
    assert len(run["file"]) == 64


def test_a_record_says_what_its_times_depend_on(record: dict[str, Any]) -> None:
    assert record["recipe"]["batch"] == 32
    assert record["data"]["count"] == 300
    assert record["judge"]["generated"] == 2
    assert record["interval"] == {"every": 1000, "first": 2000}
    assert record["machine"]["threads"] == 1
    assert record["clock"] == "prepared set"


def test_the_clock_stops_for_the_judge() -> None:
    clock = harness.Clock()
    with clock.stopped() as before:
        time.sleep(0.2)
    assert before.wall <= clock.read().wall < before.wall + 0.2


def test_no_training_is_replaced_or_mixed_with_others(
    record: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "tiny.json").read_bytes()
    (folder / "tiny" / "seed-5").mkdir()
    for more, fault in (
        (["--seeds", "3,4"], "has these seeds"),
        (["--seeds", "3,5"], "seed-5 exists"),
        (["--seeds", "6", "--set", "batch=16"], "other conditions: changes"),
        (["--seeds", "6", "--every", "500"], "other conditions: interval"),
    ):
        monkeypatch.setattr(sys, "argv", words(folder, *more))
        with pytest.raises(SystemExit, match=fault):
            harness.main()
    assert (folder / "tiny.json").read_bytes() == before


def test_times_are_medians_of_the_first_judgment_at_the_target() -> None:
    judged = ([(90, 0.7), (120, 0.6), (150, 0.5)], [(90, 0.6)], [(90, 0.61), (240, 0.2)])
    runs = [
        {
            "points": [
                {"wall_seconds": wall, "cpu_seconds": 60, "fid768": {"value": value}} for wall, value in run
            ]
        }
        for run in judged
    ]
    assert table.median_time({"runs": runs}, 0.6).wall == 120
    assert table.median_time({"runs": runs}, 0.3).wall == table.NEVER


def test_the_table_has_all_records() -> None:
    text = (ROOT / "benchmarks/speedrun/README.md").read_text()
    assert text == table.with_table(text, table.all_records(ROOT / "benchmarks/speedrun/records"))
