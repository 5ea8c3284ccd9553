"""The command compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support import Strangers


@pytest.fixture
def drawn(trained: Path) -> Path:
    """The set that `trained` was trained on."""
    return trained.with_name("drawn")


def test_the_command_prints_a_table_and_writes_four_kinds_of_it(
    strangers: Strangers, trained: Path, drawn: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / f"table{suffix}" for suffix in (".md", ".csv", ".tex", ".json")]
    words = ("--metrics", "kd-face", "--count", 40, *(word for out in outs for word in ("--out", out)))
    for _ in range(2):  # the second time, it replaces its own files
        ran = strangers("compare", trained, drawn, drawn, "--labels", "ours,photographs", *words)
        assert ran.code == 0, ran.err
    assert "| ours |" in ran.out
    assert "kd-face: photographs is better than ours" in ran.out
    assert ran.out.endswith(f"Wrote {', '.join(map(str, outs))}.\n")
    assert all(out.stat().st_size > 100 for out in outs)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [((), "at least two"), (("--out", "table.txt"), "end in .md, .tex, .csv, .json")],
    ids=["one-model", "other-table"],
)
def test_wrong_calls_end_in_a_sentence(
    strangers: Strangers, trained: Path, drawn: Path, words: tuple[str, ...], complaint: str
) -> None:
    models = [trained, drawn] if words else [trained]
    ran = strangers("compare", *models, drawn, *words)
    assert ran.code == 2
    assert complaint in ran.err
    assert ran.err.count("\n") == 1
