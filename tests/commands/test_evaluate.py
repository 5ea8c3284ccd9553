"""The command evaluate."""

from __future__ import annotations

import json
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
    assert ran.out.splitlines()[-1] == f"Wrote {out} and {out.with_suffix('.html')}."
    assert ran.err == f"Next: strangers compare {trained} OTHER {drawn} --metrics quick\n"
    assert "━" not in ran.out + ran.err  # progress is shown on terminals only
    found = Result.model_validate_json(out.read_text())
    assert found.values["fd-face"].value > 0
    page = out.with_suffix(".html").read_text()
    assert "Memorization" in page
    assert "Eyeglasses" in page
    assert page.count("<img") == 3  # faces, pairs, the run's curves
    assert not list(out.parent.glob(".partial*"))


def test_answers_of_people_are_reported_with_intervals(strangers: Strangers, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    fields = {
        "time": "2026-01-01T00:00:00+00:00", "game": "a", "shown_ms": 1000, "model": "m", "model_hash": "0",
        "photographs": "set", "photographs_hash": "1", "size": 64, "picture": 0, "kind": "fake",
    }  # fmt: skip
    lines = [fields | {"position": i, "answer": "real" if i < 5 else "fake"} for i in range(10)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ran = strangers("evaluate", "--human", path)
    assert ran.code == 0, ran.err
    assert "m against set, 64 px, each shown for 1 s: 10 answers of 1 game" in ran.out
    assert "on generated faces   50.0% [23.7%, 76.3%], 5 of 10" in ran.out
    assert "on photographs       no answers" in ran.out
    (result,) = json.loads(strangers("evaluate", "--human", path, "--json").out)
    assert result["error"] == result["error_fake"]
    assert result["error_real"]["rate"] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "GENERATED is missing"),
        (("faces",), "DATA is missing"),
        (("faces", "--human", "answers.jsonl"), "leave out GENERATED"),
        (("--human", "absent.jsonl"), "There is no file absent.jsonl"),
    ],
)
def test_a_call_without_pictures_or_answers_is_refused(
    strangers: Strangers, words: tuple[str, ...], complaint: str
) -> None:
    ran = strangers("evaluate", *words)
    assert ran.code == 2
    assert complaint in ran.err


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
