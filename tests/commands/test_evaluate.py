"""The command evaluate."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.evaluation.result import Result

from ..support import Strangers


@pytest.fixture
def drawn(trained: Path) -> Path:
    """The set that `trained` was trained on."""
    return trained.with_name("drawn")


def test_the_command_writes_a_result_and_a_report(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "result.json"
    ran = strangers("evaluate", trained, drawn, "--count", 300, "--shrinkage", "--out", out)
    assert ran.code == 0, ran.err
    assert "fd-face ↓" in ran.out
    wrote, following = ran.out.splitlines()[-2:]
    assert wrote == f"Wrote {out} and {out.with_suffix('.html')}."
    assert following == f"Next: strangers compare {trained} OTHER {drawn} --metrics quick"
    assert "━" not in ran.out + ran.err  # progress is shown on terminals only
    found = Result.model_validate_json(out.read_text())
    assert found.values["fd-face"].value > 0
    page = out.with_suffix(".html").read_text()
    assert "Memorization" in page
    assert "Eyeglasses" in page
    assert page.count("<img") == 3  # faces, pairs, the run's curves
    assert not list(out.parent.glob(".partial*"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--metrics", "fid2048"), "Unknown metric 'fid2048'. Did you mean fid"),
        (("--metrics", ""), "at least one"),
        (("--count", "1"), "count"),
        (("--out", "result.txt"), "end in .json"),
        (("--device", "tpu"), "Unknown device 'tpu'"),
        (("--truncation", "2"), "--truncation must be"),
        (("--metrics", "fid768", "--weights", "absent.pth"), "absent.pth"),
    ],
)
def test_wrong_calls_end_in_a_sentence(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    out = tmp_path / "result.json"
    ran = strangers("evaluate", trained, drawn, "--out", out, *words)
    assert ran.code in (1, 2)
    assert complaint in ran.err
    assert ran.err.count("\n") == 1
    assert not out.exists()


def test_json_is_all_that_is_printed(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    words = ("--metrics", "diversity", "--count", 20, "--out", out, "--json")
    ran = strangers("evaluate", trained, drawn, *words)
    assert ran.code == 0, ran.err
    assert Result.model_validate_json(ran.out) == Result.model_validate_json(out.read_text())
    assert ran.err == ""
