"""Answers of people: error rates with their intervals, by kind, by model and by photographs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from strangers.errors import DataError
from strangers.evaluation.human import Answer, ErrorRate, check_answers, human_results, read_answers


def answer(**changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "time": "2026-01-01T00:00:00+00:00", "game": "a", "position": 0, "kind": "real", "answer": "real",
        "shown_ms": 1000, "model": "tiny", "model_hash": "0", "photographs": "drawn",
        "photographs_hash": "1", "size": 32, "picture": 0,
    }  # fmt: skip
    return Answer(**(fields | changes))


def write(path: Path, *answers: Answer) -> Path:
    path.write_text("".join(f"{each.model_dump_json()}\n" for each in answers))
    return path


@pytest.mark.parametrize(
    ("wrong", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.277533),
        (5, 10, 0.236593, 0.763407),
        (10, 10, 0.722467, 1.0),
        (81, 263, 0.255327, 0.366213),
    ],
)  # the last: Newcombe 1998, table I, method 3
def test_the_interval_is_wilsons(wrong: int, count: int, low: float, high: float) -> None:
    assert ErrorRate(wrong, count).interval == pytest.approx((low, high), abs=1e-4)


def test_photographs_and_generated_faces_are_counted_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path / "answers.jsonl",
        *[answer(answer="fake")] * 3,
        *[answer(game="b")] * 1,
        *[answer(kind="fake", answer="real", game="b")] * 2,
        *[answer(kind="fake", answer="fake")] * 4,
    )
    (result,) = human_results(read_answers(path))
    assert result.games == 2
    rates = [result.error(), result.error("real"), result.error("fake")]
    assert [(each.wrong, each.count) for each in rates] == [(5, 10), (3, 4), (2, 6)]
    assert result.as_json()["error"]["low"] == pytest.approx(0.2366, abs=1e-4)


def test_models_photographs_and_times_are_not_mixed(tmp_path: Path) -> None:
    others: list[dict[str, Any]] = [
        {}, {"model_hash": "2"}, {"photographs_hash": "2"}, {"size": 64}, {"shown_ms": 500}, {},
    ]  # fmt: skip
    path = write(tmp_path / "answers.jsonl", *(answer(**changes) for changes in others))
    assert [len(result.answers) for result in human_results(read_answers(path))] == [2, 1, 1, 1, 1]


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"time": 1}', "x" * 200_000])
def test_a_file_of_anything_else_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "answers.jsonl", answer())
    path.write_text(path.read_text() + line + "\n")
    if not line:
        assert len(read_answers(path)) == 1
        return
    with pytest.raises(DataError, match="line 2"):
        read_answers(path)
    before = path.read_bytes()
    with pytest.raises(DataError, match="line 2"):
        check_answers(path)
    assert path.read_bytes() == before


def test_answers_are_added_to_new_empty_and_own_files_only(tmp_path: Path) -> None:
    for path in (tmp_path / "new", write(tmp_path / "empty"), write(tmp_path / "own", answer())):
        check_answers(path)
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="is not a regular file"):
            check_answers(other)
    with pytest.raises(DataError, match="cannot be written"):
        check_answers(tmp_path / "none" / "answers.jsonl")
    with pytest.raises(DataError, match="no answers yet"):
        read_answers(tmp_path / "empty")
