"""Figures in the documents: taken from records, and never from anything else."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import figures  # noqa: E402

DOCUMENTS = ("ablations", "performance", "protocols")
"""Summaries of docs/research whose figures are entries of records."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_figures_in_the_tables_of_a_summary_are_entries(name: str) -> None:
    """Decimals in a table are marked. Whole numbers may be conditions, such as a number of seeds."""
    text = (Path(__file__).parents[1] / "docs" / "research" / f"{name}.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 5
    bare = [re.sub(r"`[^`]*`", "", figures.FIGURE.sub("", row)) for row in rows]
    assert [row for row in bare if re.search(r"\d\.\d", row)] == []


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"values": {"fd-face": {"value": 5.5799, "error": 0.2374}}, "rows": [{"fraction": 0.002}]}
    (tmp_path / "model.json").write_text(json.dumps(record))
    monkeypatch.setattr(figures, "RECORDS", tmp_path)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    figures._record.cache_clear()


def test_a_marked_figure_is_that_of_the_record() -> None:
    marks = "<!--=model values.fd-face .3g-->{}<!--/--> and <!--=model rows.0.fraction .1%-->{}<!--/-->"
    text, expected = marks.format("9.99", ""), marks.format("5.58 ± 0.47", "0.2%")
    assert figures.rendered(text) == expected
    assert figures.rendered(expected) == expected


@pytest.mark.parametrize("mark", ["model values.fid", "model rows.7", "other values.fid"])
def test_a_figure_that_is_no_entry_is_an_error(mark: str) -> None:
    with pytest.raises(figures.UnknownFigureError, match=r"has no|there is no"):
        figures.rendered(f"<!--={mark}-->1<!--/-->")
