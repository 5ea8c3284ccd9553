"""Run folders are read while they are written, truncated and pruned."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from strangers.web.errors import RequestError
from strangers.web.run_reader import MAX_POINTS, RunReader
from strangers.web.schemas import RunAnswer

from .support import Served

LINE = {
    "images_seen": 100, "epoch": 1, "batch": 3, "real_loss": 0.5, "real_accuracy": 0.9, "fake_loss": 0.4,
    "fake_accuracy": 0.8, "generator_loss": 2.0, "generator_accuracy": 0.1, "images_per_second": 50.0,
    "seconds": 2.0,
}  # fmt: skip


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of a run, to be written in."""
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    return copy


def write_log(run: Path, *entries: object) -> None:
    (run / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_a_run_has_an_opaque_name(served: Served, trained: Path) -> None:
    (summary,) = served.client.get("/api/runs").json()["runs"]
    assert summary["id"] == "1"
    assert summary["title"] == trained.name
    assert str(trained) not in served.client.get("/api/runs").text
    assert (summary["state"], summary["images_seen"], summary["budget"]) == ("finished", 128, 128)
    assert summary["recipe"]["batch"] == 32
    assert served.client.get("/api/runs/1").json() == summary
    for name in ("2", "0", "..", "%2e%2e", "1%2f..%2f..", trained.name):
        assert served.client.get(f"/api/runs/{name}").status_code == 404


def test_curves_and_grids_equal_those_of_the_folder(served: Served, trained: Path) -> None:
    curves = served.client.get("/api/runs/1/log").json()
    assert curves["columns"]["images_seen"][-1] == 128
    assert len(curves["columns"]["real_loss"]) == len(curves["columns"]["images_seen"])
    assert "variety" in curves["metrics"]
    name = served.client.get("/api/runs/1").json()["samples"][-1]
    grid = served.client.get(f"/api/runs/1/samples/{name}.png")
    assert grid.content == (trained / "samples" / f"{name}.png").read_bytes()
    again = served.client.get(
        f"/api/runs/1/samples/{name}.png", headers={"If-None-Match": grid.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["000999k", "..%2f..%2freals", "reals", "..%2freals", "0000k%00", "x" * 3000]
)
def test_only_grids_are_served(served: Served, name: str) -> None:
    answer = served.client.get(f"/api/runs/1/samples/{name}.png")
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_no_photograph_is_served(served: Served, trained: Path) -> None:
    assert (trained / "reals.png").exists()
    assert served.client.get("/api/runs/1/reals.png").status_code == 404


def test_the_summary_has_time_left_speed_warnings_and_metrics(run: Path) -> None:
    warning = {"images_seen": 90, "warning": "Something is odd.", "kind": "collapse"}
    write_log(
        run,
        {**LINE, "images_seen": 78, "images_per_second": 25.0},
        {"images_seen": 78, "fd-face": 42.5, "generated": 9},
        warning,
    )
    summary = RunReader(run).summary()
    assert (summary["images_per_second"], summary["seconds_left"]) == (25.0, 2.0)
    assert summary["warnings"] == [{"images_seen": 90, "message": "Something is odd."}]
    assert summary["metrics"] == {"fd-face": 42.5}
    assert summary["state"] == "training"
    hours_ago = time.time() - 10_000
    os.utime(run / "log.jsonl", (hours_ago, hours_ago))
    assert RunReader(run).summary()["state"] == "idle"


def test_a_broken_log_is_read_as_far_as_possible(run: Path) -> None:
    lines = (
        json.dumps(LINE),
        "[1, 2]",
        "nonsense",
        '{"real_loss": NaN, "images_seen": 200}',
        '{"real_loss": "x", "images_seen": 1e999}',
        '{"warning": 3}',
        '{"fd-face": ' + "9" * 400 + "}",
        "[" * 20_000,
        '{"warning": "\\ud800"}',
        '{"images_seen": 300, "real_lo',
    )
    text = "\n".join(lines)
    (run / "log.jsonl").write_bytes(text.encode() + b"\xff\x00")
    reader = RunReader(run)
    assert RunAnswer.model_validate({"id": "1", **reader.summary()}).model_dump_json()
    assert reader.curves()["columns"]["real_loss"] == [0.5, None, None]


def test_an_empty_folder_is_a_pending_run(tmp_path: Path) -> None:
    summary = RunReader(tmp_path / "gone").summary()
    assert (summary["state"], summary["samples"], summary["recipe"]) == ("pending", [], {})


def test_long_curves_are_thinned_but_keep_their_last_point(run: Path) -> None:
    write_log(run, *({**LINE, "images_seen": i} for i in range(5000)))
    images = RunReader(run).curves()["columns"]["images_seen"]
    assert len(images) <= MAX_POINTS + 1
    assert (images[0], images[-1]) == (0, 4999)


def test_reading_never_fails_while_a_run_is_written_and_pruned(served: Served, run: Path) -> None:
    reader = served.service.runs["9"] = RunReader(run)
    grid = next((run / "samples").glob("*.png"))
    data, stop = grid.read_bytes(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with (run / "log.jsonl").open("a") as file:
                file.write(json.dumps({**LINE, "images_seen": number})[: 40 + number % 400])
                file.write("\n" if number % 3 else "")
            (run / "samples" / f"{number % 7:06d}k.png").write_bytes(data)
            (run / "samples" / f"{(number + 3) % 7:06d}k.png").unlink(missing_ok=True)
            if number % 20 == 0:
                (run / "log.jsonl").unlink()
                shutil.rmtree(run / "samples")
                (run / "samples").mkdir()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(60):
            summary = served.client.get("/api/runs/9")
            assert summary.status_code == 200
            assert served.client.get("/api/runs/9/log").status_code == 200
            for name in summary.json()["samples"][:2]:
                assert served.client.get(f"/api/runs/9/samples/{name}.png").status_code in (200, 404)
    finally:
        stop.set()
        writer.join()
        del served.service.runs["9"]
    assert reader.title == run.name


@pytest.mark.parametrize("images", ["9" * 400, "[" * 980 + "]" * 980, '{"a":' * 950 + "1" + "}" * 950])
def test_a_deeply_nested_recipe_is_ignored(run: Path, images: str) -> None:
    (run / "recipe.json").write_text(f'{{"images": {images}, "batch": 32}}')
    summary = RunAnswer.model_validate({"id": "1", **RunReader(run).summary()})
    assert summary.budget == 0
    assert summary.model_dump_json()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_in_a_run_blocks_no_request(run: Path) -> None:
    for name in ("log.jsonl", "recipe.json", "samples/000099k.png"):
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
    reader = RunReader(run)
    assert (reader.summary()["state"], reader.summary()["recipe"]) == ("pending", {})
    with pytest.raises(RequestError):
        reader.sample("000099k")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_out_of_a_run_is_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps({"secret": 1}))
    for name in ("log.jsonl", "recipe.json", "samples/000099k.png"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(tmp_path / "secret")
    reader = RunReader(run)
    assert (reader.summary()["recipe"], reader.curves()["columns"]) == ({}, {})
    with pytest.raises(RequestError):
        reader.sample("000099k")
