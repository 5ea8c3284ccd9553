"""Wrong calls of all commands: one line on stderr, exit code 2, and no files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support import Strangers


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian synthetic", "Did you mean 'train'"),
        ("train", "DATA"),
        ("train synthetic --out RUN --bogus", "--bogus"),
        ("train synthetic --out RUN --images 2X", "Invalid number of images '2X'"),
        ("train synthetic --out RUN --images 2M --epochs 3", "at most one of --images and --epochs"),
        ("train synthetic --out RUN --epochs 0", "--epochs"),
        ("train synthetic --out RUN --every soon", "Invalid number of images 'soon'"),
        ("train synthetic --out RUN --recipe dcgan-65", "no recipe 'dcgan-65'. Did you mean dcgan-64"),
        ("train synthetic --out RUN --recipe a/b.json", "neither a file, a run nor a model"),
        ("train synthetic --out RUN --size 100", "it makes 8, 16, 32, 64, 128"),
        ("train synthetic --out RUN --set lr=1e-4", "Did you mean generator_optimizer.learning_rate"),
        ("train synthetic --out RUN --set batch", "FIELD=VALUE"),
        ("train synthetic --out RUN --set bach=64", "no field 'bach'. Did you mean batch?"),
        ("train synthetic --out RUN --set batch=many", "batch"),
        ("train synthetic --out RUN --device abacus", "Choose from auto, cpu, cuda"),
        ("train synthetic --out RUN --device gpu", "Did you mean cuda?"),
        ("train synthetic --out RUN --precision fp16", "Did you mean bf16?"),
        ("prepare synthetic:4 --out SET --size huge", "--size"),
        ("prepare synthetic:4 --out SET --size 4", "--size"),
        ("prepare synthetic:4 --out SET --crop c9000x", "c9000x"),
        ("prepare synthetic:4 --out SET --crop center", "Did you mean square?"),
        ("prepare synthetic:4 --out SET --limit 0", "--limit"),
        ("prepare synthetic:4 --out SET --workers 0", "--workers"),
        (
            "prepare synthetic:4 --out SET --crop c178 --cropped c178",
            "--crop and --cropped exclude each other",
        ),
        ("prepare synthetic:4 --out SET --cropped round", "round"),
        ("prepare synthetic:4", "--out"),
        ("prepare synthetic:many --out SET", "synthetic:5000"),
        ("prepare --out SET", "SOURCE"),
        ("train synthetic --out RUN --seed -1", "--seed"),
        ("train synthetic --out RUN --seed 9999999999999999999999", "seed"),
        ("train synthetic --out RUN --images 0", "Invalid number of images '0'"),
        ("train synthetic --out RUN --keep 0", "--keep"),
        ("train synthetic --out RUN --every 10", "--every must be at least 1000 images"),
        ("train synthetic --out RUN --log-every often", "Invalid number of images 'often'"),
        ("train synthetic --out RUN --device cuda:x", "cuda:x"),
        ("train synthetic --out RUN --set latent=triangular", "latent"),
        ("train synthetic --out RUN --set network.generator_widths=[0]", "generator_widths"),
        ("doctor --seconds -1", "--seconds"),
        ("doctor now", "now"),
        ("sample MODEL", "--out"),
        ("sample MODEL --out faces.jpg", "pictures are PNG files"),
        ("sample MODEL --out faces.png --seeds 9-1", "9-1"),
        ("sample MODEL --out faces.png --grid 8", "columns x rows"),
        ("sample MODEL --out faces --grid 8x8", "end --out in .png"),
        ("sample MODEL --out faces.png --grid 2x2 --seeds 0-4", "5 seeds do not fit"),
        ("sample MODEL --out faces.png --grid 9999x9999", "at most 10,000 faces"),
        ("sample MODEL --out faces.png --seeds 0-10000", "at most 10,000 faces"),
        ("sample MODEL --out faces.png --seeds=", "Invalid seeds"),
        ("sample MODEL --out faces.png --grid=", "columns x rows"),
        ("sample --out faces.png", "MODEL"),
        ("sample MODEL --out faces.png --truncation much", "--truncation"),
        ("sample MODEL OTHER --out faces.png", "OTHER"),
        ("recipes dcgan-65", "dcgan-64"),
        ("sample MODEL --where Smile=1 --out a.png", "'Smile'"),
        ("sample MODEL --where Smiling --out a.png", "NAME=1"),
        ("interpolate MODEL --seeds 1 --out a.webp", "at least two"),
        ("interpolate MODEL --seeds 1,2 --frames 1 --out a.webp", "--frames"),
        ("interpolate MODEL --seeds 1,2 --out a.avi", ".webp, .gif or .mp4"),
        ("edit MODEL --seeds 1 --attribute Smile --out a.png", "'Smile'. Did you mean Smiling?"),
        ("edit MODEL --seeds 1 --attribute Bald --out a.png", "fewer than 50 of 600 faces"),
        ("edit MODEL --seeds 1 --attribute Smiling --hold Mole --out a.png", "'Mole'"),
        ("edit MODEL --attribute Smiling --out a.png", "exactly one of --seeds and --latent"),
        ("edit MODEL --seeds 1 --latent l.json --attribute Smiling --out a.png", "exactly one of"),
        ("edit MODEL --seeds 1 --attribute Smiling --out folder", "end in .png"),
        ("edit MODEL --seeds 1 --attribute Smiling --strengths much --out a.png", "-2..2"),
        ("edit MODEL --seeds 0-5000 --attribute Smiling --out a.png", "at most 10,000 faces"),
        ("invert MODEL photo.jpg --out latent.txt", "end in .json"),
        ("export MODEL --out x", "--to"),
        ("export MODEL --to onnx", "--out"),
        ("export MODEL --to pickle --out x", "pickle"),
        ("export MODEL --to onnx --out faces", "end --out in .onnx"),
        ("export MODEL --to onnx --out x.onnx --push a/b", "--push needs --to hub or space (got --to onnx)"),
        ("export MODEL --to hub --out x --runtime x", "--runtime needs --to page"),
        (
            "export MODEL --to page --out x --result x",
            "--result needs --to file or hub or space (got",
        ),
        ("export MODEL --to hub --out x --no-directions", "--directions needs --to page"),
        ("export hf:faces --to onnx --out x.onnx", "hf:OWNER/NAME"),
    ],
)
def test_a_wrong_call_is_one_line_and_writes_nothing(
    strangers: Strangers,
    tiny_file: Path,
    line: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if "--where" in line or "--attribute" in line:
        request.getfixturevalue("eye")
    monkeypatch.chdir(tmp_path)
    code, _, err = strangers(*(tiny_file if word == "MODEL" else word for word in line.split()))
    assert code == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []
