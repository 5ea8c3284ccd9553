"""Tables of comparisons: the same values in every format, with their conditions, and names as text."""

from __future__ import annotations

import csv
import io
import json

import pytest

from strangers.evaluation.compare import Comparison, Difference, Row
from strangers.evaluation.comparison_table import (
    FORMATS,
    as_json,
    comma_separated,
    conditions,
    latex,
    markdown,
)
from strangers.evaluation.result import Result, Value

from .test_result import RESULT

VALUES = {"fd-face": Value(value=3.0, error=0.5), "recall-face": Value(value=0.25, reason="too few")}


def row(label: str, *results: Result, **changes: object) -> Row:
    return Row(label=label, results=results or (RESULT,), values=VALUES).model_copy(update=changes)


POOLED = row("seeds", RESULT, RESULT, RESULT, spread={"fd-face": 0.125})
DIFFERENCE = Difference(
    metric="fd-face", first="one", second="seeds", value=-1.0, error=0.25, over="pictures"
)
COMPARISON = Comparison(rows=(row("one"), POOLED), differences=(DIFFERENCE,))


def test_every_format_has_the_same_values() -> None:
    assert "| one | 3 ± 0.98 | 0.25 |" in markdown(COMPARISON)
    assert "one & 3 $\\pm$ 0.98 & 0.25 \\\\" in latex(COMPARISON)
    rows = list(csv.DictReader(io.StringIO(comma_separated(COMPARISON))))
    assert [float(found["value"]) for found in rows] == [3.0, 0.25] * 2
    assert (float(rows[0]["half_interval"]), rows[1]["half_interval"]) == (0.98, "")
    written = json.loads(as_json(COMPARISON))
    assert written["rows"][0]["values"]["fd-face"]["value"] == 3.0
    assert written["differences"][0]["interval"] == [-1.49, -0.51]


def test_runs_of_a_row_are_counted_with_their_spread() -> None:
    assert "| seeds | 3 ± 0.98 (sd 0.12 of 3 runs) |" in markdown(COMPARISON)
    rows = list(csv.DictReader(io.StringIO(comma_separated(COMPARISON))))
    assert [(found["runs"], found["spread_of_runs"]) for found in rows[2:]] == [("3", "0.125"), ("3", "")]


def test_conditions_and_differences_are_below_the_table() -> None:
    text = markdown(COMPARISON)
    assert "9 faces of each, against 9 pictures of set (crop c178, 32 px, filter bicubic" in text
    assert "recall-face has no ±: too few." in text
    assert "- fd-face: one is better than seeds, by 1 ± 0.49" in text
    assert latex(COMPARISON).startswith("% 9 faces of each")
    assert not any(
        "several runs" in line for line in conditions(Comparison(rows=(row("one"),), differences=()))
    )


def test_notes_of_the_results_are_said_once() -> None:
    noted = RESULT.model_copy(update={"notes": ("Compressed.",)})
    found = Comparison(rows=(row("one", noted), row("two", noted)), differences=())
    assert conditions(found).count("Compressed.") == 1


def test_a_metric_that_a_row_lacks_is_an_empty_cell() -> None:
    short = row("short", values={"fd-face": VALUES["fd-face"]})
    assert "| short | 3 ± 0.98 |  |" in markdown(Comparison(rows=(row("one"), short), differences=()))


@pytest.mark.parametrize("name", ["a|b", "two\nlines", "<b>bold</b>", "100%_&#"])
def test_names_are_text_in_every_table(name: str) -> None:
    found = Comparison(rows=(row(name),), differences=())
    lines = markdown(found).splitlines()
    assert [line for line in lines if line.startswith("|")] == lines[:3]
    assert all(line.replace("\\|", "").count("|") == 4 for line in lines[:3])
    assert "<b>" not in markdown(found)
    body = latex(found).partition("\\midrule\n")[2]
    assert body.count("\n") == 3
    assert "%_" not in body
    assert next(csv.DictReader(io.StringIO(comma_separated(found))))["row"] == name


def test_every_file_has_its_format() -> None:
    assert FORMATS.keys() == {".md", ".tex", ".csv", ".json"}
    assert all(write(COMPARISON) for write in FORMATS.values())
