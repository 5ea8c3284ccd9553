"""The command `interpolate`: animations between faces."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.images import read_provenance
from strangers.latent.inversion import Inversion
from strangers.latent.latent_file import latent_file
from strangers.sampling.model import Model

from ..support import Strangers
from .conftest import read_pixels


@pytest.mark.parametrize(("ending", "kind"), [("webp", "WEBP"), ("gif", "GIF")])
def test_a_walk_is_written_as_an_animation(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path, ending: str, kind: str
) -> None:
    out = tmp_path / "new" / f"walk.{ending}"
    words = ("interpolate", tiny_file, "--seeds", "1,5,9", "--frames", "12", "--loop", "--out", out)
    code, said, err = strangers(*words)
    assert code == 0, err
    assert "12 frames through 3 faces" in said
    with Image.open(out) as animation:
        assert (animation.format, animation.size) == (kind, (32, 32))
        assert animation.n_frames == 12  # type: ignore[attr-defined]
        played = 0
        for frame in range(12):
            animation.seek(frame)
            animation.load()
            played += animation.info["duration"]
        assert played == 600
    assert b"trainedAlgorithmicMedia" in out.read_bytes()
    assert list(out.parent.iterdir()) == [out]


def test_a_walk_is_written_as_a_strip(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path
) -> None:
    out = tmp_path / "walk.png"
    assert strangers("interpolate", tiny_file, "--seeds", "1,5", "--frames", "7", "--out", out).code == 0
    strip = read_pixels(out)
    assert strip.shape == (32, 7 * 34 - 2, 3)
    assert np.array_equal(strip[:, :32], tiny_model.sample([1])[0])
    assert np.array_equal(strip[:, -32:], tiny_model.sample([5])[0])
    assert read_provenance(out).latents == "interpolation of 7 frames"


def test_a_walk_is_written_as_a_video(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path
) -> None:
    av = pytest.importorskip("av")
    out = tmp_path / "walk.mp4"
    assert strangers("interpolate", tiny_file, "--seeds", "1,5", "--frames", "20", "--out", out).code == 0
    with av.open(out) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == 20
        assert "Seeds: 1,5" in video.metadata["comment"]
    assert len(frames) == 20
    light = [float(np.mean(frame)) for frame in (frames[0], tiny_model.sample([1])[0])]
    assert light[0] == pytest.approx(light[1], abs=6)


def test_a_video_without_the_extra_names_the_extra(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, err = strangers("interpolate", tiny_file, "--seeds", "1,5", "--out", tmp_path / "walk.mp4")
    assert code == 2
    assert "pip install 'strangers[video]'" in err
    assert list(tmp_path.iterdir()) == []


def test_a_walk_leads_through_latent_files_after_the_seeds(
    strangers: Strangers, tiny_file: Path, tiny_model: Model, tmp_path: Path
) -> None:
    z = tiny_model.latents([3, 7, 8])
    words = ["interpolate", tiny_file, "--seeds", "3", "--frames", "3", "--out", tmp_path / "walk.png"]
    for number, latent in enumerate(z[1:]):
        found = Inversion(1, 1, latent, 0.0, 0.0, tiny_model.decode(latent[None])[0])
        file = tmp_path / f"{number}.json"
        file.write_text(latent_file(tiny_model, found, 0.0, 1, 0).model_dump_json())
        words += ["--latent", file]
    code, said, err = strangers(*words)
    assert code == 0, err
    assert "3 frames through 3 faces" in said
    strip = read_pixels(tmp_path / "walk.png")
    frames = [strip[:, left : left + 32] for left in (0, 34, 68)]
    assert np.array_equal(np.stack(frames), tiny_model.decode(z))
    assert read_provenance(tmp_path / "walk.png").latents.endswith("from 0.json, 1.json")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--fps 30 --seeds 1,2 --out a.gif", "a GIF has 1, 2, 4, 5, 10, 20, 25 or 50"),
        ("--fps 0 --seeds 1,2 --out a.webp", "--fps"),
        ("--out a.webp", "--seeds, --latent, or both"),
    ],
)
def test_a_speed_or_keyframes_that_cannot_be_are_wrong_calls(
    strangers: Strangers, tiny_file: Path, words: str, message: str
) -> None:
    code, _, err = strangers("interpolate", tiny_file, *words.split())
    assert code == 2
    assert message in err


def test_fps_sets_how_long_a_frame_is_shown(strangers: Strangers, tiny_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.gif"
    assert (
        strangers("interpolate", tiny_file, "--seeds", "1,2", "--frames", 2, "--fps", 10, "-o", out).code == 0
    )
    with Image.open(out) as animation:
        assert animation.info["duration"] == 100
