"""The command statistics."""

from __future__ import annotations

from pathlib import Path

from strangers.evaluation.statistics_file import read_statistics

from ..support import Strangers


def test_one_file_of_a_set(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "face.npz"
    for _ in range(2):  # the second time, it replaces its own file
        words = ("--metrics", "fd-face", "--count", 50, "--out", out)
        ran = strangers("statistics", trained.with_name("drawn"), *words)
        assert ran.code == 0, ran.err
    assert f"Wrote {out}: 50 pictures, crop square, 32 px" in ran.out
    assert f"Next: strangers evaluate MODEL {out} --metrics fd-face" in ran.err
    assert read_statistics(out).facts.count == 50


def test_several_sizes_of_a_source_by_one_command(strangers: Strangers, tmp_path: Path) -> None:
    out = tmp_path / "all"
    ran = strangers("statistics", "synthetic:30", "--size", "16,32", "--out", out)
    assert ran.code == 0, ran.err
    sizes = [read_statistics(out / f"{size}.safetensors").facts.protocol.size for size in (16, 32)]
    assert sizes == [16, 32]


def test_wrong_calls_end_in_a_sentence(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    drawn = trained.with_name("drawn")
    for words, complaint in (
        (("--out", tmp_path / "x.txt"), "end in .npz or .safetensors"),
        (("--out", tmp_path / "x.npz", "--size", "16,32"), "let --out name one"),
        (("--out", tmp_path / "x.npz", "--metrics", "quick"), "one kind of features"),
        (("--out", tmp_path / "x.npz", "--crop", "c178", "--metrics", "fd-face"), "another crop"),
        (("--out", tmp_path / "x.npz", "--size", "big"), "sizes in pixels"),
    ):
        ran = strangers("statistics", drawn, *words)
        assert ran.code == 2, ran.err
        assert complaint in ran.err
    assert not list(tmp_path.glob("x*"))
