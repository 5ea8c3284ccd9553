"""The commands that steer, as a user types them: what they leave, and what they say."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.evaluation import attributes
from strangers.evaluation.attributes import AttributeNetwork, Attributes, Reading
from strangers.images import Pixels, grid, read_provenance
from strangers.latent import directions, effects, inversion, ood
from strangers.latent import filtering as choosing
from strangers.sampling.load import load
from strangers.sampling.model import Model

from ..conftest import Strangers, write_model


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="module")
def model(path: Path) -> Model:
    return load(path, device="cpu")


@dataclass(frozen=True)
class Eye(Attributes):
    """Says Smiling of what is lighter than usual above, Male of what is so below, and Bald of nothing."""

    usual: tuple[float, float] = (0, 0)

    def read(self, pixels: Pixels) -> Reading:
        above, below = (pixels[:, rows].mean((1, 2, 3)) for rows in (slice(16), slice(16, None)))
        lighter = np.stack([above - self.usual[0], below - self.usual[1], np.full(len(pixels), -100.0)], 1)
        seen = (1 / (1 + np.exp(-lighter))).astype(np.float32)
        return Reading(seen[:, :2], seen)


@pytest.fixture
def eye(model: Model, monkeypatch: pytest.MonkeyPatch) -> Eye:
    """The network that `strangers` meets in place of its own, with an eye for this model's faces."""
    faces = model.sample(range(64))
    usual = float(faces[:, :16].mean()), float(faces[:, 16:].mean())
    network = Eye(AttributeNetwork(3, (4,)), ("Smiling", "Male", "Bald"), "0" * 16, usual=usual)
    assert vars(inversion)["load_attributes"] is attributes.load_attributes  # imported before: it stays
    for module in (attributes, choosing, directions, effects):
        monkeypatch.setattr(module, "load_attributes", lambda device="cpu": network)
    monkeypatch.setattr(directions, "COUNT", 600)
    return network


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.mark.usefixtures("eye")
def test_edit_pictures_a_row_for_each_face_from_less_to_more(
    strangers: Strangers, path: Path, model: Model, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "smile.png"
    words = ("edit", path, "--seeds", "3,4", "--attribute", "Smiling", "--strengths", "-2..2")
    code, said, err = strangers(*words, "--out", out, "--measure")
    assert code == 0, err
    assert "Wrote 2 faces 9 times" in said
    assert "Smiling at 2: changes in" in said
    strip = pixels(out)
    assert strip.shape == (2 * 34 - 2, 9 * 34 - 2, 3)
    rows = [strip[top : top + 16] for top in (0, 34)]
    for row in rows:
        light = [row[:, left : left + 32].mean() for left in range(0, 9 * 34, 34)]
        assert light[-1] > light[4] > light[0]
    assert np.array_equal(strip[:32, 4 * 34 : 4 * 34 + 32], model.sample([3])[0])
    told = read_provenance(out)
    assert (told.seeds, told.model_hash) == ("3-4", model.hash)
    assert told.latents.startswith("Smiling -2,-1.5,-1,")


@pytest.mark.usefixtures("eye")
def test_edit_can_hold_other_attributes(strangers: Strangers, path: Path, tmp_path: Path) -> None:
    words = ("edit", path, "--seeds", "3", "--attribute", "Smiling", "--strengths", "0,3")
    for name, more in (("plain", ()), ("named", ("--hold", "Male")), ("all", ("--hold", "all"))):
        assert strangers(*words, "--out", tmp_path / f"{name}.png", *more).code == 0
    assert np.array_equal(pixels(tmp_path / "named.png"), pixels(tmp_path / "all.png"))
    assert not np.array_equal(pixels(tmp_path / "named.png"), pixels(tmp_path / "plain.png"))
    assert read_provenance(tmp_path / "named.png").latents == "Smiling 0,3, orthogonal to Male"


@pytest.mark.usefixtures("eye")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("edit MODEL --seeds 1 --attribute Smile --out a.png", "'Smile'. There are Smiling, Male, Bald"),
        ("edit MODEL --seeds 1 --attribute Bald --out a.png", "fewer than 50 of 600 faces"),
        ("edit MODEL --seeds 1 --attribute Smiling --hold Mole --out a.png", "'Mole'"),
        ("edit MODEL --attribute Smiling --out a.png", "--seeds or by --latent"),
        ("edit MODEL --seeds 1 --latent l.json --attribute Smiling --out a.png", "one of the two"),
        ("edit MODEL --seeds 1 --attribute Smiling --out folder", "end in .png"),
        ("edit MODEL --seeds 1 --attribute Smiling --strengths much --out a.png", "-2..2"),
        ("edit MODEL --seeds 0-5000 --attribute Smiling --out a.png", "at most 10,000 faces"),
        ("interpolate MODEL --seeds 1 --out a.webp", "at least two"),
        ("interpolate MODEL --seeds 1,2 --frames 1 --out a.webp", "--frames"),
        ("interpolate MODEL --seeds 1,2 --out a.avi", "WebP, GIF, MP4"),
        ("invert MODEL photo.jpg --out latent.txt", "end in .json"),
        ("sample MODEL --where Smile=1 --out a.png", "'Smile'"),
        ("sample MODEL --where Smiling --out a.png", "NAME=1"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_leaves_nothing(
    strangers: Strangers, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = strangers(*(path if word == "MODEL" else word for word in words.split()))
    assert code == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "kind"), [("webp", "WEBP"), ("gif", "GIF")])
def test_a_walk_is_an_animation(
    strangers: Strangers, path: Path, model: Model, tmp_path: Path, ending: str, kind: str
) -> None:
    out = tmp_path / "new" / f"walk.{ending}"
    words = ("interpolate", path, "--seeds", "1,5,9", "--frames", "12", "--loop", "--out", out)
    code, said, err = strangers(*words)
    assert code == 0, err
    assert "12 frames by way of 3 faces" in said
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


def test_a_walk_is_a_strip(strangers: Strangers, path: Path, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "walk.png"
    assert strangers("interpolate", path, "--seeds", "1,5", "--frames", "7", "--out", out).code == 0
    strip = pixels(out)
    assert strip.shape == (32, 7 * 34 - 2, 3)
    assert np.array_equal(strip[:, :32], model.sample([1])[0])
    assert np.array_equal(strip[:, -32:], model.sample([5])[0])
    assert read_provenance(out).latents == "a walk of 7 frames"


def test_a_walk_is_a_video(strangers: Strangers, path: Path, model: Model, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    out = tmp_path / "walk.mp4"
    assert strangers("interpolate", path, "--seeds", "1,5", "--frames", "20", "--out", out).code == 0
    with av.open(out) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == 20
        assert "Seeds: 1,5" in video.metadata["comment"]
    assert len(frames) == 20
    light = [float(np.mean(frame)) for frame in (frames[0], model.sample([1])[0])]
    assert light[0] == pytest.approx(light[1], abs=6)


def test_without_the_extra_a_video_names_it(
    strangers: Strangers, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, err = strangers("interpolate", path, "--seeds", "1,5", "--out", tmp_path / "walk.mp4")
    assert code == 2
    assert "pip install 'strangers[video]'" in err
    assert list(tmp_path.iterdir()) == []


def test_sample_keeps_the_faces_that_are_so(
    strangers: Strangers, path: Path, model: Model, tmp_path: Path, eye: Eye
) -> None:
    out = tmp_path / "faces.png"
    code, said, err = strangers("sample", path, "--where", "Smiling=1,Male=0", "--grid", "3x2", "--out", out)
    assert code == 0, err
    seen = eye.read(model.sample(range(2_000))).probabilities > 0.5
    kept = np.flatnonzero(seen[:, 0] & ~seen[:, 1])[:6].tolist()
    assert f"Kept 6 of {kept[-1] + 1} faces" in said
    assert np.array_equal(pixels(out), grid(model.sample(kept), columns=3))
    assert read_provenance(out).seeds.startswith(str(kept[0]))


def test_sample_looks_through_the_seeds_that_are_named(
    strangers: Strangers, path: Path, model: Model, tmp_path: Path, eye: Eye
) -> None:
    words = ("sample", path, "--where", "Smiling=1", "--seeds", "100-149", "--out", tmp_path / "faces")
    assert strangers(*words).code == 0
    kept = 100 + np.flatnonzero(eye.read(model.sample(range(100, 150))).probabilities[:, 0] > 0.5)
    assert sorted(file.name for file in (tmp_path / "faces").iterdir()) == [
        f"seed{seed:04d}.png" for seed in kept
    ]
    code, _, err = strangers(
        "sample", path, "--where", "Bald=1", "--seeds", "0-9", "--out", tmp_path / "bald.png"
    )
    assert code == 1
    assert "Only 0 of 10 faces have Bald=1" in err


def test_invert_writes_a_latent_that_edit_reads(
    strangers: Strangers, path: Path, model: Model, tmp_path: Path, eye: Eye
) -> None:
    photograph = tmp_path / "face.png"
    Image.fromarray(model.sample([7])[0]).save(photograph)
    out = tmp_path / "new" / "latent.json"
    words = ("invert", path, photograph, "--cropped", "--steps", 40, "--starts", 2, "--out", out)
    code, said, err = strangers(*words)
    assert code == 0, err
    assert "Pixels differ by" in said
    found = json.loads(out.read_text())
    assert found["model_hash"] == model.hash
    pair = pixels(out.with_suffix(".png"))
    assert np.array_equal(pair[:, :32], model.sample([7])[0])
    assert np.array_equal(pair[:, -32:], model.decode(np.array([found["latent"]], np.float32))[0])
    edited = ("edit", path, "--latent", out, "--attribute", "Smiling", "--strengths", "0", "--out")
    assert strangers(*edited, tmp_path / "strip.png").code == 0
    assert np.array_equal(pixels(tmp_path / "strip.png"), pair[:, -32:])
    assert "latent.json" in read_provenance(tmp_path / "strip.png").latents
    other = write_model(tmp_path / "other.safetensors", images_seen=2)
    code, _, err = strangers("edit", other, *edited[2:], tmp_path / "strip.png")
    assert code == 2
    assert "belongs to model" in err


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("nowhere.jpg", (), "cannot be read"),
        ("text.jpg", (), "not an image"),
        ("small.png", (), "too small for crop c178; if it is cropped already, say --cropped"),
        ("wide.png", ("--cropped",), "not square"),
    ],
)
def test_a_photograph_that_cannot_be_inverted_is_told(
    strangers: Strangers, path: Path, tmp_path: Path, name: str, more: tuple[str, ...], says: str
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (60, 60)).save(tmp_path / "small.png")
    Image.new("RGB", (60, 40)).save(tmp_path / "wide.png")
    code, _, err = strangers("invert", path, tmp_path / name, "--out", tmp_path / "new" / "l.json", *more)
    assert code == 1
    assert says in err
    assert not (tmp_path / "new").exists()


def test_what_is_no_face_is_inverted_with_a_warning(
    strangers: Strangers, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ood, "OOD_THRESHOLD", 0.1)  # an untrained model's own faces are as strange as noise
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    words = ("--cropped", "--steps", 1, "--out", tmp_path / "latent.json")
    code, _, err = strangers("invert", path, tmp_path / "noise.png", *words)
    assert code == 0
    assert err.startswith("warning: ")
