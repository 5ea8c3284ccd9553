"""The pictures of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from strangers.errors import UsageError
from strangers.images import encode_png
from strangers.sampling.load import load
from strangers.system.outputs import check_outputs
from strangers.training import pictures
from strangers.training.log import RunLog, read_log
from strangers.training.step import StepReport


def test_curves_of_long_runs_average_lines_and_skip_invalid_ones(tmp_path: Path) -> None:
    lines = [{"images_seen": number, "loss": number % 2} for number in range(5 * pictures.MAX_POINTS + 1)]
    odd = [
        "[]",
        '{"images_seen": 1',
        '{"images_seen": 1, "loss": "1"}',
        f'{{"images_seen": 1{"0" * 400}, "loss": 1}}',
    ]
    (tmp_path / "log.jsonl").write_text("\n".join([*map(json.dumps, lines), *odd]))
    series = pictures._series(tmp_path, "images_seen", "loss")
    assert len(series) <= pictures.MAX_POINTS
    np.testing.assert_allclose(series[0], [2.5, 0.5])
    assert series[-1, 0] <= lines[-1]["images_seen"]
    assert 0.4 < series[:, 1].mean() < 0.6
    assert len(pictures._series(tmp_path / "absent", "images_seen")) == 0


@pytest.mark.whole
@pytest.mark.parametrize("count", [3, 3_000])
def test_curves_are_readable_with_few_lines_and_with_many(tmp_path: Path, count: int) -> None:
    random = np.random.default_rng(0)
    lines = [
        dict(zip(StepReport._fields, random.uniform(0.4, 0.6, 6).tolist(), strict=True))
        | {"images_seen": 1_000 * (number + 1), "generator_loss": random.uniform(1, 2)}
        for number in range(count)
    ]
    if count > 3:
        lines[1]["generator_loss"] = 1_000  # a spike, which must not flatten the rest
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pictures.save_curves(tmp_path)
    with Image.open(tmp_path / "curves.png") as picture:
        loss = np.asarray(picture.convert("RGB")).astype(int)[:, : picture.width // 2]
    height, width = loss.shape[:2]
    for color in pictures.COLORS.values():
        drawn = np.abs(loss - np.array(ImageColor.getrgb(color))).max(axis=2) < 40
        assert drawn.any(axis=0).sum() > 0.4 * width
        assert drawn.mean() < 0.1  # a curve, not an area
        rows = np.flatnonzero(drawn.any(axis=1))
        if count == 3:
            assert drawn.sum() > 100  # its marks
        else:
            assert np.ptp(rows) > 0.05 * height


def test_no_command_replaces_a_grid_of_a_run_wherever_it_is(tmp_path: Path) -> None:
    model = load("celeba-32", device="cpu")
    (tmp_path / "log.jsonl").touch()
    pictures.save_samples(tmp_path, model, np.zeros((64, 8, 8, 3), np.uint8))
    [grid] = (tmp_path / "samples").iterdir()
    mine = grid.rename(tmp_path / "mine.png")
    with pytest.raises(UsageError, match=r"mine\.png exists, and this command did not write it"):
        check_outputs(mine, kind="picture")
    mine.write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8), model.provenance(range(64))))
    check_outputs(mine, kind="picture")


def grid(run: Path, name: str, value: int = 0, title: str = pictures.TITLE, size: int = 8) -> Path:
    path = run / "samples" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_png(np.full((size, size, 3), value, np.uint8), title=title))
    return path


def test_a_broken_grid_is_left_out_of_the_animation_and_named(tmp_path: Path) -> None:
    good, broken, cut = (grid(tmp_path, f"00000{n}k.png", n) for n in (1, 2, 3))
    data = bytearray(broken.read_bytes())
    data[len(data) // 2] ^= 8
    broken.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:20])
    assert pictures.save_animation(tmp_path) == [broken, cut]
    with Image.open(tmp_path / "progress.webp") as animation:
        assert animation.size == (8, 8)
    good.unlink()
    (tmp_path / "progress.webp").unlink()
    assert pictures.save_animation(tmp_path) == [broken, cut]
    assert not (tmp_path / "progress.webp").exists()


def test_pictures_by_a_person_in_samples_are_neither_removed_nor_animated(tmp_path: Path) -> None:
    old, own, new = (grid(tmp_path, name) for name in ("000001k.png", "mine-1k.png", "000002k.png"))
    same_name = grid(tmp_path, "000003k.png", title="", size=9)
    (tmp_path / "samples" / "000004k.png").symlink_to(old)
    pictures.remove_samples(tmp_path, after=1999)
    assert (old.exists(), own.exists(), new.exists(), same_name.exists()) == (True, True, False, True)
    own.write_bytes(b"no picture")
    assert pictures.save_animation(tmp_path) == [same_name, same_name.with_name("000004k.png")]
    with Image.open(tmp_path / "progress.webp") as animation:
        assert animation.size == (8, 8)
    newest = pictures.newest_grid(tmp_path)
    assert newest == old


def test_a_picture_of_the_run_replaces_its_own_earlier_one_and_no_other(tmp_path: Path) -> None:
    model = load("celeba-32", device="cpu")
    faces = np.zeros((64, 32, 32, 3), np.uint8)
    (tmp_path / "log.jsonl").write_text(json.dumps(dict.fromkeys((*StepReport._fields, "images_seen"), 1)))
    for _ in range(2):
        pictures.save_samples(tmp_path, model, faces)
        pictures.save_strip(tmp_path, 32)
        assert pictures.save_animation(tmp_path) == []
    drawn = [pictures.grid_path(tmp_path, model.header.images_seen), tmp_path / "curves.png"]
    drawn += [tmp_path / "progress.png", tmp_path / "progress.webp"]
    for path in drawn:
        with pytest.raises(UsageError, match="this command did not write it"):
            check_outputs(path, kind="picture")
        path.write_bytes(b"mine")
    again: list[Callable[[], object]] = [
        lambda: pictures.save_samples(tmp_path, model, faces),
        lambda: pictures.save_curves(tmp_path),
        lambda: pictures.save_strip(tmp_path, 32),
        lambda: pictures.save_animation(tmp_path),
    ]
    grid(tmp_path, "000001k.png", size=8 * 34 - 2)
    for write in again:
        with pytest.raises(FileExistsError, match="is something else; move it"):
            write()
    assert {path.read_bytes() for path in drawn} == {b"mine"}


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd"), MemoryError()])
def test_a_picture_that_fails_is_a_warning(error: Exception, tmp_path: Path) -> None:
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    with closing(log), pictures.optional(log, 5, "pictures"):
        fail(error)
    [entry] = read_log(tmp_path, "warning")
    assert (entry["kind"], entry["images_seen"]) == ("not written", 5)
    assert "The pictures after 5 images could not be written: " in entry["warning"]
